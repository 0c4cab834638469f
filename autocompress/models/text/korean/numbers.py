"""Numbers as Korean words."""

import re

_words = str.split
_DIGITS = "영일이삼사오육칠팔구"
_NATIVE_ONES = ["", *_words("한 두 세 네 다섯 여섯 일곱 여덟 아홉")]
_NATIVE_TENS = ["", *_words("열 스물 서른 마흔 쉰 예순 일흔 여든 아흔")]
_PLACES = ["", "십", "백", "천"]
_SCALES = ["", "만", "억", "조", "경"]
_COUNTERS = (
    "군데|권|개|그루|닢|대|두|마리|모금|모|뭇|발짝|발|방|번째|벌|보루|살|쌈|움큼|정|짝|채|척|첩|축|"
    "켤레|톨|통|명|시간|시|잔|병|사람|가지|송이"
)
_UNITS = {
    "%": "퍼센트",
    "km": "킬로미터",
    "kg": "킬로그램",
    "cm": "센티미터",
    "℃": "도",
    "°C": "도",
    "$": "달러",
}


def speak_numbers(text: str) -> str:
    """``text`` with its numbers spelled: Sino-Korean, native before counters, digits after a point."""
    text = re.sub(r"(?<=\d),(?=\d{3})", "", text)
    for unit, word in _UNITS.items():
        text = re.sub(rf"(?<=\d)\s?{re.escape(unit)}(?![A-Za-z])", word, text)
    text = re.sub(rf"(\d{{1,2}})(?=\s?(?:{_COUNTERS}))", lambda match: native(int(match[1])), text)
    text = re.sub(r"(\d+)\.(\d+)", lambda match: f"{sino(match[1])} 점 {digits(match[2])}", text)
    return re.sub(r"\d+", lambda match: sino(match[0]), text)


def sino(text: str) -> str:
    """``"12345"`` → 만이천삼백사십오; codes that begin with 0 are read digit by digit."""
    if len(text) > 4 * len(_SCALES) or (len(text) > 1 and text.startswith("0")):
        return digits(text)
    if int(text) == 0:
        return "영"
    groups = [text[max(0, end - 4) : end] for end in range(len(text), 0, -4)]
    return "".join(
        _sino_group(group, scale) for group, scale in reversed(list(zip(groups, _SCALES, strict=False)))
    )


def _sino_group(group: str, scale: str) -> str:
    if int(group) == 0:
        return ""
    if int(group) == 1 and scale == "만":
        return scale
    return _below_ten_thousand(group) + scale


def _below_ten_thousand(group: str) -> str:
    places = zip(reversed(_PLACES[: len(group)]), group, strict=True)
    return "".join(
        ("" if digit == "1" and place else _DIGITS[int(digit)]) + place
        for place, digit in places
        if digit != "0"
    )


def native(number: int) -> str:
    """``21`` → 스물한; 20 alone is 스무."""
    if number in (0, 20):
        return "영" if number == 0 else "스무"
    return _NATIVE_TENS[number // 10] + _NATIVE_ONES[number % 10]


def digits(text: str) -> str:
    """``"010"`` → 공일공."""
    return "".join("공" if digit == "0" else _DIGITS[int(digit)] for digit in text)
