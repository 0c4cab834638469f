"""Discriminators with an optimiser of their own: what they learn, and what a generator loses by them."""

from typing import Any

import torch
from torch import Tensor

from autocompress.models.sovits.discriminators import Discriminators, both
from autocompress.models.sovits.losses import discriminator_loss, feature_loss, generator_loss
from autocompress.models.training.optimisation import clip, gan_adam, set_rate


class Adversary:
    """Least-squares discriminators; audio is [B, 1, n]."""

    def __init__(self, critics: Discriminators, rate: float, *, bfloat16: bool) -> None:
        self._critics, self._rate, self._bfloat16 = critics, rate, bfloat16
        self._optimizer = gan_adam(critics.parameters(), rate)

    def step(self, real: Tensor, fake: Tensor) -> float:
        """Learn to tell them apart; the loss."""
        self._critics.requires_grad_(True)
        self._optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cpu", torch.bfloat16, enabled=self._bfloat16):
            loss = discriminator_loss(*both(self._critics, real, fake.detach()))
        loss.backward()  # type: ignore[no-untyped-call]
        clip(self._critics.parameters(), 10.0)
        self._optimizer.step()
        return loss.item()

    def losses(self, real: Tensor, fake: Tensor) -> dict[str, Tensor]:
        """``feature`` matching and ``fooling`` of the generator."""
        self._critics.requires_grad_(False)  # their weights take no gradient from the generator
        with torch.autocast("cpu", torch.bfloat16, enabled=self._bfloat16):
            judged = self._critics(fake)
            with torch.no_grad():
                wanted = self._critics(real)
        return {"feature": feature_loss(wanted, judged), "fooling": generator_loss(judged)}

    def state(self) -> dict[str, Any]:
        return {"critics": self._critics.state_dict(), "critic_optimizer": self._optimizer.state_dict()}

    def restore(self, state: dict[str, Any]) -> None:
        self._critics.load_state_dict(state["critics"])
        self._optimizer.load_state_dict(state["critic_optimizer"])
        set_rate(self._optimizer, self._rate)  # the recipe's, not the saved one
