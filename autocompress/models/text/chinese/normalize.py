"""Written Chinese → characters to read one by one: numbers, dates, money, units and signs spoken out.

The readings follow upstream's ``text/zh_normalization`` (PaddleSpeech's rules) except where those misread:
2月 is 二月 here, round numbers are cardinals, and money is spoken.
"""

import re
import unicodedata
from collections.abc import Callable
from re import Match

from autocompress.models.text.chinese import numbers
from autocompress.models.text.chinese.units import CURRENCIES, MEASURE_WORDS, SIGNS, UNITS
from autocompress.models.text.marks import loudest_marks
from autocompress.models.text.symbols import PUNCTUATION

Rule = tuple[re.Pattern[str], Callable[[Match[str]], str]]

HAN = r"\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"
_NUMBER = r"\d+(?:\.\d+)?"
_DASH = "[-–—~～至到]"


def normalize(text: str, simplify: bool = True) -> str:
    """Chinese characters and marks of ``text`` as they are spoken; what has no reading is left in place."""
    text = _fold(_simplify(text) if simplify else text)
    for pattern, spoken in RULES:
        text = pattern.sub(spoken, text)
    for sign, words in SIGNS.items():
        text = text.replace(sign, words)
    return loudest_marks(text)


def is_han(char: str) -> bool:
    """Whether ``char`` is an ideograph."""
    return re.fullmatch(f"[{HAN}]", char) is not None


def is_mark(char: str) -> bool:
    """Whether ``char`` is a mark of the symbol table."""
    return char in PUNCTUATION


def _simplify(text: str) -> str:
    from proces.preprocess import traditional_to_simplified

    return str(traditional_to_simplified(text))


def _fold(text: str) -> str:
    """Full-width letters and digits narrowed, thousands commas and spaces dropped."""
    text = re.sub(r"(?<=\d),(?=\d{3}(?!\d))", "", text.translate(_NARROW))
    return re.sub(r"\s*\n\s*", ".", text.strip()).replace(" ", "").replace("\u3000", "")


_NARROW = {
    ord(wide): ord(wide) - 0xFEE0
    for wide in map(chr, range(0xFF01, 0xFF5F))
    if wide.isalnum() or wide in "％＋＝－＄．／"
}


def _date(match: Match[str]) -> str:
    year, month, day = match["year"], match["month"], match["day"]
    spoken = numbers.digits(year) + "年"
    if month:
        spoken += numbers.cardinal(month) + "月"
    if day:
        spoken += numbers.cardinal(day) + match["end"]
    return spoken


def _years(match: Match[str]) -> str:
    return f"{numbers.digits(match[1])}到{numbers.digits(match[2])}年"


def _numeric_date(match: Match[str]) -> str:
    year, _, month, day = match.groups()
    return f"{numbers.digits(year)}年{numbers.cardinal(month)}月{numbers.cardinal(day)}日"


def _month_day(match: Match[str]) -> str:
    day = f"{numbers.cardinal(match[2])}{match[3]}" if match[2] else ""
    return f"{numbers.cardinal(match[1])}月{day}"


def _day(match: Match[str]) -> str:
    return numbers.cardinal(match[1]) + match[2]


def _clock(hours: str, minutes: str, seconds: str | None) -> str:
    spoken = numbers.count(hours) + "点"
    if int(minutes) == 30 and not int(seconds or 0):
        return spoken + "半"
    if int(minutes) or int(seconds or 0):
        spoken += _two_digits(minutes) + "分"
    return spoken + (_two_digits(seconds) + "秒" if seconds and int(seconds) else "")


def _two_digits(text: str) -> str:
    return ("零" if text.startswith("0") and int(text) else "") + numbers.cardinal(text)


def _time(match: Match[str]) -> str:
    return _clock(match[1], match[2], match[3])


def _temperature(match: Match[str]) -> str:
    sign = "零下" if match[1] else ""
    return f"{sign}{numbers.cardinal(match[2])}{_DEGREES.get(match[3], '度')}"


_DEGREES = {"摄氏度": "摄氏度", "°F": "华氏度", "℉": "华氏度"}  # a bare ℃ is 度, as upstream says it


def _unit(match: Match[str]) -> str:
    return numbers.count(match["amount"]) + UNITS[match["unit"]]


def _money(match: Match[str]) -> str:
    amount, scale = match["amount"], match["scale"] or ""
    return f"{numbers.cardinal(amount) if scale else numbers.count(amount)}{scale}{CURRENCIES[match['sign']]}"


def _fraction(match: Match[str]) -> str:
    sign = "负" if match[1] else ""
    return f"{sign}{numbers.cardinal(match[3])}分之{numbers.cardinal(match[2])}"


def _vulgar_fraction(match: Match[str]) -> str:
    """½ → 二分之一, 2½ → 二又二分之一."""
    whole = f"{numbers.cardinal(match[1])}又" if match[1] else ""
    above, _, below = unicodedata.normalize("NFKC", match[2]).partition("\u2044")
    return f"{whole}{numbers.cardinal(below)}分之{numbers.cardinal(above)}"


def _percent(match: Match[str]) -> str:
    sign = "负" if match[1] else ""
    per = "千分之" if match[3] == "‰" else "百分之"
    return f"{sign}{per}{numbers.cardinal(match[2])}"


