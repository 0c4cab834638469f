"""The TOML of a search space as frozen data; every fault of a file is reported at once."""

import tomllib
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from autocompress.errors import SpaceError
from autocompress.resources import data_folder
from autocompress.space.candidate import Value
from autocompress.space.searchspace import nearest

Kind = Literal["flag", "categorical", "ordinal", "int", "width", "count", "subset", "depth"]
Share = Annotated[float, Field(gt=0.0, le=1.0)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=False)


class ChoiceSpec(_Strict):
    """One ``[[choice]]`` table: a decision group as a function of the teacher's dimensions.

    ``only_with`` names options that a teacher has only with a dimension; without it they are left out, and so
    are the choices that wait for them alone.
    """

    name: str
    kind: Kind
    role: str
    each: dict[str, str] = {}
    groups: int | None = Field(default=None, ge=1)
    of: str | None = None
    options: tuple[Any, ...] | None = None
    ratios: tuple[Share, ...] | None = None
    multiple_of: int = Field(default=1, ge=1)
    low: int | None = None
    high: int | None = None
    step: int = Field(default=1, ge=1)
    decides: str | None = None
    default: Any = None
    needs: dict[str, tuple[Any, ...]] = {}
    when: dict[str, tuple[Any, ...]] = {}
    only_with: dict[str, str] = {}
    inherited: bool = True

    @model_validator(mode="after")
    def _complete(self) -> "ChoiceSpec":
        faults = _spec_faults(self)
        if faults:
            raise ValueError("; ".join(faults))
        return self


class ProtectSpec(_Strict):
    """One ``[protect.NAME]`` table: a floor under a sensitive part, and why."""

    choices: tuple[str, ...]
    reason: str = Field(min_length=1)
    allow: tuple[Any, ...] | None = None
    floor: float | None = Field(default=None, ge=0.0, le=1.0)
    ceiling: float = Field(default=1.0, ge=0.0, le=1.0)
    keep: float | None = Field(default=None, ge=0.0, le=1.0)
    unless: dict[str, tuple[Any, ...]] = {}

    @model_validator(mode="after")
    def _ordered(self) -> "ProtectSpec":
        if self.floor is not None and self.floor > self.ceiling:
            raise ValueError(f"floor {self.floor} lies above ceiling {self.ceiling}")
        if self.allow is None and self.floor is None and self.keep is None and self.ceiling == 1.0:
            raise ValueError("protects nothing: give allow, floor, ceiling or keep")
        if len(self.unless) > 1:
            raise ValueError("unless takes one choice")
        return self


class CostSpec(_Strict):
    """One ``[[cost]]`` table: choices whose bytes and seconds depend on each other."""

    choices: tuple[str, ...] = Field(min_length=1)
    each: dict[str, str] = {}


class SpaceSpec(_Strict):
    """A whole search-space file."""

    schema_version: Literal[1]
    name: str
    about: str = ""
    erases: tuple[str, ...] = ()
    choice: tuple[ChoiceSpec, ...] = Field(min_length=1)
    protect: dict[str, ProtectSpec] = {}
    cost: tuple[CostSpec, ...] = ()


@dataclass(frozen=True)
class _Needs:
    """Which keys a kind of choice needs."""

    keys: tuple[str, ...]


_TABLES: dict[str, type[BaseModel]] = {"choice": ChoiceSpec, "protect": ProtectSpec, "cost": CostSpec}

_NEEDS: dict[str, _Needs] = {
    "flag": _Needs(()),
    "categorical": _Needs(("options",)),
    "ordinal": _Needs(("options",)),
    "int": _Needs(("low", "high")),
    "width": _Needs(("of", "ratios")),
    "count": _Needs(("of", "ratios")),
    "subset": _Needs(("of", "options")),
    "depth": _Needs(("of", "ratios", "decides")),
}


def read_space(source: str | Path) -> SpaceSpec:
    """Read a search space by name (``gpt-sovits``) or path; a :class:`SpaceError` lists all its faults."""
    path = space_path(source)
    try:
        fields = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SpaceError(f"cannot read the search space {path}: {error}. Give a TOML file.") from error
    return parse_space(fields, str(path))


def parse_space(fields: Mapping[str, Any], source: str) -> SpaceSpec:
    """Check the parsed TOML of a search space."""
    try:
        return SpaceSpec.model_validate(fields)
    except ValidationError as error:
        faults = _all_faults(fields, error)
        lines = "\n".join(f"  - {fault}" for fault in faults)
        raise SpaceError(f"search space {source}: {len(faults)} fault(s)\n{lines}") from error


