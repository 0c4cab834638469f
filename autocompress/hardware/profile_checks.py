"""Numbers that no device can have, found in the raw table of a profile so that each fault has its line."""

import math
import re
from collections.abc import Callable, Iterator
from typing import Any

from autocompress.hardware.strict_toml import Faults, Path, nearest

KINDS = ("measured", "derived", "prior")
ROLES = ("prime", "big", "little")
POLICIES = ("big-cores", "all-cores")
DEVICE_TYPES = ("phone", "tablet", "laptop", "board", "watch", "desktop", "server")
ACCELERATOR_TYPES = ("gpu", "npu")
PEAK_NAMES = ("fp32", "fp16", "bf16", "int8", "int8_mm")

# Generous ceilings: past them a number is a slip of units (MHz for GHz, MB/s for GB/s), not a device.
_CEILINGS = {"clock_ghz": 10.0, "peak_per_cycle": 4096.0, "gb_s": 10_000.0, "thermal_factor": 1.0}


def check_profile(table: dict[str, Any], faults: Faults) -> None:
    """Add a fault for everything impossible in a profile's table."""
    _check_id(table, faults)
    for path, fact in _facts((), table):
        _check_fact(path, fact, table.get("sources"), faults)
    _check_choice(table, ("type",), DEVICE_TYPES, faults)
    _check_choice(table, ("threads", "policy"), POLICIES, faults)
    _check_items(
        table,
        "accelerators",
        lambda i: _check_choice(table, ("accelerators", i, "type"), ACCELERATOR_TYPES, faults),
    )
    _check_items(table, "clusters", lambda i: _check_cluster(table, i, faults))
    _check_memory(table, faults)
    _check_threads(table, faults)


def _check_id(table: dict[str, Any], faults: Faults) -> None:
    name = table.get("id")
    if isinstance(name, str) and not re.fullmatch(r"[a-z0-9][a-z0-9-]*", name):
        faults.add(("id",), f"id must be lower-case letters, digits and hyphens, found {name!r}")
    version = table.get("schema_version")
    if isinstance(version, int) and version < 1:
        faults.add(("schema_version",), f"schema_version must be at least 1, found {version}")


def _facts(path: Path, value: Any) -> Iterator[tuple[Path, dict[str, Any]]]:
    if isinstance(value, list):
        value = dict(enumerate(value))
    if not isinstance(value, dict):
        return
    if "value" in value:
        yield path, value
    for key, item in value.items():
        yield from _facts((*path, key), item)


def _check_fact(path: Path, fact: dict[str, Any], sources: Any, faults: Faults) -> None:
    name, value = ".".join(map(str, path)), fact["value"]
    if isinstance(value, int | float) and not isinstance(value, bool):
        if not math.isfinite(value) or value <= 0:
            faults.add(path, f"{name} must be above zero, found {value}")
        elif (ceiling := _ceiling(path)) is not None and value > ceiling:
            faults.add(path, f"{name} must be at most {ceiling:g}, found {value:g}; check its unit")
    kind, source = fact.get("kind"), fact.get("source")
    if isinstance(kind, str) and kind not in KINDS:
        faults.add(path, f"{name}: kind must be one of {', '.join(KINDS)}, found {kind!r}")
    if isinstance(source, str) and isinstance(sources, dict) and source not in sources:
        hint = f"the nearest known one is {nearest(source, sources)!r}" if sources else "there are none"
        faults.add(path, f"{name}: unknown source {source!r} in [sources]; {hint}")


def _ceiling(path: Path) -> float | None:
    names = [str(part) for part in path]
    return next((top for end, top in _CEILINGS.items() if any(n.endswith(end) for n in names)), None)


def _get(table: Any, path: Path) -> Any:
    for key in path:
        try:
            table = table[key]
        except (KeyError, IndexError, TypeError):
            return None
    return table


def _number(table: Any, path: Path) -> float | None:
    value = _get(table, (*path, "value"))
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _check_choice(table: dict[str, Any], path: Path, choices: tuple[str, ...], faults: Faults) -> None:
    value = _get(table, path)
    if isinstance(value, str) and value not in choices:
        name = ".".join(map(str, path))
        faults.add(path, f"{name} must be one of {', '.join(choices)}, found {value!r}")


def _check_items(table: dict[str, Any], key: str, check: Callable[[int], None]) -> None:
    items = table.get(key)
    for i in range(len(items) if isinstance(items, list) else 0):
        check(i)


def _check_cluster(table: dict[str, Any], i: int, faults: Faults) -> None:
    path: Path = ("clusters", i)
    _check_choice(table, (*path, "role"), ROLES, faults)
    cores = _get(table, (*path, "cores"))
    if isinstance(cores, int) and not 1 <= cores <= 1024:
        faults.add((*path, "cores"), f"clusters.{i}.cores must be from 1 to 1024, found {cores}")
    peaks = _get(table, (*path, "peak_per_cycle"))
    if not isinstance(peaks, dict):
        return
    for name in peaks.keys() - set(PEAK_NAMES):
        where = (*path, "peak_per_cycle", name)
        faults.add(
            where, f"unknown precision {name!r}; the nearest known one is {nearest(name, PEAK_NAMES)!r}"
        )
    if "fp32" not in peaks:
        faults.add(
            (*path, "peak_per_cycle"), f"clusters.{i}.peak_per_cycle lacks fp32, which every prediction needs"
        )


def _check_memory(table: dict[str, Any], faults: Faults) -> None:
    """Reads cannot be faster than the memory, and one thread cannot read faster than all of them."""
    memory = ("memory",)
    top = _number(table, (*memory, "theoretical_gb_s"))
    every = _number(table, (*memory, "read_all_threads_gb_s"))
    one = _number(table, (*memory, "read_1_thread_gb_s"))
    if top is not None and every is not None and every > top:
        faults.add(
            (*memory, "read_all_threads_gb_s"),
            f"memory.read_all_threads_gb_s {every:g} is above theoretical_gb_s {top:g}",
        )
    if every is not None and one is not None and one > every:
        faults.add(
            (*memory, "read_1_thread_gb_s"),
            f"memory.read_1_thread_gb_s {one:g} is above read_all_threads_gb_s {every:g}",
        )


def _check_threads(table: dict[str, Any], faults: Faults) -> None:
    clusters = table.get("clusters")
    if not isinstance(clusters, list) or not clusters:
        faults.add(("clusters",), "a profile needs at least one [[clusters]] table")
        return
    everywhere = _get(table, ("threads", "policy")) == "all-cores"
    usable = [c for c in clusters if isinstance(c, dict) and (everywhere or c.get("role") != "little")]
    cores: list[Any] = [c.get("cores") for c in usable]
    default = _get(table, ("threads", "default"))
    if not usable:
        faults.add(
            ("threads", "policy"), 'threads.policy "big-cores" leaves no core: every cluster is little'
        )
    elif all(isinstance(n, int) for n in (*cores, default)) and not 1 <= default <= sum(cores):
        faults.add(
            ("threads", "default"),
            f"threads.default must be from 1 to {sum(cores)} (the cores of the policy), found {default}",
        )
