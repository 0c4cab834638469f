"""The two objectives: their equations, what they train, and that a student comes closer to its teacher."""

import math

import pytest
import torch
from torch.nn import functional as F

from autocompress.models.training.gpt_distillation import (
    GptDistillation,
    GptDistillationRecipe,
    hard_loss,
    hidden_loss,
    matched_layers,
    soft_loss,
)
from autocompress.models.training.sovits_distillation import (
    FRONT,
    PRIOR,
    VOCODER,
    SovitsDistillation,
    SovitsDistillationRecipe,
    latent_loss,
)
from autocompress.models.training.taught import TaughtSource
from autocompress.production.speaker_embedding import SpeakerNetwork, speaker_network
from autocompress.space import Candidate
from autocompress.transforms import materialize_gpt, materialize_sovits


def gpt_recipe(steps: int = 30, **changed) -> GptDistillationRecipe:
    return GptDistillationRecipe(steps, batch_size=2, warm_steps=2, peak_rate=2e-3, bfloat16=False, **changed)


def sovits_recipe(
    steps: int = 12, adversarial_from: int = 12, phase_weight: float = 0.0
) -> SovitsDistillationRecipe:
    return SovitsDistillationRecipe(
        steps,
        adversarial_from,
        batch_size=2,
        segment_frames=8,
        warm_steps=2,
        phase_weight=phase_weight,
        bfloat16=False,
    )


def test_soft_loss_is_t_squared_times_the_divergence_at_t() -> None:
    student, teacher = torch.randn(2, 5, 7, generator=torch.Generator().manual_seed(0))
    p, q = (F.softmax(x / 5.0, -1) for x in (teacher, student))
    expected = 25.0 * (p * (p / q).log()).sum(-1).mean()
    assert soft_loss(student, teacher, 5.0).item() == pytest.approx(expected.item(), rel=1e-4)
    assert soft_loss(teacher, teacher, 5.0).item() == pytest.approx(0.0, abs=1e-5)


def test_hard_loss_of_a_recording_is_the_cross_entropy_with_what_was_said() -> None:
    student, teacher = torch.randn(2, 2, 5, 7, generator=torch.Generator().manual_seed(0))
    labels = torch.tensor([[1, 2, 3, -100, -100], [4, 0, 6, 5, -100]])
    expected = F.cross_entropy(student.flatten(0, 1), labels.flatten(), ignore_index=-100)
    heard = hard_loss(student, teacher, labels, torch.tensor([True, True]))
    assert heard.item() == pytest.approx(expected.item(), rel=1e-5)


def test_hard_loss_of_what_the_teacher_drew_is_the_mean_over_its_draws() -> None:
    generator = torch.Generator().manual_seed(0)
    student, teacher = torch.randn(2, 1, 1, 7, generator=generator)
    draws = torch.multinomial(teacher[0, 0].softmax(-1), 20_000, replacement=True, generator=generator)
    mean = F.cross_entropy(student[0].expand(len(draws), -1), draws)
    own = hard_loss(student, teacher, torch.tensor([[3]]), torch.tensor([False]))
    assert own.item() == pytest.approx(
        mean.item(), abs=0.03
    )  # 20 000 draws of a loss whose spread is about 1


def test_a_student_like_its_teacher_is_pulled_away_by_a_recording_alone() -> None:
    logits = torch.randn(1, 4, 7, generator=torch.Generator().manual_seed(0))
    labels = torch.tensor([[1, 2, 3, -100]])
    gradients = {}
    for recorded in (False, True):
        student = logits.clone().requires_grad_(True)
        hard_loss(student, logits, labels, torch.tensor([recorded])).backward()
        gradients[recorded] = float(student.grad.abs().max())
    assert gradients[False] < 1e-6 < 0.01 < gradients[True]


def test_hidden_loss_is_one_for_a_student_of_zeros_and_ignores_padding() -> None:
    wanted, counted = torch.randn(2, 4, 3), torch.tensor([[True] * 4, [True, True, False, False]])
    assert hidden_loss([(torch.zeros(2, 4, 3), wanted)], counted).item() == pytest.approx(1.0)
    padded = wanted.clone()
    padded[1, 2:] = 99.0
    assert hidden_loss([(padded, wanted)], counted).item() == 0.0


