"""SoVITS checkpoints: sizes from the configuration and the tensors, then the network."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from autocompress.errors import CheckpointError
from autocompress.models.checkpoint.fitting import fill, size_of, vote
from autocompress.models.checkpoint.gpt_file import OWN_SECTION, integer
from autocompress.models.checkpoint.reading import CheckpointFile
from autocompress.models.config import (
    PHONEME_ROWS,
    AudioConfig,
    BlockSize,
    MrteConfig,
    PriorConfig,
    QuantizerConfig,
    SovitsConfig,
    StageSize,
    StyleConfig,
    VocoderConfig,
    WaveNetSize,
)
from autocompress.models.serial import from_json
from autocompress.models.sovits.synthesizer import Sovits

POSTERIOR, SPARE = "enc_q.", "spare."
CODEBOOK = "quantizer.vq.layers.0._codebook."
Weights = Mapping[str, Tensor]


def sovits_from(file: CheckpointFile, *, posterior: bool = False) -> Sovits:
    """The network in evaluation mode, float32; ``posterior`` asks for enc_q, which few files have."""
    if file.kind != "sovits":
        raise CheckpointError(f"{file.path}: a GPT model was given as SoVITS. Swap the two files.")
    weight = {k: v for k, v in file.weight.items() if posterior or not k.startswith(POSTERIOR)}
    config = sovits_config(file.config, weight, file.version, str(file.path))
    model = Sovits(config, posterior=posterior)
    fill(model, with_training_buffers(weight), str(file.path))
    return model.eval().requires_grad_(False)


def with_training_buffers(weight: Weights) -> Weights:
    """Inference never reads the codebook's moving averages; files may lack them or hold infinities."""
    embed = weight.get(f"{CODEBOOK}embed")
    if embed is None:
        return weight
    defaults = {
        f"{CODEBOOK}inited": torch.ones(1),
        f"{CODEBOOK}cluster_size": torch.ones(embed.shape[0]),
        f"{CODEBOOK}embed_avg": embed,
    }
    return {**defaults, **weight}


def sovits_config(config: Mapping[str, Any], weight: Weights, version: str, source: str) -> SovitsConfig:
    """What upstream's configuration states is taken from it, what it fixes in code from the tensors."""
    if OWN_SECTION in config and isinstance(config[OWN_SECTION], dict):
        return from_json(SovitsConfig, config[OWN_SECTION].get("sovits"))
    model, data = config.get("model"), config.get("data")
    if not isinstance(model, dict) or not isinstance(data, dict):
        raise CheckpointError(f"{source}: its configuration needs the tables 'model' and 'data'.")
    try:
        return _Sizes(model, data, weight, version, source).config()
    except CheckpointError as error:
        text = str(error)
        raise CheckpointError(text if text.startswith(source) else f"{source}: {text}") from None


