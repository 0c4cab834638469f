"""Which quantity word belongs to which number: each takes one of its two neighbours."""

from collections.abc import Iterator, Sequence

from autocompress.request.clause import Bound, Item, Mention

_NATURAL = {"size": "size_mb", "time": "latency_s"}


def natural_field(bound: Item) -> str:
    """The field of a number without a quantity word, or ''."""
    if not isinstance(bound, Bound):
        return ""
    if bound.is_speed:
        return "rtf"
    return _NATURAL.get(bound.unit.dimension, "") if bound.unit else ""


def fits(mention: Item, bound: Item) -> bool:
    if not (isinstance(mention, Mention) and isinstance(bound, Bound)):
        return False
    quantity = mention.quantity
    if bound.is_speed:
        return quantity.field == "rtf"
    if bound.unit is None:
        return mention.is_key or quantity.dimension not in _NATURAL
    return bound.unit.dimension == quantity.dimension


def pairings(items: Sequence[Item], start: int = 0, taken: int = -1) -> Iterator[dict[int, int]]:
    """Every way to give each mention an adjacent bound of its own, as {bound: mention}; the next first."""
    at = next((i for i in range(start, len(items)) if isinstance(items[i], Mention)), None)
    if at is None:
        yield {}
        return
    for near in (at + 1, at - 1):
        if 0 <= near < len(items) and near != taken and isinstance(items[near], Bound):
            for rest in pairings(items, at + 1, near):
                yield {near: at, **rest}
