import numpy as np
import pytest
import torch
from graph_checks import distance

from autocompress.bundle.decoder import Decoder, Prompt

CLOSE = 1e-3
STEPS = 100


def _prompt(x, y, seed=0):
    generator = torch.Generator().manual_seed(seed)
    ids = torch.randint(50, (1, x), generator=generator)
    return ids, torch.randn(1, 1024, x, generator=generator), torch.randint(40, (1, y), generator=generator)


def _feed(ids, bert, prompt):
    return {"phoneme_ids": ids.numpy(), "prompt": prompt.numpy(), "bert": bert.numpy()}


def _greedy_in_torch(gpt, ids, bert, prompt, steps):
    first = gpt.prefill(ids, bert, prompt, room=steps)
    logits, tokens = [first.logits.numpy()], []
    for i in range(steps):
        tokens.append(int(logits[-1].argmax()))
        logits.append(gpt.step(torch.tensor([[tokens[-1]]]), prompt.shape[1] + i, first.cache).numpy())
    return tokens, logits


def _greedy_in_onnx(graphs, cache, feed, steps):
    """Without IO binding: the caches go in and come out; buffers have room where the variant wants it."""
    logits, *states = graphs["prefill"].run(None, feed)
    filled, audio = states[0].shape[2], feed["prompt"].shape[1]
    if cache != "concat":
        states = [np.pad(state, ((0, 0), (0, 0), (0, steps), (0, 0))) for state in states]
    names = [value.name.replace("_out_", "_in_") for value in graphs["prefill"].get_outputs()[1:]]
    wanted = {value.name for value in graphs[cache].get_inputs()}
    found, tokens = [logits], []
    for i in range(steps):
        tokens.append(int(found[-1].argmax()))
        fed = {
            "token": np.array([[tokens[-1]]]),
            "position": np.array([audio + i]),
            "length": np.array([filled + i], np.int32),
            **dict(zip(names, states, strict=True)),
        }
        logits, *states = graphs[cache].run(None, {k: v for k, v in fed.items() if k in wanted})
        found.append(logits)
    return tokens, found


@pytest.mark.parametrize(("x", "y"), [(12, 7), (60, 75), (5, 0), (1, 0), (1, 1)])
def test_prefill_agrees_with_torch_at_any_lengths(gpt, gpt_graphs, x, y):
    ids, bert, prompt = _prompt(x, y)
    expected = gpt.prefill(ids, bert, prompt)
    logits, *states = gpt_graphs["prefill"].run(None, _feed(ids, bert, prompt))
    assert distance(logits, expected.logits) < CLOSE
    pairs = [state for pair in zip(expected.cache.keys, expected.cache.values, strict=True) for state in pair]
    for found, state in zip(states, pairs, strict=True):
        assert distance(found, state) < CLOSE


def test_prefill_without_bert_is_prefill_with_zeros(gpt, gpt_graphs):
    ids, bert, prompt = _prompt(9, 4)
    feed = _feed(ids, bert, prompt)
    del feed["bert"]
    found = gpt_graphs["no_bert"].run(None, feed)[0]
    assert distance(found, gpt.prefill(ids, torch.zeros_like(bert), prompt).logits) < CLOSE


@pytest.mark.parametrize("cache", ["shared", "scatter", "concat"])
@pytest.mark.parametrize(("x", "y"), [(10, 6), (1, 0)])
def test_a_hundred_greedy_tokens_are_identical(gpt, gpt_graphs, cache, x, y):
    ids, bert, prompt = _prompt(x, y, seed=1)
    tokens, logits = _greedy_in_torch(gpt, ids, bert, prompt, STEPS)
    found_tokens, found_logits = _greedy_in_onnx(gpt_graphs, cache, _feed(ids, bert, prompt), STEPS)
    assert found_tokens == tokens
    assert len(set(tokens)) > 2  # a network that repeats one token would agree by chance
    assert max(distance(a, b) for a, b in zip(found_logits, logits, strict=True)) < CLOSE


def test_steps_into_bound_buffers_give_the_same_tokens(gpt, gpt_graphs):
    """The runtime binds one buffer as input and output of the step, and it outgrows its first size here."""
    ids, bert, prompt = _prompt(170, 6, seed=1)
    tokens, _ = _greedy_in_torch(gpt, ids, bert, prompt, STEPS)
    decoder = Decoder(gpt_graphs["prefill"], gpt_graphs["shared"])
    logits = decoder.prefill(Prompt(ids[0].numpy(), prompt[0].numpy(), bert[0].numpy()))
    found = []
    for _ in range(STEPS):
        found.append(int(logits.argmax()))
        logits = decoder.step(found[-1])
    assert found == tokens


def test_one_perturbed_weight_is_noticed(gpt, gpt_graphs):
    ids, bert, prompt = _prompt(10, 6, seed=1)
    weight = gpt.h.layers[1].linear1.weight
    kept = weight.clone()
    try:
        weight[3] += 1.0
        _, logits = _greedy_in_torch(gpt, ids, bert, prompt, 5)
    finally:
        weight.copy_(kept)
    _, found = _greedy_in_onnx(gpt_graphs, "shared", _feed(ids, bert, prompt), 5)
    assert max(distance(a, b) for a, b in zip(found, logits, strict=True)) > CLOSE
