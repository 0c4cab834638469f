"""The measured operator table of a machine: a CSV beside its profile."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import astuple, dataclass, fields, replace
from functools import lru_cache
from pathlib import Path

from autocompress.errors import ProfileError


@dataclass(frozen=True)
class Row:
    """One measured operator; coordinates as in :class:`~autocompress.hardware.graph.Operator`.

    ``seconds`` is one execution inside a chain of its kind, undisturbed; ``spread`` how far the runs lay
    apart, relative; ``mean_s`` what one takes on the whole, other programs beside it (0 where not kept).
    """

    family: str
    precision: str
    threads: int
    batch: int
    m: int
    k: int
    n: int
    taps: int
    footprint_bytes: int
    seconds: float
    spread: float
    mean_s: float = 0.0

    def on_the_whole(self) -> "Row":
        """The same with the time that one takes among other programs."""
        return replace(self, seconds=self.mean_s or self.seconds)


COLUMNS = tuple(field.name for field in fields(Row))
_WITHOUT_MEANS = COLUMNS[:-1]  # tables of before they were kept


def write_table(path: Path, rows: Iterable[Row]) -> None:
    """Write rows as CSV, in one step: a reader never sees half a table."""
    partial = path.with_suffix(".partial")
    with partial.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for row in rows:
            writer.writerow([f"{v:.6g}" if isinstance(v, float) else v for v in astuple(row)])
    partial.replace(path)


def is_operator_table(path: Path) -> bool:
    """Whether a CSV has the columns of an operator table (a profile may name other tables too)."""
    with path.open(encoding="utf-8") as file:
        return tuple(file.readline().strip().split(",")) in (COLUMNS, _WITHOUT_MEANS)


def read_table(path: Path) -> list[Row]:
    """Read and check a table; every impossible line is reported with its number."""
    return list(_read(path, path.stat().st_mtime_ns))


@lru_cache(maxsize=8)  # checking a full table takes three seconds, and a command asks for it several times
def _read(path: Path, _changed_ns: int) -> tuple[Row, ...]:
    with path.open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        if tuple(reader.fieldnames or ()) not in (COLUMNS, _WITHOUT_MEANS):
            raise ProfileError(f"{path}: an operator table needs the columns {','.join(COLUMNS)}.")
        rows, faults = [], []
        for number, line in enumerate(reader, start=2):
            try:
                rows.append(_row(line))
            except (ValueError, TypeError) as error:
                faults.append(f"line {number}: {error}")
    faults += _falling(rows)
    if faults:
        raise ProfileError(f"{path} holds impossible measurements: " + "; ".join(faults) + ". Measure again.")
    return tuple(rows)


def _row(line: dict[str, str]) -> Row:
    whole = [int(line[name]) for name in COLUMNS[2:9]]
    sizes = dict(zip(COLUMNS[2:9], whole, strict=True))
    text = {name: line[name] for name in COLUMNS[:2]}
    times = {name: float(line.get(name, 0.0)) for name in COLUMNS[9:]}
    row = Row(**text, **sizes, **times)  # type: ignore[arg-type]
    possible = 0 < row.seconds < 1e5 and row.spread >= 0 and 0 <= row.mean_s < 1e5
    if not possible or min(whole[:6]) < 1 or row.footprint_bytes < 0:
        raise ValueError(f"times {times} and sizes {whole} must be positive")
    return row


_FALL = 0.5


def without_disturbed(rows: Sequence[Row]) -> tuple[Row, ...]:
    """``rows`` less those that take twice as long as a larger operator: something else ran beside them."""
    disturbed = {id(smaller) for _, smaller in _contradictions(rows)}
    return tuple(row for row in rows if id(row) not in disturbed)


def _falling(rows: Sequence[Row]) -> list[str]:
    """Faults where an operator that is larger in every direction takes less than half the time."""
    lines = {id(row): number for number, row in enumerate(rows, start=2)}
    first = {id(row): (row, smaller) for row, smaller in reversed(list(_contradictions(rows)))}
    return [
        f"line {lines[id(row)]}: {row.seconds:g} s; a smaller {row.family} takes {smaller.seconds:g} s"
        for row, smaller in sorted(first.values(), key=lambda pair: lines[id(pair[0])])
    ]


def _contradictions(rows: Sequence[Row]) -> Iterator[tuple[Row, Row]]:
    """Pairs of an operator and a smaller one that takes far longer."""
    groups: dict[tuple[str, str, int, int], list[Row]] = {}
    for row in rows:
        groups.setdefault((row.family, row.precision, row.threads, row.taps), []).append(row)
    for members in groups.values():
        for row in members:
            yield from (
                (row, other)
                for other in members
                if _contains(row, other) and other.seconds * _FALL > row.seconds
            )


def _contains(large: Row, small: Row) -> bool:
    pairs = zip(astuple(large)[3:9], astuple(small)[3:9], strict=True)
    smooth = _alike(large.k, small.k) and _alike(large.n, small.n)
    return large is not small and smooth and all(a >= b for a, b in pairs)


def _alike(a: int, b: int) -> bool:
    """Whether two sizes may be compared: 16 channels can take a third of the time of 12 (vector lanes)."""
    return a == b or (a % 16 == 0 and b % 16 == 0)
