"""Punctuation that the scripts share, and what it becomes in the symbol table."""

import re

MARKS = {
    "：": ",",
    "；": ",",
    "，": ",",
    "、": ",",
    "·": ",",
    "・": ",",
    ":": ",",
    ";": ",",
    "。": ".",
    "．": ".",
    "\n": ".",
    "！": "!",
    "？": "?",
    "～": "…",
    "~": "…",
    "〜": "…",
    "—": "-",
    "–": "-",
    **{mark: mark for mark in "!?…,.-"},
}
SILENT = frozenset("《》〈〉【】「」『』“”‘’\"'（）()[]{}<>^_|\\*`´")


def loudest_marks(text: str) -> str:
    """``text`` with each run of marks cut to its first, as upstream does, so that no pause is doubled."""
    return re.sub(r"([!?…,.\-])[!?…,.\-]+", r"\1", text)
