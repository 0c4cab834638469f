"""Text to phoneme ids in the symbol tables of GPT-SoVITS; loads no torch."""
