"""What stays takes over what goes, and rounding hands its errors on: exact where it can be, never worse."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from autocompress.space import Candidate
from autocompress.transforms import gpt_importance, materialize_gpt, materialize_sovits, sovits_importance
from autocompress.transforms.building import build_gpt
from autocompress.transforms.materialize import unrounded_gpt, unrounded_sovits
from autocompress.transforms.observing import second_moments
from autocompress.transforms.quantizers import quantize_int4
from autocompress.transforms.reconstruction import rounding_ahead, steadied, take_over
from autocompress.transforms.units import gpt_units
from autocompress.transforms.weights import INPUTS, effective_weight, keep_columns, put_weight

LAYERS = range(4)


def drawn(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def correlated(samples: int, features: int, seed: int = 0) -> np.ndarray:
    """Inputs that say much of each other, as those of real layers do."""
    mixing = drawn(features, features, seed=seed + 1) + 3 * drawn(1, features, seed=seed + 2)
    return drawn(samples, features, seed=seed) @ mixing


def moment_of(x: np.ndarray) -> torch.Tensor:
    return steadied(torch.from_numpy(x.T @ x / len(x)), len(x))


# --- removal -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("known", [True, False])
def test_a_column_that_the_others_say_is_taken_over_whole(known):
    """Without moments nothing is, which shows that the first half of this test can fail."""
    x = drawn(4000, 6)
    x[:, 2] = 2 * x[:, 0] - x[:, 5]
    weight = torch.from_numpy(drawn(4, 6, seed=1))
    state = {"m.weight": weight}
    if known:
        state[f"m{INPUTS}"] = moment_of(x)
    take_over(state, "m", {2})
    keep_columns(state, "m", torch.tensor([0, 1, 3, 4, 5]))
    before, after = x @ weight.numpy().T, x[:, [0, 1, 3, 4, 5]] @ state["m.weight"].numpy().T
    error = np.linalg.norm(after - before) / np.linalg.norm(before)
    assert (error < 1e-3) == known
    assert error < 1e-3 or error > 0.3


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 999), gone=st.sets(st.integers(0, 11), min_size=1, max_size=11))
def test_over_the_calibration_set_it_is_never_worse_than_cutting(seed, gone):
    x, weight = correlated(500, 12, seed), torch.from_numpy(drawn(5, 12, seed=seed + 7))
    stay = torch.tensor([i for i in range(12) if i not in gone])
    state = {"m.weight": weight, f"m{INPUTS}": moment_of(x)}
    take_over(state, "m", gone)
    keep_columns(state, "m", stay)
    exact, seen = x @ weight.numpy().T, x[:, stay.numpy()]
    errors = [np.square(seen @ w.numpy().T - exact).sum() for w in (state["m.weight"], weight[:, stay])]
    assert errors[0] <= errors[1] * (1 + 1e-4)
    assert state[f"m{INPUTS}"].shape == (len(stay), len(stay))


@pytest.mark.parametrize(("taps", "dilation"), [(3, 1), (5, 2), (1, 1)])
def test_a_convolution_takes_over_what_another_channel_says_a_moment_later(taps, dilation):
    """Channel 1 is channel 0 one place on: only windows can tell, and only where the place is in reach."""
    network = torch.nn.Sequential(torch.nn.Conv1d(3, 4, taps, dilation=dilation))
    x = torch.from_numpy(drawn(1, 3, 3000))
    x[:, 1, dilation:] = x[:, 0, :-dilation].clone()
    weight = torch.from_numpy(drawn(4, 3, taps, seed=2))
    moments, counts = second_moments(network, ["0"], [Spoken(x)])
    assert moments["0"].shape == (3 * taps, 3 * taps)
    assert torch.equal(moments["0"], moments["0"].t())
    state = {"0.weight": weight, f"0{INPUTS}": steadied(moments["0"], counts["0"])}
    take_over(state, "0", {1})
    with_all = F.conv1d(x, weight, dilation=dilation)
    without = F.conv1d(x[:, [0, 2]], state["0.weight"][:, [0, 2]], dilation=dilation)
    cut = F.conv1d(x[:, [0, 2]], weight[:, [0, 2]], dilation=dilation)
    ratio = ((without - with_all).square().sum() / (cut - with_all).square().sum()).item()
    assert ratio < 0.6 if taps > 1 else 0.9 < ratio < 1.1


class Spoken:
    def __init__(self, x: torch.Tensor) -> None:
        self.x = x

    def losses(self, network: torch.nn.Module) -> list[torch.Tensor]:
        return [network(self.x).sum()]


def test_a_transposed_convolution_is_mended_tap_by_tap(teacher, spoken):
    seen = sovits_importance(teacher.sovits, [spoken.sovits], "activation")
    assert seen.inputs["dec.ups.0"].shape == (32, 32)
    exact = spoken.sovits.audio(teacher.sovits)
    candidate = Candidate({"sovits.vocoder.pre": 24})
    errors = [
        (spoken.sovits.audio(materialize_sovits(teacher.sovits, candidate, i).network) - exact).square().sum()
        for i in (seen, replace(seen, inputs={}))
    ]
    assert errors[0] < errors[1]


def test_heads_and_neurons_of_the_gpt_are_taken_over(teacher, spoken):
    seen = gpt_importance(teacher.gpt, [spoken.gpt])
    exact = spoken.gpt.logits(teacher.gpt)
    for decisions in ({f"gpt.ffn.{i}": 100 for i in LAYERS}, {f"gpt.heads.{i}": 3 for i in LAYERS}):
        errors = [
            (spoken.gpt.logits(materialize_gpt(teacher.gpt, Candidate(decisions), i).network) - exact)
            .square()
            .sum()
            for i in (seen, replace(seen, inputs={}))
        ]
        assert errors[0] < 0.8 * errors[1]


def test_every_consumer_of_a_unit_is_seen(teacher, spoken):
    """A consumer that no hook reaches would be cut without a word."""
    seen = gpt_importance(teacher.gpt, [spoken.gpt]).inputs
    state = teacher.gpt.state_dict()
    for path in [path for group in gpt_units(teacher.gpt.config) for path in group.consumers]:
        assert len(seen[path]) == effective_weight(state, path).shape[1]
    assert {f"h.layers.{i}.self_attn.in_proj" for i in LAYERS} <= seen.keys()


def test_what_was_never_read_is_left_alone():
    """A matrix of an unused input (BERT without a RoBERTa): all moments are 0, and nothing is NaN."""
    weight = torch.from_numpy(drawn(3, 40))
    state = {"m.weight": weight, f"m{INPUTS}": steadied(torch.zeros(40, 40), 10)}
    take_over(state, "m", {1, 2})
    stay = [i for i in range(40) if i not in (1, 2)]
    assert torch.equal(state["m.weight"][:, stay], weight[:, stay])
    ahead = rounding_ahead(weight.numpy(), state[f"m{INPUTS}"].numpy())
    assert np.array_equal(quantize_int4(ahead).dequantised, quantize_int4(weight.numpy()).dequantised)


# --- rounding ------------------------------------------------------------------------------------------


def error_of_rounding_ahead(seed: int, features: int) -> float:
    """Beside plain rounding's, over the inputs."""
    x, weight = correlated(400, features, seed), drawn(16, features, seed=seed + 9)
    moment = moment_of(x).numpy()
    rounded = [quantize_int4(w).dequantised for w in (rounding_ahead(weight, moment), weight)]
    ahead, plain = (np.square(x @ (w - weight).T).sum() for w in rounded)
    return float(ahead / plain)


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 999), features=st.integers(16, 80))
def test_rounding_what_comes_back_errs_less_over_the_inputs(seed, features):
    assert error_of_rounding_ahead(seed, features) < 0.9


