"""Content features: what a recording says, 50 frames a second, before it becomes semantic tokens.

GPT-SoVITS takes them from chinese-hubert-base. Any callable with a name can stand in for it.
"""

from functools import cached_property
from pathlib import Path
from typing import Protocol

import torch
from torch import nn

from autocompress.errors import AudioError
from autocompress.models.audio import Samples
from autocompress.models.hf_folder import import_transformers, load_network, open_hf_folder

CONTENT_RATE_HZ = 16_000
EXAMPLE_FOLDER = "chinese-hubert-base"
_SHORTEST_SAMPLES = 400  # one frame of HuBERT


class ContentEncoder(Protocol):
    """Callable: 16 kHz wave [n_samples] → features [D, T], T about n_samples / 320."""

    @property
    def name(self) -> str:
        """What a voice remembers of it."""
        ...

    def __call__(self, wave: Samples, /) -> Samples: ...


class HubertContent:
    """HuBERT from the user's folder: the last hidden state [768, T] of the raw wave.

    The wave is not normalised first: GPT-SoVITS bypasses the folder's feature extractor.
    """

    def __init__(self, folder: str | Path) -> None:
        self._folder = open_hf_folder(folder, "hubert", EXAMPLE_FOLDER)

    @cached_property
    def name(self) -> str:
        return self._folder.identity

    @torch.inference_mode()
    def __call__(self, wave: Samples, /) -> Samples:
        if len(wave) < _SHORTEST_SAMPLES:
            raise AudioError(f"HuBERT needs {_SHORTEST_SAMPLES} samples at 16 kHz, found {len(wave)}")
        hidden = self._network(torch.from_numpy(wave)[None]).last_hidden_state  # [1, T, D]
        features: Samples = hidden[0].T.contiguous().numpy()
        return features

    @cached_property
    def _network(self) -> nn.Module:
        transformers = import_transformers("Turning a recording into semantic tokens")
        settings = dict(self._folder.config)
        # The mask vector is used in training only; a CTC head may sit on top.
        return load_network(
            self._folder,
            build=lambda: transformers.HubertModel(transformers.HubertConfig.from_dict(settings)),
            ignored=lambda key: key.startswith("lm_head."),
            optional=frozenset({"masked_spec_embed"}),
        )