def _phone(match: Match[str]) -> str:
    return ",".join(numbers.code(part) for part in re.findall(r"\d+", match[0]))


def _range(match: Match[str]) -> str:
    return f"{_signed(match[1])}到{_signed(match[2])}"


def _signed(text: str) -> str:
    return ("负" if text.startswith("-") else "") + numbers.cardinal(text.lstrip("-"))


def _arithmetic(match: Match[str]) -> str:
    return _ARITHMETIC[match[0]]


_ARITHMETIC = {"+": "加", "-": "减", "×": "乘", "*": "乘", "÷": "除以", "=": "等于", "≈": "约等于"}


def _version(match: Match[str]) -> str:
    return "点".join(numbers.cardinal(part) for part in match[0].split("."))


def _counted(match: Match[str]) -> str:
    more = match[2].replace("+", "多") if match[2] else ""
    return f"{numbers.cardinal(match[1]) if more else numbers.count(match[1])}{more}{match[3]}"


def _bare_integer(match: Match[str]) -> str:
    """Three digits or more without a measure word are a code (upstream's rule), unless they are round."""
    text = match[0]
    is_code = (len(text) >= 3 and not text.endswith("00")) or (text.startswith("0") and len(text) > 1)
    return numbers.code(text) if is_code else numbers.cardinal(text)


_UNIT = "|".join(re.escape(unit) for unit in sorted(UNITS, key=len, reverse=True))
_CURRENCY = "|".join(re.escape(sign) for sign in CURRENCIES)
_SIGNED_NUMBER = rf"-?{_NUMBER}"

RULES: list[Rule] = [
    (re.compile(rf"(?<!\d)(\d{{4}})(?:{_DASH}|—)+(\d{{4}})年"), _years),
    (
        re.compile(
            r"(?P<year>\d{4}|\d{2})年(?:(?P<month>0?[1-9]|1[0-2])月)?(?:(?P<day>[12]\d|3[01]|0?[1-9])(?P<end>[日号]))?"
        ),
        _date,
    ),
    (re.compile(r"(?<!\d)(\d{4})([-/.])(0?[1-9]|1[0-2])\2([12]\d|3[01]|0?[1-9])(?!\d)"), _numeric_date),
    (re.compile(r"(?<!\d)(0?[1-9]|1[0-2])月(?:([12]\d|3[01]|0?[1-9])([日号]))?"), _month_day),
    (re.compile(r"(?<!\d)([12]\d|3[01]|0?[1-9])([日号])"), _day),
    (re.compile(r"(?<=\d)[-~～–—](?=\d{1,2}:\d{2})"), lambda match: "至"),
    (re.compile(r"(?<!\d)([01]?\d|2[0-4]):([0-5]\d)(?::([0-5]\d))?(?!\d)"), _time),
    (re.compile(rf"(?<=\d)(%|°C|℃|{_UNIT})[~～-](?=\d)"), lambda match: match[1] + "至"),
    (re.compile(rf"(?<!\d)(-?)({_NUMBER})(°C|℃|°F|℉|摄氏度|度(?!电))"), _temperature),
    (re.compile(r"(?<![\d.])(?:\+?86[- ]?)?1[3-9]\d(?:[- ]?\d{4}){2}(?!\d)"), _phone),
    (re.compile(r"(?<![\d.])0\d{2,3}-\d{7,8}(?!\d)|(?<!\d)[48]00-?\d{3}-?\d{4}(?!\d)"), _phone),
    (re.compile(rf"(?P<sign>{_CURRENCY})(?P<amount>{_NUMBER})(?P<scale>[万亿千百]*)"), _money),
    (re.compile(r"(\d+)?([¼-¾⅐-⅞])"), _vulgar_fraction),
    (re.compile(rf"(?<![\d/.])(-?)({_NUMBER})/({_NUMBER})(?![\d/])"), _fraction),
    (re.compile(rf"(?<!\d)(-?)({_NUMBER})([%‰])"), _percent),
    (re.compile(rf"(?<![\d+×÷=-])({_SIGNED_NUMBER})[~～–—-]({_SIGNED_NUMBER})(?![\d+×÷=-])"), _range),
    (re.compile(r"(?<=[\d)）])[+\-×*÷=≈](?=[\d(（-])"), _arithmetic),
    (re.compile(rf"(?P<amount>{_NUMBER})(?P<unit>{_UNIT})(?![A-Za-z])"), _unit),
    (re.compile(r"(?<![\d一-鿿])-(?=\d)|(?<=[一-鿿])-(?=\d)"), lambda match: "负"),
    (re.compile(r"\d+(?:\.\d+){2,}"), _version),
    (re.compile(r"\d*\.\d+"), lambda match: numbers.cardinal(match[0])),
    (re.compile(r"(?<=第)\d+"), lambda match: numbers.cardinal(match[0])),
    (re.compile(rf"(\d+)([多余几+])?({MEASURE_WORDS})"), _counted),
    (re.compile(r"\d+(?=[万亿千百])"), lambda match: numbers.count(match[0])),
    (re.compile(r"\d+"), _bare_integer),
    (re.compile(r"\.{2,}|…+|。{2,}"), lambda match: "…"),
    (re.compile(r"[-–—]+"), lambda match: ","),
]
