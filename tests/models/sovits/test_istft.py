"""The vocoder that predicts spectra: its inverse transform, what it sees, and where it stands in SoVITS."""

from dataclasses import replace

import pytest
import torch
from small_models import SPECTRAL, spectral_sovits, uneven_config, uneven_sovits

from autocompress.errors import CheckpointError
from autocompress.models.config import AudioConfig, IstftConfig, SovitsConfig, spectral_vocoder
from autocompress.models.serial import from_json, to_json
from autocompress.models.sovits.istft import (
    IstftVocoder,
    new_spare,
    overlap_add,
    synthesis_basis,
    synthesis_window,
)

CLOSE = 1e-5  # float32 sums of a few hundred terms of order one
SHAPES = [(8, 2), (8, 3), (8, 4), (160, 3), (320, 3), (5, 4)]


def sized(hop: int, overlap: int) -> IstftConfig:
    return IstftConfig(12, (16,), (16,), hop=hop, rate=2, overlap=overlap)


@pytest.mark.parametrize(("hop", "overlap"), SHAPES)
def test_the_basis_is_the_inverse_transform_of_a_real_signal(hop, overlap):
    config = sized(hop, overlap)
    spectra = torch.randn(2, 5, config.bins, dtype=torch.complex64)
    expected = torch.fft.irfft(spectra, n=config.n_fft) * synthesis_window(config)
    found = torch.cat((spectra.real, spectra.imag), dim=-1) @ synthesis_basis(config)
    torch.testing.assert_close(found, expected, atol=CLOSE, rtol=0)


@pytest.mark.parametrize(("hop", "overlap"), SHAPES)
def test_overlapping_windows_add_up_to_one(hop, overlap):
    config = sized(hop, overlap)
    frames = synthesis_window(config).expand(1, 12, -1)
    inside = overlap_add(frames, config)[0, config.n_fft : -config.n_fft]
    torch.testing.assert_close(inside, torch.ones_like(inside), atol=CLOSE, rtol=0)


@pytest.mark.parametrize(("hop", "overlap"), SHAPES)
def test_frames_of_a_signal_add_up_to_the_signal(hop, overlap):
    config = sized(hop, overlap)
    signal = torch.randn(30 * hop)
    margin = (config.n_fft - hop) // 2
    padded = torch.nn.functional.pad(signal, (margin, config.n_fft))
    frames = padded.unfold(0, config.n_fft, hop)[:30] * synthesis_window(config)
    found = overlap_add(frames[None], config)[0]
    assert found.shape == signal.shape
    inside = slice(config.n_fft, -config.n_fft)
    torch.testing.assert_close(found[inside], signal[inside], atol=CLOSE, rtol=0)


def test_a_hop_of_the_wrong_length_does_not():
    config = sized(8, 3)
    signal = torch.randn(30 * 8)
    frames = torch.nn.functional.pad(signal, (8, 24)).unfold(0, 24, 7)[:30] * synthesis_window(config)
    assert (overlap_add(frames[None], config)[0] - signal)[24:-24].abs().max() > 0.1


@pytest.mark.parametrize("rate_hz", [16000, 24000, 32000])
def test_the_usual_shape_gives_a_frame_its_samples(rate_hz):
    audio = AudioConfig(rate_hz, 1024, rate_hz // 50, 1024)
    config = spectral_vocoder(audio, width=16)
    assert config.upsampling == audio.hop
    vocoder = IstftVocoder(config, 4, 3)
    assert vocoder(torch.randn(2, 4, 7), torch.randn(2, 3, 1)).shape == (2, 1, 7 * audio.hop)


def test_blocks_may_all_be_coarse_or_all_fine():
    for coarse, fine in (((16, 8), ()), ((), (16, 8))):
        vocoder = IstftVocoder(IstftConfig(12, coarse, fine, hop=8), 4, 3)
        assert vocoder(torch.randn(1, 4, 5), torch.randn(1, 3, 1)).shape == (1, 1, 80)


def test_a_frame_is_heard_no_further_than_the_receptive_field():
    model = spectral_sovits()
    z, style = torch.randn(1, model.config.inter, 60), torch.randn(1, model.config.gin, 1)
    changed = z.clone()
    changed[:, :, 30] += 1
    difference = (model.dec(z, style) - model.dec(changed, style))[0, 0].abs()
    hop, reach = (
        model.config.audio.hop,
        3 + 2 + 2 + 1 + 1,
    )  # conv_pre, two coarse blocks, half a fine one, windows
    assert difference[: (30 - reach) * hop].max() == 0
    assert difference[(31 + reach) * hop :].max() == 0
    assert difference[30 * hop : 31 * hop].max() > 0


def test_new_weights_follow_from_the_seed_alone():
    config = uneven_config()
    one, same, other = (new_spare(config, SPECTRAL, seed) for seed in (0, 0, 1))
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), same.parameters(), strict=True))
    assert not torch.equal(one.conv_pre.weight, other.conv_pre.weight)
    z, style = torch.randn(1, config.inter, 6), torch.randn(1, config.gin, 1)
    audio = one(z, style)
    assert torch.isfinite(audio).all()
    assert 0 < audio.abs().max() < 1


def test_a_spare_changes_nothing_that_the_model_says():
    torch.manual_seed(0)
    model, with_spare = uneven_sovits().requires_grad_(False), uneven_sovits().requires_grad_(False)
    with_spare.attach(new_spare(model.config, SPECTRAL, 0))
    assert with_spare.config == replace(model.config, spare=SPECTRAL)
    sentence = torch.arange(6)[None], torch.tensor([[1, 2, 3]]), torch.randn(1, model.config.gin, 1)
    assert torch.equal(model.synthesize(*sentence), with_spare.synthesize(*sentence))


@pytest.mark.parametrize(
    "config", [replace(uneven_config(), vocoder=SPECTRAL), replace(uneven_config(), spare=SPECTRAL)]
)
def test_either_place_survives_json(config):
    assert from_json(SovitsConfig, to_json(config)) == config


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"width": 0}, "positive"),
        ({"overlap": 1}, "overlap"),
        ({"kernel": 4}, "odd"),
        ({"hop": 5, "overlap": 3}, "even"),
    ],
)
def test_impossible_sizes_are_refused(change, told):
    with pytest.raises(CheckpointError, match=told):
        replace(SPECTRAL, **change)


def test_a_vocoder_of_another_frame_is_refused():
    with pytest.raises(CheckpointError, match="one frame is 16"):
        replace(uneven_config(), spare=replace(SPECTRAL, hop=16))
