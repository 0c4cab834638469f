"""Numbers as Chinese characters."""

_DIGITS = "零一二三四五六七八九"
LONGEST_CARDINAL = 16  # digits; cn2an's limit, beyond it they are read one by one


def cardinal(text: str) -> str:
    """``"110"`` → 一百一十, ``"3.20"`` → 三点二零, ``"007"`` → 七; thousands commas are allowed."""
    from cn2an import an2cn

    whole, _, fraction = text.replace(",", "").partition(".")
    whole = whole.lstrip("0") or "0"
    spoken = digits(whole) if len(whole) > LONGEST_CARDINAL else str(an2cn(whole, "low"))
    return f"{spoken}点{digits(fraction)}" if fraction else spoken


def count(text: str) -> str:
    """A number before a measure word: two is 两."""
    spoken = cardinal(text)
    return "两" if spoken == "二" else spoken


def digits(text: str) -> str:
    """``"2024"`` → 二零二四."""
    return "".join(_DIGITS[int(digit)] for digit in text)


def code(text: str) -> str:
    """Digits of a telephone or room number, where one is 幺: ``"110"`` → 幺幺零."""
    return digits(text).replace("一", "幺")
