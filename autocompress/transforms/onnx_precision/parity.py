"""The parity gate: does an exported graph answer as the PyTorch student does that is rounded alike?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from autocompress.bundle.sessions import Session, SessionSettings, open_session
from autocompress.transforms.onnx_precision.plan import PrecisionPlan
from autocompress.transforms.onnx_precision.roles import Array


@dataclass(frozen=True)
class Tolerance:
    """Largest relative error ‖found − expected‖ / ‖expected‖ that a graph may have, and why."""

    largest: float
    reason: str


FP32_KERNELS = Tolerance(
    1e-4,
    "the weights are the student's, bit for bit: only the order of fp32 sums differs (1e-6 measured)",
)
INT8_GPT = Tolerance(
    0.05,
    "prefill rounds its last block's activations by the range of one row, the student by that of all rows, "
    "and ties fall either way (0.003 measured)",
)
INT8_SOVITS = Tolerance(
    0.25,
    "ConvInteger rounds int4 weights once more, and a tie that falls the other way moves the phase of the "
    "waveform (0.05 measured; 1e-6 on int8 weights)",
)


@dataclass(frozen=True)
class ParityCase:
    """Inputs of one graph and what the student answers."""

    graph: str
    inputs: Mapping[str, Array]
    expected: Mapping[str, Array]


@dataclass(frozen=True)
class GraphParity:
    """The worst output over a graph's cases; ``fault`` when the graph did not run at all."""

    graph: str
    output: str
    relative_error: float
    tolerance: Tolerance
    fault: str = ""

    @property
    def holds(self) -> bool:
        return self.relative_error <= self.tolerance.largest

    def __str__(self) -> str:
        if self.fault:
            return f"{self.graph}: {self.fault}"
        return (
            f"{self.graph}: output {self.output} is off by {self.relative_error:.2g}, at most "
            f"{self.tolerance.largest:g} allowed ({self.tolerance.reason})"
        )


@dataclass(frozen=True)
class ParityReport:
    """One entry a graph; a candidate with a graph that fails is no candidate."""

    graphs: tuple[GraphParity, ...]

    @property
    def holds(self) -> bool:
        return all(graph.holds for graph in self.graphs)

    @property
    def reason(self) -> str:
        """What failed; empty when all holds."""
        return "; ".join(str(graph) for graph in self.graphs if not graph.holds)


def tolerance_for(graph: str, plan: PrecisionPlan) -> Tolerance:
    """The tolerance of a graph (``prefill``, ``step``, ``sovits``) at the precisions of ``plan``."""
    network = "sovits" if graph == "sovits" else "gpt"
    rounds = any(
        compute == "dynamic-int8" and (role == network or role.startswith(f"{network}."))
        for role, compute in plan.compute.items()
    )
    if not rounds:
        return FP32_KERNELS
    return INT8_SOVITS if network == "sovits" else INT8_GPT


def check_parity(
    paths: Mapping[str, Path], cases: Sequence[ParityCase], plan: PrecisionPlan, *, threads: int = 1
) -> ParityReport:
    """Run every graph on its cases and compare with the student; never raises for a graph that fails."""
    return ParityReport(tuple(
        _check(name, path, [case for case in cases if case.graph == name], tolerance_for(name, plan), threads)
        for name, path in paths.items()
    ))  # fmt: skip


def _check(
    name: str, path: Path, cases: Sequence[ParityCase], tolerance: Tolerance, threads: int
) -> GraphParity:
    if not cases:
        return GraphParity(name, "", float("inf"), tolerance, "there is no case to compare it by")
    try:
        session = open_session(path, "CPU", SessionSettings(threads))
        errors = [error for case in cases for error in _errors(session, case)]
    except Exception as error:  # onnxruntime raises its own classes, one for each status
        return GraphParity(name, "", float("inf"), tolerance, f"it does not run: {error}")
    worst, output = max(errors, key=lambda entry: (not np.isfinite(entry[0]), entry[0]))
    return GraphParity(name, output, worst, tolerance)


def _errors(session: Session, case: ParityCase) -> list[tuple[float, str]]:
    taken = {entry.name for entry in session.get_inputs()}
    found = session.run(list(case.expected), {k: v for k, v in case.inputs.items() if k in taken})
    pairs = zip(found, case.expected.items(), strict=True)
    return [(relative_error(one, expected), name) for one, (name, expected) in pairs]


def relative_error(found: Any, expected: Array) -> float:
    """‖found − expected‖ / ‖expected‖; infinite where the shapes differ or a number is not finite."""
    if found.shape != expected.shape or not np.isfinite(found).all():
        return float("inf")
    scale = float(np.linalg.norm(expected))
    return float(np.linalg.norm(found - expected)) / (scale or 1.0)
