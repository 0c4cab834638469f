"""Written English → words that can be looked up: numbers, dates, money, units and signs spoken out.

The readings follow upstream's ``text/en_normalization`` where it has one (times, money, years, fractions) and
ordinary usage where it has none.
"""

import re
import unicodedata
from collections.abc import Callable
from re import Match

from autocompress.models.text.english import numbers
from autocompress.models.text.english.units import ABBREVIATIONS, CURRENCIES, MONTHS, SIGNS, UNITS

Rule = tuple[re.Pattern[str], Callable[[Match[str]], str]]

_NUMBER = r"\d+(?:\.\d+)?"
_DASH = "[-–—−]"


def normalize(text: str) -> str:
    """The spoken form of ``text``; letters, apostrophes, hyphens and ``. , ! ? …`` are what is left of it,

    plus any character that nobody would know how to read (the caller names those).
    """
    text = _fold_typography(text)
    for pattern, spoken in RULES:
        text = pattern.sub(spoken, text)
    text = _strip_accents(text)
    for sign, words in SIGNS.items():
        text = text.replace(sign, f" {words} ")
    return _tidy(text)


def _fold_typography(text: str) -> str:
    for old, new in _TYPOGRAPHY.items():
        text = text.replace(old, new)
    return unicodedata.normalize("NFKC", text).replace("...", "…")


def _strip_accents(text: str) -> str:
    for old, new in _LIGATURES.items():
        text = text.replace(old, new)
    decomposed = unicodedata.normalize("NFD", text)
    kept = "".join(char for char in decomposed if unicodedata.category(char) != "Mn")
    return unicodedata.normalize("NFC", kept)


def _tidy(text: str) -> str:
    """One space between words, none before a mark, and never two marks in a row."""
    text = re.sub(r"\s+", " ", text)
    text = re.sub(r" +([,.!?…])", r"\1", text)
    text = re.sub(r"([,.!?…])(?:[ ,.…-]*[,.!?…])+", _loudest_mark, text)
    text = re.sub(r"(?<=[,.!?…])(?=[^\W\d_])", " ", text)
    return text.strip()


def _loudest_mark(match: Match[str]) -> str:
    return next((mark for mark in "?!" if mark in match[0]), match[1])


_TYPOGRAPHY = {
    "²": " squared",
    "³": " cubed",
    "½": " 1/2 ",
    "¼": " 1/4 ",
    "¾": " 3/4 ",
    "⅓": " 1/3 ",
    "⅔": " 2/3 ",
    "™": "",
    "®": "",
    "©": " copyright ",
    "№": " number ",
    "。": ". ",
    "、": ", ",
    "・": " ",
    "「": " ",
    "」": " ",
    "『": " ",
    "』": " ",
    "《": " ",
    "》": " ",
    "【": ", ",
    "】": ", ",
    "〜": "~",
    "‘": "'",
    "’": "'",
    "ʼ": "'",
    "`": "'",
    "´": "'",
    "“": " ",
    "”": " ",
    "„": " ",
    "«": " ",
    "»": " ",
    "−": "-",
}
_LIGATURES = {
    "ß": "ss",
    "æ": "ae",
    "Æ": "AE",
    "œ": "oe",
    "Œ": "OE",
    "ø": "o",
    "Ø": "O",
    "ł": "l",
    "Ł": "L",
    "đ": "d",
}


def _integer(text: str) -> int:
    return int(text.replace(",", ""))


def _amount(text: str) -> str:
    return numbers.decimal(text.replace(",", ""))


def _is_one(text: str) -> bool:
    return text in ("1", "1.0")


def _money(match: Match[str]) -> str:
    symbol = match["before"] or match["after"]
    amount = (match["amount"] or match["amount_after"]).replace(",", "")
    one, many, small_one, small_many = CURRENCIES[symbol]
    if match["scale"]:
        return (
            f" {_amount(amount)} {_MONEY_SCALES.get(match['scale'].lower(), match['scale'].lower())} {many} "
        )
    whole, _, fraction = amount.partition(".")
    if len(fraction) > 2 or (fraction and not small_one):
        return f" {_amount(amount)} {many} "
    parts = []
    cents = int(fraction.ljust(2, "0")) if fraction else 0
    if int(whole) or not cents:
        parts.append(f"{numbers.cardinal(int(whole))} {one if int(whole) == 1 else many}")
    if cents:
        parts.append(f"{numbers.cardinal(cents)} {small_one if cents == 1 else small_many}")
    return f" {' and '.join(parts)} "


_MONEY_SCALES = {
    "k": "thousand",
    "m": "million",
    "mn": "million",
    "b": "billion",
    "bn": "billion",
    "t": "trillion",
}


