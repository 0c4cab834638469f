"""Sentences for a teacher to speak when no recordings are given; none is of the evaluation set."""

from pathlib import Path

_FOLDER = Path(__file__).parent


def training_sentences(language: str) -> tuple[str, ...]:
    """The shipped sentences of a language, English ones where there are none."""
    path = _FOLDER / f"{language}.txt"
    chosen = path if path.is_file() else _FOLDER / "en.txt"
    return tuple(line for line in chosen.read_text("utf-8").splitlines() if line.strip())
