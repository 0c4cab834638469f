"""Mandarin: written text → spoken characters → pinyin with sandhi → initials and finals."""
