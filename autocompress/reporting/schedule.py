"""A candidate's decisions, layer by layer: how much of each unit is kept, and with how many bits."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from autocompress.reporting.data import ScheduleRow
from autocompress.space import Value

Dimensions = Mapping[str, int | Sequence[int]]

BITS: Mapping[str, float] = {"fp32": 32, "fp16": 16, "int8": 8, "int4": 4}
"""Bits of a weight by the name of its storage, scales aside."""

_PRIOR = (("ssl", "ssl"), ("text", "text"), ("encoder2", "encoder2"))


@dataclass(frozen=True)
class _Reader:
    """Reads the decisions of one candidate against the teacher's dimensions."""

    decisions: Mapping[str, Value]
    dimensions: Dimensions

    def own(self, name: str, index: int | None = None) -> int:
        size = self.dimensions[name]
        if isinstance(size, int):
            return size
        return int(size[index]) if index is not None else max(map(int, size))

    def row(self, unit: str, kept: int, of: int, what: str, role: str) -> ScheduleRow:
        storage = str(self.decisions.get(f"storage.{role}", "fp32"))
        compute = str(self.decisions.get(f"compute.{role}", "fp32"))
        part = "gpt" if role.startswith("gpt") else ".".join(role.split(".")[:2])
        bits = BITS.get(storage, 32.0) if kept else 0.0
        words = f"{kept} of {of} {what}" if kept else "removed"
        return ScheduleRow(unit, part, kept / of if of else 1.0, words, bits, compute if kept else "")


def schedule_rows(decisions: Mapping[str, Value], dimensions: Dimensions) -> tuple[ScheduleRow, ...]:
    """Rows from the first GPT layer to the vocoder's last; the empty candidate gives the teacher's."""
    if "gpt.layers" not in dimensions:
        return ()
    reader = _Reader(decisions, dimensions)
    spectral = decisions.get("sovits.vocoder.module", "hifigan") == "istft-head"
    vocoder = _spectral_vocoder(reader) if spectral else _vocoder(reader)
    return (*_gpt(reader), *_prior(reader), *_flow(reader), *vocoder)


def _gpt(reader: _Reader) -> Iterator[ScheduleRow]:
    yield reader.row("GPT embedding", 1, 1, "table", "gpt.embedding")
    for layer in range(reader.own("gpt.layers")):
        yield from _gpt_layer(reader, layer)
    yield reader.row("GPT head", 1, 1, "matrix", "gpt.head")


def _gpt_layer(reader: _Reader, layer: int) -> Iterator[ScheduleRow]:
    decisions = reader.decisions
    present = decisions.get(f"gpt.keep.{layer}", True) is not False
    for name, what in (("heads", "heads"), ("ffn", "wide")):
        own = reader.own(f"gpt.{name}", layer)
        kept = int(decisions.get(f"gpt.{name}.{layer}", own)) if present else 0
        role = "attention" if name == "heads" else "ffn"
        row = reader.row(f"GPT {layer} {role}", kept, own, what, f"gpt.{role}.{layer}")
        rank = decisions.get(f"gpt.rank.{layer}")
        if name == "ffn" and present and rank is not None:
            row = ScheduleRow(
                row.unit, row.part, row.kept, f"{row.words}, rank {rank}", row.bits, row.compute
            )
        yield row


def _prior(reader: _Reader) -> Iterator[ScheduleRow]:
    yield reader.row("SoVITS embedding", 1, 1, "table", "sovits.embedding")
    for name, label in _PRIOR:
        base = f"sovits.prior.{name}"
        for field, what in (("depth", "layers"), ("heads", "heads"), ("ffn", "wide")):
            own = reader.own(f"{base}.layers" if field == "depth" else f"sovits.prior.{field}")
            kept = int(reader.decisions.get(f"{base}.{field}", own))
            yield reader.row(f"prior {label} {field}", kept, own, what, "sovits.prior")


def _flow(reader: _Reader) -> Iterator[ScheduleRow]:
    for field, what in (("couplings", "couplings"), ("wn_layers", "layers each"), ("channels", "channels")):
        own = reader.own(f"sovits.flow.{field}")
        kept = int(reader.decisions.get(f"sovits.flow.{field}", own))
        yield reader.row(f"flow {field.replace('wn_', '')}", kept, own, what, "sovits.flow")


def _spectral_vocoder(reader: _Reader) -> Iterator[ScheduleRow]:
    """The spare one, in the place of all stages."""
    own = reader.own("sovits.vocoder.hidden")
    kept = int(reader.decisions.get("sovits.vocoder.hidden", own))
    yield reader.row("vocoder of spectra", kept, own, "wide", "sovits.vocoder")


def _vocoder(reader: _Reader) -> Iterator[ScheduleRow]:
    own = reader.own("sovits.vocoder.pre")
    kept = int(reader.decisions.get("sovits.vocoder.pre", own))
    yield reader.row("vocoder entry", kept, own, "channels", "sovits.vocoder")
    stages = reader.dimensions["sovits.vocoder.channels"]
    for stage in range(len(stages) if isinstance(stages, Sequence) else 1):
        own = reader.own("sovits.vocoder.channels", stage)
        kept = int(reader.decisions.get(f"sovits.vocoder.channels.{stage}", own))
        yield reader.row(f"vocoder {stage} channels", kept, own, "channels", "sovits.vocoder")
        yield _kernels(reader, stage)


def _kernels(reader: _Reader, stage: int) -> ScheduleRow:
    """Residual blocks of a stage: one a kernel."""
    sizes = reader.dimensions["sovits.vocoder.kernels"]
    all_kernels = [str(k) for k in (sizes if isinstance(sizes, Sequence) else [sizes])]
    asked = reader.decisions.get(f"sovits.vocoder.kernels.{stage}")
    kept = all_kernels if asked is None else [k for k in re.split(r"-", str(asked)) if k]
    return reader.row(
        f"vocoder {stage} kernels",
        len(kept),
        len(all_kernels),
        f"kernels ({', '.join(kept)})",
        "sovits.vocoder",
    )
