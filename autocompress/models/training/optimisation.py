"""What every objective optimises with: rates, averages of weights, snapshots."""

import math
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn


def warm_cosine(step: int, total_steps: int, warm_steps: int, floor: float = 0.05) -> float:
    """Factor of the peak learning rate: linear up over ``warm_steps``, then a cosine down to ``floor``."""
    if step < warm_steps:
        return (step + 1) / warm_steps
    done = min(1.0, (step - warm_steps) / max(1, total_steps - warm_steps))
    return floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * done))


def set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    for group in optimizer.param_groups:
        group["lr"] = rate


class Average:
    """Exponential moving average of the parameters of a module; ``decay`` is reached after a warm-up."""

    def __init__(self, module: nn.Module, decay: float) -> None:
        self._decay = decay
        self.values = {name: p.detach().clone() for name, p in module.named_parameters()}

    @torch.no_grad()
    def update(self, module: nn.Module, step: int) -> None:
        decay = min(self._decay, (1 + step) / (10 + step))
        names, current = zip(*module.named_parameters(), strict=True)
        torch._foreach_lerp_([self.values[name] for name in names], list(current), 1 - decay)

    @torch.no_grad()
    def copy_to(self, module: nn.Module) -> None:
        for name, parameter in module.named_parameters():
            parameter.copy_(self.values[name])


def clip(parameters: Iterable[Tensor], norm: float) -> float:
    """Clip gradients to ``norm``; the norm before."""
    return float(nn.utils.clip_grad_norm_(parameters, norm))


def fast_bfloat16() -> bool:
    """Whether this processor multiplies bfloat16 in hardware; elsewhere it is slower than float32."""
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())


def gan_adam(parameters: Iterable[Tensor], rate: float) -> torch.optim.AdamW:
    """AdamW as HiFi-GAN and VITS set it, for generators and discriminators."""
    return torch.optim.AdamW(parameters, lr=rate, betas=(0.8, 0.99), eps=1e-9, fused=True)


def snapshot(model: nn.Module, optimizer: torch.optim.Optimizer, average: Average) -> dict[str, Any]:
    """What the next step of an objective depends on, besides its step number."""
    return {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "average": average.values}


def restore(
    model: nn.Module, optimizer: torch.optim.Optimizer, average: Average, state: dict[str, Any]
) -> None:
    """Undo everything since :func:`snapshot`."""
    model.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    average.values = state["average"]
