"""Scores of a candidate: size, latency, memory, divergence, speaker, quality, intelligibility."""
