"""Korean: written text → spoken syllables → jamo."""
