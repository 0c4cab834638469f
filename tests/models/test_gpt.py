"""The GPT: cache, masks, padding, positions, free sizes."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from autocompress.errors import CheckpointError
from autocompress.models.config import BlockSize, GptConfig
from autocompress.models.gpt import Gpt, SinePosition, prefix_mask, targets
from autocompress.models.serial import from_json, to_json

UNEVEN = GptConfig(
    width=24,
    blocks=(BlockSize(2, 12, 40), BlockSize(1, 8, 7), BlockSize(3, 4, 96)),
    phoneme_vocab=30,
    semantic_vocab=40,
    bert_width=8,
)
ATOL = 2e-5  # float32 noise of two orders of summation, logits of order 1


def gpt_of(config=UNEVEN):
    torch.manual_seed(0)
    return Gpt(config).eval().requires_grad_(False)


def inputs(x=9, y=12, seed=1):
    generator = torch.Generator().manual_seed(seed)
    ids = torch.randint(30, (1, x), generator=generator)
    return ids, torch.randn(1, 8, x, generator=generator), torch.randint(39, (1, y), generator=generator)


def test_cached_steps_equal_a_pass_over_the_whole_sequence():
    gpt = gpt_of()
    ids, bert, tokens = inputs()
    cached = gpt.prefill(ids, bert, tokens[:, :5], room=7)
    steps = [gpt.step(tokens[:, i : i + 1], i, cached.cache) for i in range(5, 12)]
    whole = gpt.prefill(ids, bert, tokens)
    expected = gpt.ar_predict_layer(whole.hidden[:, -7:])
    torch.testing.assert_close(torch.stack(steps, 1), expected, atol=ATOL, rtol=0)


def test_stepping_past_the_reserved_room_is_refused():
    gpt = gpt_of()
    ids, bert, tokens = inputs()
    cached = gpt.prefill(ids, bert, tokens, room=1)
    gpt.step(tokens[:, :1], 12, cached.cache)
    with pytest.raises(ValueError, match="cache is full"):
        gpt.step(tokens[:, :1], 13, cached.cache)


def test_text_never_sees_audio_and_audio_never_sees_the_future():
    gpt = gpt_of()
    ids, bert, tokens = inputs()
    other = tokens.clone()
    other[0, 6:] = (other[0, 6:] + 1) % 39
    a, b = (gpt.prefill(ids, bert, t).hidden for t in (tokens, other))
    assert torch.equal(a[:, : 9 + 6], b[:, : 9 + 6])
    assert not torch.allclose(a[:, 9 + 6 :], b[:, 9 + 6 :])


def test_the_prefix_mask_of_two_phonemes_and_two_tokens():
    assert prefix_mask(2, 2, torch.device("cpu")).int().tolist() == [
        [1, 1, 0, 0],
        [1, 1, 0, 0],
        [1, 1, 1, 0],
        [1, 1, 1, 1],
    ]


def test_without_a_prompt_the_first_logits_come_from_the_last_phoneme():
    gpt = gpt_of()
    ids, bert, _ = inputs()
    first = gpt.prefill(ids, bert, torch.zeros(1, 0, dtype=torch.long))
    assert first.cache.length == 9
    torch.testing.assert_close(first.logits, gpt.ar_predict_layer(first.hidden[:, 8]))


def test_padded_training_batches_equal_each_utterance_alone():
    gpt = gpt_of()
    shapes = [(9, 12), (5, 12), (9, 4), (3, 7)]
    ids, codes = torch.full((4, 9), 29), torch.full((4, 12), 5)
    bert = torch.randn(4, 8, 9)
    alone = []
    for i, (x, y) in enumerate(shapes):
        one_ids, one_bert, one_codes = inputs(x, y, seed=i)
        ids[i, :x], codes[i, :y], bert[i, :, :x] = one_ids[0], one_codes[0], one_bert[0]
        alone.append(gpt(one_ids, torch.tensor([x]), one_bert, one_codes, torch.tensor([y]))[0])
    x_lengths, y_lengths = (torch.tensor(column) for column in zip(*shapes, strict=True))
    together = gpt(ids, x_lengths, bert, codes, y_lengths)
    for i, (_, y) in enumerate(shapes):
        torch.testing.assert_close(together[i, : y + 1], alone[i], atol=ATOL, rtol=0)


def test_training_rows_are_what_decoding_sees():
    gpt = gpt_of()
    ids, bert, tokens = inputs()
    rows = gpt(ids, torch.tensor([9]), bert, tokens, torch.tensor([12]))[0]
    for n in (0, 1, 7, 12):
        logits = gpt.prefill(ids, bert, tokens[:, :n]).logits[0]
        torch.testing.assert_close(rows[n], logits, atol=ATOL, rtol=0)


def test_targets_are_codes_then_eos_then_ignored():
    codes = torch.tensor([[4, 5, 6], [7, 0, 0]])
    assert targets(codes, torch.tensor([3, 1]), eos=9).tolist() == [[4, 5, 6, 9], [7, 9, -100, -100]]


def test_absent_bert_features_equal_zeros():
    gpt = gpt_of()
    ids, bert, tokens = inputs()
    a, b = gpt.prefill(ids, None, tokens).logits, gpt.prefill(ids, torch.zeros_like(bert), tokens).logits
    torch.testing.assert_close(a, b, atol=ATOL, rtol=0)


def test_sine_positions_hold_far_beyond_the_goldens():
    position = SinePosition(64)
    places = torch.tensor([0, 1, 119, 200, 1500, 3999])
    frequency = torch.exp(torch.arange(0, 64, 2, dtype=torch.float64) * -(math.log(10000.0) / 64))
    angles = places.double()[:, None] * frequency
    exact = torch.stack((angles.sin(), angles.cos()), -1).flatten(1)
    # float32 angles: a relative step of 6e-8 at 4000 radians is 2.4e-4, as in the original's table
    torch.testing.assert_close(position(places).double(), exact, atol=3e-4, rtol=0)
    torch.testing.assert_close(position(places[:3]).double(), exact[:3], atol=1e-5, rtol=0)


def test_norms_use_eps_1e_5():
    block = gpt_of().h.layers[0]
    assert (block.norm1.eps, block.norm2.eps) == (1e-5, 1e-5)


def test_original_sizes_have_the_original_number_of_parameters():
    with torch.device("meta"):
        counts = {v: sum(p.numel() for p in Gpt(GptConfig.original(v)).parameters()) for v in ("v1", "v2")}
    assert counts["v2"] == 77_606_402
    assert counts["v2"] - counts["v1"] == (732 - 512) * 512


@settings(max_examples=15, deadline=None)
@given(
    st.integers(1, 12).map(lambda n: 2 * n),
    st.lists(st.tuples(st.integers(1, 3), st.integers(1, 5), st.integers(1, 20)), min_size=1, max_size=3),
)
def test_any_sizes_per_block_run_and_survive_json(width, sizes):
    config = GptConfig(width, tuple(BlockSize(*s) for s in sizes), 30, 40, 8)
    assert from_json(GptConfig, to_json(config)) == config
    ids, bert, tokens = inputs(4, 3)
    out = Gpt(config)(ids, torch.tensor([4]), bert, tokens, torch.tensor([3]))
    assert out.shape == (1, 4, 40)
    assert torch.isfinite(out).all()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: GptConfig.uniform(layers=2, width=30, heads=4), "do not divide"),
        (lambda: GptConfig(7, (BlockSize(1, 2, 3),)), "even"),
        (lambda: GptConfig(8, ()), "at least one block"),
        (lambda: BlockSize(0, 2, 3), "positive"),
        (lambda: from_json(GptConfig, {"widht": 8}), "did you mean width"),
        (lambda: GptConfig.original("v9"), "not one of"),
    ],
)
def test_impossible_sizes_are_named(make, message):
    with pytest.raises(CheckpointError, match=message):
        make()
