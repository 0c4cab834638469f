"""Time of one probe: warm-up, repeated runs, and a statistic that other programs disturb least."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from autocompress.hardware.profiler.probe_graph import open_session
from autocompress.hardware.profiler.probes import Probe, build

_WARM_UP_RUNS = 3
_FEWEST_RUNS = 5
_INTERRUPTED = 2.0


@dataclass(frozen=True)
class Timing:
    """``seconds``: median of the faster half of the runs. ``spread``: (median − fastest tenth) / seconds.

    ``mean_s`` is what a run takes in the end, disturbed ones too; only interrupted ones are left out.
    """

    seconds: float
    spread: float
    runs: int
    mean_s: float


def summarize(samples: "np.ndarray[Any, Any]") -> Timing:
    """The statistics of a list of run times.

    Disturbances only add time, so ``seconds`` leaves the slower half out. In the mean it counts; what took
    more than twice the median was not slowed but interrupted.
    """
    low, quarter, half = np.quantile(samples, (0.1, 0.25, 0.5))
    mean = samples[samples <= _INTERRUPTED * half].mean()
    return Timing(float(quarter), float((half - low) / quarter), len(samples), float(mean))


def time_probe(probe: Probe, threads: int, window_s: float) -> Timing:
    """Seconds of one operator of the probe, on ``threads`` threads."""
    graph = build(probe)
    session = open_session(graph, threads)
    if graph.in_place:
        session = InPlace(session, graph.feeds, graph.in_place)
    if graph.afterwards is None:
        timing = time_session(session, graph.feeds, window_s)
    else:
        timing = time_calls(graph.afterwards, window_s, lambda: session.run(None, graph.feeds))
    return Timing(timing.seconds / graph.links, timing.spread, timing.runs, timing.mean_s / graph.links)


class InPlace:
    """A session bound to its inputs once; some outputs are written where inputs lie, as caches are."""

    def __init__(self, session: Any, feeds: Mapping[str, Any], in_place: Mapping[str, str]) -> None:
        from onnxruntime import OrtValue

        self.session, self.binding = session, session.io_binding()
        self.values = {name: OrtValue.ortvalue_from_numpy(array) for name, array in feeds.items()}
        for name, value in self.values.items():
            self.binding.bind_ortvalue_input(name, value)
        for output in session.get_outputs():
            if output.name in in_place:
                self.binding.bind_ortvalue_output(output.name, self.values[in_place[output.name]])
            else:
                self.binding.bind_output(output.name)

    def run(self, _outputs: object, _feeds: object) -> None:
        """One run over the bound values."""
        self.session.run_with_iobinding(self.binding)


def time_session(session: Any, feeds: dict[str, Any], window_s: float) -> Timing:
    """Whole runs of a session for ``window_s`` seconds, after warm-up."""
    return time_calls(lambda: session.run(None, feeds), window_s)


def time_calls(
    call: Callable[[], object], window_s: float, before: Callable[[], object] = lambda: None
) -> Timing:
    """``call`` again and again for ``window_s`` seconds, after warm-up; ``before`` precedes each, untimed."""
    for _ in range(_WARM_UP_RUNS):
        before()
        call()
    samples: list[float] = []
    end = time.perf_counter() + window_s
    while len(samples) < _FEWEST_RUNS or time.perf_counter() < end:
        before()
        start = time.perf_counter()
        call()
        samples.append(time.perf_counter() - start)
    return summarize(np.array(samples))