def space_path(source: str | Path) -> Path:
    """Where the space is: a path as given, a bare name in the user's ``search_spaces`` folder or in ours."""
    if isinstance(source, Path) or source.endswith(".toml"):
        return Path(source)
    folders = (Path("search_spaces"), data_folder("search_spaces"))
    found = [folder / f"{source}.toml" for folder in folders if (folder / f"{source}.toml").is_file()]
    if not found:
        known = {p.stem: p for folder in folders if folder.is_dir() for p in folder.glob("*.toml")}
        raise SpaceError(
            f"unknown search space {source!r}. Did you mean {nearest(source, known)!r}? Known: "
            f"{', '.join(sorted(known))}. A path must end in .toml."
        )
    return found[0]


def _all_faults(fields: Mapping[str, Any], error: ValidationError) -> list[str]:
    """Every fault. A table with a bad key is not looked into: what else is wrong shows without that key."""
    faults: list[str] = []
    rest, found = deepcopy(dict(fields)), error
    while True:
        items: list[dict[str, Any]] = [dict(item) for item in found.errors()]
        faults += [fault for item in items if (fault := _fault(fields, item)) not in faults]
        hiding = [item["loc"] for item in items if _may_hide_more(item)]
        if not hiding:
            return faults
        for loc in hiding:
            _cut(rest, loc)
        try:
            SpaceSpec.model_validate(rest)
            return faults
        except ValidationError as next_error:
            found = next_error


def _may_hide_more(item: Mapping[str, Any]) -> bool:
    """Whether it is a key that can be left out: an unknown one, or an optional one of the wrong kind."""
    loc = item["loc"]
    owner = _owner(loc)
    field = None if owner is None else owner.model_fields.get(str(loc[-1]))
    return item["type"] == "extra_forbidden" or (field is not None and not field.is_required())


def _owner(loc: tuple[Any, ...]) -> type[BaseModel] | None:
    """The table that the last key of ``loc`` stands in; nothing where that is an item of a list."""
    if len(loc) == 1:
        return SpaceSpec
    return _TABLES.get(str(loc[0])) if len(loc) == 3 else None


def _cut(fields: dict[str, Any], loc: tuple[Any, ...]) -> None:
    """Take the key at ``loc`` out of parsed TOML."""
    table: Any = fields
    for step in loc[:-1]:
        table = table[step]
    table.pop(loc[-1], None)


def _spec_faults(spec: ChoiceSpec) -> list[str]:
    missing = [key for key in _NEEDS[spec.kind].keys if getattr(spec, key) is None]
    faults = [f"kind {spec.kind!r} needs {', '.join(missing)}"] if missing else []
    if spec.options is not None and len(spec.options) == 0:
        faults.append("options are empty")
    if spec.ratios is not None and len(spec.ratios) == 0:
        faults.append("ratios are empty")
    if spec.low is not None and spec.high is not None and spec.low > spec.high:
        faults.append(f"low {spec.low} lies above high {spec.high}")
    if len(spec.when) > 1:
        faults.append("when takes one choice; nest conditions by giving that choice its own")
    if spec.needs and not spec.when:
        faults.append("needs speaks of the choice in when, which is missing")
    strange = [option for option in spec.only_with if option not in (spec.options or ())]
    if strange:
        faults.append(f"only_with names {', '.join(strange)}, not among its options")
    if spec.groups is not None and len(spec.each) != 1:
        faults.append("groups needs each")
    return faults


def _fault(fields: Mapping[str, Any], item: dict[str, Any]) -> str:
    """One line for a fault: where, what, and the nearest known key for an unknown one."""
    where = _where(fields, item["loc"])
    if item["type"] != "extra_forbidden":
        return f"{where}: {item['msg'].removeprefix('Value error, ')} (found {_short(item['input'])})"
    key = str(item["loc"][-1])
    owner = _owner(item["loc"]) or SpaceSpec
    known = dict.fromkeys(owner.__annotations__)
    return f"{where}: unknown key {key!r}; nearest known: {nearest(key, known)!r}"


def _where(fields: Mapping[str, Any], loc: tuple[Any, ...]) -> str:
    """The fault's place, a choice by its name rather than by its number."""
    if len(loc) > 1 and loc[0] == "choice":
        table = fields["choice"][loc[1]]
        name = (
            table.get("name", f"number {loc[1] + 1}") if isinstance(table, dict) else f"number {loc[1] + 1}"
        )
        return ".".join(["choice " + str(name), *map(str, loc[2:])])
    return ".".join(map(str, loc)) or "file"


def _short(value: Value | Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
