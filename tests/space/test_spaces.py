"""The shipped spaces: exact sizes, one id a candidate, conditions, floors and their overrides."""

import json
import subprocess
import sys
from itertools import product

import numpy as np
import pytest

from autocompress.errors import SpaceError
from autocompress.space import Candidate, SearchSpace, load_space

REFERENCE = {
    "gpt.layers": 6,
    "gpt.heads": 8,
    "gpt.ffn": 1024,
    "gpt.width": 256,
    "sovits.prior.ssl.layers": 3,
    "sovits.prior.text.layers": 6,
    "sovits.prior.encoder2.layers": 3,
    "sovits.prior.heads": 2,
    "sovits.prior.ffn": 768,
    "sovits.flow.couplings": 4,
    "sovits.flow.wn_layers": 4,
    "sovits.flow.channels": 192,
    "sovits.vocoder.pre": 256,
    "sovits.vocoder.channels": [128, 64, 32, 16, 8],
    "sovits.vocoder.kernels": [3, 7, 11],
}
NAMES = ["gpt-sovits", "quick", "precision-only"]


@pytest.fixture(params=NAMES)
def space(request: pytest.FixtureRequest) -> SearchSpace:
    return load_space(request.param, REFERENCE)


def enumerate_points(space: SearchSpace) -> set[str]:
    """Every point of a small space, by repairing the full product of options."""
    names = [c.name for c in space.choices]
    points = set()
    for values in product(*(c.options for c in space.choices)):
        raw = dict(zip(names, values, strict=True))
        if not space.faults({n: v for n, v in raw.items() if n in space.repair(raw)}):
            points.add(json.dumps(space.repair(raw)))
    return points


def test_the_size_of_a_space_counts_its_points_exactly() -> None:
    space = load_space("quick", REFERENCE)
    some = tuple(c for c in space.choices if c.role in ("recipe", "layer", "module", "channels"))
    small = SearchSpace("small", some)
    assert small.size == len(enumerate_points(small))
    # depth, prior depth, flow; vocoder widths with and without recipe
    assert small.size == 4 * 3 * 3 * (3 + 2)


def test_sizes_with_nested_conditions_needs_and_quotas_count_exactly() -> None:
    space = load_space("gpt-sovits", REFERENCE)
    layers = [c for c in space.choices if c.name.split(".")[-1] in {"0", "1", "2"} and "gpt" in c.name]
    kept = tuple(c for c in layers if "rank" not in c.name and "ffn" not in c.name and "heads" not in c.name)
    quota = space.quotas[0]
    names = tuple(c.name for c in kept if "keep" in c.name)
    small = SearchSpace("small", kept, (type(quota)(quota.name, names, True, 2, quota.reason),))
    assert small.size == len(enumerate_points(small))
    assert small.size == 9**3 + 3 * 9**2  # a kept layer: fp32, 2 for fp16, 3 for int8, 3 for int4


def test_every_random_point_is_inside_and_its_candidate_is_stable(space: SearchSpace) -> None:
    generator = np.random.default_rng(1)
    for _ in range(100):
        point = space.random_point(generator)
        assert space.faults(point) == []
        assert space.repair(point) == point
        again = Candidate(dict(reversed(list(space.candidate(point).values.items()))))
        assert again.id == space.candidate(point).id


def test_the_default_point_of_every_space_is_the_teacher(space: SearchSpace) -> None:
    assert space.candidate(space.default) == Candidate()
    assert space.candidate({}) == Candidate()


def test_an_id_is_the_same_in_another_process() -> None:
    candidate = Candidate({"gpt.keep.3": False, "storage.gpt.head": "fp16", "recipe.temperature": 4.0})
    code = (
        "from autocompress.space import Candidate; print(Candidate("
        "{'recipe.temperature': 4.0, 'storage.gpt.head': 'fp16', 'gpt.keep.3': False}).id)"
    )
    seen = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert seen.stdout.strip() == candidate.id
    assert Candidate({**candidate.values, "gpt.keep.3": True}).id != candidate.id


def test_choices_of_a_dropped_layer_do_not_change_the_candidate() -> None:
    space = load_space("gpt-sovits", REFERENCE)
    one = space.repair({"gpt.keep.2": False, "gpt.ffn.2": 512, "storage.gpt.ffn.2": "int4"})
    two = space.repair({"gpt.keep.2": False})
    assert space.candidate(one).id == space.candidate(two).id
    assert dict(space.candidate(one).values) == {"gpt.keep.2": False}


def test_depth_keeps_layers_evenly_and_drops_their_decisions() -> None:
    space = load_space("quick", REFERENCE)
    values = space.candidate({"gpt.depth": 4, "gpt.ffn.0-2": 512}).values
    assert dict(values) == {
        "gpt.ffn.0": 512,
        "gpt.ffn.2": 512,
        "gpt.keep.1": False,
        "gpt.keep.4": False,
    }


