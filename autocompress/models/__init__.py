"""GPT-SoVITS with every searched dimension a parameter: networks, checkpoints, text front end, voices."""
