"""``requests.toml``: the requests that are searched again when their device or model changes."""

import re
import tomllib
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

from autocompress.errors import RequestError
from autocompress.hardware.strict_toml import Faults, read_table


@dataclass(frozen=True)
class WatchedRequest:
    """``name`` is the folder under ``results/``; ``model`` a packaged model, or the files of one's own.

    Files are named from the folder of ``requests.toml``.
    """

    name: str
    line: str
    model: str | None = None
    gpt: str | None = None
    sovits: str | None = None
    voices: str | None = None
    vocoder: str | None = None

    def located(self, base: Path) -> "WatchedRequest":
        """The same with its files named from ``base``."""
        files = {key: getattr(self, key) for key in ("gpt", "sovits", "voices", "vocoder")}
        return replace(self, **{key: str(base / name) for key, name in files.items() if name is not None})


@dataclass(frozen=True)
class _File:
    request: tuple[WatchedRequest, ...]


def read_requests(path: Path) -> tuple[WatchedRequest, ...]:
    """Every request of the file; raises RequestError with all faults and their lines."""
    try:
        text = path.read_text("utf-8")
        table = tomllib.loads(text)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise RequestError(f"{path} cannot be read: {error}. It holds [[request]] tables.") from error
    faults = Faults()
    read = read_table(_File, table, (), faults)
    if read is not None:
        _check(read.request, faults)
    if faults or read is None:
        listed = "\n".join(f"  {line}" for line in faults.lines(text))
        raise RequestError(f"{path} has faults; correct them:\n{listed}")
    return read.request


def _check(requests: tuple[WatchedRequest, ...], faults: Faults) -> None:
    counts = Counter(request.name for request in requests)
    for i, request in enumerate(requests):
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", request.name):
            faults.add(("request", i, "name"), f"name must be usable as a folder, found {request.name!r}")
        if counts[request.name] > 1:
            faults.add(("request", i, "name"), f"name {request.name!r} stands there twice")
        own = request.gpt is not None and request.sovits is not None
        files = (request.gpt, request.sovits, request.voices, request.vocoder)
        some = any(name is not None for name in files)
        if (request.model is not None and some) or (some and not own):
            faults.add(
                ("request", i),
                f"{request.name!r} needs either model, or both gpt and sovits (voices, vocoder: if any)",
            )
