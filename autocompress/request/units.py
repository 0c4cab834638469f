"""Units, each with its factor to the unit of the quantities (MB, s, plain numbers)."""

import re
from dataclasses import dataclass
from decimal import Decimal

from autocompress.request.quantities import Dimension


@dataclass(frozen=True)
class Unit:
    """One amount of this unit is ``factor`` of the dimension's own (10^6 bytes, seconds, 1)."""

    dimension: Dimension
    factor: Decimal


# 1 MB = 10^6 bytes, 1 MiB = 2^20 bytes; a lone M or 兆 is MB, a lone G is GB.
_SPELLINGS: tuple[tuple[Dimension, str, str], ...] = (
    ("size", "0.000001", "b byte bytes 字节"),
    ("size", "0.001", "kb k kilobyte kilobytes 千字节"),
    ("size", "1", "mb m mbyte mbytes megabyte megabytes meg megs 兆 兆字节 兆b mb字节 m字节"),
    ("size", "1000", "gb g gbyte gbytes gigabyte gigabytes gig gigs 吉字节 吉 g字节"),
    ("size", "1000000", "tb terabyte terabytes"),
    ("size", "0.001024", "kib kibibyte kibibytes"),
    ("size", "1.048576", "mib mebibyte mebibytes"),
    ("size", "1073.741824", "gib gibibyte gibibytes"),
    ("time", "1", "s sec secs second seconds 秒 秒钟"),
    ("time", "0.001", "ms msec msecs millisecond milliseconds milli millis 毫秒"),
    ("time", "0.000001", "us µs μs microsecond microseconds 微秒"),
    ("time", "60", "minute minutes 分钟"),
    ("factor", "1", "x × times 倍"),
    ("share", "0.01", "% percent pct"),
    ("points", "1", "points 分"),
)
UNITS = {
    name: Unit(dimension, Decimal(factor))
    for dimension, factor, names in _SPELLINGS
    for name in names.split()
}
SHOWN_UNITS = ("KB", "MB", "GB", "KiB", "MiB", "GiB", "ms", "s", "minutes", "x", "%")

_PATTERN = re.compile(
    "|".join(
        # A Latin unit ends where the word ends; a Chinese one may be followed by anything.
        re.escape(name) + (r"(?![a-z0-9_])" if name.isascii() and name != "%" else "")
        for name in sorted(UNITS, key=len, reverse=True)
    )
)


def match_unit(folded: str, start: int) -> re.Match[str] | None:
    """The longest unit that begins here."""
    return _PATTERN.match(folded, start)
