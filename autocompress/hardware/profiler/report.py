"""Writes what was measured as a profile like any other: a TOML of facts, the CSV of operators beside it."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from autocompress.hardware.operator_table import Row, write_table
from autocompress.hardware.profiler.machine import Machine

TABLE_NAME = "operators.csv"
_SOURCE = "autocompress devices profile"
_UNKNOWN_CLOCK_GHZ = 2.0


@dataclass(frozen=True)
class Measured:
    """Everything that a profiling run found out about its machine."""

    machine: Machine
    rows: tuple[Row, ...]
    read_1_thread_bytes_s: float
    read_all_threads_bytes_s: float
    sustained_share: float  # speed at the end of the run over speed at its start, at most 1
    sleep_overshoot_s: float
    temperatures_c: tuple[float, ...]
    wide: tuple[str, ...]
    level: str


def machine_key(identity: str) -> str:
    """A short name for a machine and its library versions."""
    return hashlib.sha256(identity.encode()).hexdigest()[:12]


def write_profile(folder: Path, device_id: str, measured: Measured) -> Path:
    """Write ``<device_id>.toml`` and its table; the TOML last, so that a profile never lacks its table."""
    folder.mkdir(parents=True, exist_ok=True)
    table = f"{device_id}.{TABLE_NAME}"
    write_table(folder / table, measured.rows)
    path = folder / f"{device_id}.toml"
    partial = path.with_suffix(".partial")
    partial.write_text(profile_text(device_id, table, measured), "utf-8")
    partial.replace(path)
    return path


def profile_text(device_id: str, table: str, measured: Measured) -> str:
    """The TOML document."""
    machine, peaks = measured.machine, peak_rates(measured.rows)
    clock_ghz = machine.clock_ghz or _UNKNOWN_CLOCK_GHZ
    lines = [
        "schema_version = 1",
        f"id = {_quoted(device_id)}",
        f"type = {_quoted('server' if machine.architecture in ('x86_64', 'AMD64') else 'board')}",
        f"isa = [{', '.join(map(_quoted, machine.isa))}]",
        f"tables = [{_quoted(table)}]",
        f"note = {_quoted(_note(measured))}",
        f"thermal_factor = {_fact(round(measured.sustained_share, 3))}",
        "\n[names]",
        f"en = {_quoted(machine.cpu)}",
        "\n[[clusters]]",
        f"core = {_quoted(machine.cpu)}",
        'role = "big"',
        f"cores = {machine.big_cores}",
        f"clock_ghz = {_fact(round(clock_ghz, 3), 'derived' if machine.clock_ghz else 'prior')}",
        *([f"l2_kib = {_fact(machine.l2_kib, 'derived')}"] if machine.l2_kib else []),
        "[clusters.peak_per_cycle]",
        *(f"{name} = {_fact(round(rate / clock_ghz / 1e9, 2))}" for name, rate in peaks.items()),
        "\n[memory]",
        'type = "as measured"',
        f"theoretical_gb_s = {_fact(_gb(measured.read_all_threads_bytes_s))}",
        f"read_1_thread_gb_s = {_fact(_gb(measured.read_1_thread_bytes_s))}",
        f"read_all_threads_gb_s = {_fact(_gb(measured.read_all_threads_bytes_s))}",
        *([f"l3_kib = {_fact(machine.l3_kib, 'derived')}"] if machine.l3_kib else []),
        *([f"capacity_gib = {_fact(machine.memory_gib, 'derived')}"] if machine.memory_gib else []),
        "\n[[runtimes]]",
        'name = "onnxruntime"',
        'providers = ["CPUExecutionProvider"]',
        f"note = {_quoted(', '.join(machine.versions))}",
        "\n[threads]",
        'policy = "big-cores"',
        f"default = {machine.big_cores}",
        "\n[sources]",
        f"run = {_quoted(_SOURCE)}",
    ]
    return "\n".join(lines) + "\n"


def peak_rates(rows: Sequence[Row]) -> Mapping[str, float]:
    """Best rate of one thread by precision, operations a second, over all products and convolutions."""
    best: dict[str, float] = {"fp32": 1e9}
    for row in rows:
        if (
            row.threads == 1
            and row.precision in ("fp32", "int8")
            and row.family in ("gemm", "conv", "conv_nchwc")
        ):
            rate = 2.0 * row.batch * row.m * row.k * row.n / row.seconds
            best[row.precision] = max(best.get(row.precision, 0.0), rate)
    return best


def _note(measured: Measured) -> str:
    machine, heat = measured.machine, measured.temperatures_c
    parts = [
        f"{measured.level} pass over {len(measured.rows)} points",
        f"{machine.cores} cores {list(machine.affinity)}",
        f"governor {machine.governor}",
        f"temperature {heat[0]:.0f} to {heat[-1]:.0f} °C" if heat else "temperature not readable",
        f"a 1 ms sleep lasts {1e3 + measured.sleep_overshoot_s * 1e6:.0f} µs",
        f"{len(measured.wide)} points stayed unsteady" if measured.wide else "every point was steady",
    ]
    return "; ".join(parts)


def _fact(value: float, kind: str = "measured") -> str:
    return f'{{ value = {value}, kind = "{kind}", source = "run" }}'


def _gb(bytes_s: float) -> float:
    return round(bytes_s / 1e9, 2)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
