"""Quantizer training, discriminators and losses, by closed forms."""

import math

import pytest
import torch
from small_models import AUDIO, training_batch, uneven_sovits

from autocompress.models.config import QuantizerConfig
from autocompress.models.sovits.discriminators import (
    DiscriminatorConfig,
    Discriminators,
    Judgement,
    both,
)
from autocompress.models.sovits.losses import (
    discriminator_loss,
    feature_loss,
    generator_loss,
    kl_loss,
    mel_loss,
    phase_loss,
)
from autocompress.models.sovits.prior import Gaussian
from autocompress.models.sovits.quantizer import Quantizer
from autocompress.models.sovits.spectrogram import mel_filterbank


def test_the_quantizer_finds_the_clusters_that_are_there():
    torch.manual_seed(0)
    centres = 10 * torch.randn(6, 5)
    quantizer = Quantizer(QuantizerConfig(24, 5)).train()
    for _ in range(30):
        x = centres[torch.randint(6, (200,))] + 0.01 * torch.randn(200, 5)
        out = quantizer(x.t()[None])
    assert out.commitment < 0.01
    distance = torch.cdist(centres, quantizer.codebook.embed).min(1).values
    assert distance.max() < 0.1


def test_quantised_vectors_pass_gradients_straight_through():
    quantizer = Quantizer(QuantizerConfig(6, 5)).train()
    x = torch.randn(1, 5, 40, requires_grad=True)
    quantizer(x).vectors.sum().backward()
    torch.testing.assert_close(x.grad, torch.ones_like(x))


def test_a_frozen_quantizer_does_not_move_while_training():
    for frozen in (True, False):
        model = uneven_sovits(posterior=True, freeze_quantizer=frozen).train()
        before = model.quantizer.codebook.embed.clone()
        batch = training_batch(model)
        features = torch.randn(2, 14, 24)
        model(type(batch)(**{**vars(batch), "codes": None, "ssl": features}), segment_frames=4)
        assert torch.equal(before, model.quantizer.codebook.embed) == frozen


def test_nearest_code_is_nearest_by_plain_distance():
    quantizer = Quantizer(QuantizerConfig(9, 5))
    x = torch.randn(1, 5, 30)
    expected = torch.cdist(x[0].t(), quantizer.codebook.embed).argmin(1)
    assert quantizer.encode(x)[0].tolist() == expected.tolist()


CONFIGS = [DiscriminatorConfig.light(), DiscriminatorConfig(width=1 / 32, resolutions=(64, 128))]


@pytest.mark.parametrize("config", CONFIGS)
def test_discriminators_judge_and_train(config):
    torch.manual_seed(0)
    parts = Discriminators(config)
    real, fake = torch.randn(2, 1, 1003), torch.randn(2, 1, 1003, requires_grad=True)
    on_real, on_fake = both(parts, real, fake)
    assert len(on_real) == len(config.periods) + config.scale + len(config.resolutions)
    (discriminator_loss(on_real, on_fake) + feature_loss(on_real, on_fake)).backward()
    assert all(p.grad is not None for p in parts.parameters())
    assert fake.grad.abs().sum() > 0


def test_default_discriminators_have_upstreams_shapes():
    with torch.device("meta"):
        state = Discriminators().state_dict()
    assert state["discriminators.0.convs.4.weight_v"].shape == (1024, 4, 41)
    assert state["discriminators.5.convs.3.weight_v"].shape == (1024, 512, 5, 1)
    assert state["discriminators.1.conv_post.weight_v"].shape == (1, 1024, 3, 1)


def judgement(value):
    return [Judgement(torch.full((2, 3), value), [torch.full((2, 4), value)])]


def test_adversarial_losses_by_closed_form():
    assert discriminator_loss(judgement(1.0), judgement(0.0)).item() == 0.0
    assert discriminator_loss(judgement(0.0), judgement(2.0)).item() == 5.0
    assert generator_loss(judgement(3.0)).item() == 4.0
    assert feature_loss(judgement(1.0), judgement(4.0)).item() == 6.0


