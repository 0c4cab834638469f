"""Workers: evaluations in this process or in a pool of processes that never outlive it."""

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Protocol

from autocompress.errors import AutocompressError
from autocompress.space import Candidate
from autocompress.study.evaluation import Evaluate, Evaluation, Rung

Pending = Callable[[], Evaluation]
"""Waits for an evaluation that was started."""


class Workers(Protocol):
    """Starts evaluations. The seam for other engines: a Ray cluster, a queue of machines."""

    count: int

    def start(self, candidate: Candidate, rung: Rung, seed: int) -> Pending: ...

    def close(self) -> None: ...


class InProcess:
    """One evaluation at a time, when it is waited for."""

    count = 1

    def __init__(self, evaluate: Evaluate) -> None:
        self._evaluate = evaluate

    def start(self, candidate: Candidate, rung: Rung, seed: int) -> Pending:
        return lambda: timed(self._evaluate, candidate, rung, seed)

    def close(self) -> None:
        """Nothing is held."""


class ProcessPool:
    """``count`` processes. One that dies (out of memory, a native crash) costs its own candidate only."""

    def __init__(self, evaluate: Evaluate, count: int) -> None:
        self._evaluate = evaluate
        self.count = count
        self._pool = self._fresh()

    def start(self, candidate: Candidate, rung: Rung, seed: int) -> Pending:
        future = self._submit(candidate, rung, seed)
        return lambda: self._wait(future, candidate, rung, seed)

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _submit(self, candidate: Candidate, rung: Rung, seed: int) -> Future[Evaluation]:
        try:
            return self._pool.submit(timed, self._evaluate, candidate, rung, seed)
        except BrokenProcessPool:
            self._pool = self._fresh()
            return self._pool.submit(timed, self._evaluate, candidate, rung, seed)

    def _wait(self, future: Future[Evaluation], candidate: Candidate, rung: Rung, seed: int) -> Evaluation:
        """The result. When a worker died every future in flight breaks: each runs once more, alone."""
        try:
            return future.result()
        except BrokenProcessPool:
            return self._alone(candidate, rung, seed)

    def _alone(self, candidate: Candidate, rung: Rung, seed: int) -> Evaluation:
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(1, context, _die_with_parent, (os.getpid(),)) as single:
            try:
                return single.submit(timed, self._evaluate, candidate, rung, seed).result()
            except BrokenProcessPool:
                return Evaluation.failed("the worker process died twice (out of memory, or a native crash)")

    def _fresh(self) -> ProcessPoolExecutor:
        context = multiprocessing.get_context("spawn")
        return ProcessPoolExecutor(self.count, context, _die_with_parent, (os.getpid(),))


def make_workers(evaluate: Evaluate, count: int) -> Workers:
    """One worker evaluates in this process, several in a pool."""
    return InProcess(evaluate) if count == 1 else ProcessPool(evaluate, count)


def timed(evaluate: Evaluate, candidate: Candidate, rung: Rung, seed: int) -> Evaluation:
    """Evaluate and note the seconds; what a candidate breaks is a failure with its reason, not a crash."""
    start = time.perf_counter()
    try:
        result = evaluate(candidate, rung, seed)
    except AutocompressError:
        raise
    except Exception as error:  # whatever the runtimes below throw
        result = Evaluation.failed(f"{type(error).__name__}: {error}")
    seconds = result.seconds or time.perf_counter() - start
    return Evaluation(result.measurements, result.failure, seconds, result.details)


def _die_with_parent(parent: int) -> None:
    """End this worker soon after a killed parent, and leave Ctrl-C, which reaches the whole group, to it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
