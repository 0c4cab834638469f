"""Tables of measured encoder-decoder transformers, and what each row costs in operators and weights.

The columns are those of HAT's latency datasets (Wang et al., ACL 2020): dimensions, averages over layers.
"""

import csv
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from autocompress.errors import ProfileError
from autocompress.hardware.calibration import Array, Prior, Rate
from autocompress.hardware.strict_toml import nearest

DEFAULT_COLUMN = "latency_mean_decoder"
ENCODER_COLUMNS = (
    "encoder_embed_dim",
    "encoder_layer_num",
    "encoder_ffn_embed_dim_avg",
    "encoder_self_attention_heads_avg",
)
DECODER_COLUMNS = (
    "decoder_embed_dim",
    "decoder_layer_num",
    "decoder_ffn_embed_dim_avg",
    "decoder_self_attention_heads_avg",
    "decoder_ende_attention_heads_avg",
    "decoder_arbitrary_ende_attn_avg",
)

# The workload behind HAT's tables as far as the component sizes need it; what a table's own vocabulary,
# length and beam differ by is inside the prior width of "vocabulary" and "memory_attention".
VOCABULARY = 32_768
SOURCE_TOKENS = 30
BEAM = 5
QKV_DIM = 512  # of every attention in HAT's design space, whatever the embedding's width

_MILLION = 1e6


# Time counts in millions of weights (4 MB in fp32). Eager frameworks run about 40 operators a layer
# at 10-50 µs, 0.4-2 ms; a million weights take 1.3 ms at 3 GB/s (a Raspberry Pi 4) and 0.01 ms on a GPU with
# 400 GB/s. So a layer's dispatch is worth 1 to 40 million weights; e^±2 around 6 covers that.
_DISPATCH = Rate("dispatch", 6.0, 2.0, ("decoder_step", "decoder_layers"), is_regime=True)
DECODER_PRIOR = Prior(
    components=(
        "decoder_step", "vocabulary", "decoder_layers", "decoder_ffn", "decoder_attention",
        "memory_attention", "self_heads", "cross_heads",
    ),
    rates=(
        _DISPATCH,
        Rate("step_operators", 1.0, 1.0, ("decoder_step",)),  # embedding, beam search: a layer's worth
        Rate("vocabulary", 1.0, 0.5, ("vocabulary",)),  # a larger product, of a size not in the table
        Rate("decoder_attention", 1.0, 0.2, ("decoder_attention",)),  # the FFN's kernel at nearly its shape
        Rate("memory_attention", 1.0, 0.7, ("memory_attention",)),
        Rate("self_heads", 0.02, 1.0, ("self_heads",)),  # tiny products: some 20 thousand weights' worth
        Rate("cross_heads", 0.02, 1.0, ("cross_heads",)),
    ),
)  # fmt: skip
ENCODER_PRIOR = Prior(
    components=("encoder_call", "encoder_layers", "encoder_ffn", "encoder_attention", "encoder_heads"),
    rates=(
        Rate("dispatch", 6.0, 2.0, ("encoder_call", "encoder_layers"), is_regime=True),
        Rate("call_operators", 1.0, 1.0, ("encoder_call",)),
        Rate("encoder_attention", 1.0, 0.2, ("encoder_attention",)),  # the FFN's kernel at nearly its shape
        Rate("encoder_heads", 0.02, 1.0, ("encoder_heads",)),
    ),
)
# One pass over the sentence against as many steps as it has tokens: the encoder's share is small.
BOTH_PRIOR = Prior(
    components=DECODER_PRIOR.components + ENCODER_PRIOR.components,
    rates=(
        *DECODER_PRIOR.rates,
        *ENCODER_PRIOR.rates,
        Rate("encoder_share", 1 / SOURCE_TOKENS, 1.0, ENCODER_PRIOR.components),
    ),
)


@dataclass(frozen=True)
class TransformerTable:
    """Components [rows, components], latency [rows] in the table's unit, and the prior that fits them."""

    components: Array
    latency: Array
    prior: Prior
    column: str