def _time(match: Match[str]) -> str:
    """13:30 → "one thirty P M", 4:00 → "four o'clock A M", 4:05 pm → "four oh five P M"."""
    hours, minutes, suffix = int(match["hours"]), int(match["minutes"]), match["suffix"]
    half = suffix[0].lower() if suffix else ("a" if hours < 12 else "p")
    hours = hours - 12 if hours > 12 else hours
    if minutes == 0:
        clock = "" if suffix else " o'clock"
        return f"{numbers.cardinal(hours)}{clock} {half.upper()} M"
    spoken = ("oh " if minutes < 10 else "") + numbers.cardinal(minutes)
    return f"{numbers.cardinal(hours)} {spoken} {half.upper()} M"


def _hour_with_suffix(match: Match[str]) -> str:
    return f"{numbers.cardinal(int(match[1]))} {match[2].upper()} M"


def _iso_date(match: Match[str]) -> str:
    year, month, day = int(match[1]), int(match[2]), int(match[3])
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return " ".join(numbers.spell_digits(group) for group in match.groups())
    return f"{MONTHS[month - 1]} {numbers.ordinal(day)}, {numbers.year(year)}"


def _slash_date(match: Match[str]) -> str:
    """American order; day first where the first number cannot be a month."""
    first, second, year = (int(group) for group in match.groups())
    month, day = (second, first) if first > 12 else (first, second)
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return match[0]
    return f"{MONTHS[month - 1]} {numbers.ordinal(day)}, {numbers.year(year)}"


def _month_day(match: Match[str]) -> str:
    return f"{_month_name(match[1])} {numbers.ordinal(int(match[2]))}"


def _day_month(match: Match[str]) -> str:
    return f"{numbers.ordinal(int(match[1]))} of {_month_name(match[2])}"


def _month_name(text: str) -> str:
    return next(name for name in MONTHS if name.lower().startswith(text[:3].lower()))


def _unit(match: Match[str]) -> str:
    one, many = UNITS[match["unit"]]
    amount = match["amount"]
    return f"{_amount(amount)} {one if _is_one(amount) else many} "


def _fraction(match: Match[str]) -> str:
    whole = f"{numbers.cardinal(int(match[1]))} and " if match[1] else ""
    return f"{whole}{_one_as_a(int(match[2]), int(match[3]), bool(whole))}"


def _one_as_a(numerator: int, denominator: int, after_whole: bool) -> str:
    spoken = numbers.fraction(numerator, denominator)
    return "a " + spoken[4:] if after_whole and numerator == 1 and denominator > 1 else spoken


def _range(match: Match[str]) -> str:
    return f"{match[1]} to {match[2]}"


def _phone(match: Match[str]) -> str:
    groups = re.findall(r"\d+", match[0])
    plus = "plus " if match[0].startswith("+") else ""
    return plus + ", ".join(numbers.spell_digits(group) for group in groups)


def _plain_integer(match: Match[str]) -> str:
    digits = match[0]
    if len(digits) > 1 and digits.startswith("0"):
        return numbers.spell_digits(digits)
    number = int(digits)
    return numbers.year(number) if len(digits) == 4 else numbers.cardinal(number)


def _decade(match: Match[str]) -> str:
    return numbers.decade(int(next(filter(None, match.groups()))))


def _vulgar_fraction(match: Match[str]) -> str:
    """2½ → "2 1/2"."""
    return f"{match[1] or ''} {unicodedata.normalize('NFKC', match[2])} ".replace("\u2044", "/")


def _version(match: Match[str]) -> str:
    return " " + " point ".join(numbers.cardinal(int(part)) for part in match[0].split(".")) + " "


def _abbreviation(match: Match[str]) -> str:
    return ABBREVIATIONS[match[1].lower()]


def _address(match: Match[str]) -> str:
    text = re.sub(r"^https?://(?:www\.)?", "", match[0])
    tail = text[-1] if text[-1] in ".,!?" else ""
    spoken = text[: len(text) - len(tail)]
    for sign, word in (
        (".", "dot"),
        ("@", "at"),
        ("/", "slash"),
        ("-", "dash"),
        ("_", "underscore"),
        (":", "colon"),
    ):
        spoken = spoken.replace(sign, f" {word} ")
    return spoken + tail


def _dotted_acronym(match: Match[str]) -> str:
    return " ".join(match[0].replace(".", "").upper()) + (" " if match.end() < len(match.string) else ".")


