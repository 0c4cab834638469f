"""Graphs of tiny networks, exported once for all tests."""

import pytest
import torch
from graph_checks import session

from autocompress.models.config import BlockSize, GptConfig
from autocompress.models.gpt import Gpt
from autocompress.models.onnx import export_prefill, export_step

# Heads, head sizes and FFN widths differ from block to block; the second head size is no multiple of 8.
UNEVEN = GptConfig(
    width=24, blocks=(BlockSize(2, 8, 40), BlockSize(3, 5, 17)), phoneme_vocab=50, semantic_vocab=41
)


@pytest.fixture(scope="session")
def gpt() -> Gpt:
    """Every tensor random, biases and norms too: nothing may be folded away or taken for another."""
    torch.manual_seed(14)
    model = Gpt(UNEVEN).eval().requires_grad_(False)
    for parameter in model.parameters():
        parameter.add_(0.3 * torch.randn_like(parameter))
    return model


@pytest.fixture(scope="session")
def gpt_graphs(gpt, tmp_path_factory):
    folder = tmp_path_factory.mktemp("gpt")
    paths = {"prefill": folder / "prefill.onnx", "no_bert": folder / "no_bert.onnx"}
    export_prefill(gpt, paths["prefill"], bert=True)
    export_prefill(gpt, paths["no_bert"], bert=False)
    for cache in ("shared", "scatter", "concat"):
        paths[cache] = folder / f"{cache}.onnx"
        export_step(gpt, paths[cache], cache=cache)
    return {name: session(path) for name, path in paths.items()}
