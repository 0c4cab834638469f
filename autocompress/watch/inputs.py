"""What a search depends on from outside, as content hashes: device profiles and models."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from autocompress.errors import AutocompressError, CheckpointError
from autocompress.hardware.library import load_profile, names_of, profile_folders
from autocompress.hardware.profile import HardwareProfile, read_profile
from autocompress.models import reference
from autocompress.request import DeviceNames
from autocompress.watch.requests_file import WatchedRequest

PACKAGED: Mapping[str, Path] = {"reference": reference.CHECKSUMS}
"""The file whose content stands for each packaged model."""


@dataclass(frozen=True)
class Devices:
    """Profiles that can be read, by id, and what is wrong with the others, by path."""

    profiles: Mapping[str, HardwareProfile]
    broken: Mapping[str, str] = field(default_factory=dict)

    @property
    def names(self) -> DeviceNames:
        return DeviceNames({i: (p.names.en, *names_of(p)) for i, p in self.profiles.items()})

    def hash(self, device: str) -> str:
        """Of the profile's file and its tables; of this machine's own profile for ``local``."""
        profile = self.profiles.get(device) or load_profile(device)
        assert profile.path is not None, "a profile that was read has a path"
        tables = [profile.path.parent / name for name in profile.tables]
        return content_hash([profile.path, *tables])


def scan_devices(extra_folders: Iterable[Path] = ()) -> Devices:
    """Every profile of every folder; a broken one is kept aside with its message."""
    profiles: dict[str, HardwareProfile] = {}
    broken: dict[str, str] = {}
    for folder in profile_folders(extra_folders):
        for path in sorted(folder.glob("*.toml")):
            try:
                profile = read_profile(path)
            except AutocompressError as error:
                broken[str(path)] = str(error)
            else:
                profiles.setdefault(profile.id, profile)
    return Devices(profiles, broken)


def model_hash(request: WatchedRequest) -> str:
    """Of the files that the request's model is made of."""
    if request.gpt is None:
        name = request.model or "reference"
        if name not in PACKAGED:
            raise CheckpointError(f"no packaged model {name!r}; known: {', '.join(PACKAGED)}.")
        return content_hash([PACKAGED[name]])
    files = (request.gpt, request.sovits, request.voices, request.vocoder)
    return content_hash(Path(name) for name in files if name is not None)


def content_hash(paths: Iterable[Path]) -> str:
    """Sixteen hexadecimal digits over the contents in their order."""
    digest = hashlib.sha256()
    for path in paths:
        try:
            with path.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
        except OSError as error:
            raise CheckpointError(
                f"{path} cannot be read: {error}. Correct requests.toml or the file."
            ) from error
    return digest.hexdigest()[:16]


def read_state(path: Path) -> dict[str, dict[str, str]]:
    """What the last rounds saw, by request; nothing at the first one, or when the file is damaged."""
    try:
        state: dict[str, dict[str, str]] = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return state if isinstance(state, dict) else {}


def write_state(path: Path, state: Mapping[str, Mapping[str, str]]) -> None:
    """The state, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.draft")
    draft.write_text(json.dumps(state, indent=1, sort_keys=True), "utf-8")
    draft.replace(path)
