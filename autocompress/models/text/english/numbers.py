"""Numbers as English words."""

_ONES = str.split(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen"
)
_TENS = str.split("zero ten twenty thirty forty fifty sixty seventy eighty ninety")
_SCALES = ((10**12, "trillion"), (10**9, "billion"), (10**6, "million"), (1000, "thousand"), (100, "hundred"))
_IRREGULAR_ORDINALS = {
    "one": "first",
    "two": "second",
    "three": "third",
    "five": "fifth",
    "eight": "eighth",
    "nine": "ninth",
    "twelve": "twelfth",
}
LARGEST_CARDINAL = 10**15 - 1


def cardinal(number: int) -> str:
    """``1204`` → "one thousand two hundred four"; past 999 trillion the digits are read one by one."""
    if number < 0:
        return "minus " + cardinal(-number)
    if number > LARGEST_CARDINAL:
        return spell_digits(str(number))
    if number < 20:
        return _ONES[number]
    if number < 100:
        tens, ones = divmod(number, 10)
        return _TENS[tens] + (f" {_ONES[ones]}" if ones else "")
    size, name = next((size, name) for size, name in _SCALES if number >= size)
    count, rest = divmod(number, size)
    return f"{cardinal(count)} {name}" + (f" {cardinal(rest)}" if rest else "")


def ordinal(number: int) -> str:
    """``22`` → "twenty second"."""
    *head, last = cardinal(number).split()
    if last in _IRREGULAR_ORDINALS:
        last = _IRREGULAR_ORDINALS[last]
    elif last.endswith("y"):
        last = last[:-1] + "ieth"
    else:
        last += "th"
    return " ".join([*head, last])


def year(number: int) -> str:
    """``1905`` → "nineteen oh five", ``2007`` → "two thousand seven", ``2024`` → "twenty twenty four"."""
    century, rest = divmod(number, 100)
    if not 1000 < number < 3000 or number == 2000 or 2000 < number < 2010:
        return cardinal(number)
    if rest == 0:
        return f"{cardinal(century)} hundred"
    return f"{cardinal(century)} {'oh ' if rest < 10 else ''}{cardinal(rest)}"


def decade(number: int) -> str:
    """``1980`` → "nineteen eighties", ``80`` → "eighties"."""
    *head, last = year(number).split()
    plural = last[:-1] + "ies" if last.endswith("y") else last + "s"
    return " ".join([*head, plural])


def decimal(text: str) -> str:
    """``"3.14"`` → "three point one four"; a bare ".5" is read "zero point five"."""
    whole, _, fraction = text.partition(".")
    spoken = cardinal(int(whole or "0"))
    return f"{spoken} point {spell_digits(fraction)}" if fraction else spoken


def spell_digits(text: str) -> str:
    """``"007"`` → "zero zero seven"."""
    return " ".join(_ONES[int(digit)] for digit in text)


def fraction(numerator: int, denominator: int) -> str:
    """``3, 4`` → "three quarters"."""
    if denominator == 1:
        return cardinal(numerator)
    if denominator == 0:
        return f"{cardinal(numerator)} over zero"
    one, many = {2: ("half", "halves"), 4: ("quarter", "quarters")}.get(
        denominator, (ordinal(denominator), ordinal(denominator) + "s")
    )
    return f"{cardinal(numerator)} {one if numerator == 1 else many}"