@pytest.mark.parametrize("features", [3, 5, 9])
def test_on_a_few_features_it_errs_less_on_average(features):
    """Feedback is greedy: of so few columns none may be left to take the last one's error."""
    assert np.mean([error_of_rounding_ahead(seed, features) for seed in range(100)]) < 0.95


def test_uncorrelated_inputs_leave_nothing_to_hand_on():
    weight = drawn(8, 64)
    moment = np.eye(64, dtype=np.float32)
    assert np.array_equal(quantize_int4(rounding_ahead(weight, moment)).codes, quantize_int4(weight).codes)


def test_blocks_of_zeros_and_lone_weights_stay():
    weight = np.zeros((2, 96), np.float32)
    weight[0, 40] = 3.0
    moment = moment_of(correlated(300, 96)).numpy()
    rounded = quantize_int4(rounding_ahead(weight, moment)).dequantised
    assert np.isfinite(rounded).all()
    assert rounded[0, 40] == quantize_int4(weight).dequantised[0, 40]
    assert not rounded[1].any()


def test_the_same_matrix_again_is_not_computed_again(monkeypatch):
    weight, moment = drawn(4, 32, seed=5), moment_of(correlated(200, 32, seed=5)).numpy()
    first = rounding_ahead(weight, moment)
    monkeypatch.setattr("autocompress.transforms.reconstruction._rounded_ahead", None)
    assert np.array_equal(rounding_ahead(weight, moment), first)
    with pytest.raises(TypeError):
        rounding_ahead(weight + 1, moment)


