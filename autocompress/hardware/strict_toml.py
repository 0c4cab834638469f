"""Reads TOML into frozen dataclasses and reports every fault at once, each with its line.

``tomllib`` forgets where a value stood, so :func:`line_index` finds the lines again from the text.
"""

import dataclasses
import difflib
import re
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Path = tuple[str | int, ...]
T = typing.TypeVar("T")

_HEADER = re.compile(r"^\s*(\[\[?)\s*([^\]]+?)\s*\]\]?\s*(#.*)?$")
_KEY = re.compile(
    r"^\s*((?:\"[^\"]*\"|'[^']*'|[A-Za-z0-9_-]+)(?:\s*\.\s*(?:\"[^\"]*\"|'[^']*'|[A-Za-z0-9_-]+))*)\s*="
)


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong, and the key path where it is."""

    path: Path
    message: str


@dataclass
class Faults:
    """Collects faults while reading goes on, so that a user sees all of them in one run."""

    found: list[Fault] = field(default_factory=list)

    def add(self, path: Path, message: str) -> None:
        self.found.append(Fault(path, message))

    def __bool__(self) -> bool:
        return bool(self.found)

    def lines(self, text: str) -> list[str]:
        """Every fault as ``line N: message``, in the order of the file."""
        index = line_index(text)
        placed = sorted((nearest_line(index, fault.path), fault.message) for fault in self.found)
        return [f"line {line}: {message}" for line, message in placed]


def _dotted(text: str) -> tuple[str, ...]:
    parts = re.findall(r"\"[^\"]*\"|'[^']*'|[^.\s]+", text)
    return tuple(part.strip("\"'") for part in parts)


def _open_brackets(line: str) -> int:
    """How many brackets a line opens minus those it closes, outside of strings and comments."""
    bare = re.sub(r"\"(?:\\.|[^\"\\])*\"|'[^']*'", "", line)
    bare = bare.split("#", 1)[0]
    return sum(bare.count(c) for c in "[{") - sum(bare.count(c) for c in "]}")


def line_index(text: str) -> dict[Path, int]:
    """The line (from 1) on which each table or key of a TOML document stands."""
    index: dict[Path, int] = {(): 1}
    counts: dict[tuple[str, ...], int] = {}
    table: Path = ()
    depth = 0
    for number, line in enumerate(text.splitlines(), start=1):
        if depth > 0:
            depth += _open_brackets(line)
        elif header := _HEADER.match(line):
            table = _enter(_dotted(header[2]), header[1] == "[[", counts)
            index.setdefault(table, number)
        elif key := _KEY.match(line):
            index.setdefault(table + _dotted(key[1]), number)
            depth = max(0, _open_brackets(line[key.end() :]))
    return index


def _enter(names: tuple[str, ...], is_array: bool, counts: dict[tuple[str, ...], int]) -> Path:
    if is_array:
        counts[names] = counts.get(names, -1) + 1
    path: list[str | int] = []
    for end, name in enumerate(names, start=1):
        path.append(name)
        if names[:end] in counts:
            path.append(counts[names[:end]])
    return tuple(path)


def nearest_line(index: Mapping[Path, int], path: Path) -> int:
    """The line of a key, or of the closest table around it."""
    while path not in index:
        path = path[:-1]
    return index[path]


def nearest(name: str, known: typing.Iterable[str]) -> str:
    """The known name that resembles the given one most."""
    options = list(known)
    close = difflib.get_close_matches(name, options, n=1, cutoff=0.0)
    return close[0] if close else ""


def _unwrap_optional(kind: Any) -> Any:
    if isinstance(kind, types.UnionType):
        return next(part for part in typing.get_args(kind) if part is not types.NoneType)
    return kind


def read_value(kind: Any, value: Any, path: Path, faults: Faults) -> Any:
    """``value`` as the type ``kind`` asks; a fault and ``None`` where it is not that."""
    kind = _unwrap_optional(kind)
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if dataclasses.is_dataclass(kind):
        return read_table(typing.cast(type, kind), value, path, faults)
    if origin is tuple:
        return _read_list(args[0], value, path, faults)
    if origin in (dict, Mapping):
        return _read_mapping(args[1], value, path, faults)
    return _read_scalar(kind, value, path, faults)


def _read_list(kind: Any, value: Any, path: Path, faults: Faults) -> tuple[Any, ...]:
    if not isinstance(value, list):
        faults.add(path, f"{_name(path)} must be a list, found {value!r}")
        return ()
    return tuple(read_value(kind, item, (*path, i), faults) for i, item in enumerate(value))


def _read_mapping(kind: Any, value: Any, path: Path, faults: Faults) -> dict[str, Any]:
    if not isinstance(value, dict):
        faults.add(path, f"{_name(path)} must be a table, found {value!r}")
        return {}
    return {key: read_value(kind, item, (*path, key), faults) for key, item in value.items()}


def _read_scalar(kind: type, value: Any, path: Path, faults: Faults) -> Any:
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, bool) is not (kind is bool) or not isinstance(value, kind):
        faults.add(path, f"{_name(path)} must be {_KIND_NAMES[kind]}, found {value!r}")
        return None
    return value


_KIND_NAMES = {str: "a text", float: "a number", int: "a whole number", bool: "true or false"}


def _name(path: Path) -> str:
    return ".".join(str(part) for part in path)


def read_table(kind: type[T], value: Any, path: Path, faults: Faults) -> T | None:
    """A dataclass from a table; unknown, missing and mistyped keys become faults."""
    if not isinstance(value, dict):
        keys = ", ".join(f"{field.name} = …" for field in dataclasses.fields(kind))  # type: ignore[arg-type]
        faults.add(path, f"{_name(path)} must be a table {{ {keys} }}, found {value!r}")
        return None
    hints = typing.get_type_hints(kind)
    fields = {f.name: f for f in dataclasses.fields(kind) if f.metadata.get("toml", True)}  # type: ignore[arg-type]
    for key in value.keys() - fields.keys():
        known = nearest(key, fields)
        faults.add((*path, key), f"unknown key {_name((*path, key))!r}; the nearest known one is {known!r}")
    before = len(faults.found)
    given = {k: read_value(hints[k], value[k], (*path, k), faults) for k in fields if k in value}
    for name, spec in fields.items():
        required = spec.default is dataclasses.MISSING and spec.default_factory is dataclasses.MISSING
        if required and name not in value:
            faults.add(path, f"missing key {_name((*path, name))!r}")
    return None if len(faults.found) > before else kind(**given)
