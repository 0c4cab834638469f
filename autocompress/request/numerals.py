"""Numbers as people write them: 1,000 · .8 · 1e2 · half a · one and a half · 零点五 · 百分之五."""

import re
from decimal import Decimal

_UNIT_WORDS = (
    r"(?:s|m?secs?|seconds?|ms|milliseconds?|minutes?|[kmg]i?b?|megs?|gigs?"
    r"|(?:mega|giga|kilo|mebi|gibi)bytes?)\b"
)
_ONE_WORDS = (
    "zero one two three four five six seven eight nine ten eleven twelve "
    "thirteen fourteen fifteen sixteen seventeen eighteen nineteen"
)
_TEN_WORDS = "twenty thirty forty fifty sixty seventy eighty ninety"
_ONES = {word: value for value, word in enumerate(_ONE_WORDS.split())}
_TENS = {word: 10 * value for value, word in enumerate(_TEN_WORDS.split(), start=2)}
_POWERS = {"hundred": 100, "thousand": 1000}
_WORD_VALUES = {**_ONES, **_TENS, **_POWERS}
_WORD = "(?:" + "|".join(sorted(_WORD_VALUES, key=len, reverse=True)) + r")\b"
_DIGIT = "(?:" + "|".join(word for word, value in _ONES.items() if value < 10) + r")\b"

_CHINESE_DIGITS = {c: value for value, c in enumerate("零一二三四五六七八九")} | {"两": 2, "〇": 0}
_CHINESE_POWERS = {"十": 10, "百": 100, "千": 1000, "万": 10000}
_CHINESE = r"[零〇一二两三四五六七八九十百千万]+(?:点[零〇一二三四五六七八九]+)?"
_FIGURES = r"(?:\d{1,3}(?:,\d{3})+(?![\d,])|\d+)(?:\.\d+)?(?:e[+-]?\d+)?|\.\d+(?:e[+-]?\d+)?"

_PATTERN = re.compile(
    rf"""
      (?P<figures>(?:(?<![a-z0-9])[+-])?(?:{_FIGURES}))
    | (?P<special>[+-]?(?:nan|infinity|inf|∞)(?![a-z0-9_]))
    | (?P<half>(?:an?\s+)?half(?:\s+of)?(?:\s+an?\b)?(?![a-z]) | 半(?!角))
    | (?P<quarter>(?:an?\s+|one\s+)?quarter(?:\s+of)?(?:\s+an?\b)?(?![a-z]))
    | (?P<quarters>(?:three\s+)quarters(?:\s+of)?(?:\s+an?\b)?(?![a-z]))
    | (?P<and_half>(?:{_WORD}|\d+)\s+and\s+a\s+half\b)
    | (?P<twice>twice\b|double\b)
    | (?P<single>(?:an?|one)(?=[\s-]+{_UNIT_WORDS}))
    | (?P<point>(?:{_WORD}\s+)?point(?:\s+{_DIGIT})+)
    | (?P<words>(?:an?\s+(?=hundred|thousand))?
        (?!one\b(?!\s*-?\s*(?:hundred|thousand)))  # "make one" counts nothing
        {_WORD}(?:[\s-]+(?:and\s+)?{_WORD})*)
    | (?P<percent>百分之(?:{_CHINESE}|{_FIGURES}))
    | (?P<chinese>{_CHINESE})
    """,
    re.VERBOSE,
)
_AND_HALF = re.compile(rf"(?:{_WORD}|\d+)\s+and\s+a\s+half\b")
DECIMAL_COMMA = re.compile(r"\d+,\d{1,2}(?![\d,])")


def match_number(folded: str, start: int) -> tuple[Decimal, int, bool] | None:
    """The number that begins here as (value, end, is it "百分之…"); NaN and infinity are numbers too."""
    match = _AND_HALF.match(folded, start) or _PATTERN.match(folded, start)
    if match is None:
        return None
    kind = match.lastgroup or "and_half"
    return _value(kind, match[0]), match.end(), kind == "percent"


def _value(kind: str, text: str) -> Decimal:
    fixed = {"half": "0.5", "quarter": "0.25", "quarters": "0.75", "twice": "2", "single": "1"}
    if kind in fixed:
        return Decimal(fixed[kind])
    if kind in {"figures", "special"}:
        return _figures(text)
    if kind == "percent":
        return _mixed(text.removeprefix("百分之"))
    if kind == "chinese":
        return _chinese(text)
    if kind == "and_half":
        whole = text.split()[0]
        return (Decimal(whole) if whole.isdigit() else Decimal(_WORD_VALUES[whole])) + Decimal("0.5")
    return _point(text) if kind == "point" else Decimal(_words(text))


def _figures(text: str) -> Decimal:
    plain = re.sub(r"[,\s]", "", text).replace("∞", "inf")
    return Decimal(plain)


def _mixed(text: str) -> Decimal:
    return _figures(text) if text[0].isascii() else _chinese(text)


def _words(text: str) -> int:
    total = current = 0
    for word in re.split(r"[\s-]+", text):
        if word in _POWERS:
            current = max(1, current) * _POWERS[word]
            if word == "thousand":
                total, current = total + current, 0
        else:
            current += _WORD_VALUES.get(word, 0)
    return total + current


def _point(text: str) -> Decimal:
    whole, _, decimals = text.partition("point")
    digits = "".join(str(_ONES[word]) for word in decimals.split())
    return Decimal(f"{_words(whole)}.{digits}")


def _chinese(text: str) -> Decimal:
    whole, _, decimals = text.partition("点")
    digits = "".join(str(_CHINESE_DIGITS[c]) for c in decimals)
    return Decimal(f"{_chinese_whole(whole)}.{digits or 0}")


def _chinese_whole(text: str) -> int:
    if not set(text) & set(_CHINESE_POWERS):
        return int("".join(str(_CHINESE_DIGITS[c]) for c in text))
    total = section = digit = 0
    for c in text:
        if c == "万":
            total, section, digit = (total + section + digit) * 10000, 0, 0
        elif c in _CHINESE_POWERS:
            section, digit = section + max(1, digit) * _CHINESE_POWERS[c], 0
        else:
            digit = _CHINESE_DIGITS[c]
    return total + section + digit
