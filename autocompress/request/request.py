"""What the user wants: a device and the limits that the voice must keep."""

import dataclasses
import difflib
import tomllib
from collections.abc import Mapping
from dataclasses import InitVar, dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any, Self

from autocompress.errors import RequestError
from autocompress.request.devices import DeviceNames, library_devices
from autocompress.request.parser import Reading, read
from autocompress.request.quantities import QUANTITIES, Quantity


@dataclass(frozen=True)
class Request:
    """A device and its limits (None: not asked); ``similarity`` and ``mos`` are minimums, the rest maximums.

    ``device`` may be given as any of its names and becomes the id of its profile (``local`` is this machine).
    Units: 1 MB = 10^6 bytes; seconds; ``rtf``, ``similarity``, ``sid`` and ``cer`` are plain ratios.
    ``str(request)`` is a line that parses to an equal request.
    Raises :class:`RequestError` naming every fault.
    """

    device: str
    size_mb: float | None = None
    latency_s: float | None = None
    first_audio_s: float | None = None
    rtf: float | None = None
    memory_mb: float | None = None
    similarity: float | None = None
    sid: float | None = None
    mos: float | None = None
    cer: float | None = None
    reading: Reading | None = field(default=None, repr=False, compare=False)  # the user's own words
    devices: InitVar[DeviceNames | None] = None

    def __post_init__(self, devices: DeviceNames | None) -> None:
        names = library_devices() if devices is None else devices
        found = names.find(self.device) if isinstance(self.device, str) else None
        faults = [] if found else [_device_fault(self.device, names)]
        faults += [fault for q in QUANTITIES.values() if (fault := _fault(q, getattr(self, q.field)))]
        if not self.limits:
            faults.append("no limit is given: give at least one of " + ", ".join(QUANTITIES))
        if faults:
            raise RequestError(
                "The request cannot be used:\n" + "\n".join(f"  - {fault}" for fault in faults)
            )
        object.__setattr__(self, "device", found)
        for name, value in self.limits.items():
            object.__setattr__(self, name, float(value))

    def __hash__(self) -> int:
        return hash((self.device, *self.limits.items()))

    @classmethod
    def parse(cls, line: str, devices: DeviceNames | None = None) -> Self:
        """Read a line of English, Chinese or ``key<=value`` pairs; ``devices`` defaults to the profiles here.

        Raises :class:`LineError`, which marks the first place that was not understood.
        """
        if not isinstance(line, str):
            raise RequestError(f"A request is one line of text, not {type(line).__name__}.")
        names = library_devices() if devices is None else devices
        reading = read(line, names)
        limits: dict[str, Any] = {limit.field: limit.value for limit in reading.limits}
        return cls(device=reading.device, **limits, reading=reading, devices=names)

    @classmethod
    def load(cls, path: str | PathLike[str], devices: DeviceNames | None = None) -> Self:
        """Read a TOML file of the same fields, or of ``line = "..."`` alone; unknown keys are refused."""
        content = _read_toml(Path(path))
        try:
            if set(content) == {"line"}:
                return cls.parse(content["line"], devices)
            _check_keys(content)
            return cls(**content, devices=devices)
        except RequestError as error:
            raise RequestError(f"{path}: {error}") from error

    @property
    def limits(self) -> dict[str, float]:
        """The limits that were asked, by field."""
        return {name: getattr(self, name) for name in QUANTITIES if getattr(self, name) is not None}

    @property
    def constraints(self) -> dict[str, dict[str, float]]:
        """The limits as ``{"size_mb": {"max": 80.0}, "mos": {"min": 3.5}}``."""
        return {name: {QUANTITIES[name].bound: value} for name, value in self.limits.items()}

    def __str__(self) -> str:
        limits = (
            f"{q.field}{q.sign}{q.show(self.limits[q.field])}"
            for q in QUANTITIES.values()
            if q.field in self.limits
        )
        return " ".join([*limits, f"device={self.device}"])

    def echo(self) -> str:
        """What was understood, in full: one line for the device and one for each limit."""
        rows = [("device", self._device_words())]
        rows += [
            (QUANTITIES[name].label, self._words(QUANTITIES[name], value))
            for name, value in self.limits.items()
        ]
        width = max(len(label) for label, _ in rows)
        return "\n".join(f"{label:<{width}}  {words}" for label, words in rows)

    def _said(self, field: str, value: float | str) -> str | None:
        return self.reading.spelled(field, value) if self.reading else None

    def _device_words(self) -> str:
        said = self._said("device", self.device)
        return self.device if said in {None, self.device} else f"{self.device} ({said})"

    def _words(self, quantity: Quantity, value: float) -> str:
        """ "at most 60 MiB (62.91456 MB)": the user's own amount, then what it means."""
        plain = f"{quantity.show(value)} {quantity.unit}".rstrip()
        said = self._said(quantity.field, value) or plain
        is_plain = "".join(said.split()).casefold() in {
            "".join(plain.split()).casefold(),
            quantity.show(value),
        }
        return f"{quantity.words} {plain}" if is_plain else f"{quantity.words} {said} ({plain})"


def _device_fault(device: object, names: DeviceNames) -> str:
    if not isinstance(device, str) or not device.strip():
        return "device must be the name of a device; for this computer write 'this machine'"
    return f"unknown device {device!r}. Nearest: {', '.join(names.nearest(device)) or 'none'}"


def _fault(quantity: Quantity, value: object) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return f"{quantity.field} must be a number, not {value!r}"
    try:
        fault = quantity.fault(float(value))
    except OverflowError:
        fault = "is too large"
    return f"{quantity.field}={value!r}: {quantity.label} {fault}" if fault else None


def _check_keys(content: Mapping[str, Any]) -> None:
    known = [f.name for f in dataclasses.fields(Request) if f.name != "reading"]
    faults = [f"unknown key {key!r}{_nearest_key(key, known)}" for key in content if key not in known]
    if "device" not in content:
        faults.append('device is missing; for this computer write device = "this machine"')
    if faults:
        raise RequestError("; ".join(faults) + f". Known keys: {', '.join(known)}, or line alone.")


def _nearest_key(key: str, known: list[str]) -> str:
    near = difflib.get_close_matches(key, [*known, "line"], 1, 0.4)
    return f" (did you mean {near[0]!r}?)" if near else ""


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise RequestError(
            f"{path} cannot be read: {error.strerror}. Give the path of a request.toml."
        ) from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise RequestError(f"{path} is not TOML: {error}") from error
