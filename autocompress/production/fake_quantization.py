"""Quantization-aware training: what storage and integer kernels will do to a network, done in every pass.

Ranges are observed: a weight's scale follows the weight itself at every step by the exporter's own rule, an
activation's follows the tensor, as the dynamic kernels have it. The gradient passes straight through
(Bengio et al. 2013, "Estimating or propagating gradients through stochastic neurons").
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import parametrize

from autocompress.models.gpt import Gpt
from autocompress.models.sovits.synthesizer import Sovits
from autocompress.space import Candidate
from autocompress.transforms.compute import Rounded, RoundedAttention, computing_gpt, computing_sovits, kernel
from autocompress.transforms.quantizers import INT4_BLOCK, int4_scales, int4_top
from autocompress.transforms.storage import gpt_role

_FP16_TOP = 65504.0
_TINY = 1e-30
_SCALE_BITS = 17
_WEIGHTS = ("weight", "in_proj_weight")
M = TypeVar("M", bound=nn.Module)


class Straight(torch.autograd.Function):
    """The rounded value forward, the gradient of the value itself backward."""

    @staticmethod
    def forward(context: Any, value: Tensor, rounded: Tensor) -> Tensor:
        return rounded.clone()

    @staticmethod
    def backward(context: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        return gradients[0], None


def straight(rounding: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    """``rounding`` with a gradient that passes through."""
    return lambda x: cast(Tensor, Straight.apply(x, rounding(x.detach())))  # type: ignore[no-untyped-call]


class FakeStorage(nn.Module):
    """A weight as its storage will give it back; ``axis`` 0 is its output channel."""

    def __init__(self, storage: str) -> None:
        super().__init__()
        self.storage = storage
        self._straight = straight(lambda weight: rounded(weight, storage))

    def forward(self, weight: Tensor) -> Tensor:
        return self._straight(weight)


def rounded(weight: Tensor, storage: str) -> Tensor:
    """The rules of ``transforms.quantizers`` on tensors, bit for bit, for output channels in dimension 0."""
    if storage == "fp16":
        return weight.clamp(-_FP16_TOP, _FP16_TOP).half().float()
    if storage == "int8":
        return _int8(weight.flatten(1)).reshape(weight.shape)
    if storage == "int4":
        return _int4(weight.flatten(1)).reshape(weight.shape)
    return weight


def _int8(rows: Tensor) -> Tensor:
    scales = rows.abs().amax(1, keepdim=True) / 127
    mantissa, exponent = torch.frexp(scales)
    kept = torch.ldexp(torch.round(torch.ldexp(mantissa, torch.tensor(_SCALE_BITS))), exponent - _SCALE_BITS)
    scales = torch.where(scales > _TINY, kept, torch.ones_like(kept))
    return torch.round(rows / scales).clamp(-127, 127) * scales


def _int4(rows: Tensor) -> Tensor:
    width = rows.shape[1]
    blocks = F.pad(rows, (0, -width % INT4_BLOCK)).reshape(len(rows), -1, INT4_BLOCK)
    extremes = blocks.gather(2, blocks.abs().argmax(2, keepdim=True)).cpu().numpy()
    by_block, _, _ = int4_scales(extremes, int4_top(extremes))
    scales = torch.from_numpy(by_block).to(rows.device)[..., None]
    out: Tensor = (torch.round(blocks / scales).clamp(-8, 7) * scales).flatten(1)[:, :width]
    return out


def quantized_gpt(gpt: Gpt, precision: Candidate) -> Gpt:
    """A copy of the GPT that reads and computes as ``precision`` says; decisions by its own layers."""
    count = len(gpt.config.blocks)
    kernels = {
        f"{part}.{i}": found
        for i in range(count)
        for part in ("attention", "ffn")
        if (found := _kernel(precision, f"gpt.{part}.{i}")) is not None
    }
    out = _passing(computing_gpt(gpt, kernels))
    _store(out, lambda key: gpt_role(key, range(count)), precision)
    return out


def quantized_sovits(sovits: Sovits, precision: Candidate) -> Sovits:
    """A copy whose prior encoder reads and computes as ``precision`` says; flow and decoder stay in float."""
    found = _kernel(precision, "sovits.prior")
    out = _passing(computing_sovits(sovits, {} if found is None else {"sovits.prior": found}))
    _store(out, _prior_role, precision)
    return out


def plain_weights(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights of a quantized copy under the names of the network that it was made from."""
    return {_plain(name): tensor for name, tensor in weights.items()}


def _plain(name: str) -> str:
    return name.replace(".inner.", ".").replace(".parametrizations.", ".").removesuffix(".original")


def _kernel(precision: Candidate, role: str) -> str | None:
    compute, storage = (str(precision.get(f"{kind}.{role}", "fp32")) for kind in ("compute", "storage"))
    found = kernel(compute, storage)
    return "MatMulInteger" if found == "MatMulNBits" and role.startswith("sovits") else found


def _passing(network: M) -> M:
    """Roundings of activations let the gradient through."""
    for module in network.modules():
        if isinstance(module, Rounded | RoundedAttention):
            module.before = straight(module.before)
    return network


def _store(network: nn.Module, role_of: Callable[[str], str | None], precision: Candidate) -> None:
    """Register what storage does on every matrix whose role is stored as integers or halves."""
    for path, module in list(network.named_modules()):
        for name in [n for n, p in module.named_parameters(recurse=False) if n in _WEIGHTS and p.dim() > 1]:
            role = role_of(_plain(f"{path}.{name}"))
            storage = str(precision.get(f"storage.{role}", "fp32")) if role else "fp32"
            if storage != "fp32":
                parametrize.register_parametrization(module, name, FakeStorage(storage), unsafe=True)


def _prior_role(key: str) -> str | None:
    """Roles of the prior encoder; its first projection is stored inside of the table of codes."""
    if key.startswith("enc_p.text_embedding"):
        return "sovits.embedding"
    return "sovits.prior" if key.startswith("enc_p.") and not key.startswith("enc_p.ssl_proj") else None
