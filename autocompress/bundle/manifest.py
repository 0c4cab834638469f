"""``manifest.json``: what a bundle is, what it is made of, and what is claimed about it.

Reading is strict: unknown keys are refused with the nearest known one, all faults are reported together, and
a bundle of a newer schema is refused before anything else is looked at.
"""

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from autocompress.errors import BundleError
from autocompress.hardware.strict_toml import Faults, nearest, read_table
from autocompress.models.config import VERSIONS
from autocompress.objectives import QUANTITIES, Measurement

SCHEMA = 1
MANIFEST = "manifest.json"
VOICES = "voices.db"
PROVIDERS: Mapping[str, str] = {
    "QNN": "QNNExecutionProvider",
    "NNAPI": "NnapiExecutionProvider",
    "CoreML": "CoreMLExecutionProvider",
    "XNNPACK": "XnnpackExecutionProvider",
    "CPU": "CPUExecutionProvider",
}
"""Execution providers by their short names, in the default order."""

PREFILL, STEP, SOVITS, SOVITS_LITE = "gpt_prefill", "gpt_step", "sovits", "sovits_lite"
SYMBOLS = "symbols"
SPEAKING_ROLES = (PREFILL, STEP, SOVITS)
_HIGHEST_RATE_HZ = 384_000
_MOST = {"top_k": 1_000_000, "temperature": 1e6, "noise_scale": 1e6, "pause_s": 60.0}
ROLES = (*SPEAKING_ROLES, SOVITS_LITE, "weights", SYMBOLS, "card")


@dataclass(frozen=True)
class FileEntry:
    """One file: its path inside the bundle, its part in speaking, and what its bytes must be."""

    path: str
    role: str
    sha256: str
    size_bytes: int


@dataclass(frozen=True)
class AudioSettings:
    """What the graphs expect and give; ``margin_frames`` around a window make it equal one pass.

    A frame is ``hop`` samples; a token is two frames. Without a margin speech is not streamed in windows.
    """

    sample_rate_hz: int
    hop: int
    codes: int
    gin: int
    inter: int
    margin_frames: int | None = None


@dataclass(frozen=True)
class TextSettings:
    """``version`` names the phoneme table; ``bert`` says whether the prefill graph takes BERT features."""

    version: str
    bert: bool = False


@dataclass(frozen=True)
class SpeechDefaults:
    """Upstream's sampling defaults; ``max_tokens`` n ends a sentence with n + 1 tokens."""

    top_k: int = 15
    top_p: float = 1.0
    temperature: float = 1.0
    repetition_penalty: float = 1.35
    noise_scale: float = 0.5
    pause_s: float = 0.3
    max_tokens: int = 2700


@dataclass(frozen=True)
class Tier:
    """One way to speak, from best to fastest: which SoVITS graph, and whether on the CPU alone."""

    name: str
    sovits: str
    cpu_only: bool = False


@dataclass(frozen=True)
class Claim:
    """A measurement, and where it was taken: the machine, how, with what threads and seed."""

    key: str
    value: float
    low: float
    high: float
    source: str
    confidence: float = 0.9
    machine: str = ""
    threads: int = 0
    seed: int = 0
    versions: str = ""
    command: str = ""

    @property
    def measurement(self) -> Measurement:
        return Measurement(self.key, self.value, self.low, self.high, self.source, self.confidence)  # type: ignore[arg-type]

    @classmethod
    def of(cls, measurement: Measurement, **provenance: Any) -> "Claim":
        """A claim from a measurement; ``provenance`` are machine, threads, seed, versions, command."""
        return cls(**measurement.to_dict(), **provenance)


@dataclass(frozen=True)
class Manifest:
    """A bundle's description. ``candidate`` and ``teacher`` are the makers' own words, kept as they are."""

    files: tuple[FileEntry, ...]
    audio: AudioSettings
    text: TextSettings
    tiers: tuple[Tier, ...]
    speech: SpeechDefaults = field(default_factory=SpeechDefaults)
    providers: tuple[str, ...] = tuple(PROVIDERS)
    claims: tuple[Claim, ...] = ()
    teacher: Mapping[str, Any] = field(default_factory=dict, metadata={"toml": False})
    candidate: Mapping[str, Any] = field(default_factory=dict, metadata={"toml": False})

    def __post_init__(self) -> None:
        if faults := list(_faults(self)):
            raise BundleError(_refusal("the manifest", faults))

    def path_of(self, role: str) -> str:
        """The path of the one file with ``role``."""
        return next(file.path for file in self.files if file.role == role)

    @property
    def size_bytes(self) -> int:
        """Bytes that a device needs to speak, the manifest and the voice store aside."""
        return sum(file.size_bytes for file in self.files)

    def to_json(self) -> str:
        document = {"schema": SCHEMA, **asdict(self)}
        if self.audio.margin_frames is None:
            del document["audio"]["margin_frames"]
        return json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n"

    @classmethod
    def from_json(cls, text: str, source: str = MANIFEST) -> "Manifest":
        """Read a manifest; raises BundleError with every fault, or with the newer schema's number."""
        document = _document(text, source)
        free = {key: document.pop(key, {}) for key in ("teacher", "candidate")}
        faults = Faults()
        for key in (key for key, value in free.items() if not isinstance(value, dict)):
            faults.add((key,), f"{key} must be a table, found {free[key]!r}")
        try:
            read = read_table(cls, document, (), faults) if not faults else None
        except OverflowError as error:
            raise BundleError(f"{source} holds a number that is too large. {_AGAIN}") from error
        if read is None:
            raise BundleError(_refusal(source, [fault.message for fault in faults.found]))
        return replace(read, **free)


