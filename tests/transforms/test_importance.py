"""Importance by its three criteria: zero where nothing is read, equal to differences, deterministic."""

import numpy as np
import pytest
import torch
from technique_contract import silence_units

from autocompress.errors import SpaceError
from autocompress.models.voice import Voice, VoiceOrigin
from autocompress.transforms import (
    CRITERIA,
    gpt_calibration,
    gpt_importance,
    sovits_calibration,
    sovits_importance,
)
from autocompress.transforms.building import build_gpt
from autocompress.transforms.units import gpt_units


@pytest.mark.parametrize("criterion", CRITERIA)
def test_a_unit_that_nobody_reads_scores_nothing(teacher, spoken, criterion):
    state = {key: tensor.clone() for key, tensor in teacher.gpt.state_dict().items()}
    silence_units(state, teacher.gpt.config, {"gpt.heads.1": 1, "gpt.ffn.2": 5})
    scores = gpt_importance(build_gpt(teacher.gpt.config, state), [spoken.gpt], criterion).scores
    assert scores["gpt.heads.1"][0] == 0
    assert (scores["gpt.heads.1"][1:] > 0).all()
    assert (scores["gpt.ffn.2"][:5] == 0).all()
    assert (scores["gpt.ffn.2"][5:] > 0).float().mean() > 0.5


@pytest.mark.parametrize("criterion", CRITERIA)
def test_every_group_of_sovits_gets_finite_scores_and_the_same_ones_twice(teacher, spoken, criterion):
    one, other = (sovits_importance(teacher.sovits, [spoken.sovits], criterion) for _ in range(2))
    assert all(torch.isfinite(score).all() and score.sum() > 0 for score in one.scores.values())
    assert all(torch.equal(score, other.scores[name]) for name, score in one.scores.items())


def test_taylor_is_the_derivative_by_a_gate(teacher, spoken):
    """Scaling what reads one head by 1 ± h is a gate; the central difference agrees to its own error."""
    group = next(g for g in gpt_units(teacher.gpt.config) if g.name == "gpt.heads.2")
    scores = gpt_importance(teacher.gpt, [spoken.gpt], "taylor").scores[group.name]
    key, step = f"{group.consumers[0]}.weight", 1e-2

    def losses(scale):
        state = {k: t.clone() for k, t in teacher.gpt.state_dict().items()}
        state[key][:, : group.width] *= scale
        return torch.stack(spoken.gpt.losses(build_gpt(teacher.gpt.config, state))).double()

    slope = (losses(1 + step) - losses(1 - step)) / (2 * step)
    assert scores[0] == pytest.approx(slope.square().mean().sqrt().item(), rel=0.02)


def test_observing_leaves_no_hook_behind(teacher, spoken):
    gpt_importance(teacher.gpt, [spoken.gpt], "taylor")
    gpt_importance(teacher.gpt, [spoken.gpt], "activation")
    assert not any(module._forward_pre_hooks for module in teacher.gpt.modules())


def test_what_is_missing_or_unknown_is_refused(teacher):
    with pytest.raises(SpaceError, match="needs calibration batches"):
        gpt_importance(teacher.gpt, (), "activation")
    with pytest.raises(SpaceError, match="the criteria are magnitude"):
        gpt_importance(teacher.gpt, (), "luck")


def test_a_voices_own_prompt_is_calibration_enough(teacher):
    """Every model has voices; their prompts are real speech."""
    voice = Voice(
        name="anna",
        language="en",
        transcript="so it is",
        prompt_tokens=np.arange(6),
        prompt_phoneme_ids=np.arange(5),
        style=np.ones(16, np.float32),
        origin=VoiceOrigin((), "v2"),
    )
    gpt = gpt_importance(teacher.gpt, gpt_calibration([voice]), "activation")
    batches = sovits_calibration([voice], teacher.sovits.config.inter)
    assert gpt.inputs["h.layers.0.linear1"].shape == (32, 32)
    assert torch.equal(batches[0].noise, sovits_calibration([voice], teacher.sovits.config.inter)[0].noise)
    assert sovits_importance(teacher.sovits, batches, "taylor").scores["sovits.vocoder.pre"].sum() > 0
