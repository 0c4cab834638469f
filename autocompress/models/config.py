"""Every size of the two GPT-SoVITS networks as frozen dataclasses, with the original sizes by version.

Where layers may differ, the size is given per layer; ``uniform`` builds the usual case from single numbers.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from autocompress.errors import CheckpointError

VERSIONS = ("v1", "v2", "v2Pro", "v2ProPlus")
PHONEME_ROWS = {"v1": 322, "v2": 732, "v2Pro": 732, "v2ProPlus": 732}


def _require(holds: bool, message: str) -> None:
    if not holds:
        raise CheckpointError(message)


@dataclass(frozen=True)
class BlockSize:
    """One transformer block: attention width is ``heads * head_size``, which need not be the model width.

    ``rank`` makes each of the GPT's two FFN matrices a product through that many features; None is dense.
    """

    heads: int
    head_size: int
    ffn: int
    rank: int | None = None

    def __post_init__(self) -> None:
        sizes = (self.heads, self.head_size, self.ffn, 1 if self.rank is None else self.rank)
        _require(min(sizes) >= 1, f"a block needs positive sizes, found {self}")

    @property
    def attention(self) -> int:
        return self.heads * self.head_size


@dataclass(frozen=True)
class GptConfig:
    """The autoregressive model: phonemes and a prompt → semantic tokens. The last semantic id is EOS."""

    width: int
    blocks: tuple[BlockSize, ...]
    phoneme_vocab: int = 732
    semantic_vocab: int = 1025
    bert_width: int = 1024
    max_tokens: int = 2700
    dropout: float = 0.0

    def __post_init__(self) -> None:
        _require(self.width >= 2 and self.width % 2 == 0, f"the GPT width must be even, found {self.width}")
        _require(len(self.blocks) >= 1, "the GPT needs at least one block")

    @property
    def eos(self) -> int:
        return self.semantic_vocab - 1

    @classmethod
    def uniform(
        cls,
        *,
        layers: int,
        width: int,
        heads: int,
        ffn: int | None = None,
        phoneme_vocab: int = 732,
        semantic_vocab: int = 1025,
        dropout: float = 0.0,
    ) -> "GptConfig":
        """All blocks alike; the FFN defaults to four times the width, as upstream."""
        _require(heads >= 1 and width % heads == 0, f"{heads} heads do not divide the GPT width {width}")
        block = BlockSize(heads, width // heads, ffn or 4 * width)
        return cls(width, (block,) * layers, phoneme_vocab, semantic_vocab, dropout=dropout)

    @classmethod
    def original(cls, version: str = "v2") -> "GptConfig":
        """Upstream's sizes. The v1 embedding has 512 rows, of which 322 are used."""
        _known(version)
        return cls.uniform(layers=24, width=512, heads=16, phoneme_vocab=512 if version == "v1" else 732)


@dataclass(frozen=True)
class AudioConfig:
    """The spectrogram that the style and posterior encoders read; ``hop`` samples make one 50 Hz frame."""

    sample_rate_hz: int = 32000
    n_fft: int = 2048
    hop: int = 640
    win: int = 2048

    @property
    def bins(self) -> int:
        return self.n_fft // 2 + 1


@dataclass(frozen=True)
class QuantizerConfig:
    """Semantic tokens: features of ``ssl_width`` at 50 Hz, halved in rate, nearest of ``codes`` rows."""

    codes: int = 1024
    width: int = 768


@dataclass(frozen=True)
class MrteConfig:
    """Cross attention from content frames to phonemes inside the prior encoder."""

    hidden: int = 512
    heads: int = 4
    head_size: int = 128


@dataclass(frozen=True)
class PriorConfig:
    """enc_p: the three encoders' blocks, kernel and relative window are shared sizes."""

    ssl_blocks: tuple[BlockSize, ...]
    text_blocks: tuple[BlockSize, ...]
    joint_blocks: tuple[BlockSize, ...]
    mrte: MrteConfig = field(default_factory=MrteConfig)
    kernel: int = 3
    window: int = 4

    def __post_init__(self) -> None:
        blocks = (*self.ssl_blocks, *self.text_blocks, *self.joint_blocks)
        _require(all(b.rank is None for b in blocks), "the prior encoder's FFN has no low-rank form")


@dataclass(frozen=True)
class WaveNetSize:
    """A WaveNet stack. In a flow, zero layers stand for a coupling that was removed (its flip stays)."""

    hidden: int
    layers: int
    kernel: int = 5


@dataclass(frozen=True)
class StyleConfig:
    """ref_enc: the first ``bins`` of the magnitude spectrogram → the global condition."""

    bins: int = 704
    hidden: int = 128
    heads: int = 2
    head_size: int = 64
    convs: int = 2
    kernel: int = 5


