"""Writing networks back in upstream's own file format, when upstream's classes can hold their shape."""

import io
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from autocompress.errors import CheckpointError
from autocompress.models.checkpoint.gpt_file import HZ, OWN_SECTION, PREFIX
from autocompress.models.checkpoint.reading import HEADERS
from autocompress.models.checkpoint.sovits_file import POSTERIOR, SPARE
from autocompress.models.config import GptConfig, SovitsConfig, VocoderConfig, WaveNetSize
from autocompress.models.gpt import Gpt
from autocompress.models.serial import to_json
from autocompress.models.sovits.synthesizer import Sovits


def save_gpt(gpt: Gpt, path: str | Path, *, info: str = "", force: bool = False) -> None:
    """Write a ``.ckpt`` (fp16). A shape that upstream cannot load is refused unless ``force``.

    A forced file carries its sizes under ``config["autocompress"]`` and loads only here.
    """
    misfits = gpt_misfits(gpt.config)
    _refuse(misfits, path, force)
    config = _gpt_settings(gpt.config)
    if misfits:
        config[OWN_SECTION] = {"format": 1, "gpt": to_json(gpt.config)}
    _write({"weight": _half(gpt, PREFIX), "config": config, "info": info}, path, b"PK")


def save_sovits(
    sovits: Sovits, path: str | Path, *, info: str = "", posterior: bool = False, force: bool = False
) -> None:
    """Write a ``.pth`` (fp16, with the version's two-byte header), no spare; enc_q when ``posterior``."""
    misfits = sovits_misfits(sovits.config, posterior=posterior)
    _refuse(misfits, path, force)
    config = _sovits_settings(sovits.config)
    if misfits:
        own = replace(sovits.config, spare=None)
        config[OWN_SECTION] = {"format": 1, "sovits": to_json(own)}
    left_out = (SPARE,) if posterior else (SPARE, POSTERIOR)
    weight = OrderedDict((k, v) for k, v in _half(sovits, "").items() if not k.startswith(left_out))
    codes = {
        version: code for code, (version, lora) in HEADERS.items() if not lora and version.startswith("v2P")
    }
    _write({"weight": weight, "config": config, "info": info}, path, codes.get(sovits.config.version, b"PK"))


def gpt_misfits(config: GptConfig) -> list[str]:
    """What keeps upstream's GPT class from holding this shape; empty when it fits."""
    width, first = config.width, config.blocks[0]
    faults = [] if len(set(config.blocks)) == 1 else ["its blocks differ from one another"]
    if first.attention != width:
        faults.append(f"attention width {first.attention} is not the model width {width}")
    if first.ffn != 4 * width:
        faults.append(f"FFN width {first.ffn} is not 4 × {width}")
    if any(block.rank is not None for block in config.blocks):
        faults.append("its FFN matrices are products of low rank")
    if config.bert_width != 1024:
        faults.append(f"BERT width {config.bert_width} is not 1024")
    return faults


def sovits_misfits(config: SovitsConfig, *, posterior: bool = False) -> list[str]:
    """What keeps upstream's SynthesizerTrn from holding this shape; empty when it fits."""
    prior, mrte, style = config.prior, config.prior.mrte, config.style
    bins = config.audio.bins if config.version == "v1" else 704
    rows = 322 if config.version == "v1" else 732
    blocks = {*prior.ssl_blocks, *prior.text_blocks, *prior.joint_blocks}
    depths = (len(prior.ssl_blocks), len(prior.text_blocks), len(prior.joint_blocks))
    half = depths[1] // 2
    wanted: list[tuple[str, Any, Any]] = [
        ("phoneme rows", config.phoneme_vocab, rows),
        ("hidden channels", config.hidden, 192),
        ("MRTE (hidden, heads, head size)", (mrte.hidden, mrte.heads, mrte.head_size), (512, 4, 128)),
        ("codebook (codes, width)", (config.quantizer.codes, config.quantizer.width), (1024, 768)),
        ("speaker vector", config.speaker_width, 20480 if config.version.startswith("v2P") else 0),
        ("encoder depths (ssl, text, joint)", depths, (half, depths[1], half)),
        ("distinct encoder blocks", len(blocks), 1),
        ("attention widths", {b.attention for b in blocks}, {config.hidden}),
        ("relative window", prior.window, 4),
        ("flow couplings", len(config.couplings), 4),
        ("flow (distinct couplings)", {*config.couplings}, {WaveNetSize(192, 4, 5)}),
        (
            "style encoder",
            (style.bins, style.hidden, style.heads, style.convs, style.kernel),
            (bins, 128, 2, 2, 5),
        ),
    ]
    if config.hifigan is None:
        wanted.append(("vocoder", "that predicts spectra", "HiFi-GAN"))
    else:
        wanted.append(("vocoder", *_vocoder_shape(config.hifigan)))
    if posterior:
        wanted.append(("posterior encoder", config.posterior, WaveNetSize(192, 16, 5)))
    return [f"{name} {found} is not {needed}" for name, found, needed in wanted if found != needed]


