"""The measuring run: every point of the plan on every thread count, in passes, until the time is up."""

import math
import random
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

from autocompress.hardware.operator_table import Row
from autocompress.hardware.profiler.log import Entry, Log
from autocompress.hardware.profiler.probes import Probe
from autocompress.hardware.profiler.timing import time_probe

WIDE_SPREAD = 0.10
_MOST_PASSES = 5
_WINDOW_S = {"quick": 0.04, "full": 0.05}

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Run:
    """What a measuring run came to: the table, and the points that stayed unsteady in every pass."""

    rows: tuple[Row, ...]
    wide: tuple[str, ...]
    repeated: int
    missing: int


def measure(
    points: Sequence[Probe], threads: Iterable[int], log: Log, *, level: str, seconds: float, say: Progress
) -> Run:
    """Visit points in passes: all of them twice, then the unsteady ones again, while time is left.

    The order is shuffled, so that a slow minute of the machine does not fall on one family. The second pass
    begins with the most threads: two visits of a point on two threads were more than half apart for one in
    ten (a thread waits for a processor), on one thread a tenth.
    """
    end = time.monotonic() + seconds
    visits = [(probe, count) for count in threads for probe in points]
    for number in range(_MOST_PASSES):
        due = [visit for visit in visits if _is_due(log, visit, number)]
        random.Random(number).shuffle(due)
        if number == 1:
            due.sort(key=lambda visit: -visit[1])
        if number and due:
            why = f"measured once, or over {WIDE_SPREAD:.0%} apart"
            say(f"pass {number + 1}: repeating {len(due)} points ({why})")
        if not _one_pass(due, number, log, _WINDOW_S[level], end, say):
            break
    return summarize_log(visits, log)


def visit_all(
    points: Sequence[Probe], threads: Iterable[int], log: Log, number: int, *, level: str, say: Progress
) -> None:
    """Visit every point that has not been seen more than ``number`` times, however long it takes.

    For who measures other things in turns with the table: both then see the same hours of a shared machine.
    """
    visits = [(probe, count) for count in threads for probe in points]
    due = [visit for visit in visits if len(log.of(visit[0].key, visit[1])) <= number]
    random.Random(number).shuffle(due)
    _one_pass(due, number, log, _WINDOW_S[level], math.inf, say)


def _is_due(log: Log, visit: tuple[Probe, int], number: int) -> bool:
    seen = log.of(visit[0].key, visit[1])
    if number < 2:
        return len(seen) <= number
    return len(seen) <= number and not _is_settled(seen)


def _is_settled(entries: Sequence[Entry]) -> bool:
    """Whether the visit that stands for a point was steady and the next one agrees."""
    first, second = sorted(entries, key=_seconds)[:2]
    return first.spread <= WIDE_SPREAD and second.seconds <= (1 + WIDE_SPREAD) * first.seconds


def _one_pass(
    due: Sequence[tuple[Probe, int]], number: int, log: Log, window_s: float, end: float, say: Progress
) -> bool:
    """Whether time was left for all of it."""
    for i, (probe, count) in enumerate(due):
        if time.monotonic() > end:
            return False
        log.add(Entry.of(probe.key, count, number, time_probe(probe, count, window_s)))
        if i % 25 == 0:
            say(f"pass {number + 1}: {i + 1}/{len(due)} points")
    return True


def _seconds(entry: Entry) -> float:
    return entry.seconds


def summarize_log(visits: Iterable[tuple[Probe, int]], log: Log) -> Run:
    """The table from every point that was visited: the quickest visit stands for it.

    Other programs only add to what an operator takes, for a second or an hour. On a shared host the quickest
    of three visits of a whole graph and of four more agreed within a tenth for 94 %, their medians for 90 %.
    What one takes on the whole is the median of the visits' means.
    """
    rows, wide, repeated, missing = [], [], 0, 0
    by_visit: dict[tuple[str, int], list[Entry]] = {}
    for entry in log.entries:
        by_visit.setdefault((entry.key, entry.threads), []).append(entry)
    for probe, count in visits:
        seen = by_visit.get((probe.key, count))
        if not seen:
            missing += 1
            continue
        best = min(seen, key=_seconds)
        rows.append(_row(probe, count, replace(best, mean_s=median(map(_mean_s, seen)))))
        repeated += len(seen) > 2
        wide += [f"{probe.key} on {count}"] if best.spread > WIDE_SPREAD else []
    return Run(tuple(rows), tuple(wide), repeated, missing)


def _mean_s(entry: Entry) -> float:
    return entry.mean_s or entry.seconds


def _row(probe: Probe, threads: int, entry: Entry) -> Row:
    shape = (probe.batch, probe.m, probe.k, probe.n, probe.taps, probe.footprint_bytes)
    times = (entry.seconds, entry.spread, entry.mean_s)
    return Row(probe.family, probe.precision, threads, *shape, *times)


def log_path(folder: Path) -> Path:
    """Where a run keeps its measurements."""
    return folder / "measurements.jsonl"
