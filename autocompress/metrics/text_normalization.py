"""Texts made comparable: two spellings of what sounds alike must not count as a recogniser's error."""

import re
import unicodedata

_UNITS = [
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
]  # fmt: skip
_TENS = ["", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_SCALES = ((10**9, "billion"), (10**6, "million"), (1000, "thousand"), (100, "hundred"))
_ORDINALS = {"one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth"}
_ORDINALS |= {"nine": "ninth", "twelve": "twelfth"}
_SAID_AS = {
    "mr": "mister", "mrs": "missus", "dr": "doctor", "st": "saint", "vs": "versus", "ok": "okay",
    "grey": "gray", "centre": "center", "theatre": "theater", "metre": "meter", "litre": "liter",
    "jewellery": "jewelry", "travelled": "traveled", "travelling": "traveling", "programme": "program",
}  # fmt: skip
_BRITISH_OUR = re.compile(
    r"\b(neighb|col|fav|harb|hon|lab|rum|hum|flav|behavi|arm|od|vap|splend|vig)our(?=\b|s|ed|ing|hood|ite|able|ful|less|y)"
)
_CURRENCIES = {"$": "dollars", "£": "pounds", "€": "euros"}
_NUMBER = re.compile(r"([$£€])?(\d+(?:,\d{3})+|\d+)(?:\.(\d+))?(st|nd|rd|th)?(%)?(?=\D|$)")


def normalized_words(text: str) -> list[str]:
    """``text`` as lower-case words: numbers spelled out, punctuation dropped, spelling American.

    Chinese, Japanese and Korean characters become one word each.
    """
    folded = unicodedata.normalize("NFKC", text).lower().replace("’", "'").replace("&", " and ")
    folded = re.sub(r"(\d):(\d\d)\b", r"\1 \2", folded)
    spelled = _NUMBER.sub(lambda match: f" {_spoken(match)} ", folded)
    american = _BRITISH_OUR.sub(r"\1or", spelled)
    bare = re.sub(r"'(?=s\b|t\b|re\b|ve\b|ll\b|d\b|m\b)|'", "", american)
    separated = "".join(f" {c} " if _is_ideograph(c) else c if c.isalnum() else " " for c in bare)
    single = re.sub(r"\ba(?= (hundred|thousand|million)\b)", "one", " ".join(separated.split()))
    joined = re.sub(r"\b(hundred|thousand|million) and\b", r"\1", single)
    return [_SAID_AS.get(word, word) for word in joined.split()]


def number_words(number: int) -> str:
    """An integer below 10^12 as it is said: ``1984`` → ``one thousand nine hundred eighty four``."""
    if number < 20:
        return _UNITS[number]
    for scale, name in _SCALES:
        if number >= scale:
            head, rest = divmod(number, scale)
            return f"{number_words(head)} {name}" + (f" {number_words(rest)}" if rest else "")
    tens, unit = divmod(number, 10)
    return _TENS[tens] + (f" {_UNITS[unit]}" if unit else "")


def _spoken(match: re.Match[str]) -> str:
    currency, whole, decimals, ordinal, percent = match.groups()
    digits = whole.replace(",", "")
    if len(digits) > 12 or (len(digits) > 1 and digits[0] == "0"):
        return " ".join(_UNITS[int(digit)] for digit in digits)
    said = _year_words(int(digits)) if len(whole) == 4 and not (currency or decimals or percent) else None
    said = said or number_words(int(digits))
    if ordinal:
        return _ordinal(said)
    if decimals:
        said += " point " + " ".join(_UNITS[int(digit)] for digit in decimals)
    if currency:
        said += f" {_CURRENCIES[currency]}"
    return said + (" percent" if percent else "")


def _year_words(number: int) -> str | None:
    century, rest = divmod(number, 100)
    if not (11 <= century <= 20) or (century % 10 == 0 and rest < 10):
        return None
    if rest == 0:
        return f"{number_words(century)} hundred"
    return f"{number_words(century)} {'o ' if rest < 10 else ''}{number_words(rest)}"


def _ordinal(cardinal: str) -> str:
    head, _, last = cardinal.rpartition(" ")
    plain = last[:-1] + "ieth" if last.endswith("y") else last + "th"
    return f"{head} {_ORDINALS.get(last, plain)}".strip()


def _is_ideograph(character: str) -> bool:
    return "぀" <= character <= "鿿" or "가" <= character <= "힯"
