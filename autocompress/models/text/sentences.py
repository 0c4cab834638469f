"""Cleaning and cutting text into utterances (upstream's ``TextPreprocessor``)."""

import re
import unicodedata

ENDINGS = frozenset("，。？！,.?!~:：—…")
PAUSE_BETWEEN_SENTENCES_S = 0.3
LONGEST_SENTENCE = 510  # characters; the BERT model's limit
SHORTEST_SENTENCE = 5  # characters; a shorter one is joined with its neighbour
SHORTEST_OPENING = 4  # characters before the first mark; a shorter opening gets a full stop in front


def clean(text: str) -> str:
    """Drop what is not writing: control characters, invisible joiners, doubled spaces and doubled marks."""
    kept = "".join(map(_plain, map(_visible, text)))
    kept = re.sub(r"[ \u00a0\u3000]{2,}", " ", kept)
    return re.sub(r"([!?…,.\-])[!?…,.\-]+", r"\1", kept.replace("...", "…"))


def _plain(char: str) -> str:
    """Roman numerals as digits, mathematical letters as letters; any other character as it is."""
    name = unicodedata.name(char, "") if char else ""
    if name.startswith(("ROMAN NUMERAL", "SMALL ROMAN NUMERAL")):
        return str(round(unicodedata.numeric(char)))
    if name.startswith("MATHEMATICAL") and char.isalnum():
        return unicodedata.normalize("NFKC", char)
    return char


def _visible(char: str) -> str:
    if char in "\t\r\n\v\f\u2028\u2029":
        return "\n" if char == "\n" else " "
    invisible = unicodedata.category(char) in ("Cc", "Cf", "Cs", "Co") or char == "\ufe0f"
    return "" if invisible else char


def finish_sentence(text: str, language: str = "auto") -> str:
    """``text`` with a full stop if it ends without a mark; without one the model babbles."""
    text = text.strip()
    return text if not text or text[-1] in ENDINGS else text + _full_stop(text, language)


def split_sentences(text: str, language: str = "auto", method: str = "sentences") -> tuple[str, ...]:
    """Cut ``text`` into utterances to synthesize one after the other, ready for :func:`to_phonemes`.

    ``method`` is one of :data:`METHODS`. Openings that are too short get a leading full stop, short
    pieces are joined, pieces without letters are skipped and each ends with a mark.
    """
    text = clean(text).strip()
    if not text:
        return ()
    opening = re.split(f"[{''.join(ENDINGS)}]", text)[0].strip()
    if text[0] not in ENDINGS and len(opening) < SHORTEST_OPENING:
        text = _full_stop(text, language) + text
    pieces = [piece for line in METHODS[method](text) for piece in line.split("\n") if piece.strip()]
    spoken = [piece for piece in _join_short(pieces) if re.search(r"\w", piece)]
    return tuple(finish_sentence(part, language) for piece in spoken for part in _split_long(piece))


def _full_stop(text: str, language: str) -> str:
    return "." if language == "en" or text.isascii() else "。"


def _join_short(pieces: list[str]) -> list[str]:
    joined: list[str] = []
    current = ""
    for piece in pieces:
        current += piece
        if len(current) >= SHORTEST_SENTENCE:
            joined.append(current)
            current = ""
    if not current:
        return joined
    return [*joined[:-1], joined[-1] + current] if joined else [current]


def _split_long(text: str) -> list[str]:
    """Pieces of at most :data:`LONGEST_SENTENCE` characters, cut at marks, spaces, or at worst anywhere."""
    pieces: list[str] = []
    current = ""
    for part in re.findall(rf"[^{''.join(ENDINGS)}]+[{''.join(ENDINGS)}]*|[{''.join(ENDINGS)}]+", text):
        for bite in _bites(part):
            if len(current + bite) > LONGEST_SENTENCE:
                pieces.append(current)
                current = ""
            current += bite
    return [*pieces, current] if current else pieces


def _bites(text: str) -> list[str]:
    bites: list[str] = []
    while len(text) > LONGEST_SENTENCE:
        cut = text.rfind(" ", 1, LONGEST_SENTENCE) + 1 or LONGEST_SENTENCE
        bites.append(text[:cut])
        text = text[cut:]
    return [*bites, text]


def _after(marks: str, text: str) -> list[str]:
    """Cut after each run of ``marks``; a dot or comma inside of a number is no end."""
    pieces = re.split(rf"(?<=[{marks}])(?![{marks}\"'”’」』）)])(?<!\d[.,](?=\d))", text)
    return [piece for piece in pieces if piece]


def _uncut(text: str) -> list[str]:
    return [text]


def _by_fours(text: str) -> list[str]:
    clauses = _after("，。？！,.?!~:：—…", text)
    return ["".join(clauses[i : i + 4]) for i in range(0, len(clauses), 4)]


def _by_fifty(text: str) -> list[str]:
    pieces: list[str] = [""]
    for clause in _after("，。？！,.?!~:：—…", text):
        if len(pieces[-1]) > 50:
            pieces.append("")
        pieces[-1] += clause
    return [*pieces[:-2], pieces[-2] + pieces[-1]] if len(pieces) > 1 and len(pieces[-1]) < 50 else pieces


def _at_full_stops_chinese(text: str) -> list[str]:
    return _after("。", text)


def _at_full_stops_english(text: str) -> list[str]:
    return _after(".", text)


def _at_every_mark(text: str) -> list[str]:
    return _after(",.;?!、，。？！；：:…", text)


def _at_sentences(text: str) -> list[str]:
    return _after(".?!。？！…", text)


METHODS = {
    "cut0": _uncut,
    "cut1": _by_fours,
    "cut2": _by_fifty,
    "cut3": _at_full_stops_chinese,
    "cut4": _at_full_stops_english,
    "cut5": _at_every_mark,
    "sentences": _at_sentences,
}
