"""The generation loop and its stops, on a scripted GPT whose logits are written by hand."""

from types import SimpleNamespace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from autocompress.models.config import GptConfig
from autocompress.models.gpt import Gpt
from autocompress.models.sampling import SamplingSettings, draw, generate, penalize, probabilities

VOCAB, EOS = 20, 19
PLAIN = SamplingSettings(top_k=1, repetition_penalty=1.0)


class ScriptedGpt:
    """Gives ``script[i]`` (a dict of logits; the rest are −10) at prediction i, the last one for ever."""

    def __init__(self, script, max_tokens=2700):
        self.script, self.config = script, SimpleNamespace(max_tokens=max_tokens, eos=EOS)
        self.calls = 0
        self.positions = []

    def _logits(self):
        row = torch.full((1, VOCAB), -10.0)
        for token, value in self.script[min(self.calls, len(self.script) - 1)].items():
            row[0, token] = value
        self.calls += 1
        return row

    def prefill(self, ids, bert, prompt, *, room):
        return SimpleNamespace(logits=self._logits(), cache=None)

    def step(self, token, position, cache):
        self.positions.append(position)
        return self._logits()


def run(script, *, prompt=(1, 2, 3), settings=PLAIN, limit=None, seed=0):
    gpt = ScriptedGpt(script)
    start = torch.tensor([prompt]) if prompt else None
    generator = torch.Generator().manual_seed(seed)
    made = generate(
        gpt,
        torch.zeros(1, 4, dtype=torch.long),
        None,
        start,
        settings,
        generator=generator,
        early_stop_tokens=limit,
    )
    return made, gpt


def test_eos_as_best_logit_is_cut_off_for_the_first_eleven_predictions():
    made, _ = run([{EOS: 5.0, 7: 1.0}])
    assert made.tokens.tolist() == [7] * 11
    assert (made.index, made.stopped_by_eos) == (11, True)


def test_after_eos_the_index_counts_the_tokens_kept():
    made, _ = run([{7: 5.0}] * 15 + [{EOS: 5.0}])
    assert made.tokens.tolist() == [7] * 15
    assert made.index == 15
    assert made.callers_tokens.tolist() == [7] * 15


def test_eos_drawn_while_another_token_is_best_stops_and_is_dropped():
    script = [{7: 5.0}] * 11 + [{7: 1.0, EOS: 0.99}]
    free = SamplingSettings(top_k=2, repetition_penalty=1.0)
    stops = [run(script, settings=free, seed=seed)[0] for seed in range(6)]
    assert all(made.stopped_by_eos and EOS not in made.tokens.tolist() for made in stops)
    assert len({len(made.tokens) for made in stops}) > 1  # it was drawn at different times


def test_eos_best_but_another_token_drawn_stops_and_drops_that_token():
    script = [{7: 5.0}] * 11 + [{EOS: 1.0, 7: 0.99}]
    free = SamplingSettings(top_k=2, repetition_penalty=1.0)
    for seed in range(6):
        made, _ = run(script, settings=free, seed=seed)
        assert (made.tokens.tolist(), made.index) == ([7] * 11, 11)


def test_eos_test_looks_at_penalised_untempered_logits():
    # 7 is in the prompt: 6 / 2 = 3 < 4, so EOS is best only after the penalty.
    script = [{8: 9.0}] * 11 + [{7: 6.0, EOS: 4.0}]
    made, _ = run(script, prompt=(7,), settings=SamplingSettings(top_k=1, repetition_penalty=2.0))
    assert made.stopped_by_eos
    assert len(made.tokens) == 11


def test_eos_without_a_prompt_keeps_all_tokens_and_returns_index_zero():
    made, _ = run([{7: 5.0}] * 13 + [{EOS: 5.0}], prompt=())
    assert (made.tokens.tolist(), made.index, made.stopped_by_eos) == ([7] * 13, 0, True)
    assert made.callers_tokens.tolist() == [7] * 13


def test_early_stop_ends_one_token_late_and_callers_lose_the_first():
    made, _ = run([{5: 9.0}, {7: 9.0}], limit=40)
    assert (len(made.tokens), made.index, made.stopped_by_eos) == (41, 40, False)
    assert made.callers_tokens.tolist() == [7] * 40


def test_without_any_stop_the_loop_ends_at_index_1499():
    made, gpt = run([{7: 9.0}])
    assert (len(made.tokens), made.index) == (1500, 1499)
    assert gpt.calls == 1500


def test_new_tokens_sit_right_after_the_prompt():
    _, gpt = run([{7: 9.0}], limit=3)
    assert gpt.positions == [3, 4, 5]
    _, gpt = run([{7: 9.0}], prompt=(), limit=3)
    assert gpt.positions == [0, 1, 2]


def test_the_penalty_counts_a_repeated_token_once_and_includes_the_prompt():
    logits = torch.tensor([[4.0, -4.0, 1.0]])
    out = penalize(logits, torch.tensor([[0, 0, 0, 1, 1]]), 2.0)
    assert out.tolist() == [[2.0, -8.0, 1.0]]
    assert penalize(logits, torch.zeros(1, 0, dtype=torch.long), 2.0).tolist() == logits.tolist()


def test_top_p_drops_the_token_that_crosses_but_never_the_first():
    logits = torch.log(torch.tensor([[0.5, 0.3, 0.2]]))
    kept = probabilities(logits, SamplingSettings(top_k=0, top_p=0.7))
    assert kept[0].tolist() == pytest.approx([1.0, 0.0, 0.0])
    kept = probabilities(logits, SamplingSettings(top_k=0, top_p=0.1))
    assert kept[0].tolist() == pytest.approx([1.0, 0.0, 0.0])
    kept = probabilities(logits, SamplingSettings(top_k=0, top_p=0.85))
    assert kept[0].tolist() == pytest.approx([0.625, 0.375, 0.0])


def test_top_k_keeps_ties_with_the_kth():
    kept = probabilities(torch.tensor([[2.0, 1.0, 1.0, 0.0]]), SamplingSettings(top_k=2))
    assert (kept[0] > 0).tolist() == [True, True, True, False]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(-8, 8), min_size=3, max_size=12), st.integers(1, 12), st.floats(0.1, 2))
def test_probabilities_sum_to_one_and_only_top_k_survive(values, top_k, temperature):
    logits = torch.tensor([values])
    kept = probabilities(logits, SamplingSettings(top_k, 1.0, temperature))
    assert float(kept.sum()) == pytest.approx(1.0, abs=1e-5)
    assert int((kept > 0).sum()) >= 1
    lowest = logits[kept > 0].min()
    assert int((logits > lowest).sum()) < top_k


def test_draws_follow_the_probabilities():
    probs = torch.tensor([[0.7, 0.2, 0.1]]).expand(20000, 3)
    drawn = draw(probs, torch.Generator().manual_seed(0))[:, 0]
    share = torch.bincount(drawn, minlength=3) / len(drawn)
    # 0.01: three standard errors of 20000 draws
    torch.testing.assert_close(share, probs[0], atol=0.01, rtol=0)


def test_the_same_seed_speaks_the_same_tokens():
    torch.manual_seed(0)
    gpt = Gpt(GptConfig.uniform(layers=2, width=16, heads=2, phoneme_vocab=30, semantic_vocab=40)).eval()
    ids, prompt = torch.arange(6)[None], torch.arange(5)[None]

    def speak(seed):
        generator = torch.Generator().manual_seed(seed)
        return generate(gpt, ids, None, prompt, generator=generator, early_stop_tokens=30).tokens.tolist()

    assert speak(1) == speak(1)
    assert speak(1) != speak(2)