@pytest.mark.parametrize("recipe", [{"temperature": 2.9}, {"temperature": 7.1}, {"hard_weight": 1.1}])
def test_recipes_outside_their_range_are_refused(recipe) -> None:
    with pytest.raises(ValueError, match="must lie in"):
        gpt_recipe(**recipe)


def test_a_layer_takes_over_those_that_went_after_it() -> None:
    assert matched_layers((0, 1, 2, 3), 4) == [(0, 0), (1, 1), (2, 2), (3, 3)]
    assert matched_layers((0, 3), 6) == [(0, 2), (1, 5)]


def test_the_teacher_itself_has_nothing_to_learn_but_the_labels(teacher, lessons) -> None:
    pairs = [(i, i) for i in range(4)]
    copy = materialize_gpt(teacher.gpt, Candidate()).network
    losses = GptDistillation(copy, teacher.gpt, TaughtSource(lessons, 0), gpt_recipe(), pairs).step(0)
    assert losses["soft"] == pytest.approx(0.0, abs=1e-5)
    assert losses["hidden"] == pytest.approx(0.0, abs=1e-9)
    assert losses["hard"] > 0.1


def test_a_shallower_gpt_comes_closer_to_its_teacher(teacher, lessons) -> None:
    student = materialize_gpt(teacher.gpt, Candidate({"gpt.keep.1": False})).network
    objective = GptDistillation(
        student, teacher.gpt, TaughtSource(lessons, 0), gpt_recipe(hard_weight=0.0), [(0, 1), (1, 2), (2, 3)]
    )
    losses = [objective.step(step) for step in range(30)]
    assert losses[-1]["soft"] < 0.5 * losses[0]["soft"]
    assert losses[-1]["hidden"] < losses[0]["hidden"]


def test_a_cut_utterance_teaches_no_end(teacher, lessons) -> None:
    from autocompress.models.training.gpt_distillation import _labels

    batch = TaughtSource(lessons, 0).gpt(0, 2)
    eos = teacher.gpt.config.eos
    ends = (_labels(batch, eos) == eos).sum(1)
    assert torch.equal(ends, batch.stopped.long())


def test_a_distilled_gpt_resumes_to_the_same_weights(teacher, lessons) -> None:
    def made() -> GptDistillation:
        student = materialize_gpt(teacher.gpt, Candidate({"gpt.ffn.0": 64})).network
        return GptDistillation(student, teacher.gpt, TaughtSource(lessons, 0), gpt_recipe(), [(0, 0)])

    whole, first, second = made(), made(), made()
    for step in range(4):
        whole.step(step)
    for step in range(2):
        first.step(step)
    second.restore(first.state())
    for step in range(2, 4):
        second.step(step)
    assert all(
        torch.equal(a, b) for a, b in zip(whole.model.parameters(), second.model.parameters(), strict=True)
    )


def test_the_front_alone_learns_latents_and_decodes_nothing(teacher, lessons) -> None:
    student = materialize_sovits(teacher.sovits, Candidate({"sovits.flow.couplings": 3})).network
    before = {name: p.clone() for name, p in student.named_parameters()}
    objective = SovitsDistillation(student, TaughtSource(lessons, 0), sovits_recipe(), FRONT)
    losses = [objective.step(step) for step in range(12)]
    assert set(losses[0]) == {"latent", "loss", "gradient_norm"}
    assert losses[-1]["latent"] < losses[0]["latent"]
    moved = {n.split(".")[0] for n, p in objective.model.named_parameters() if not torch.equal(p, before[n])}
    assert moved == {"enc_p", "flow"}


def test_while_the_prior_learns_to_be_rounded_the_flow_stays(teacher, lessons) -> None:
    student = materialize_sovits(teacher.sovits, Candidate({"sovits.flow.couplings": 3})).network
    before = {name: p.clone() for name, p in student.named_parameters()}
    objective = SovitsDistillation(student, TaughtSource(lessons, 0), sovits_recipe(), PRIOR)
    losses = [objective.step(step) for step in range(6)]
    assert losses[-1]["latent"] < losses[0]["latent"]
    moved = {n.split(".")[0] for n, p in objective.model.named_parameters() if not torch.equal(p, before[n])}
    assert moved == {"enc_p"}


