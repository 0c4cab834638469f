"""Networks from sizes and weights, without the cost and the randomness of initialising them first."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from autocompress.models.config import GptConfig, SovitsConfig
from autocompress.models.gpt import Gpt, SinePosition
from autocompress.models.sovits.synthesizer import Sovits

_VOCODER = "dec."


def build_gpt(config: GptConfig, weights: Mapping[str, Tensor]) -> Gpt:
    """A frozen network that owns copies of ``weights``."""
    with torch.device("meta"):
        gpt = Gpt(config)
    _fill(gpt, weights)
    for name in ("ar_text_position", "ar_audio_position"):  # their tables are computed, not stored
        table = getattr(gpt, name)
        table.frequency = SinePosition(config.width).frequency
    return gpt.eval().requires_grad_(False)


def build_sovits(
    config: SovitsConfig, weights: Mapping[str, Tensor], *, freeze_quantizer: bool = True
) -> Sovits:
    """A frozen network that owns copies of ``weights``; with enc_q when they hold it."""
    with torch.device("meta"):
        sovits = Sovits(config, posterior=_has_posterior(weights), freeze_quantizer=freeze_quantizer)
    _fill(sovits, weights)
    return sovits.eval().requires_grad_(False)


def with_vocoder(sovits: Sovits, donor: Sovits) -> Sovits:
    """A frozen network that is ``sovits`` up to the latents and ``donor`` behind them."""
    config = sovits.config.with_vocoder(donor.config.vocoder)
    weights = {key: tensor for key, tensor in sovits.state_dict().items() if not key.startswith(_VOCODER)}
    weights |= {key: tensor for key, tensor in donor.state_dict().items() if key.startswith(_VOCODER)}
    return build_sovits(config, weights, freeze_quantizer=sovits.freeze_quantizer)


def weight_shapes(config: GptConfig | SovitsConfig, *, posterior: bool = False) -> dict[str, tuple[int, ...]]:
    """Shape of every tensor of a network of these sizes."""
    with torch.device("meta"):
        network = Gpt(config) if isinstance(config, GptConfig) else Sovits(config, posterior=posterior)
    return {key: tuple(tensor.shape) for key, tensor in network.state_dict().items()}


def _has_posterior(weights: Mapping[str, Tensor]) -> bool:
    return any(key.startswith("enc_q.") for key in weights)


def _fill(network: nn.Module, weights: Mapping[str, Tensor]) -> None:
    own = {key: tensor.detach().clone().contiguous() for key, tensor in weights.items()}
    network.load_state_dict(own, assign=True)
