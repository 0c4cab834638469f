"""The deliverable: manifest, graphs, voice store; loads onnxruntime and numpy, never torch."""