@dataclass(frozen=True)
class StageSize:
    """One vocoder stage: transposed convolution to ``channels``, then the mean of the kept blocks."""

    rate: int
    up_kernel: int
    channels: int
    resblock_kernels: tuple[int, ...]

    def __post_init__(self) -> None:
        _require(
            self.up_kernel >= self.rate and (self.up_kernel - self.rate) % 2 == 0,
            f"an upsampling kernel must exceed its rate by an even number, found {self}",
        )


@dataclass(frozen=True)
class VocoderConfig:
    """HiFi-GAN. ``resblock_kernels`` numbers the checkpoint's keys; a stage keeps a subset of them."""

    channels: int
    stages: tuple[StageSize, ...]
    resblock_kernels: tuple[int, ...] = (3, 7, 11)
    dilations: tuple[int, ...] = (1, 3, 5)

    def __post_init__(self) -> None:
        for stage in self.stages:
            strangers = set(stage.resblock_kernels) - set(self.resblock_kernels)
            _require(
                not strangers, f"residual kernels {sorted(strangers)} are not among {self.resblock_kernels}"
            )

    @property
    def upsampling(self) -> int:
        product = 1
        for stage in self.stages:
            product *= stage.rate
        return product


@dataclass(frozen=True)
class IstftConfig:
    """A vocoder that predicts spectra: residual blocks, ``coarse`` of them a latent frame, ``fine`` ones at
    ``rate`` times as many; then an inverse short-time Fourier transform of ``overlap`` windows a sample.

    ``coarse`` and ``fine`` hold each block's hidden width; ``hop`` is in samples a fine frame.
    """

    width: int
    coarse: tuple[int, ...]
    fine: tuple[int, ...]
    hop: int
    rate: int = 2
    overlap: int = 3
    kernel: int = 7

    def __post_init__(self) -> None:
        sizes = (self.width, self.hop, self.rate, self.kernel, *self.coarse, *self.fine)
        _require(min(sizes) >= 1, f"an inverse-STFT vocoder needs positive sizes, found {self}")
        _require(self.kernel % 2 == 1, f"its kernel must be odd, found {self.kernel}")
        # A Hann window adds up to a constant from the second overlap on.
        _require(self.overlap >= 2, f"its windows must overlap at least twice, found {self.overlap}")
        _require(self.hop * self.overlap % 2 == 0, f"its window must be even, found {self.n_fft}")

    @property
    def n_fft(self) -> int:
        return self.hop * self.overlap

    @property
    def bins(self) -> int:
        return self.n_fft // 2 + 1

    @property
    def upsampling(self) -> int:
        return self.hop * self.rate

    @property
    def hidden(self) -> tuple[int, ...]:
        """The hidden width of every block, coarse ones first."""
        return (*self.coarse, *self.fine)

    def with_hidden(self, widths: Sequence[int]) -> "IstftConfig":
        """The same blocks with other hidden widths."""
        first = len(self.coarse)
        return replace(self, coarse=tuple(widths[:first]), fine=tuple(widths[first:]))


