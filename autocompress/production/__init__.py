"""A chosen candidate becomes a bundle: student, graphs, precision, parity gate, files."""
