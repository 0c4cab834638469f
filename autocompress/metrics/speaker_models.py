"""Other speaker embedders, from files that the user gives: ECAPA-TDNN and ERes2NetV2.

Neither ships with this package. ``speaker.chosen_embedder`` says how one becomes the judge of identity.
"""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from autocompress.errors import AudioError, MissingExtraError
from autocompress.metrics.audio import Samples, at_rate, audio_fault
from autocompress.metrics.speaker import Embedding, SpeakerEmbedder
from autocompress.models.checkpoint.unpickle import unpickle_zip
from autocompress.models.fbank import kaldi_fbank
from autocompress.models.speaker_network import SpeakerNetworkSizes, load_speaker_network


def embedder_from(path: Path) -> SpeakerEmbedder:
    """An embedder of a SpeechBrain folder (ECAPA-TDNN) or of an ERes2NetV2 checkpoint file."""
    return ecapa_embedder(path) if path.is_dir() else eres2net_embedder(path)


def ecapa_embedder(checkpoint: Path) -> SpeakerEmbedder:
    """ECAPA-TDNN (Desplanques et al. 2020) from a SpeechBrain checkpoint folder that the user gives."""
    if not (checkpoint / "hyperparams.yaml").is_file():
        raise AudioError(
            f"ECAPA-TDNN from {checkpoint}: no hyperparams.yaml there. Give a SpeechBrain checkpoint folder."
        )
    try:
        from speechbrain.inference.speaker import EncoderClassifier
    except ImportError as error:
        raise MissingExtraError("An ECAPA-TDNN speaker embedding", "speechbrain", "ecapa") from error
    model = EncoderClassifier.from_hparams(source=str(checkpoint), savedir=str(checkpoint))

    def embed(samples: Samples, sample_rate_hz: int) -> Embedding:
        batch = torch.from_numpy(_speech(samples, sample_rate_hz))[None]
        return _unit(model.encode_batch(batch)[0, 0])

    return embed


def eres2net_embedder(checkpoint: Path, sizes: SpeakerNetworkSizes | None = None) -> SpeakerEmbedder:
    """ERes2NetV2 (Chen et al. 2024) from ``pretrained_eres2netv2w24s4ep4.ckpt``, as 3D-Speaker pools it.

    Mean and deviation of its feature map over time go through the file's last projection, which GPT-SoVITS
    leaves out.
    """
    network = load_speaker_network(checkpoint, sizes)
    weights = unpickle_zip(bytearray(checkpoint.read_bytes()), checkpoint)
    weight, bias = weights["seg_1.weight"].float(), weights["seg_1.bias"].float()

    @torch.inference_mode()
    def embed(samples: Samples, sample_rate_hz: int) -> Embedding:
        mels = torch.from_numpy(kaldi_fbank(_speech(samples, sample_rate_hz), network.sizes.n_mels))
        found = network.feature_map(mels[None])[0]  # [vector_size, T / 8]
        pooled = torch.cat((found.mean(dim=-1), (found.var(dim=-1) + 1e-8).sqrt()))
        return _unit(weight @ pooled + bias)

    return embed


def _speech(samples: Samples, sample_rate_hz: int) -> Samples:
    fault = audio_fault(samples, sample_rate_hz)
    if fault:
        raise AudioError(f"Embedding a speaker: {fault}. Give at least 0.3 s of audible speech.")
    return at_rate(samples, sample_rate_hz)


def _unit(vector: Tensor) -> Embedding:
    array = vector.detach().cpu().numpy().astype(np.float32)
    unit: Embedding = array / np.float32(np.linalg.norm(array) + 1e-8)
    return unit