def test_the_vocoder_alone_learns_from_the_teachers_latents_and_later_from_critics(teacher, lessons) -> None:
    student = materialize_sovits(teacher.sovits, Candidate({"sovits.vocoder.channels.0": 8})).network
    before = {name: p.clone() for name, p in student.named_parameters()}
    embed = speaker_network(teacher.sample_rate_hz)
    recipe = sovits_recipe(adversarial_from=10)
    objective = SovitsDistillation(student, TaughtSource(lessons, 0), recipe, VOCODER, embed)
    losses = [objective.step(step) for step in range(12)]
    assert {"mel", "spectral", "speaker"} <= set(losses[0])
    assert {"feature", "fooling", "critic"} <= set(losses[-1])
    assert losses[9]["mel"] < losses[0]["mel"]
    moved = {n.split(".")[0] for n, p in objective.model.named_parameters() if not torch.equal(p, before[n])}
    assert moved == {"dec"}


def test_phases_are_learnt_where_they_are_asked_for(teacher, lessons) -> None:
    def told(weight: float) -> list[dict[str, float]]:
        student = materialize_sovits(teacher.sovits, Candidate({"sovits.vocoder.channels.0": 8})).network
        recipe = sovits_recipe(phase_weight=weight)
        objective = SovitsDistillation(student, TaughtSource(lessons, 0), recipe, VOCODER)
        return [objective.step(step) for step in range(12)]

    asked = told(100.0)
    assert asked[-1]["phase"] < asked[0]["phase"]
    assert asked[-1]["phase"] < told(1e-6)[-1]["phase"]  # spectra alone bring some of them
    assert "phase" not in told(0.0)[0]


def test_an_unchanged_sovits_is_where_it_should_be(teacher, lessons) -> None:
    copy = materialize_sovits(teacher.sovits, Candidate()).network
    front = SovitsDistillation(copy, TaughtSource(lessons, 0), sovits_recipe(), FRONT).step(0)
    assert front["latent"] < 2e-3  # latents are kept as float16: 11 bits
    copy = materialize_sovits(teacher.sovits, Candidate()).network
    vocoder = SovitsDistillation(copy, TaughtSource(lessons, 0), sovits_recipe(), VOCODER).step(0)
    assert vocoder["mel"] < 0.1  # audio as int16, and the teacher saw more than the margin


def test_latent_loss_is_one_for_silence() -> None:
    wanted = torch.randn(2, 3, 8)
    assert latent_loss(torch.zeros_like(wanted), wanted, torch.ones(2, 1, 8)).item() == pytest.approx(1.0)


def test_the_differentiable_speaker_embedding_is_the_metrics_own() -> None:
    import numpy as np

    from autocompress.metrics.speaker import embed_utterance

    rng = np.random.default_rng(0)
    speech = np.cumsum(rng.standard_normal(25_600)).astype(np.float32)
    speech *= 10 ** (-26 / 20) / np.sqrt(np.mean(speech**2))
    ours = SpeakerNetwork(16_000)(torch.from_numpy(speech)[None])[0]
    # 160 frames there, 161 here, and the last hidden state decides
    assert float(ours @ torch.from_numpy(embed_utterance(speech))) > 0.999


def test_speech_at_twice_the_rate_is_heard_alike() -> None:
    time_s = torch.arange(32_000) / 32_000
    wave = sum(torch.sin(2 * math.pi * f * time_s) / f for f in (150.0, 300.0, 1_200.0, 2_500.0))
    low, high = SpeakerNetwork(16_000)(wave[None, ::2]), SpeakerNetwork(32_000)(wave[None])
    assert F.cosine_similarity(low, high).item() > 0.99


def test_a_gradient_passes_through_the_speaker_embedding() -> None:
    audio = torch.randn(1, 8_000).requires_grad_(True)
    speaker_network(16_000)(audio).sum().backward()
    assert audio.grad.abs().sum() > 0
    assert speaker_network(22_050) is None
