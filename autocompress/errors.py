"""The exception tree.

::

    AutocompressError            every failure that a user can cause or should see
    ├── MalformedError           the input is wrong; exit code 2
    │   ├── RequestError         the one-line request
    │   ├── ProfileError         a hardware profile or a latency table
    │   ├── SpaceError           a search space or a candidate outside it
    │   ├── CheckpointError      a model file
    │   ├── TextError            text that cannot be spoken
    │   ├── AudioError           a recording
    │   ├── BundleError          a bundle or a voice store
    │   └── RunError             a run folder, its store, or its lock
    ├── MissingExtraError        an optional package is needed; exit code 2
    ├── InfeasibleError          the request is well formed and cannot be met; exit code 1
    └── ClaimError               a claim did not hold when measured again; exit code 1

Every message says three things: what was asked, what was found, what to do.
"""

from collections.abc import Mapping
from typing import Any, ClassVar


class AutocompressError(Exception):
    """Root of every error of this package; ``exit_code`` is what the command line returns for it."""

    exit_code: ClassVar[int] = 2


class MalformedError(AutocompressError):
    """The input is wrong: nothing was started."""


class RequestError(MalformedError):
    """A request line, file or set of keyword arguments could not be understood."""


class ProfileError(MalformedError):
    """A hardware profile, latency table or measurement file is wrong."""


class SpaceError(MalformedError):
    """A search space is wrong, or a candidate lies outside of it."""


class CheckpointError(MalformedError):
    """A model file is not what it was given as."""


class TextError(MalformedError):
    """A text cannot be turned into phonemes."""


class AudioError(MalformedError):
    """A recording cannot be used."""


class BundleError(MalformedError):
    """A bundle or voice store is damaged, unsafe or from a newer version."""


class RunError(MalformedError):
    """A run folder cannot be used: locked, damaged, or made for another request."""


class MissingExtraError(AutocompressError):
    """An optional dependency is not installed; the message names the extra that brings it."""

    def __init__(self, purpose: str, package: str, extra: str) -> None:
        super().__init__(
            f"{purpose} needs the package {package!r}, which is not installed. "
            f"Install it with: pip install 'autocompress[{extra}]'"
        )


class InfeasibleError(AutocompressError):
    """The request is well formed, and nothing can meet it; ``details`` say the same as numbers."""

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, details: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.details = dict(details or {})


class ClaimError(AutocompressError):
    """A claim of a bundle did not hold when it was measured again."""

    exit_code: ClassVar[int] = 1