def test_widths_are_rounded_to_what_runs_well() -> None:
    space = load_space("gpt-sovits", {**REFERENCE, "gpt.ffn": 1000, "sovits.flow.channels": 190})
    assert all(w % 16 == 0 for w in space.by_name["gpt.ffn.0"].options[1:])
    assert all(w % 8 == 0 for w in space.by_name["sovits.flow.channels"].options[1:])
    assert space.by_name["gpt.ffn.0"].options[0] == 1000


def test_a_floor_closes_options_and_can_be_lifted_by_name() -> None:
    space = load_space("gpt-sovits", REFERENCE)
    lifted = load_space("gpt-sovits", REFERENCE, override=["flow", "compute-of-sound"])
    assert min(space.by_name["sovits.flow.channels"].options) == 144
    assert min(lifted.by_name["sovits.flow.channels"].options) == 96
    assert "dynamic-int8" not in space.by_name["compute.sovits.flow"].options
    assert "dynamic-int8" in lifted.by_name["compute.sovits.flow"].options
    assert {f.name for f in lifted.floors if f.lifted} == {"flow", "compute-of-sound"}
    assert all(f.reason for f in space.floors)


def test_a_hard_pruned_vocoder_needs_distillation_in_its_recipe() -> None:
    space = load_space("gpt-sovits", REFERENCE)
    hard = {"sovits.vocoder.channels.0": 48}
    with pytest.raises(SpaceError, match=r"recipe\.steps.*buzzes"):
        space.candidate(hard)
    assert space.repair(hard)["sovits.vocoder.channels.0"] == 96
    distilled = space.candidate({**hard, "recipe.steps": 1000}).values
    assert distilled["sovits.vocoder.channels.0"] == 48
    assert distilled["recipe.temperature"] == 4.0


def test_too_many_dropped_layers_are_refused_and_repaired() -> None:
    space = load_space("gpt-sovits", REFERENCE)
    bare = {f"gpt.keep.{i}": False for i in range(5)}
    with pytest.raises(SpaceError, match="gpt-depth: 1 choices keep True, 3 must"):
        space.candidate(bare)
    assert sum(space.repair(bare)[f"gpt.keep.{i}"] for i in range(6)) == 3


def test_a_candidate_outside_lists_every_fault_with_the_nearest_name() -> None:
    space = load_space("gpt-sovits", REFERENCE)
    with pytest.raises(SpaceError) as caught:
        space.candidate({"gpt.fnn.0": 512, "gpt.ffn.1": 513, "storage.gpt.head": "int4"})
    message = str(caught.value)
    assert "3 fault(s)" in message
    assert "nearest known: 'gpt.ffn.0'" in message
    assert "gpt.ffn.1 has no option 513" in message


def test_half_of_a_candidate_has_its_own_id() -> None:
    whole = Candidate({"gpt.ffn.0": 512, "storage.gpt.ffn.0": "int8", "sovits.flow.channels": 144})
    gpt = whole.part(["gpt", "storage.gpt", "compute.gpt"])
    assert gpt == Candidate({"gpt.ffn.0": 512, "storage.gpt.ffn.0": "int8"})
    assert whole.part(["sovits"]).values == {"sovits.flow.channels": 144}


def test_an_option_that_the_teacher_cannot_have_is_left_out_with_all_that_waits_for_it() -> None:
    with_spare = load_space("gpt-sovits", REFERENCE | {"sovits.vocoder.hidden": 576})
    without = load_space("gpt-sovits", REFERENCE)
    assert with_spare.by_name["sovits.vocoder.module"].options == ("hifigan", "istft-head")
    assert without.by_name["sovits.vocoder.module"].options == ("hifigan",)
    waiting = {"sovits.vocoder.hidden", "storage.sovits.spectra"}
    assert set(with_spare.by_name) - set(without.by_name) == waiting


def test_a_spare_vocoder_stays_as_wide_as_it_is_unless_its_floor_is_lifted() -> None:
    spare = REFERENCE | {"sovits.vocoder.hidden": 576}
    assert load_space("gpt-sovits", spare).by_name["sovits.vocoder.hidden"].options == (576,)
    lifted = load_space("gpt-sovits", spare, override=("spectra",))
    assert lifted.by_name["sovits.vocoder.hidden"].options == (576, 448, 288)
    assert load_space("gpt-sovits", REFERENCE, override=("spectra",)).choices  # nothing to lift, no fault


def test_each_vocoders_choices_are_decided_only_while_it_is_taken() -> None:
    space = load_space("quick", REFERENCE | {"sovits.vocoder.hidden": 576})
    hifigan = space.candidate({"sovits.vocoder.channels.0-4": 0.75, "recipe.steps": 1000})
    assert "sovits.vocoder.channels.0" in hifigan.values
    point = {"sovits.vocoder.module": "istft-head", "storage.sovits.spectra": "int8"}
    spectra = space.candidate(point)
    assert dict(spectra.values) == {
        "sovits.vocoder.module": "istft-head",
        "storage.sovits.vocoder": "int8",
    }
    with pytest.raises(SpaceError, match="only decided while"):
        space.candidate({**point, "storage.sovits.vocoder": "int8"})
