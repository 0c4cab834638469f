"""Exporting networks to ONNX files, with names and dynamic lengths that the runtime knows."""

import logging
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import onnx
import torch
from torch import Tensor, nn

from autocompress.models.gpt import Block, Gpt
from autocompress.models.onnx.computed_basis import compute_basis
from autocompress.models.onnx.gpt_graphs import PrefillGraph, StepGraph
from autocompress.models.onnx.sovits_graph import SovitsGraph
from autocompress.models.sovits.istft import synthesis_basis
from autocompress.models.sovits.synthesizer import Sovits

OPSET = 20
GRAPH_FILES: Mapping[str, str] = {
    "prefill": "gpt_prefill.onnx",
    "step": "gpt_step.onnx",
    "sovits": "sovits.onnx",
}

# Lengths at which the graphs are traced; any other works, these only must not be 0 or 1.
_PHONEMES, _PROMPT, _CAPACITY, _TOKENS = 12, 7, 32, 9


def export_graphs(gpt: Gpt, sovits: Sovits, folder: str | Path, *, bert: bool = True) -> dict[str, Path]:
    """All three graphs into ``folder``; the path of each by its role."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    paths = {role: folder / name for role, name in GRAPH_FILES.items()}
    export_prefill(gpt, paths["prefill"], bert=bert)
    export_step(gpt, paths["step"])
    export_sovits(sovits, paths["sovits"])
    return paths


def export_prefill(gpt: Gpt, path: Path, *, bert: bool = True) -> None:
    """:class:`PrefillGraph` at ``path``."""
    x, y = torch.export.Dim("phonemes", min=1, max=4096), torch.export.Dim("prompt", min=0, max=4096)
    inputs: dict[str, Tensor] = {
        "phoneme_ids": torch.zeros(1, _PHONEMES, dtype=torch.int64),
        "prompt": torch.zeros(1, _PROMPT, dtype=torch.int64),
    }
    dynamic: dict[str, Any] = {"phoneme_ids": {1: x}, "prompt": {1: y}}
    if bert:
        inputs["bert"] = torch.zeros(1, gpt.config.bert_width, _PHONEMES)
        dynamic["bert"] = {2: x}
    _export(
        PrefillGraph(gpt, bert=bert),
        path,
        inputs,
        dynamic,
        list(inputs),
        ["logits", *state_names(gpt, "out")],
    )


def export_step(gpt: Gpt, path: Path, *, cache: str = "shared") -> None:
    """:class:`StepGraph` at ``path``; ``cache`` is one of its three ways to grow."""
    capacity = torch.export.Dim("capacity", min=1, max=65536)
    blocks = [block for block in gpt.h.layers if isinstance(block, Block)]
    states = [torch.zeros(1, b.self_attn.size.heads, _CAPACITY, b.self_attn.size.head_size) for b in blocks]
    inputs = {
        "token": torch.zeros(1, 1, dtype=torch.int64),
        "position": torch.tensor([3]),
        "length": torch.tensor([_CAPACITY - 1], dtype=torch.int32),
        "keys": states,
        "values": [state.clone() for state in states],
    }
    dynamic = {
        "token": None, "position": None, "length": None,
        "keys": [{2: capacity}] * len(blocks), "values": [{2: capacity}] * len(blocks),
    }  # fmt: skip
    keys = [f"key_in_{i}" for i in range(len(blocks))]
    values = [f"value_in_{i}" for i in range(len(blocks))]
    names = ["token", "position", "length", *keys, *values]
    _export(StepGraph(gpt, cache), path, inputs, dynamic, names, ["logits", *state_names(gpt, "out")])


def export_sovits(sovits: Sovits, path: Path) -> None:
    """:class:`SovitsGraph` at ``path``."""
    tokens = torch.export.Dim("tokens", min=1, max=8192)
    phonemes = torch.export.Dim("phonemes", min=1, max=4096)
    inputs = {
        "codes": torch.zeros(1, _TOKENS, dtype=torch.int64),
        "phoneme_ids": torch.zeros(1, _PHONEMES, dtype=torch.int64),
        "style": torch.zeros(1, sovits.config.gin, 1),
        "noise": torch.zeros(1, sovits.config.inter, 2 * _TOKENS),
        "window": torch.tensor([0, 2 * _TOKENS]),
    }
    dynamic = {
        "codes": {1: tokens}, "phoneme_ids": {1: phonemes}, "style": None,
        "noise": {2: 2 * tokens}, "window": None,
    }  # fmt: skip
    _export(SovitsGraph(sovits), path, inputs, dynamic, list(inputs), ["audio"], _compact(sovits))


def _compact(sovits: Sovits) -> Callable[[onnx.ModelProto], None] | None:
    """What makes the graph of this SoVITS smaller once it is exported."""
    istft = sovits.config.istft
    if istft is None:
        return None
    synthesis_basis(istft)  # computed before tracing, for which it is a constant then
    return partial(compute_basis, config=istft)


def state_names(gpt: Gpt, way: str) -> list[str]:
    """Names of the cache tensors, block by block: key_out_0, value_out_0, key_out_1, …"""
    return [f"{kind}_{way}_{i}" for i in range(len(gpt.h.layers)) for kind in ("key", "value")]


def _export(
    module: nn.Module, path: Path, inputs: Mapping[str, Any], dynamic: Mapping[str, Any],
    input_names: Sequence[str], output_names: Sequence[str],
    finish: Callable[[onnx.ModelProto], None] | None = None,
) -> None:  # fmt: skip
    with _quiet(), torch.no_grad():
        program = torch.onnx.export(
            module.eval(), kwargs=dict(inputs), dynamic_shapes=dict(dynamic), dynamo=True,
            opset_version=OPSET, verbose=False,
            input_names=list(input_names), output_names=list(output_names),
        )  # fmt: skip
    assert program is not None
    temporary, model = path.with_suffix(".tmp"), program.model_proto
    if finish is not None:
        finish(model)
    onnx.save(model, temporary)
    temporary.replace(path)


@contextmanager
def _quiet() -> Iterator[None]:
    """The exporter logs each missing optional package and warns of its own internals: not ours to mend."""
    logger = logging.getLogger("torch.onnx._internal.exporter._registration")
    level = logger.level
    logger.setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
    logger.setLevel(level)