def read_transformer_table(path: Path, column: str = DEFAULT_COLUMN) -> TransformerTable:
    """Read a CSV file; raises :class:`ProfileError` naming every missing column or bad row by its line."""
    lines = _read_rows(path)
    needed = _needed_columns(column)
    _refuse_missing(path, lines[0] if lines else {}, (*needed, column))
    values = _numbers(path, lines, (*needed, column))
    return TransformerTable(
        components=_components({name: values[name] for name in needed}),
        latency=values[column],
        prior=_prior(needed),
        column=column,
    )


def _needed_columns(column: str) -> tuple[str, ...]:
    """What a latency column measures is read off its name; one that names neither half measures both."""
    if "decoder" in column:
        return DECODER_COLUMNS
    return ENCODER_COLUMNS if "encoder" in column else DECODER_COLUMNS + ENCODER_COLUMNS


def _prior(needed: tuple[str, ...]) -> Prior:
    return {DECODER_COLUMNS: DECODER_PRIOR, ENCODER_COLUMNS: ENCODER_PRIOR}.get(needed, BOTH_PRIOR)


def _read_rows(path: Path) -> list[dict[str, str]]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ProfileError(f"latency table {path} cannot be read: {error}. Give a CSV file.") from error
    if not rows:
        raise ProfileError(f"latency table {path} has no rows. Give one measured transformer a row.")
    return rows


def _refuse_missing(path: Path, first: dict[str, str], needed: tuple[str, ...]) -> None:
    missing = [name for name in needed if name not in first]
    if missing:
        known = {*ENCODER_COLUMNS, *DECODER_COLUMNS}
        have = [name for name in first if name and name not in known] or list(first)
        hints = "; ".join(f"{name!r} (nearest there: {nearest(name, have)!r})" for name in missing)
        raise ProfileError(f"latency table {path} lacks the columns {hints}. Add or rename them.")


def _numbers(path: Path, rows: list[dict[str, str]], names: tuple[str, ...]) -> dict[str, Array]:
    """Columns as arrays; every value must be a finite number above zero."""
    faults = []
    columns: dict[str, list[float]] = {name: [] for name in names}
    for line, row in enumerate(rows, start=2):
        for name in names:
            value = _number(row[name])
            columns[name].append(value)
            if not (math.isfinite(value) and value > 0):
                faults.append(f"line {line}: {name} must be a number above zero, found {row[name]!r}")
    if faults:
        shown = "\n".join(f"  {fault}" for fault in faults[:20])
        raise ProfileError(f"latency table {path} has {len(faults)} faults; correct them:\n{shown}")
    return {name: np.array(values) for name, values in columns.items()}


def _number(text: str | None) -> float:
    try:
        return float(text or "nan")
    except ValueError:
        return math.nan


def _components(values: dict[str, Array]) -> Array:
    halves = []
    if DECODER_COLUMNS[0] in values:
        halves.append(_decoder_components(*(values[name] for name in DECODER_COLUMNS)))
    if ENCODER_COLUMNS[0] in values:
        halves.append(_encoder_components(*(values[name] for name in ENCODER_COLUMNS)))
    return np.concatenate(halves, axis=1)


def _decoder_components(
    dim: Array, layers: Array, ffn: Array, self_heads: Array, cross_heads: Array, memories: Array
) -> Array:
    """One decoding step; weights in millions, in the order of ``DECODER_PRIOR.components``; [rows, 8].

    Self-attention projects to q, k, v and out; attention to the encoder only to q and out, since k and v of
    the sentence are kept. Those it reads in each step for each beam, from ``memories`` encoder layers.
    """
    kept = 2 * SOURCE_TOKENS * BEAM * QKV_DIM
    return np.stack(
        [
            np.ones_like(dim),
            dim * VOCABULARY / _MILLION,
            layers,
            layers * 2 * dim * ffn / _MILLION,
            layers * 6 * dim * QKV_DIM / _MILLION,
            layers * memories * kept / _MILLION,
            layers * self_heads,
            layers * cross_heads,
        ],
        axis=1,
    )


def _encoder_components(dim: Array, layers: Array, ffn: Array, heads: Array) -> Array:
    """One pass over the sentence, in the order of ``ENCODER_PRIOR.components``; [rows, 5]."""
    return np.stack(
        [
            np.ones_like(dim),
            layers,
            layers * 2 * dim * ffn / _MILLION,
            layers * 4 * dim * QKV_DIM / _MILLION,
            layers * heads,
        ],
        axis=1,
    )
