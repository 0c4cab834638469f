"""A step's weights come from behind what is touched between two steps, and tokens are drawn between."""

from dataclasses import replace

import onnx
import pytest

from autocompress.hardware.profile import read_profile
from autocompress.hardware.profiler.machine import read_machine
from autocompress.hardware.profiler.measure import Row
from autocompress.hardware.profiler.plan import plan
from autocompress.hardware.profiler.probes import Probe
from autocompress.hardware.profiler.report import Measured, write_profile
from autocompress.metrics.cost import CostModel, gpt_parts
from autocompress.metrics.cost.workload import SpeechWorkload
from autocompress.models.training import reference
from autocompress.space import Candidate
from tests.exported_networks import export_networks

NEAR, FAR = 80e9, 16e9  # bytes a second in the cache and beyond it
CACHE_BYTES = 24e6  # less than the reference model's weights in fp32, more than in int8
DRAW_S = 50e-6
WIDTHS = {"fp32": 4.0, "int8": 1.0, "int8_weights": 1.0, "int4": 0.5}
WORK = SpeechWorkload()
BLOCKS = [f"{part}.{i}" for part in ("attention", "ffn") for i in range(8)]
INT8 = Candidate(
    {f"storage.gpt.{b}": "int8" for b in BLOCKS} | {f"compute.gpt.{b}": "dynamic-int8" for b in BLOCKS}
)


def seconds(probe: Probe, far: float, draw_s: float) -> float:
    """A machine whose cache holds a model or does not."""
    if probe.family == "choose":
        return draw_s
    work = 1e-6 + 1e-11 * probe.batch * probe.m * probe.k * probe.n
    if probe.family != "gemm":
        return work
    rate = far if probe.footprint_bytes > CACHE_BYTES else NEAR
    return work + probe.k * probe.n * WIDTHS[probe.precision] / rate


def machine(folder, *, far: float = FAR, draw_s: float = DRAW_S):
    """Its profile: the quick table's kinds, products with one row and draws at every footprint."""
    finer = [p for p in plan("full") if p.family == "choose" or (p.family == "gemm" and p.m == 1)]
    probes = dict.fromkeys([p for p in plan("quick") if not p.family.startswith("block")] + finer)
    rows = tuple(
        Row(p.family, p.precision, 1, p.batch, p.m, p.k, p.n, p.taps, p.footprint_bytes, s, 0.01)
        for p in probes
        if (s := seconds(p, far, draw_s))
    )
    measured = Measured(read_machine(), rows, 1e10, 2e10, 0.98, 1e-4, (), (), "quick")
    return read_profile(write_profile(folder, "paper", measured))


@pytest.fixture(scope="module")
def profile(tmp_path_factory):
    return machine(tmp_path_factory.mktemp("caching"))


@pytest.fixture(scope="module")
def flat(tmp_path_factory):
    """The twin: a machine on which nothing is far."""
    return machine(tmp_path_factory.mktemp("flat"), far=NEAR)


def component(profile, name: str, candidate: Candidate = INT8, work: SpeechWorkload = WORK) -> float:
    model = CostModel(reference.gpt_config(), reference.sovits_config(), profile, work, threads=1)
    return model.cost(candidate).latency.by_component[name].median_s


def first_and_next(profile) -> tuple[float, float]:
    one, many = (component(profile, "step", work=replace(WORK, tokens=n)) for n in (1, 101))
    return one, (many - one) / 100


def test_the_first_step_of_a_sentence_fetches_what_the_next_ones_find(profile, flat) -> None:
    first, following = first_and_next(profile)
    assert first > 1.3 * following
    first, following = first_and_next(flat)
    assert first == pytest.approx(following, rel=0.15)  # the cache of 101 tokens is longer than that of one


def test_a_long_cache_drives_weights_out_of_the_processors_own(profile, flat) -> None:
    long = replace(WORK, phonemes=600)
    grown = [component(p, "step", work=long) / component(p, "step") for p in (profile, flat)]
    assert grown[0] > 1.1 * grown[1]


def test_prefill_finds_nothing_that_the_vocoder_has_driven_out(profile, flat) -> None:
    near, away = (component(p, "prefill") for p in (flat, profile))
    waited_s = 8 * 12 * 288**2 * (1 / FAR - 1 / NEAR)
    # The fit smooths bandwidths over footprints; by the GPT's own 8 MB there would be nothing to wait for.
    assert waited_s / 2 < away - near < 2 * waited_s


@pytest.mark.parametrize("name", ["prefill", "step"])
def test_a_call_counts_the_values_that_its_graph_takes_and_gives_once(name, tmp_path_factory) -> None:
    networks = export_networks(tmp_path_factory.mktemp("exported"))
    graph = onnx.load(networks.paths[name], load_external_data=False).graph
    layers = len(networks.gpt.config.blocks)
    ends = {
        "prefill": gpt_parts.prefill_ends(8, 9, 0, layers, 5, 7),
        "step": gpt_parts.step_ends(8, 9, layers),
    }
    values = len(graph.input) + len(graph.output)
    assert ends[name][-1].m == pytest.approx(values / 2, abs=0.5)
    assert ends[name][-1].m < values - 1


def test_each_token_of_a_sentence_is_drawn_once(profile, tmp_path) -> None:
    slow = machine(tmp_path, draw_s=3 * DRAW_S)
    for name, draws in (("prefill", 1), ("step", WORK.tokens), ("vocoder", 0)):
        more = component(slow, name) - component(profile, name)
        assert more == pytest.approx(2 * DRAW_S * draws, rel=0.1, abs=1e-9)  # a vocabulary between two probes