class _Sizes:
    """Reads one file's sizes."""

    def __init__(
        self, model: Mapping[str, Any], data: Mapping[str, Any], weight: Weights, version: str, source: str
    ) -> None:
        self.model, self.data, self.weight, self.version, self.source = model, data, weight, version, source
        at = (("enc_p.ssl_proj.weight", 0), ("enc_p.text_embedding.weight", 1), ("enc_p.proj.weight", 1))
        self.hidden = self.agreed("hidden_channels", *at)

    def config(self) -> SovitsConfig:
        mrte = self.mrte()
        return SovitsConfig(
            version=self.version,
            phoneme_vocab=self.phoneme_rows(),
            hidden=self.hidden,
            inter=self.number("inter_channels"),
            gin=self.gin(),
            prior=self.prior(mrte),
            couplings=(WaveNetSize(self.hidden, 4),) * 4,
            vocoder=self.vocoder(),
            posterior=WaveNetSize(self.hidden, 16),
            style=self.style(),
            quantizer=self.quantizer(),
            audio=self.audio(),
            speaker_width=self.speaker_width(),
        )

    def number(self, key: str) -> int:
        return integer(self.model, key, self.source)

    def gin(self) -> int:
        at = (("ref_enc.fc.fc.weight", 0), ("ref_enc.fc.fc.bias", 0), ("dec.cond.weight", 1))
        return self.agreed("gin_channels", *at)

    def agreed(self, key: str, *tensors: tuple[str, int]) -> int:
        """What most of these tensors have in the given dimension, or else the configuration's number."""
        return self.vote(*tensors, default=self.number(key))

    def vote(self, *tensors: tuple[str, int], default: int) -> int:
        return vote([size_of(self.weight, name, dim) for name, dim in tensors], default)

    def phoneme_rows(self) -> int:
        """The table follows the rows; a number that no table has is left to be reported as mis-shaped."""
        rows = size_of(self.weight, "enc_p.text_embedding.weight", 0)
        return rows if rows in (322, 732) and rows else PHONEME_ROWS[self.version]

    def audio(self) -> AudioConfig:
        names = ("sampling_rate", "filter_length", "hop_length", "win_length")
        return AudioConfig(*(integer(self.data, name, self.source) for name in names))

    def mrte(self) -> MrteConfig:
        at = "enc_p.mrte."
        names = ((f"{at}c_pre.weight", 0), (f"{at}text_pre.weight", 0), (f"{at}c_pre.bias", 0))
        hidden = self.vote(*names, default=int(self.model.get("mrte_hidden", 512)))
        return MrteConfig(hidden, 4, max(1, hidden // 4))

    def prior(self, mrte: MrteConfig) -> PriorConfig:
        layers = self.number("n_layers")
        encoders = {"encoder_ssl": layers // 2, "encoder_text": layers, "encoder2": layers // 2}
        blocks = {
            name: tuple(self.block(f"enc_p.{name}.", i) for i in range(n)) for name, n in encoders.items()
        }
        return PriorConfig(
            blocks["encoder_ssl"],
            blocks["encoder_text"],
            blocks["encoder2"],
            mrte,
            self.number("kernel_size"),
        )

    def block(self, at: str, index: int) -> BlockSize:
        attention, ffn = f"{at}attn_layers.{index}.", f"{at}ffn_layers.{index}."
        stated = self.hidden // self.number("n_heads")
        head = self.vote((f"{attention}emb_rel_k", -1), (f"{attention}emb_rel_v", -1), default=stated)
        inner = self.vote(*((f"{attention}conv_{n}.weight", 0) for n in "qkv"), default=self.hidden)
        names = ((f"{ffn}conv_1.weight", 0), (f"{ffn}conv_1.bias", 0), (f"{ffn}conv_2.weight", 1))
        return BlockSize(max(1, inner // head), head, self.agreed("filter_channels", *names))

    def vocoder(self) -> VocoderConfig:
        rates, kernels = self.numbers("upsample_rates"), self.numbers("upsample_kernel_sizes")
        blocks = self.numbers("resblock_kernel_sizes")
        dilations = self.model.get("resblock_dilation_sizes")
        if (
            len(rates) != len(kernels)
            or not isinstance(dilations, list)
            or len(set(map(str, dilations))) != 1
        ):
            raise CheckpointError(f"{self.source}: the vocoder's rates, kernels and dilations do not match.")
        first = self.number("upsample_initial_channel")
        stages = tuple(
            StageSize(rate, kernel, self.stage_channels(i, first >> (i + 1)), blocks)
            for i, (rate, kernel) in enumerate(zip(rates, kernels, strict=True))
        )
        return VocoderConfig(first, stages, blocks, tuple(int(d) for d in dilations[0]))

    def stage_channels(self, index: int, default: int) -> int:
        at = f"dec.ups.{index}."
        names = ((f"{at}weight_v", 1), (f"{at}bias", 0), (f"dec.ups.{index + 1}.weight_v", 0))
        return self.vote(*names, default=default)

    def numbers(self, key: str) -> tuple[int, ...]:
        value = self.model.get(key)
        if (
            not isinstance(value, list | tuple)
            or not all(isinstance(v, int) and v > 0 for v in value)
            or not value
        ):
            raise CheckpointError(
                f"{self.source}: the configuration's {key} must be a list of positive numbers."
            )
        return tuple(value)

    def style(self) -> StyleConfig:
        at = "ref_enc.spectral."
        names = ((f"{at}0.fc.weight", 0), (f"{at}0.fc.bias", 0), (f"{at}3.fc.weight", 0))
        hidden = self.vote(*names, default=128)
        bins = self.audio().bins if self.version == "v1" else 704
        return StyleConfig(bins, hidden, 2, max(1, hidden // 2))

    def quantizer(self) -> QuantizerConfig:
        embed, average, size = (f"{CODEBOOK}{name}" for name in ("embed", "embed_avg", "cluster_size"))
        codes = self.vote((embed, 0), (average, 0), (size, 0), default=1024)
        width = self.vote((embed, 1), ("ssl_proj.weight", 0), ("ssl_proj.bias", 0), default=768)
        return QuantizerConfig(codes, width)

    def speaker_width(self) -> int:
        if self.version not in ("v2Pro", "v2ProPlus"):
            return 0
        return self.vote(("sv_emb.weight", 1), default=20480)