@dataclass(frozen=True)
class SovitsConfig:
    """SoVITS: semantic tokens, phonemes and a global condition → audio.

    ``spare``: a second vocoder, trained to stand in for the first.
    """

    version: str
    phoneme_vocab: int
    hidden: int
    inter: int
    gin: int
    prior: PriorConfig
    couplings: tuple[WaveNetSize, ...]
    vocoder: VocoderConfig | IstftConfig
    posterior: WaveNetSize
    style: StyleConfig = field(default_factory=StyleConfig)
    quantizer: QuantizerConfig = field(default_factory=QuantizerConfig)
    audio: AudioConfig = field(default_factory=AudioConfig)
    speaker_width: int = 0
    dropout: float = 0.0
    spare: IstftConfig | None = None

    def __post_init__(self) -> None:
        _known(self.version)
        _require(self.inter % 2 == 0, f"inter must be even for the couplings, found {self.inter}")
        _require(
            self.speaker_width > 0 or self.gin == self.prior.mrte.hidden,
            f"without a speaker vector the condition is added inside MRTE: gin={self.gin} must equal "
            f"its hidden size {self.prior.mrte.hidden}",
        )
        for vocoder in (self.vocoder, *((self.spare,) if self.spare else ())):
            _require(
                vocoder.upsampling == self.audio.hop,
                f"the vocoder multiplies by {vocoder.upsampling}, one frame is {self.audio.hop} samples",
            )
        _require(
            self.style.bins <= self.audio.bins,
            f"the style encoder reads {self.style.bins} bins of {self.audio.bins}",
        )

    @property
    def pro(self) -> bool:
        """Whether the condition mixes in a speaker vector (v2Pro family)."""
        return self.speaker_width > 0

    @property
    def samples_per_token(self) -> int:
        return 2 * self.audio.hop

    @classmethod
    def uniform(  # noqa: PLR0913 (one name for each of upstream's own settings)
        cls,
        *,
        version: str = "v2",
        hidden: int = 192,
        inter: int = 192,
        gin: int = 512,
        ffn: int = 768,
        heads: int = 2,
        layers: int = 6,
        mrte_hidden: int = 512,
        couplings: int = 4,
        phoneme_vocab: int | None = None,
        speaker_width: int | None = None,
        vocoder: VocoderConfig | None = None,
        flow: WaveNetSize | None = None,
        posterior: WaveNetSize | None = None,
        style: StyleConfig | None = None,
        quantizer: QuantizerConfig | None = None,
        audio: AudioConfig | None = None,
        dropout: float = 0.0,
    ) -> "SovitsConfig":
        """Upstream's shape from single numbers: ``layers`` text blocks, half as many around MRTE."""
        _known(version)
        _require(heads >= 1 and hidden % heads == 0, f"{heads} heads do not divide hidden={hidden}")
        block = BlockSize(heads, hidden // heads, ffn)
        half, pro = (block,) * (layers // 2), version in ("v2Pro", "v2ProPlus")
        return cls(
            version=version,
            phoneme_vocab=phoneme_vocab or PHONEME_ROWS[version],
            hidden=hidden,
            inter=inter,
            gin=gin,
            prior=PriorConfig(half, (block,) * layers, half, MrteConfig(mrte_hidden, 4, mrte_hidden // 4)),
            couplings=(flow or WaveNetSize(hidden, 4),) * couplings,
            vocoder=vocoder or original_vocoder(version),
            posterior=posterior or WaveNetSize(hidden, 16),
            style=style or StyleConfig(bins=1025 if version == "v1" else 704),
            quantizer=quantizer or QuantizerConfig(),
            audio=audio or AudioConfig(),
            speaker_width=(20480 if pro else 0) if speaker_width is None else speaker_width,
            dropout=dropout,
        )

    @classmethod
    def original(cls, version: str) -> "SovitsConfig":
        """Upstream's sizes for v1, v2, v2Pro or v2ProPlus."""
        return cls.uniform(version=version, gin=1024 if version in ("v2Pro", "v2ProPlus") else 512)

    @property
    def hifigan(self) -> VocoderConfig | None:
        """The vocoder's sizes where it is upstream's kind."""
        return self.vocoder if isinstance(self.vocoder, VocoderConfig) else None

    @property
    def upstream_vocoder(self) -> VocoderConfig:
        """The same, of a model that must have it, as every teacher does."""
        _require(
            isinstance(self.vocoder, VocoderConfig), "its vocoder predicts spectra; a HiFi-GAN is needed"
        )
        assert isinstance(self.vocoder, VocoderConfig)
        return self.vocoder

    @property
    def istft(self) -> IstftConfig | None:
        """The vocoder's sizes where it predicts spectra."""
        return self.vocoder if isinstance(self.vocoder, IstftConfig) else None

    def with_vocoder(self, vocoder: VocoderConfig | IstftConfig) -> "SovitsConfig":
        return replace(self, vocoder=vocoder)


def halving_vocoder(
    channels: int, rates: tuple[int, ...], up_kernels: tuple[int, ...], kernels: tuple[int, ...] = (3, 7, 11),
    dilations: tuple[int, ...] = (1, 3, 5),
) -> VocoderConfig:  # fmt: skip
    """Channels halve at each stage and every stage keeps every residual kernel, as upstream builds it."""
    stages = tuple(
        StageSize(rate, kernel, channels >> (i + 1), kernels)
        for i, (rate, kernel) in enumerate(zip(rates, up_kernels, strict=True))
    )
    return VocoderConfig(channels, stages, kernels, dilations)


def spectral_vocoder(audio: AudioConfig, width: int = 192) -> IstftConfig:
    """A spare vocoder of the usual shape: four blocks a latent frame, four at twice as many."""
    rate = 2 if audio.hop % 2 == 0 else 1
    blocks = (3 * width,) * 4
    return IstftConfig(width, blocks, blocks, audio.hop // rate, rate, 3 if audio.hop // rate % 2 == 0 else 4)


def original_vocoder(version: str) -> VocoderConfig:
    plus = version == "v2ProPlus"
    return halving_vocoder(768 if plus else 512, (10, 8, 2, 2, 2), (20 if plus else 16, 16, 8, 2, 2))


def _known(version: str) -> None:
    _require(version in VERSIONS, f"version {version!r} is not one of {', '.join(VERSIONS)}")
