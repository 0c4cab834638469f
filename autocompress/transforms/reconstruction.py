"""What stays takes over what goes: least squares on the second moments of what a module reads. No training.

Removal: the columns that stay are moved so that the module's output changes least over the calibration set
(as in He et al. 2017, "Channel pruning for accelerating very deep neural networks", section 3.1). Rounding:
the error of a column that was rounded is handed to those that are not yet (Frantar et al. 2023, "GPTQ").
"""

import hashlib
from collections import OrderedDict

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.linalg import cholesky, lapack
from torch import Tensor

from autocompress.transforms.quantizers import INT4_BLOCK, int4_scales, int4_top
from autocompress.transforms.scale_steps import Floats
from autocompress.transforms.weights import INPUTS, State, column_dim, effective_weight, features, put_weight

Array = NDArray[np.float64]
RIDGE, LEAST_RIDGE = 0.1, 1e-4
"""Of the inputs' mean square, at as many features as samples: what a small calibration set cannot know."""
_WITHIN = 7.75
"""Steps that a weight beside its block's extreme may have before rounding: |w| stays under 8 of them."""


class _Recent:
    """Answers by key, the latest up to so many bytes: candidates of a search share most of their layers."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes, self._bytes = most_bytes, 0
        self._found: OrderedDict[bytes, Floats] = OrderedDict()

    def get(self, key: bytes) -> Floats | None:
        if key in self._found:
            self._found.move_to_end(key)
        return self._found.get(key)

    def put(self, key: bytes, answer: Floats) -> Floats:
        self._found[key] = answer
        self._bytes += answer.nbytes
        while self._bytes > self._most_bytes:
            self._bytes -= self._found.popitem(last=False)[1].nbytes
        return answer


_RECENT = _Recent(512 << 20)


def steadied(moment: Tensor, samples: int) -> Tensor:
    """``moment`` [n, n] of so many samples with a ridge, the smaller the more samples a feature there are."""
    ridge = max(LEAST_RIDGE, RIDGE * len(moment) / samples) * float(moment.diagonal().mean())
    return moment + torch.eye(len(moment)) * max(ridge, torch.finfo(torch.float32).tiny)


def own_energy(moment: Tensor) -> Tensor:
    """Of each input [n], what is left of its mean square when all the others are known."""
    factor = torch.linalg.cholesky(moment.double())
    return (1 / torch.cholesky_inverse(factor).diagonal()).float()


def take_over(state: State, path: str, gone: set[int]) -> None:
    """Move the module's columns that stay so that they say what ``gone`` says; nothing without its inputs."""
    moment = state.get(f"{path}{INPUTS}")
    weight, dim = effective_weight(state, path), column_dim(path)
    stay = [i for i in range(weight.shape[dim]) if i not in gone]
    if moment is None or not gone or not stay:
        return
    taps = len(moment) // weight.shape[dim]
    kept, lost = (features(torch.tensor(which), taps) for which in (stay, sorted(gone)))
    moment = moment.double()
    factor = torch.linalg.cholesky(moment[kept][:, kept])
    said = torch.cholesky_solve(moment[kept][:, lost], factor)  # [kept, lost]
    # without taps in the moment, every tap of the weight alike
    rows = (weight.flatten(1) if taps > 1 else weight.movedim(dim, -1)).double().clone()
    rows[..., kept] += rows[..., lost] @ said.t()
    moved = rows.reshape(weight.shape) if taps > 1 else rows.movedim(-1, dim)
    put_weight(state, path, moved.to(weight.dtype).contiguous())


def rounding_ahead(weight: Floats, moment: Floats) -> Floats:
    """``weight`` [rows, n] moved so that rounding it to int4 changes what it gives for its inputs least.

    ``moment`` [n, n]. What comes back is not rounded: ``quantize_int4`` of it is GPTQ's answer, and training
    can go on from it.
    """
    key = hashlib.sha256(weight.tobytes() + moment.tobytes()).digest()
    known = _RECENT.get(key)
    return known if known is not None else _RECENT.put(key, _rounded_ahead(weight, moment))


def _rounded_ahead(weight: Floats, moment: Floats) -> Floats:
    feedback = _feedback(moment)
    left = weight.astype(np.float64)
    ahead, top = np.empty_like(left), int4_top(weight)
    for first in range(0, left.shape[1], INT4_BLOCK):
        behind = first + INT4_BLOCK
        here = slice(first, behind)
        ahead[:, here], errors = _round_block(left[:, here], feedback[here, here], top)
        left[:, behind:] -= errors @ feedback[here, behind:]
    return ahead.astype(np.float32)


def _round_block(columns: Array, feedback: Array, top: int) -> tuple[Array, Array]:
    """The columns as each stood when it was rounded, and the errors that they leave to later blocks.

    The scale is the block's at its start: the weight that it was taken from keeps the lowest code, and no
    other may pass it, so that rounding finds the same scale again.
    """
    single, place, found = int4_scales(columns.astype(np.float32), top)
    scales = single.astype(np.float64)[:, None]
    left = np.ascontiguousarray((columns / scales).T)  # in steps, a column a row
    extreme = (np.arange(len(left))[:, None] == place) & found
    ahead, errors = np.empty_like(left), np.empty_like(left)
    for j, here in enumerate(left):
        ahead[j] = np.where(extreme[j], -8, np.minimum(np.maximum(here, -_WITHIN), _WITHIN))
        errors[j] = (here - np.minimum(np.rint(ahead[j]), 7)) / feedback[j, j]
        left[j + 1 :] -= feedback[j, j + 1 :, None] * errors[j]
    return ahead.T * scales, errors.T * scales


def _feedback(moment: Floats) -> Array:
    """Upper triangular U with UᵀU the inverse of the moment: from its Cholesky factor, taken from behind."""
    behind = cholesky(moment[::-1, ::-1].astype(np.float64), lower=True, check_finite=False)
    inverse: Array = lapack.dtrtri(behind, lower=1)[0]
    return np.ascontiguousarray(inverse[::-1, ::-1])
