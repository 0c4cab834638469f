"""One profiling run: facts about the machine, bandwidth, the operator table, and the profile made of them."""

import time
from collections.abc import Callable, Iterable
from pathlib import Path

from autocompress.hardware.operator_table import without_disturbed
from autocompress.hardware.profiler.bandwidth import read_bandwidth, sleep_overshoot_s
from autocompress.hardware.profiler.log import Log
from autocompress.hardware.profiler.machine import Machine, read_machine, temperature_c
from autocompress.hardware.profiler.measure import Progress, Run, log_path, measure
from autocompress.hardware.profiler.plan import plan
from autocompress.hardware.profiler.probes import Probe
from autocompress.hardware.profiler.report import Measured, write_profile
from autocompress.hardware.profiler.timing import time_probe

QUICK_SECONDS = 60.0
_FULL_FROM_SECONDS = 240.0
_ANCHOR = Probe("gemm", m=60, k=512, n=512, footprint_bytes=8_000_000)
_WARM_UP_S = 1.0


def profile_machine(
    folder: Path,
    *,
    seconds: float = 600.0,
    device_id: str = "local",
    say: Progress = lambda _text: None,
    judge: Callable[[Run], None] = lambda _run: None,
) -> Path:
    """Measure this machine for at most about ``seconds`` and write its profile; returns the path of the TOML.

    Measurements are kept in ``measurements.jsonl`` as they are made: an interrupted run goes on from there.
    ``judge`` is shown what they came to.
    """
    machine = read_machine()
    level = "full" if seconds >= _FULL_FROM_SECONDS else "quick"
    end = time.monotonic() + seconds
    log = Log(log_path(folder / level), machine.identity)
    if log.entries:
        say(f"resuming: {len(log.entries)} measurements are there already")
    heat = [temperature_c()]
    time_probe(_ANCHOR, machine.big_cores, _WARM_UP_S)
    at_start = time_probe(_ANCHOR, 1, 0.3).seconds
    bandwidth = [read_bandwidth(count) for count in (1, machine.big_cores)]
    run = measure(
        plan(level), thread_counts(machine), log, level=level, seconds=end - time.monotonic(), say=say
    )
    _tell(run, say)
    judge(run)
    rows = without_disturbed(run.rows)
    if len(rows) < len(run.rows):
        say(f"{len(run.rows) - len(rows)} points are left out: a larger operator took less than half as long")
    heat.append(temperature_c())
    measured = Measured(
        machine=machine,
        rows=rows,
        read_1_thread_bytes_s=bandwidth[0],
        read_all_threads_bytes_s=max(bandwidth),
        sustained_share=min(1.0, at_start / time_probe(_ANCHOR, 1, 0.3).seconds),
        sleep_overshoot_s=sleep_overshoot_s(),
        temperatures_c=tuple(degrees for degrees in heat if degrees is not None),
        wide=run.wide,
        level=level,
    )
    return write_profile(folder, device_id, measured)


def thread_counts(machine: Machine) -> Iterable[int]:
    """1, 2, 4 … and all big cores."""
    powers = [1 << i for i in range(10) if 1 << i < machine.big_cores]
    return [*powers, machine.big_cores]


def _tell(run: Run, say: Progress) -> None:
    if run.missing:
        say(f"time is up: {run.missing} points are not measured; run again with more --minutes to add them")
    if run.wide:
        shown = ", ".join(run.wide[:3])
        say(
            f"{len(run.wide)} of {len(run.rows)} points stayed spread over 10% after repeating ({shown} …): "
            "something else uses this machine. Stop it and run again; only these are repeated."
        )