def test_kl_of_equal_gaussians_averages_to_zero_and_padding_is_ignored():
    torch.manual_seed(0)
    mean, log_std = torch.randn(4, 8, 500), 0.3 * torch.randn(4, 8, 500)
    gaussian = Gaussian(mean, log_std)
    mask = torch.ones(4, 1, 500)
    sample = gaussian.sample(torch.randn_like(mean))
    # a mean over 16000 samples of ½(ε² − 1), 8 channels a frame: standard error 8 · 0.71 / √16000 = 0.045
    assert abs(kl_loss(sample, gaussian, gaussian, mask).item()) < 0.2
    mask[:, :, 100:] = 0
    garbage = sample.clone()
    garbage[:, :, 100:] = 1e4
    assert kl_loss(garbage, gaussian, gaussian, mask) == kl_loss(sample, gaussian, gaussian, mask)


def test_kl_of_shifted_gaussians_by_closed_form():
    posterior = Gaussian(torch.full((1, 2, 3), 2.0), torch.zeros(1, 2, 3))
    prior = Gaussian(torch.zeros(1, 2, 3), torch.full((1, 2, 3), math.log(2.0)))
    mask = torch.ones(1, 1, 3)
    # at the sample z_p = 2: log 2 − 0 − ½ + ½ · 4 / 4, for each of 2 channels
    assert kl_loss(posterior.mean, posterior, prior, mask).item() == pytest.approx(2 * math.log(2.0))


def test_mel_loss_is_zero_for_equal_waves_and_log_gain_otherwise():
    wave = torch.randn(1, 1, 800)
    assert mel_loss(wave, wave, AUDIO, mels=4).item() == 0.0
    assert mel_loss(wave, 2 * wave, AUDIO, mels=4).item() == pytest.approx(math.log(2), abs=0.01)


def test_phase_loss_hears_time_but_not_gain():
    torch.manual_seed(0)
    wave, other = torch.randn(2, 2, 1, 4000)
    assert phase_loss(wave, 3 * wave).item() == pytest.approx(0, abs=1e-5)
    assert phase_loss(wave, -wave).item() == pytest.approx(2, abs=1e-5)
    assert phase_loss(wave, other).item() == pytest.approx(1, abs=0.05)
    assert phase_loss(wave, torch.roll(wave, 1, -1)).item() > 0.02


def test_phase_loss_of_a_late_sine_by_closed_form():
    time, fade = torch.arange(8000) / 16000, torch.hann_window(8000)
    early, late = (fade * torch.sin(2 * math.pi * (1000 * time - turn)) for turn in (0.0, 1 / 6))
    # 1 − cos 60°
    assert phase_loss(early[None, None], late[None, None]).item() == pytest.approx(0.5, abs=0.01)


def test_phase_loss_of_silence_is_finite_and_so_is_its_gradient():
    fake = torch.zeros(1, 1, 2000, requires_grad=True)
    loss = phase_loss(torch.zeros(1, 1, 2000), fake)
    loss.backward()
    assert loss.isfinite() and fake.grad.isfinite().all()


def test_mel_filters_follow_slaney():
    bank = mel_filterbank(32000, 2048, 128)
    assert bank.shape == (128, 1025)
    assert (bank >= 0).all()
    # unit area: sum over bins times the bin width is 1 for filters wider than a few bins
    areas = bank[60:].sum(1) * 32000 / 2048
    torch.testing.assert_close(areas, torch.ones(68), atol=0.02, rtol=0)
    peaks = bank.argmax(1) * 32000 / 2048
    # below 1 kHz the filters are 200/3 mel-hertz per mel apart: evenly spaced
    steps = peaks[1:15].diff()
    assert steps.max() - steps.min() <= 32000 / 2048 + 1e-3
