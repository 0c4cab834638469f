"""Sentences for a teacher to speak when no recordings are given; none is of the evaluation set."""

from functools import cache
from pathlib import Path

from autocompress.models.training import hibari

_FOLDER = Path(__file__).parent


@cache
def training_sentences(language: str) -> tuple[str, ...]:
    """The shipped sentences of a language, English ones where there are none.

    English adds the thousands that widened the reference model's own corpus: no lesson comes twice.
    """
    path = _FOLDER / f"{language}.txt"
    chosen = path if path.is_file() else _FOLDER / "en.txt"
    lines = [line for line in chosen.read_text("utf-8").splitlines() if line.strip()]
    if chosen.name == "en.txt":
        lines += [line.text for line in hibari.read_lines()]
    return tuple(dict.fromkeys(lines))