def _vocoder_shape(config: VocoderConfig) -> tuple[Any, Any]:
    """Channels and kernels a stage, as they are and as upstream would build them."""
    found = [(s.channels, s.resblock_kernels) for s in config.stages]
    return found, [(config.channels >> (i + 1), config.resblock_kernels) for i in range(len(config.stages))]


def _gpt_settings(config: GptConfig) -> dict[str, Any]:
    first = config.blocks[0]
    model = {
        "vocab_size": config.semantic_vocab,
        "phoneme_vocab_size": config.phoneme_vocab,
        "embedding_dim": config.width,
        "hidden_dim": config.width,
        "head": max(1, config.width // first.head_size),
        "linear_units": first.ffn,
        "n_layer": len(config.blocks),
        "dropout": 0,
        "EOS": config.eos,
        "random_bert": 0,
    }
    data = {"max_eval_sample": 8, "max_sec": config.max_tokens // HZ, "num_workers": 4, "pad_val": config.eos}
    return {"model": model, "data": data, "inference": {"top_k": 15}}


def _sovits_settings(config: SovitsConfig) -> dict[str, Any]:
    block = (config.prior.text_blocks or config.prior.ssl_blocks or config.prior.joint_blocks)[0]
    audio = config.audio
    model = {
        "inter_channels": config.inter,
        "hidden_channels": config.hidden,
        "filter_channels": block.ffn,
        "n_heads": max(1, config.hidden // block.head_size),
        "n_layers": len(config.prior.text_blocks),
        "kernel_size": config.prior.kernel,
        "p_dropout": 0.0,
        "resblock": "1",
        **(_vocoder_settings(config.hifigan) if config.hifigan else {}),
        "n_layers_q": 3,
        "use_spectral_norm": False,
        "gin_channels": config.gin,
        "semantic_frame_rate": "25hz",
        "freeze_quantizer": True,
        "version": config.version,
    }
    data = {
        "max_wav_value": 32768.0,
        "sampling_rate": audio.sample_rate_hz,
        "filter_length": audio.n_fft,
        "hop_length": audio.hop,
        "win_length": audio.win,
        "n_mel_channels": 128,
        "mel_fmin": 0.0,
        "mel_fmax": None,
        "add_blank": True,
        "n_speakers": 300,
        "cleaned_text": True,
    }
    return {"train": {"segment_size": 32 * audio.hop}, "data": data, "model": model}


def _vocoder_settings(vocoder: VocoderConfig) -> dict[str, Any]:
    return {
        "resblock_kernel_sizes": list(vocoder.resblock_kernels),
        "resblock_dilation_sizes": [list(vocoder.dilations) for _ in vocoder.resblock_kernels],
        "upsample_rates": [stage.rate for stage in vocoder.stages],
        "upsample_initial_channel": vocoder.channels,
        "upsample_kernel_sizes": [stage.up_kernel for stage in vocoder.stages],
    }


def _half(model: nn.Module, prefix: str) -> "OrderedDict[str, Tensor]":
    state = model.state_dict()
    if any(key.endswith(("ups.0.weight", "in_layers.0.weight")) for key in state):
        raise CheckpointError(
            "weight norm was folded; write the network as it was trained (weight_g and weight_v)."
        )
    return OrderedDict((prefix + key, tensor.detach().half().cpu()) for key, tensor in state.items())


def _refuse(misfits: list[str], path: str | Path, force: bool) -> None:
    if misfits and not force:
        raise CheckpointError(
            f"{path}: upstream's classes cannot hold this model: {'; '.join(misfits)}. Write it with "
            "force=True for this package alone, or prune only what upstream's configuration can say."
        )


def _write(content: Mapping[str, Any], path: str | Path, header: bytes) -> None:
    buffer = io.BytesIO()
    torch.save(dict(content), buffer)
    data = buffer.getbuffer()
    data[:2] = header
    Path(path).write_bytes(data)
