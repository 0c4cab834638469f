"""The arrays of an s2 set: spectrogram, condition, prior, flow, audio, tokens of a recording."""

import torch

from autocompress.models.goldens.scorecard import AUDIO_ATOL, AUDIO_RTOL, LATENT_ATOL, Scorecard
from autocompress.models.sovits.spectrogram import magnitude_spectrogram
from autocompress.models.sovits.synthesizer import Sovits


@torch.no_grad()
def score_sovits(sovits: Sovits, card: Scorecard) -> None:
    """Run everything that the set stores."""
    codes, text, wave, wave_2 = card.inputs("codes", "text_ids", "ref_wav", "ref_wav2")
    speakers = card.inputs("sv_emb", "sv_emb2") if sovits.config.pro else None
    specs = [magnitude_spectrogram(w, sovits.config.audio) for w in (wave, wave_2)]
    card.close("ref_spec", specs[0], atol=LATENT_ATOL)
    ge = sovits.mean_style(specs[:1], speakers and speakers[:1])
    card.close("ge", ge, atol=LATENT_ATOL)
    prior = sovits.prior(codes[0], text, ge)
    card.close("m_p", prior.mean, atol=LATENT_ATOL)
    card.close("logs_p", prior.log_std, atol=LATENT_ATOL)
    card.close("z", sovits.flow(prior.mean, None, ge, reverse=True), atol=LATENT_ATOL)
    both = sovits.mean_style(specs, speakers)
    (speed,) = card.inputs("speed")
    for name, condition, at in (
        ("audio", ge, 1.0),
        ("audio_speed", ge, float(speed)),
        ("audio_two_refs", both, 1.0),
    ):
        audio = sovits.synthesize(codes[0], text, condition, speed=at)
        card.close(name, audio, atol=AUDIO_ATOL, rtol=AUDIO_RTOL)
    (hubert,) = card.inputs("hubert")
    card.equal("extract_latent_codes", sovits.extract_codes(hubert).unsqueeze(0))
