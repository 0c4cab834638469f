"""A refusal that marks the place in the line, with carets that stay under wide characters."""

import unicodedata

from autocompress.errors import RequestError

MAX_CHARACTERS = 500
_SHOWN_CHARACTERS = 90
_CONTEXT_CHARACTERS = 40


class LineError(RequestError):
    """One place of a request line could not be read; ``line[start:end]`` is that place."""

    def __init__(self, problem: str, line: str, start: int, end: int, hint: str) -> None:
        self.problem, self.line, self.start, self.end, self.hint = problem, line, start, end, hint
        super().__init__(f"{problem}\n{mark(line, start, end)}\n{hint}")


def check_readable(raw: str) -> None:
    """Refuse what is empty, too long, or holds invisible characters."""
    for i, character in enumerate(raw[: MAX_CHARACTERS + 1]):
        if is_control(character):
            problem = f"The request holds the control character U+{ord(character):04X}."
            raise LineError(problem, raw, i, i + 1, "Write the request as one line of plain text.")
    if not raw.strip():
        raise LineError(
            "The request is empty.", raw, 0, 0, "Write for example: <80MB, <1s on Snapdragon 7 Gen3"
        )
    if len(raw) > MAX_CHARACTERS:
        problem = f"The request has {len(raw)} characters; at most {MAX_CHARACTERS} are read."
        raise LineError(problem, raw, MAX_CHARACTERS, len(raw), "Write only the device and the limits.")


def mark(line: str, start: int, end: int) -> str:
    """The line with a row of carets under ``line[start:end]``; one caret after the end when that is empty."""
    shown, start, end = _window(printable(line), start, end)
    carets = "^" * max(1, columns(shown[start:end]))
    return f"  {shown}\n  {' ' * columns(shown[:start])}{carets}"


def columns(text: str) -> int:
    """Terminal columns that the text takes: two for East Asian wide characters, none for combining marks."""
    return sum(_columns(character) for character in text)


def _columns(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def printable(line: str) -> str:
    """The line with everything that a terminal would act on shown as a replacement character."""
    return "".join(" " if c == "\t" else "\N{REPLACEMENT CHARACTER}" if is_control(c) else c for c in line)


def is_control(character: str) -> bool:
    """Whether the character is invisible or steers a terminal; a tab counts as a space."""
    if unicodedata.category(character) in {"Zs", "Zl", "Zp"}:
        return character in "\N{LINE SEPARATOR}\N{PARAGRAPH SEPARATOR}"
    return unicodedata.category(character).startswith("C") and character != "\t"


def _window(line: str, start: int, end: int) -> tuple[str, int, int]:
    """A long line is cut to the neighbourhood of the marked place."""
    if len(line) <= _SHOWN_CHARACTERS:
        return line, start, end
    first = max(0, start - _CONTEXT_CHARACTERS)
    last = min(len(line), max(start + 1, end) + _CONTEXT_CHARACTERS, first + _SHOWN_CHARACTERS)
    head, tail = "…" if first else "", "…" if last < len(line) else ""
    shift = first - len(head)
    return f"{head}{line[first:last]}{tail}", start - shift, min(end, last) - shift
