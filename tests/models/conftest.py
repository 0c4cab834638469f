"""Puts tests/models on the path, so that its subfolders can import the small models."""