@pytest.mark.parametrize("half", ["gpt", "sovits"])
def test_a_student_before_rounding_rounds_to_the_candidate(teacher, spoken, half):
    """So the exporter, which knows no calibration, writes what the search has judged."""
    network, batch = getattr(teacher, half), getattr(spoken, half)
    weigh, materialize, unrounded, roles = {
        "gpt": (gpt_importance, materialize_gpt, unrounded_gpt,
                [f"gpt.{part}.{i}" for i in (0, 2, 3) for part in ("attention", "ffn")]),
        "sovits": (sovits_importance, materialize_sovits, unrounded_sovits,
                   ["sovits.prior", "sovits.flow", "sovits.vocoder"]),
    }[half]  # fmt: skip
    shape = {"gpt.keep.1": False, "gpt.ffn.2": 90} if half == "gpt" else {"sovits.flow.channels": 12}
    stored = {f"storage.{role}": "int4" for role in roles}
    seen = weigh(network, [batch], "activation")
    wanted = materialize(network, Candidate(shape | stored), seen).network
    ready = unrounded(network, Candidate(shape | stored), seen)
    own = {name.replace(".2", ".1").replace(".3", ".2"): v for name, v in stored.items()}
    again = materialize(ready, Candidate(own if half == "gpt" else stored)).network
    state = again.state_dict()
    assert all(torch.equal(tensor, state[key]) for key, tensor in wanted.state_dict().items())
    plain = materialize(network, Candidate(shape | stored), replace(seen, inputs={})).network.state_dict()
    assert any(not torch.equal(tensor, plain[key]) for key, tensor in state.items())


def test_a_rank_higher_than_the_matrix_has_can_still_be_rounded(teacher, spoken):
    """Between the two factors of a matrix of zeros nothing is read: that moment is singular."""
    state = {key: tensor.clone() for key, tensor in teacher.gpt.state_dict().items()}
    for name in ("linear1", "linear2"):
        state[f"h.layers.0.{name}.weight"].zero_()
    flat = build_gpt(teacher.gpt.config, state)
    decided = Candidate({"gpt.rank.0": 8, "storage.gpt.ffn.0": "int4"})
    student = materialize_gpt(flat, decided, gpt_importance(flat, [spoken.gpt])).network
    assert torch.isfinite(spoken.gpt.logits(student)).all()


def test_weight_norm_keeps_what_was_moved():
    state = {"m.weight_v": torch.from_numpy(drawn(4, 3, 5)), "m.weight_g": torch.rand(4, 1, 1) + 0.5}
    moved = torch.from_numpy(drawn(4, 3, 5, seed=3))
    put_weight(state, "m", moved)
    assert torch.equal(effective_weight(state, "m"), moved)
