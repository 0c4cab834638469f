"""Tensors into a network, strictly: everything missing, unexpected or mis-shaped is listed at once."""

from collections import Counter
from collections.abc import Iterable, Mapping

from torch import Tensor, nn

from autocompress.errors import CheckpointError

# What only training reads of a quantizer; counts overflow to infinity in upstream's fp16 files.
_STATISTICS = ("_codebook.cluster_size", "_codebook.embed_avg")


def vote(candidates: Iterable[int | None], default: int) -> int:
    """The size that most tensors agree on, so that one damaged tensor is the one that is reported."""
    counts = Counter(c for c in candidates if c is not None)
    return counts.most_common(1)[0][0] if counts else default


def size_of(weight: Mapping[str, Tensor], key: str, dim: int) -> int | None:
    """Size of one dimension of a tensor, None when the tensor or the dimension is absent."""
    tensor = weight.get(key)
    if tensor is None or not -tensor.dim() <= dim < tensor.dim():
        return None
    return int(tensor.shape[dim])


def fill(model: nn.Module, weight: Mapping[str, Tensor], source: str, prefix: str = "") -> None:
    """Copy ``weight`` (any float type) into ``model`` as float32; raises CheckpointError listing every fault.

    ``prefix`` is what the file writes before each of the model's own names.
    """
    wanted = model.state_dict()
    faults = {
        "missing": [prefix + k for k in wanted if k not in weight],
        "unexpected": [prefix + k for k in weight if k not in wanted],
        "mis-shaped": [
            f"{prefix}{k} {tuple(weight[k].shape)} instead of {tuple(wanted[k].shape)}"
            for k in wanted
            if k in weight and weight[k].shape != wanted[k].shape
        ],
        "not floating point": [
            f"{prefix}{k} ({weight[k].dtype})"
            for k in wanted
            if k in weight and not weight[k].is_floating_point()
        ],
        "not finite (a training that diverged, or a damaged file)": [
            prefix + k
            for k in wanted
            if k in weight and not k.endswith(_STATISTICS) and not weight[k].isfinite().all()
        ],
    }
    if any(faults.values()):
        raise CheckpointError(f"{source}: its tensors do not fit its configuration.\n" + _listed(faults))
    model.load_state_dict({key: weight[key].float() for key in wanted})


def _listed(faults: Mapping[str, list[str]]) -> str:
    return "\n".join(f"  {len(found)} {what}: {', '.join(found)}" for what, found in faults.items() if found)
