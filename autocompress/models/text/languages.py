"""Which language each stretch of a text is in, and upstream's language modes.

Upstream asks a statistical detector; scripts decide here, which needs no model: kana is Japanese, hangul
Korean, Latin letters English, and ideographs follow the mode (Japanese beside kana in ``auto``).
"""

import re
from dataclasses import dataclass

from autocompress.errors import TextError


@dataclass(frozen=True)
class Mode:
    """How a language mode reads ideographs, and what it makes of the other scripts.

    ``foreign`` False (``en``): all is read as one language.
    """

    ideographs: str
    detects_kana: bool = True
    detects_hangul: bool = True
    detects_latin: bool = True


MODES = {
    "auto": Mode("zh"),
    "auto_yue": Mode("yue"),
    "en": Mode("en", detects_kana=False, detects_hangul=False, detects_latin=False),
    "zh": Mode("zh", detects_kana=False, detects_hangul=False),
    "ja": Mode("ja", detects_hangul=False),
    "ko": Mode("ko", detects_kana=False),
    "yue": Mode("yue", detects_kana=False, detects_hangul=False),
    "all_zh": Mode("zh", detects_kana=False, detects_hangul=False, detects_latin=False),
    "all_ja": Mode("ja", detects_hangul=False, detects_latin=False),
    "all_ko": Mode("ko", detects_kana=False, detects_latin=False),
    "all_yue": Mode("yue", detects_kana=False, detects_hangul=False, detects_latin=False),
}
V1_LANGUAGES = ("zh", "ja", "en")


@dataclass(frozen=True)
class Span:
    """A stretch of text in one language."""

    language: str
    text: str


def find_mode(language: str) -> Mode:
    """The mode named ``language``."""
    if language not in MODES:
        raise TextError(f"there is no language mode {language!r}. Choose one of: {', '.join(MODES)}.")
    return MODES[language]


def split_languages(text: str, language: str) -> tuple[Span, ...]:
    """Cut ``text`` where its language changes; numbers and marks stay with what they touch."""
    mode = find_mode(language)
    spans: list[Span] = []
    unread = ""  # clauses without a letter, before the first with one
    for clause in filter(None, _CLAUSE.findall(text)):
        found = _split_clause(unread + clause, mode)
        if not found and not spans:
            unread += clause
            continue
        unread = ""
        for span in found or [Span(spans[-1].language, clause)]:
            if spans and spans[-1].language == span.language:
                spans[-1] = Span(span.language, spans[-1].text + span.text)
            else:
                spans.append(span)
    return (*spans, Span(mode.ideographs, unread)) if unread else tuple(spans)


_MARKS = "，。！？；,.!?;…\\n"
_CLAUSE = re.compile(rf"(?:[^{_MARKS}]|(?<=\d)[.,](?=\d))*[{_MARKS}]*")
"""What lies between two marks; the dot and the comma inside of a number are none."""


_SCRIPTS = {
    "kana": r"\u3041-\u3096\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\uff66-\uff9d",
    "hangul": r"\u1100-\u11ff\u3130-\u318f\uac00-\ud7a3",
    "latin": r"A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\uff21-\uff3a\uff41-\uff5a",
    "ideographs": r"\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af",
}
_UNIT_AFTER_NUMBER = re.compile(
    r"(?<=\d)\s?(?:[cdkmnμ]?m[23²³]?|[km]?g|m?[lL]|km/h|m/s|m?s|min|h|d[bB]|[kMG]?Hz|k?W|V|[KMGT]B|°?[CF])(?![A-Za-z])"
)
_LETTER_RUN = re.compile("|".join(f"(?P<{name}>[{chars}]+)" for name, chars in _SCRIPTS.items()))


def _split_clause(clause: str, mode: Mode) -> list[Span]:
    """Spans of one clause, none without a letter; what lies between two runs of them goes with the first."""
    has_kana = mode.detects_kana and re.search(f"[{_SCRIPTS['kana']}]", clause) is not None
    starts: list[tuple[int, str]] = []
    for run in _LETTER_RUN.finditer(_hide_units(clause)):
        language = _language_of(run.lastgroup or "", mode, has_kana)
        if not starts or starts[-1][1] != language:
            starts.append((_number_start(clause, run.start()) if starts else 0, language))
    if not starts:
        return []
    ends = [start for start, _ in starts[1:]] + [len(clause)]
    return [Span(language, clause[start:end]) for (start, language), end in zip(starts, ends, strict=True)]


def _hide_units(clause: str) -> str:
    """Among ideographs "5km" and "16GB" are read in their language, so their letters tell nothing."""
    if not re.search(f"[{_SCRIPTS['ideographs']}]", clause):
        return clause
    return _UNIT_AFTER_NUMBER.sub(lambda match: "0" * len(match[0]), clause)


def _number_start(clause: str, position: int) -> int:
    """Where a number that touches the letter at ``position`` begins: "用3个" keeps its 3 with 个."""
    touching = re.search(r"(?:^|(?<=[\s]))[\d.,:/%$€£¥-]*\d[\d.]*$", clause[:position])
    return touching.start() if touching else position


def _language_of(script: str, mode: Mode, has_kana: bool) -> str:
    detected = {
        "kana": "ja" if mode.detects_kana else mode.ideographs,
        "hangul": "ko" if mode.detects_hangul else mode.ideographs,
        "latin": "en" if mode.detects_latin else mode.ideographs,
        "ideographs": "ja" if has_kana and mode.ideographs in ("zh", "ja", "yue") else mode.ideographs,
    }
    return detected[script]