_CURRENCY = "[" + "".join(CURRENCIES) + "]"
_MONTH = (
    r"(Jan(?:uary|\.)?|Feb(?:ruary|\.)?|Mar(?:ch|\.)?|Apr(?:il|\.)?|May|June?\.?|July?\.?|Aug(?:ust|\.)?|"
)
_MONTH += r"Sept?(?:ember|\.)?|Oct(?:ober|\.)?|Nov(?:ember|\.)?|Dec(?:ember|\.)?)"
_UNIT = "|".join(re.escape(unit) for unit in sorted(UNITS, key=len, reverse=True))
_ABBREVIATION = "|".join(re.escape(word) for word in sorted(ABBREVIATIONS, key=len, reverse=True))

RULES: list[Rule] = [
    (re.compile(r"(?<=[A-Za-z] )St\.(?= [A-Z])(?<![.,] St\.)|^St\.(?= [A-Z])"), lambda match: "saint"),
    (re.compile(r"(?<=[a-z] )St\.?(?![\w'])"), lambda match: "street"),
    (
        re.compile(
            r"\bhttps?://\S+|\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+|\b(?:[\w-]+\.)+(?:com|org|net|io|ai|edu|gov)\b\S*"
        ),
        _address,
    ),
    (re.compile(rf"(?<!\w)({_ABBREVIATION})(?!\w)", re.IGNORECASE), _abbreviation),
    (re.compile(r"(?<!\w)(?<!\.)(?:[A-Za-z]\.){2,}(?!\w)"), _dotted_acronym),
    (re.compile(r"(?<=\d),(?=\d{3}(?!\d))"), lambda match: ""),
    (re.compile(r"(\d+)?([¼-¾⅐-⅞])"), _vulgar_fraction),
    (re.compile(r"\b(\d{4})-(\d{1,2})-(\d{1,2})\b"), _iso_date),
    (re.compile(r"\b(\d{1,2})/(\d{1,2})/(\d{4})\b"), _slash_date),
    (re.compile(rf"\b{_MONTH} (\d{{1,2}})(?:st|nd|rd|th)?\b(?!:)"), _month_day),
    (re.compile(rf"\b(\d{{1,2}})(?:st|nd|rd|th)? {_MONTH}\b"), _day_month),
    (
        re.compile(
            r"\b(?P<hours>[01]?\d|2[0-3]):(?P<minutes>[0-5]\d)(?:\s?(?P<suffix>[ap]\.?\s?m\b\.?))?",
            re.IGNORECASE,
        ),
        _time,
    ),
    (re.compile(r"\b(\d{1,2})\s?([ap])\.?\s?m\b\.?", re.IGNORECASE), _hour_with_suffix),
    (
        re.compile(
            rf"(?P<before>{_CURRENCY})\s?(?P<amount>\d+(?:\.\d+)?)(?:\s?(?P<scale>million|billion|trillion|thousand|[kKmMbBtT]n?)\b)?"
            rf"|(?P<amount_after>{_NUMBER})\s?(?P<after>{_CURRENCY})"
        ),
        _money,
    ),
    (re.compile(r"(?<![\w.])(?:\+\d{1,3}[ -])?(?:\(\d{3}\) ?|\d{3}[ -])\d{3,4}[ -]\d{4}(?!\w)"), _phone),
    (re.compile(rf"(?<=\d){_DASH}(?=\d)"), lambda match: " to "),
    (re.compile(r"(?<![\w.])-(?=\d)"), lambda match: "minus "),
    (re.compile(r"(?<![\w.])(\d{3}0)s\b|(?<=the )(\d0)s\b|'(\d0)s\b"), _decade),
    (re.compile(rf"(?<![\w.])(?P<amount>{_NUMBER})\s?(?P<unit>{_UNIT})(?![\w°])"), _unit),
    (re.compile(r"\b(\d+)(?:st|nd|rd|th)\b", re.IGNORECASE), lambda match: numbers.ordinal(int(match[1]))),
    (re.compile(r"(?<![\w/.])(?:(\d+) )?(\d{1,3})/(\d{1,3})(?![\w/])"), _fraction),
    (re.compile(r"(?<=\d)\s*[xX×]\s*(?=\d)"), lambda match: " by "),
    (re.compile(r"(?<![\d.])\d+(?:\.\d+){2,}\b"), _version),
    (re.compile(r"(?<=\d)[xX]\b"), lambda match: " times"),
    (re.compile(r"\d*\.\d+"), lambda match: f"{numbers.decimal(match[0])} "),
    (re.compile(r"\d+"), lambda match: f" {_plain_integer(match)} "),
    (re.compile(r"\s[-–—]+\s|[–—]+|--+"), lambda match: " - "),
    (re.compile(r"[;:()\[\]{}]"), lambda match: ", "),
    (re.compile(r"(?<![A-Za-z])'|'(?![A-Za-z])"), lambda match: " "),
    (re.compile(r"[\"|_\\^*<>]"), lambda match: " "),
]
