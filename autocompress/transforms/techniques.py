"""The table of techniques, in the order in which they are applied."""

from collections.abc import Sequence

from autocompress.models.config import GptConfig, SovitsConfig
from autocompress.transforms.flow_channels import FlowChannels
from autocompress.transforms.flow_couplings import FlowCouplings
from autocompress.transforms.flow_layers import FlowLayers
from autocompress.transforms.gpt_depth import GptDepth
from autocompress.transforms.gpt_ffn import GptFfn
from autocompress.transforms.gpt_heads import GptHeads
from autocompress.transforms.gpt_rank import GptRank
from autocompress.transforms.prior_depth import PriorDepth
from autocompress.transforms.prior_ffn import PriorFfn
from autocompress.transforms.prior_heads import PriorHeads
from autocompress.transforms.technique import Technique
from autocompress.transforms.vocoder_channels import VocoderChannels
from autocompress.transforms.vocoder_hidden import VocoderHidden
from autocompress.transforms.vocoder_kernels import VocoderKernels
from autocompress.transforms.vocoder_module import VocoderModule
from autocompress.transforms.vocoder_pre import VocoderPre

GPT_TECHNIQUES: Sequence[Technique[GptConfig]] = (GptHeads(), GptFfn(), GptRank(), GptDepth())
SOVITS_TECHNIQUES: Sequence[Technique[SovitsConfig]] = (
    PriorHeads(),
    PriorFfn(),
    PriorDepth(),
    FlowChannels(),
    FlowLayers(),
    FlowCouplings(),
    VocoderKernels(),
    VocoderPre(),
    VocoderChannels(),
    VocoderModule(),
    VocoderHidden(),
)
