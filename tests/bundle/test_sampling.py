"""The NumPy sampler against the torch one, by properties."""

from dataclasses import replace

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_models import CODES

from autocompress.bundle.manifest import SpeechDefaults
from autocompress.bundle.sampling import EOS_FREE_PREDICTIONS, choose, penalize, race, shortlist
from autocompress.hardware.profiler.host_probes import Draw
from autocompress.models import sampling as original

VOCABULARY = CODES + 1
ROUNDING = 1e-6  # float32 probabilities

seeds = st.integers(0, 2**32 - 1)
wishes = st.builds(
    SpeechDefaults,
    top_k=st.sampled_from((0, 1, 2, 5, 15, 25, 40)),
    top_p=st.sampled_from((0.1, 0.5, 0.9, 1.0)),
    temperature=st.sampled_from((0.0, 0.3, 1.0, 2.0)),
    repetition_penalty=st.sampled_from((1.0, 1.2, 1.35, 2.0)),
)


def logits_and_history(seed):
    generator = np.random.default_rng(seed)
    logits = generator.standard_normal(VOCABULARY, np.float32) * np.float32(3)
    return logits, generator.integers(CODES, size=generator.integers(0, 30))


def torch_settings(wish):
    return original.SamplingSettings(wish.top_k, wish.top_p, wish.temperature, wish.repetition_penalty)


@settings(max_examples=150, deadline=None)
@given(seeds, wishes)
def test_probabilities_are_those_of_the_torch_sampler(seed, wish):
    logits, history = logits_and_history(seed)
    theirs = original.penalize(
        torch.from_numpy(logits)[None], torch.from_numpy(history)[None], wish.repetition_penalty
    )
    ours = penalize(logits, history, wish.repetition_penalty)
    assert np.allclose(ours, theirs[0].numpy(), rtol=ROUNDING)
    expected = original.probabilities(theirs, torch_settings(wish))[0].numpy()
    ids, kept = shortlist(ours, wish)
    found = np.zeros(VOCABULARY, np.float32)
    found[ids] = np.exp(kept - kept.max()) / np.exp(kept - kept.max()).sum()
    assert np.allclose(found, expected, atol=ROUNDING)


@settings(max_examples=150, deadline=None)
@given(seeds, wishes, st.integers(0, 30))
def test_the_greedy_choice_and_its_end_are_those_of_the_torch_sampler(seed, wish, index):
    logits, history = logits_and_history(seed)
    wish = SpeechDefaults(1, wish.top_p, wish.temperature, wish.repetition_penalty)
    token, by_eos = original._choose(
        torch.from_numpy(logits)[None], torch.from_numpy(history)[None], torch_settings(wish), index, None
    )
    choice = choose(logits, history, wish, index, np.random.default_rng(0))
    assert (choice.token, choice.is_end) == (token.item(), by_eos)


def test_draws_follow_the_probabilities():
    probs = np.array([0.5, 0.3, 0.2, 0.0], np.float32)
    with np.errstate(divide="ignore"):
        logits = np.log(probs) + np.float32(2)
    generator = np.random.default_rng(0)
    races = generator.standard_exponential((20_000, 4), np.float32)
    drawn = np.bincount([race(logits, exponential) for exponential in races], minlength=4) / 20_000
    assert np.allclose(drawn, probs, atol=0.015)  # four standard errors
    assert drawn[3] == 0


def test_the_end_cannot_come_early_and_ends_the_loop_when_it_is_the_best():
    logits = np.zeros(VOCABULARY, np.float32)
    logits[-1] = 50
    generator, wish = np.random.default_rng(0), SpeechDefaults()
    early = choose(logits, np.array([], np.int64), wish, EOS_FREE_PREDICTIONS - 1, generator)
    assert not early.is_end
    assert early.token < CODES
    assert choose(logits, np.array([], np.int64), wish, EOS_FREE_PREDICTIONS, generator).is_end


def drawn(seed: int, settings: SpeechDefaults) -> tuple[int, int]:
    """The profiler's token and a bundle's, from the same logits and random numbers."""
    draw = Draw.of(257, seed)
    theirs = choose(
        draw.logits, draw.history, settings, EOS_FREE_PREDICTIONS, np.random.default_rng(seed)
    ).token
    return replace(draw, generator=np.random.default_rng(seed))(), theirs


@given(seeds)
def test_the_profiler_times_the_draw_of_a_bundle_token_by_token(seed: int) -> None:
    own, theirs = drawn(seed, SpeechDefaults())
    assert own == theirs


def test_with_another_way_to_draw_the_tokens_would_differ() -> None:
    other = SpeechDefaults(repetition_penalty=1.0, top_k=5)
    pairs = [drawn(seed, other) for seed in range(50)]
    assert any(own != theirs for own, theirs in pairs)
