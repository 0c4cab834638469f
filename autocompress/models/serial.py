"""Frozen dataclasses to plain JSON values and back; unknown and missing keys are named, all at once."""

import dataclasses
import difflib
from collections.abc import Mapping
from types import UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from autocompress.errors import CheckpointError

T = TypeVar("T")


def to_json(value: Any) -> Any:
    """A dataclass as nested dicts and lists that ``json.dumps`` takes."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: to_json(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, tuple | list):
        return [to_json(item) for item in value]
    return value


def from_json(kind: type[T], data: Any) -> T:
    """The inverse of :func:`to_json`; raises CheckpointError that names every wrong key."""
    if not isinstance(data, Mapping):
        raise CheckpointError(f"{kind.__name__}: expected a table of sizes, found {type(data).__name__}.")
    hints = get_type_hints(kind)
    fields = {f.name: f for f in dataclasses.fields(kind)}  # type: ignore[arg-type]
    faults = [_unknown(key, list(fields)) for key in data if key not in fields]
    faults += [f"{name} is missing" for name, f in fields.items() if name not in data and not _optional(f)]
    if faults:
        raise CheckpointError(f"{kind.__name__}: {'; '.join(faults)}.")
    try:
        return kind(**{key: _value(hints[key], item) for key, item in data.items()})
    except (TypeError, ValueError) as error:
        raise CheckpointError(f"{kind.__name__}: {error}") from error


def _alternative(hint: Any, item: Any) -> Any:
    """Of a union, the table with the most of the item's keys; of plain kinds the first."""
    tables = [kind for kind in get_args(hint) if dataclasses.is_dataclass(kind)]
    if not tables or not isinstance(item, Mapping):
        return get_args(hint)[0]
    return max(tables, key=lambda kind: sum(f.name in item for f in dataclasses.fields(kind)))


def _optional(f: "dataclasses.Field[Any]") -> bool:
    return f.default is not dataclasses.MISSING or f.default_factory is not dataclasses.MISSING


def _unknown(key: str, known: list[str]) -> str:
    near = difflib.get_close_matches(str(key), known, n=1)
    return f"{key} is unknown" + (f" (did you mean {near[0]}?)" if near else "")


def _value(hint: Any, item: Any) -> Any:
    if get_origin(hint) is UnionType:
        return item if item is None else _value(_alternative(hint, item), item)
    if get_origin(hint) is tuple:
        return tuple(_value(get_args(hint)[0], part) for part in item)
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return from_json(hint, item)
    if hint is float and isinstance(item, int):
        return float(item)
    if isinstance(hint, type) and not isinstance(item, hint):
        raise TypeError(f"expected {hint.__name__}, found {item!r}")
    return item
