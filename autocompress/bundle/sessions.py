"""ONNX Runtime sessions: the first execution provider that loads and agrees with the CPU is taken."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import onnxruntime as ort

from autocompress.bundle.manifest import PROVIDERS
from autocompress.errors import BundleError

log = logging.getLogger("autocompress.bundle")
Arrays = Mapping[str, np.ndarray[Any, np.dtype[Any]]]
PRECISE_INT8 = ("session.x64quantprecision", "1")
"""On x86 without VNNI, sums of uint8 x int8 products overflow 16 bits: a product of 512 was off by a tenth.
With this entry of its configuration a session has uint8 weights there; elsewhere it changes nothing."""
LARGEST_RELATIVE_ERROR = 1e-2
"""A provider may compute in half precision, whose rounding is about 1e-3; a wrong kernel is far beyond."""


@dataclass(frozen=True)
class Switch:
    """The runtime changed how it speaks: a provider that was passed over, or another tier. Never silent."""

    kind: str  # "provider" or "tier"
    before: str
    after: str
    reason: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.before} -> {self.after} ({self.reason})"


OnSwitch = Callable[[Switch], None]


class Session(Protocol):
    """What is used of ``onnxruntime.InferenceSession``."""

    def run(self, outputs: Sequence[str] | None, inputs: Arrays) -> list[Any]: ...
    def get_inputs(self) -> list[Any]: ...
    def get_outputs(self) -> list[Any]: ...
    def io_binding(self) -> Any: ...
    def run_with_iobinding(self, binding: Any) -> None: ...


@dataclass(frozen=True)
class SessionSettings:
    """``threads`` 0 leaves the number to ONNX Runtime."""

    threads: int = 0


@dataclass(frozen=True)
class SelfTest:
    """What to put into a graph, and which outputs must agree (None: all)."""

    inputs: Arrays
    outputs: tuple[str, ...] | None = None


MakeSelfTest = Callable[[Session], SelfTest]
OpenSession = Callable[[Path, str, SessionSettings], Session]


def open_session(path: Path, provider: str, settings: SessionSettings) -> Session:
    """A session of the graph on one provider (short name), with the CPU for what it cannot run.

    Lengths differ from sentence to sentence, so neither an arena nor memory patterns are kept: both would
    grow with every new length, and an arena gained nothing (prefill 179 ms with and without, full size).
    """
    options = ort.SessionOptions()
    options.intra_op_num_threads = settings.threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    options.enable_mem_pattern = False
    options.enable_cpu_mem_arena = False
    options.add_session_config_entry(*PRECISE_INT8)
    wanted = PROVIDERS[provider]
    if wanted not in ort.get_available_providers():
        raise BundleError(f"this onnxruntime has no {wanted}")
    fallback = [] if provider == "CPU" else [PROVIDERS["CPU"]]
    session = ort.InferenceSession(str(path), options, providers=[wanted, *fallback])
    if session.get_providers()[0] != wanted:
        raise BundleError(f"{wanted} did not load")
    chosen: Session = session
    return chosen


def report(switch: Switch, listener: OnSwitch | None) -> None:
    log.warning("%s", switch)
    if listener is not None:
        listener(switch)


@dataclass(frozen=True)
class Chosen:
    """A session that works, and the provider that it runs on."""

    session: Session
    provider: str


def choose_session(
    path: Path,
    providers: Sequence[str],
    settings: SessionSettings,
    make_self_test: MakeSelfTest,
    on_switch: OnSwitch | None = None,
    opening: OpenSession = open_session,
) -> Chosen:
    """The graph on the first of ``providers`` that loads and agrees with the CPU on the self-test.

    A provider that this build of onnxruntime does not have at all is passed over without a word; one that is
    there and fails is reported. Raises BundleError when even the CPU cannot run the graph.
    """
    try:
        cpu = opening(path, "CPU", settings)
    except Exception as error:  # onnxruntime raises its own classes, one for each status
        raise BundleError(
            f"{path.name} does not run on the CPU: {error}. Produce the bundle again."
        ) from error
    for provider in _worth_trying(providers, opening):
        fault, session = _tried(path, provider, settings, make_self_test(cpu), cpu, opening)
        if session is not None:
            return Chosen(session, provider)
        report(Switch("provider", provider, "next", f"{path.name}: {fault}"), on_switch)
    return Chosen(cpu, "CPU")


def _worth_trying(providers: Sequence[str], opening: OpenSession) -> list[str]:
    """Those in front of the CPU that this onnxruntime has (a stand-in may have any)."""
    before_cpu = list(takewhile(lambda name: name != "CPU", providers))
    there = ort.get_available_providers()
    return [name for name in before_cpu if PROVIDERS[name] in there or opening is not open_session]


def _tried(
    path: Path, provider: str, settings: SessionSettings, test: SelfTest, cpu: Session,
    opening: OpenSession,
) -> tuple[str, Session | None]:  # fmt: skip
    try:
        session = opening(path, provider, settings)
        found, reference = (one.run(test.outputs, test.inputs) for one in (session, cpu))
    except Exception as error:
        return f"did not load ({error})", None
    worst = max(relative_error(a, b) for a, b in zip(found, reference, strict=True))
    if not worst <= LARGEST_RELATIVE_ERROR:
        return f"disagrees with the CPU by {worst:.2g}", None
    return "", session


def relative_error(found: Any, expected: Any) -> float:
    """‖found − expected‖ / ‖expected‖; infinite where the shapes differ."""
    if found.shape != expected.shape:
        return float("inf")
    scale = float(np.linalg.norm(expected))
    return float(np.linalg.norm(found - expected)) / (scale or 1.0)
