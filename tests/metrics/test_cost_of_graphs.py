"""What a candidate is counted to take is what its exported graphs are predicted to take."""

import warnings

import onnx
import pytest
import torch

from autocompress.hardware.graph import read_graph
from autocompress.hardware.latency import predict_graph
from autocompress.hardware.library import load_profile
from autocompress.metrics.cost import CostModel
from autocompress.metrics.cost.workload import SpeechWorkload
from autocompress.models.config import spectral_vocoder
from autocompress.models.onnx import export_sovits
from autocompress.models.sovits.istft import new_spare
from autocompress.models.sovits.synthesizer import Sovits
from autocompress.models.training import reference
from autocompress.space import Candidate
from autocompress.transforms import materialize_sovits
from autocompress.transforms.onnx_precision import PrecisionPlan, write_graphs
from tests.exported_networks import export_networks

WORK = SpeechWorkload()
SIZES = {
    "phonemes": WORK.phonemes,
    "prompt": WORK.prompt_tokens,
    "capacity": WORK.cached_positions,
}
AGREEMENT = 0.06  # a few views that the exporter adds or folds, at 5 µs each on a phone
PROFILE = load_profile("snapdragon-7-gen-3")
STORAGES = {"fp32": None, "int8": "int8", "int4": "int4"}


@pytest.fixture(scope="module")
def networks(tmp_path_factory):
    return export_networks(tmp_path_factory.mktemp("exported"))


def predicted_s(path, lengths=SIZES) -> float:
    inputs = onnx.load(path, load_external_data=False).graph.input
    shapes = {
        value.name: tuple(
            lengths[d.dim_param] if d.dim_param else d.dim_value for d in value.type.tensor_type.shape.dim
        )
        for value in inputs
    }
    graph = read_graph(path, shapes, optimization="extended")
    return predict_graph(graph, PROFILE).total.median_s


@pytest.fixture(scope="module", params=STORAGES)
def seconds(request, networks, tmp_path_factory):
    """By component: counted and predicted."""
    storage = STORAGES[request.param]
    layers = range(len(networks.gpt.config.blocks))
    roles = [f"gpt.{part}.{i}" for i in layers for part in ("attention", "ffn")]
    plan, values = PrecisionPlan(), {}
    if storage:
        plan = PrecisionPlan(dict.fromkeys(roles, storage), dict.fromkeys(roles, "dynamic-int8"))
        values = {f"storage.{role}": storage for role in roles}
        values |= {f"compute.{role}": "dynamic-int8" for role in roles}
    folder = tmp_path_factory.mktemp("written")
    graphs = {name: networks.paths[name] for name in ("prefill", "step")}
    written = write_graphs(graphs, plan, folder).paths
    cost = CostModel(networks.gpt.config, networks.sovits.config, PROFILE).cost(Candidate(values))
    counted = {name: cost.latency.by_component[name].median_s for name in graphs}
    counted["step"] /= WORK.tokens
    return {name: (counted[name], predicted_s(written[name])) for name in graphs}


@pytest.fixture(scope="module", params=["fp32", "int8"])
def spectral_seconds(request, tmp_path_factory):
    """SoVITS of the reference model's sizes with its spare vocoder: counted and predicted."""
    folder = tmp_path_factory.mktemp("spectra")
    torch.manual_seed(0)
    sizes = reference.sovits_config()
    sovits = Sovits(sizes).eval().requires_grad_(False)
    sovits.attach(new_spare(sizes, spectral_vocoder(sizes.audio), seed=0))
    values = {"sovits.vocoder.module": "istft-head"}
    if request.param == "int8":
        values |= {"storage.sovits.vocoder": "int8", "compute.sovits.vocoder": "dynamic-int8"}
    student = materialize_sovits(sovits, Candidate(values)).network
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's own
        export_sovits(student, folder / "sovits.onnx")
    plan = PrecisionPlan.of(Candidate(values), 8)
    (folder / "written").mkdir()
    written = write_graphs({"sovits": folder / "sovits.onnx"}, plan, folder / "written").paths["sovits"]
    cost = CostModel(reference.gpt_config(), sovits.config, PROFILE).cost(Candidate(values))
    parts = [cost.latency.by_component[name].median_s for name in ("prior", "flow", "vocoder")]
    lengths = {"tokens": WORK.tokens, "2*tokens": WORK.frames, "phonemes": WORK.target_phonemes}
    return sum(parts), predicted_s(written, lengths)


def test_the_count_of_a_vocoder_that_predicts_spectra_is_the_prediction_of_its_graph(
    spectral_seconds,
) -> None:
    counted, predicted = spectral_seconds
    assert counted == pytest.approx(predicted, rel=AGREEMENT)


@pytest.mark.parametrize("component", ["prefill", "step"])
def test_the_count_of_a_component_is_the_prediction_of_its_graph(seconds, component) -> None:
    counted, predicted = seconds[component]
    assert counted == pytest.approx(predicted, rel=AGREEMENT)


def test_the_two_would_not_agree_on_another_length(seconds) -> None:
    counted, predicted = seconds["prefill"]
    assert abs(2 * counted / predicted - 1) > 3 * AGREEMENT
