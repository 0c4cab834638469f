"""The losses of VITS training (least-squares GAN, feature matching, KL of latents, mel distance).

Legend: latents [B, C, T], masks [B, 1, T].
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from autocompress.models.config import AudioConfig
from autocompress.models.sovits.discriminators import Judgement
from autocompress.models.sovits.prior import Gaussian
from autocompress.models.sovits.spectrogram import log_mel, magnitude_spectrogram


def discriminator_loss(real: Sequence[Judgement], fake: Sequence[Judgement]) -> Tensor:
    """Σ mean((1 − D(real))²) + mean(D(fake)²)."""
    terms = [
        (1 - r.score.float()).square().mean() + f.score.float().square().mean()
        for r, f in zip(real, fake, strict=True)
    ]
    return torch.stack(terms).sum()


def generator_loss(fake: Sequence[Judgement]) -> Tensor:
    """Σ mean((1 − D(fake))²)."""
    return torch.stack([(1 - f.score.float()).square().mean() for f in fake]).sum()


def feature_loss(real: Sequence[Judgement], fake: Sequence[Judgement]) -> Tensor:
    """2 Σ mean|real feature − fake feature|; the real side is not trained through."""
    terms = [
        (r.detach().float() - f.float()).abs().mean()
        for a, b in zip(real, fake, strict=True)
        for r, f in zip(a.features, b.features, strict=True)
    ]
    return 2 * torch.stack(terms).sum()


def kl_loss(z_p: Tensor, posterior: Gaussian, prior: Gaussian, mask: Tensor) -> Tensor:
    """KL(posterior ‖ prior) after the flow, from one sample, per unmasked frame (VITS, equation 4)."""
    z_p, mask = z_p.float(), mask.float()
    prior_log_std, mean = prior.log_std.float(), prior.mean.float()
    kl = prior_log_std - posterior.log_std.float() - 0.5
    kl = kl + 0.5 * (z_p - mean).square() * torch.exp(-2 * prior_log_std)
    return (kl * mask).sum() / mask.sum()


def mel_loss(real: Tensor, fake: Tensor, audio: AudioConfig, mels: int = 128) -> Tensor:
    """Mean absolute distance of log-mel spectrograms of two waves [B, 1, n]."""
    return F.l1_loss(wave_to_log_mel(fake, audio, mels), wave_to_log_mel(real, audio, mels))


def wave_to_log_mel(wave: Tensor, audio: AudioConfig, mels: int = 128) -> Tensor:
    """[B, 1, n] → [B, mels, n // hop]."""
    with torch.autocast(wave.device.type, enabled=False):
        return log_mel(magnitude_spectrogram(wave.float().squeeze(1), audio), audio, mels)


def spectral_loss(real: Tensor, fake: Tensor, sizes: Sequence[int] = (256, 512, 1024)) -> Tensor:
    """Spectral convergence plus log-magnitude distance, mean over FFT sizes (Parallel WaveGAN, eq. 4-6).

    Sizes that a short wave cannot be padded for are left out.
    """
    terms = []
    for n_fft in (size for size in sizes if size // 2 < real.shape[-1]):
        a, b = _magnitudes(real, n_fft), _magnitudes(fake, n_fft)
        convergence = (a - b).square().sum().sqrt() / a.square().sum().sqrt()
        terms.append(convergence + F.l1_loss(b.log(), a.log()))
    return torch.stack(terms).mean()


def phase_loss(real: Tensor, fake: Tensor, sizes: Sequence[int] = (256, 512, 1024)) -> Tensor:
    """1 − cosine of the angle between the spectra of two waves, mean over FFT sizes; 0 to 2, 1 by chance.

    A bin counts as its magnitude in ``real``: the harmonics of a voice. Fit for a generator whose target is
    a function of its input, as another vocoder's answer is; latents do not tell the phases of a recording.
    """
    terms = []
    for n_fft in (size for size in sizes if size // 2 < real.shape[-1]):
        a, b = _spectra(real, n_fft), _spectra(fake, n_fft)
        lengths = [(x.square().sum(-1) + 1e-8).sqrt() for x in (a, b)]
        cosine = (a * b).sum(-1) / (lengths[0] * lengths[1])
        terms.append((lengths[0] * (1 - cosine)).sum() / lengths[0].sum())
    return torch.stack(terms).mean()


def _magnitudes(wave: Tensor, n_fft: int) -> Tensor:
    # The floor keeps the logarithm of silence, and its gradient, finite.
    return (_spectra(wave, n_fft).square().sum(-1) + 1e-6).sqrt()


def _spectra(wave: Tensor, n_fft: int) -> Tensor:
    """[B, 1, n] → [B, bins, frames, 2], real and imaginary parts."""
    with torch.autocast(wave.device.type, enabled=False):
        window = torch.hann_window(n_fft, device=wave.device)
        spectrum = torch.stft(wave.float().squeeze(1), n_fft, n_fft // 4, window=window, return_complex=True)
        return torch.view_as_real(spectrum)
