"""English: written text → spoken words → ARPAbet."""
