"""SoVITS by hand-made cases: lengths, noise, padding, removed parts, training."""

import pytest
import torch
from small_models import AUDIO, small_upstream_sovits, training_batch, uneven_config, uneven_sovits

from autocompress.errors import CheckpointError
from autocompress.models.config import VERSIONS, SovitsConfig
from autocompress.models.serial import from_json, to_json
from autocompress.models.sovits.layers import fold_weight_norm, length_mask
from autocompress.models.sovits.losses import kl_loss
from autocompress.models.sovits.synthesizer import Sovits, random_starts, slice_frames

ATOL = 2e-5  # float32 noise at values of order 1


@pytest.fixture(scope="module")
def sovits():
    return uneven_sovits().requires_grad_(False)


def codes(n=6, batch=1):
    return torch.arange(n * batch).reshape(batch, n) % 24


TEXT = torch.tensor([[1, 2, 3, 4]])


def spec(frames=9, seed=0):
    return torch.rand(1, AUDIO.bins, frames, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("version", VERSIONS)
def test_any_sizes_by_layer_speak_and_survive_json(version):
    model = uneven_sovits(version)
    assert from_json(SovitsConfig, to_json(model.config)) == model.config
    speakers = [torch.ones(1, 13)] if model.config.pro else None
    audio = model.decode(codes(), TEXT, [spec()], speakers, noise_scale=0)
    assert audio.shape == (1, 1, 6 * 2 * AUDIO.hop)
    assert torch.isfinite(audio).all()
    assert audio.std() > 0


@pytest.mark.parametrize(("speed", "frames"), [(1.0, 12), (2.0, 7), (1.2, 11), (0.75, 17), (4.0, 4)])
def test_speed_makes_one_frame_more_than_the_whole_part(sovits, speed, frames):
    audio = sovits.decode(codes(), TEXT, [spec()], noise_scale=0.5, speed=speed)
    assert audio.shape[-1] == frames * AUDIO.hop


def test_noise_scale_zero_is_deterministic_and_noise_is_scaled(sovits):
    def decode(scale, seed):
        generator = torch.Generator().manual_seed(seed)
        return sovits.decode(codes(), TEXT, [spec()], noise_scale=scale, generator=generator)

    assert torch.equal(decode(0, 1), decode(0, 2))
    assert torch.equal(decode(0.5, 1), decode(0.5, 1))
    assert not torch.equal(decode(0.5, 1), decode(0.5, 2))
    prior = sovits.prior(codes(), TEXT, sovits.style(spec()))
    noise = torch.randn(prior.mean.shape)
    torch.testing.assert_close(prior.sample(noise, 0.3), prior.mean + 0.3 * noise * prior.log_std.exp())


def test_references_are_averaged_after_the_speaker_vector_is_mixed_in():
    pro = uneven_sovits("v2Pro").requires_grad_(False)
    specs, speakers = [spec(9, 1), spec(5, 2)], [torch.randn(1, 13), torch.randn(1, 13)]
    each = [pro.style(s, v) for s, v in zip(specs, speakers, strict=True)]
    torch.testing.assert_close(pro.mean_style(specs, speakers), (each[0] + each[1]) / 2)
    with pytest.raises(ValueError, match="speaker vector"):
        pro.style(specs[0])


def test_a_batch_without_padding_equals_each_row_alone(sovits):
    ge = torch.cat([sovits.style(spec(seed=1)), sovits.style(spec(seed=2))])
    text = torch.tensor([[1, 2, 3, 4], [5, 6, 7, 8]])
    together = sovits.synthesize(codes(6, 2), text, ge)
    for i in range(2):
        alone = sovits.synthesize(codes(6, 2)[i : i + 1], text[i : i + 1], ge[i : i + 1])
        torch.testing.assert_close(together[i : i + 1], alone, atol=ATOL, rtol=0)


def test_padding_changes_nothing_in_style_prior_posterior_and_flow():
    model = uneven_sovits(posterior=True).requires_grad_(False)
    batch = training_batch(model)
    with_padding = _latents(model, batch, slice(None), None, None)
    frames, text = int(batch.spec_lengths[1]), int(batch.text_lengths[1])
    alone = _latents(model, batch, slice(1, 2), frames, text)
    for padded, exact in zip(with_padding, alone, strict=True):
        torch.testing.assert_close(padded[1:2, :, : exact.shape[2]], exact, atol=ATOL, rtol=0)
        assert padded.shape[2] == 1 or not padded[1, :, frames:].any()


def _latents(model, batch, rows, frames, text):
    spec_part = batch.spec[rows, :, :frames]
    spec_mask = length_mask(batch.spec_lengths[rows], spec_part.shape[-1])
    ids = batch.text_ids[rows, :text]
    content = model.content(batch.codes[rows])[..., : spec_part.shape[-1]]
    ge = model.style(spec_part, mask=spec_mask)
    text_mask = length_mask(batch.text_lengths[rows], ids.shape[1])
    prior = model.enc_p(content, ids, model.mrte_condition(ge), frame_mask=spec_mask, text_mask=text_mask)
    posterior = model.enc_q(spec_part, spec_mask, ge)
    z_p = model.flow(posterior.mean, spec_mask, ge)
    return ge, prior.mean, prior.log_std, posterior.mean, z_p


def test_the_flow_undoes_itself(sovits):
    z, ge = torch.randn(2, 8, 10), torch.randn(2, 16, 1)
    there = sovits.flow(z, None, ge)
    assert not torch.allclose(there, z)
    torch.testing.assert_close(sovits.flow(there, None, ge, reverse=True), z, atol=ATOL, rtol=0)


def test_a_removed_coupling_leaves_the_names_of_its_neighbours_alone(sovits):
    names = {key.split(".")[2] for key in sovits.state_dict() if key.startswith("flow.")}
    assert names == {"0", "4", "6"}


def test_kept_residual_blocks_keep_the_numbers_of_the_checkpoint(sovits):
    names = {key.split(".")[2] for key in sovits.state_dict() if key.startswith("dec.resblocks.")}
    assert names == {"0", "2", "7"}  # kernels 3 and 11 of stage 0, none of stage 1, kernel 7 of stage 2


def test_folding_weight_norm_changes_no_sample(sovits):
    ge = sovits.style(spec())
    a, b = (model.synthesize(codes(), TEXT, ge) for model in (sovits, fold_weight_norm(sovits)))
    torch.testing.assert_close(a, b, atol=ATOL, rtol=0)


def test_norms_over_channels_use_eps_1e_5(sovits):
    norm = sovits.enc_p.encoder_ssl.norm_layers_1[0]
    x = 1e-3 * torch.randn(1, 12, 3)
    centred = x - x.mean(1, keepdim=True)
    expected = centred / (centred.square().mean(1, keepdim=True) + 1e-5).sqrt()
    torch.testing.assert_close(norm(x), expected, atol=1e-6, rtol=1e-4)


def test_attention_beyond_the_relative_window_sees_content_only(sovits):
    attention = sovits.enc_p.encoder_text.attn_layers[1]
    x = torch.randn(1, 12, 15)
    q = attention._split(attention.conv_q(x))
    far = attention._logits(q, q)[..., 0, 5:] - torch.matmul(q, q.transpose(2, 3))[..., 0, 5:]
    near = attention._logits(q, q)[..., 0, :5] - torch.matmul(q, q.transpose(2, 3))[..., 0, :5]
    assert not far.any()
    expected = torch.matmul(q, attention.emb_rel_k[0].t())[..., 0, 4:]  # key − query = 0 … 4 → rows 4 … 8
    torch.testing.assert_close(near, expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("version", ["v2", "v2Pro"])
def test_a_training_pass_reaches_every_trainable_weight(version):
    model = uneven_sovits(version, posterior=True).train()
    out = model(training_batch(model), segment_frames=4, generator=torch.Generator().manual_seed(0))
    assert out.audio.shape == (2, 1, 4 * AUDIO.hop)
    assert out.z.shape == out.z_p.shape == out.prior.mean.shape == (2, 8, 12)
    loss = out.audio.square().mean() + kl_loss(out.z_p, out.posterior, out.prior, out.mask) + out.commitment
    loss.backward()
    silent = [n for n, p in model.named_parameters() if p.requires_grad and p.grad is None]
    assert silent == []
    assert all(torch.isfinite(p.grad).all() for p in model.parameters() if p.grad is not None)
    assert not any(p.requires_grad for p in model.ssl_proj.parameters())


def test_training_works_under_bfloat16_autocast():
    model = uneven_sovits(posterior=True).train()
    with torch.autocast("cpu", torch.bfloat16):
        out = model(training_batch(model), segment_frames=4)
    out.audio.float().square().mean().backward()
    assert torch.isfinite(model.dec.ups[0].weight_v.grad).all()


def test_training_without_the_posterior_encoder_is_refused(sovits):
    with pytest.raises(ValueError, match="posterior=True"):
        sovits(training_batch(sovits), segment_frames=4)


def test_segments_lie_inside_their_utterances():
    lengths = torch.tensor([10, 4, 7])
    for seed in range(20):
        starts = random_starts(lengths, 4, torch.Generator().manual_seed(seed))
        assert ((starts >= 0) & (starts + 4 <= lengths)).all()
    cut = slice_frames(torch.arange(20.0).reshape(2, 1, 10), torch.tensor([2, 5]), 3)
    assert cut[:, 0].tolist() == [[2, 3, 4], [15, 16, 17]]


@pytest.mark.parametrize("version", VERSIONS)
def test_original_sizes_have_the_original_number_of_parameters(version):
    counts = {"v1": 52_846_337, "v2": 52_883_969, "v2Pro": 81_001_985, "v2ProPlus": 99_912_321}
    with torch.device("meta"):
        model = Sovits(SovitsConfig.original(version), posterior=True)
    assert sum(t.numel() for t in model.state_dict().values()) == counts[version]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"gin": 5}, "must equal"),
        ({"inter": 7}, "even"),
        ({"audio": AUDIO.__class__(800, 32, 20, 32)}, "multiplies by 16"),
        ({"version": "v3"}, "not one of"),
    ],
)
def test_impossible_sizes_are_named(change, message):
    from dataclasses import replace

    with pytest.raises(CheckpointError, match=message):
        replace(uneven_config(), **change)


def test_small_upstream_shapes_build_in_every_version():
    for version in VERSIONS:
        assert small_upstream_sovits(version).config.version == version
