import numpy as np
import onnx
import pytest
import torch
from graph_checks import distance, session
from small_models import small_upstream_sovits, spectral_sovits, uneven_sovits

from autocompress.models.onnx import export_sovits, flat_images

CLOSE = 1e-3
NETWORKS = {
    "v1": lambda: small_upstream_sovits("v1"),
    "v2": lambda: uneven_sovits("v2"),
    "v2Pro": lambda: uneven_sovits("v2Pro"),
    "spectra": lambda: spectral_sovits(),
}


@pytest.fixture(scope="session", params=list(NETWORKS))
def sovits_and_graph(request, tmp_path_factory):
    """The narrow blocks of "v2" are flattened too, as wide ones are; those of the others are not."""
    model = NETWORKS[request.param]()
    path = tmp_path_factory.mktemp("sovits") / "sovits.onnx"
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "v2":
            patch.setattr(flat_images, "NARROWEST", 1)
        export_sovits(model, path)
    return model, session(path)


def _sentence(model, tokens, phonemes):
    generator = torch.Generator().manual_seed(2)
    config = model.config
    codes = torch.randint(config.quantizer.codes, (1, tokens), generator=generator)
    ids = torch.randint(config.phoneme_vocab, (1, phonemes), generator=generator)
    style = torch.randn(1, config.gin, 1, generator=generator)
    return codes, ids, style, torch.randn(1, config.inter, 2 * tokens, generator=generator) * 0.5


def _run(graph, sentence, window):
    names = ("codes", "phoneme_ids", "style", "noise")
    feed = {name: value.numpy() for name, value in zip(names, sentence, strict=True)}
    return graph.run(None, {**feed, "window": np.array(window)})[0]


@pytest.mark.parametrize(("tokens", "phonemes"), [(9, 12), (40, 30), (11, 5), (1, 1)])
def test_audio_agrees_with_torch_at_any_lengths(sovits_and_graph, tokens, phonemes):
    model, graph = sovits_and_graph
    sentence = _sentence(model, tokens, phonemes)
    with torch.no_grad():
        expected = model.synthesize(*sentence)
    assert distance(_run(graph, sentence, (0, 2 * tokens)), expected) < CLOSE


def test_a_window_with_enough_around_it_is_a_part_of_the_whole(sovits_and_graph):
    model, graph = sovits_and_graph
    sentence = _sentence(model, 60, 8)
    hop, whole = model.config.audio.hop, _run(graph, sentence, (0, 120))
    first, last, margin = 40, 60, 38
    piece = _run(graph, sentence, (first - margin, last + margin))
    inner = piece[..., margin * hop : (margin + last - first) * hop]
    assert distance(inner, whole[..., first * hop : last * hop]) < CLOSE


def test_the_inverse_transform_is_computed_while_loading_and_not_kept(tmp_path):
    model = spectral_sovits()
    istft = model.config.istft
    export_sovits(model, tmp_path / "spectra.onnx")
    shapes = [tuple(tensor.dims) for tensor in onnx.load(tmp_path / "spectra.onnx").graph.initializer]
    assert (2 * istft.bins, istft.n_fft) not in shapes
    assert (istft.bins, istft.n_fft) not in shapes
    operators = {node.op_type for node in onnx.load(tmp_path / "spectra.onnx").graph.node}
    assert {"Cos", "Sin", "Mod"} <= operators


def test_one_perturbed_weight_is_noticed(sovits_and_graph):
    model, graph = sovits_and_graph
    sentence = _sentence(model, 9, 12)
    weight = model.dec.conv_pre.weight
    kept = weight.detach().clone()
    with torch.no_grad():
        try:
            weight[1] += 1.0
            expected = model.synthesize(*sentence)
        finally:
            weight.copy_(kept)
    assert distance(_run(graph, sentence, (0, 18)), expected) > CLOSE