def _document(text: str, source: str) -> dict[str, Any]:
    """The JSON object with its schema number checked and taken out."""
    try:
        found = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise BundleError(f"{source} is not JSON ({error}): truncated or damaged. {_AGAIN}") from error
    if not isinstance(found, dict):
        raise BundleError(f"{source} must hold one JSON object, found {type(found).__name__}. {_AGAIN}")
    schema = found.pop("schema", None)
    if not isinstance(schema, int) or isinstance(schema, bool) or schema < 1:
        raise BundleError(f"{source} has no schema number (found {schema!r}). {_AGAIN}")
    if schema > SCHEMA:
        raise BundleError(
            f"{source} has schema {schema}; the newest known here is {SCHEMA}. Update autocompress."
        )
    return found


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    keys = [key for key, _ in pairs]
    if doubled := sorted({key for key in keys if keys.count(key) > 1}):
        raise ValueError(f"the key {doubled[0]!r} stands there twice")
    return dict(pairs)


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not a number")


def _refusal(source: str, faults: list[str]) -> str:
    listed = "\n".join(f"  {fault}" for fault in faults)
    return f"{source} cannot be used:\n{listed}\n{_AGAIN}"


_AGAIN = "Copy or produce the bundle again."


def _faults(manifest: Manifest) -> Iterator[str]:
    """Everything in a manifest that is well-formed and still wrong."""
    yield from _file_faults(manifest.files)
    paths = {file.path for file in manifest.files if file.role in (SOVITS, SOVITS_LITE)}
    if not manifest.tiers:
        yield "there must be at least one tier"
    yield from (
        f"tier {t.name!r} wants {t.sovits!r}, which is no sovits file"
        for t in manifest.tiers
        if t.sovits not in paths
    )
    for name in manifest.providers:
        if name not in PROVIDERS:
            yield f"unknown execution provider {name!r}; the nearest is {nearest(name, PROVIDERS)!r}"
    yield from _number_faults(manifest)
    yield from (fault for claim in manifest.claims for fault in _claim_faults(claim))


def _file_faults(files: tuple[FileEntry, ...]) -> Iterator[str]:
    roles, paths = [file.role for file in files], [file.path for file in files]
    yield from (
        f"there must be one {role} file, found {roles.count(role)}"
        for role in SPEAKING_ROLES
        if roles.count(role) != 1
    )
    yield from (
        f"the path {path!r} stands there twice" for path in sorted(set(paths)) if paths.count(path) > 1
    )
    for file in files:
        if file.role not in ROLES:
            near = nearest(file.role, ROLES)
            yield f"unknown role {file.role!r} of {file.path!r}; the nearest is {near!r}"
        if fault := path_fault(file.path):
            yield fault
        if len(file.sha256) != 64 or set(file.sha256) - set("0123456789abcdef"):
            yield f"{file.path!r} needs a SHA-256 of 64 hexadecimal digits, found {file.sha256!r}"
        if file.size_bytes < 0:
            yield f"{file.path!r} cannot have {file.size_bytes} bytes"


def path_fault(path: str) -> str | None:
    """Why a manifest may not name this path: it must be plain, relative and stay inside."""
    parts = path.split("/")
    odd = any(part in ("", ".", "..") for part in parts) or any(char in path for char in "\\:")
    odd = odd or not (path.isascii() and path.isprintable())
    if odd or path in (MANIFEST, VOICES):
        return f"the path {path!r} may not stand in a manifest: only plain paths inside the bundle may"
    return None


def _number_faults(manifest: Manifest) -> Iterator[str]:
    audio, speech = manifest.audio, manifest.speech
    for key in ("sample_rate_hz", "hop", "codes", "gin", "inter"):
        if getattr(audio, key) < 1:
            yield f"audio.{key} must be positive, found {getattr(audio, key)}"
    if audio.margin_frames is not None and audio.margin_frames < 0:
        yield f"audio.margin_frames cannot be negative, found {audio.margin_frames}"
    if manifest.text.version not in VERSIONS:
        yield f"text.version must be one of {', '.join(VERSIONS)}, found {manifest.text.version!r}"
    if audio.sample_rate_hz > _HIGHEST_RATE_HZ or audio.hop > _HIGHEST_RATE_HZ:
        yield f"audio.sample_rate_hz and audio.hop may be at most {_HIGHEST_RATE_HZ}"
    for key, most in _MOST.items():
        if not 0 <= getattr(speech, key) <= most:
            yield f"speech.{key} must lie between 0 and {most}, found {getattr(speech, key)}"
    if not 0 < speech.top_p <= 1:
        yield f"speech.top_p must lie in (0, 1], found {speech.top_p}"
    if not 0 < speech.repetition_penalty < math.inf or speech.max_tokens < 1:
        yield "speech.repetition_penalty and speech.max_tokens must be positive"


def _claim_faults(claim: Claim) -> Iterator[str]:
    if claim.key.partition(":")[0] not in QUANTITIES:
        yield f"a claim about {claim.key!r}; the nearest known quantity is {nearest(claim.key, QUANTITIES)!r}"
    try:
        _ = claim.measurement
    except ValueError as error:
        yield f"a claim cannot hold: {error}"
