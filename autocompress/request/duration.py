"""How long a command may take, as a user writes it: "90s", "10m", "2h"."""

import re

_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(s|min|m|h)")
_SECONDS = {"s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}


def read_duration(word: str) -> float | None:
    """Seconds, "1.5h" → 5400.0; None where ``word`` is no duration or is none at all ("0m")."""
    match = _DURATION.fullmatch(word.strip().lower())
    return float(match[1]) * _SECONDS[match[2]] or None if match else None
