"""Worker processes that run a round when told to, so that rounds of several systems interleave."""

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

Round = Mapping[str, float]


class Worker:
    """A process that answers every line with one round."""

    def __init__(self, name: str, command: Sequence[str | Path]) -> None:
        self.name = name
        self.rounds: list[Round] = []
        text = [str(part) for part in command]
        self._process = subprocess.Popen(text, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._answer()

    def run_round(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        self.rounds.append(self._answer())

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(timeout=60)

    def medians(self, skip: int = 1) -> dict[str, float]:
        """Of the rounds after the first ``skip``; of the memory peak the last."""
        kept = self.rounds[skip:]
        out = {part: statistics.median(found[part] for found in kept) for part in kept[0]}
        return out | {"peak_mb": self.rounds[-1]["peak_mb"]}

    def _answer(self) -> Round:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"{self.name} ended with {self._process.wait()}; its message is above")
        answer: Round = json.loads(line)
        return answer


def run_interleaved(workers: Sequence[Worker], rounds: int) -> None:
    """A warm-up round each, then ``rounds`` more, the order turned round from one to the next."""
    for number in range(rounds + 1):
        for worker in workers if number % 2 == 0 else tuple(reversed(workers)):
            worker.run_round()
    for worker in workers:
        worker.close()


def bandwidth_bytes_per_s(total_bytes: int, threads: int) -> float:
    """Measured in a process of its own, whose BLAS keeps to one thread."""
    script = Path(__file__).with_name("bandwidth.py")
    command = [sys.executable, str(script), str(total_bytes >> 20), str(threads)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True, env=os.environ).stdout)
