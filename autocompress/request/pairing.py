"""Which quantity word belongs to which number: each takes one of its two neighbours."""

from collections.abc import Iterator, Sequence

from autocompress.request.clause import Bound, Item, Mention
from autocompress.request.faults import LineError
from autocompress.request.quantities import QUANTITIES, Quantity
from autocompress.request.text import FoldedLine

_NATURAL = {"size": "size_mb", "time": "latency_s"}
_SIGNS = frozenset("<>=≤≥≦≧⩽⩾:")
_Pairing = dict[int, int]  # position of a bound → position of its mention


def pair(line: FoldedLine, items: Sequence[Item]) -> Iterator[tuple[Quantity, Bound]]:
    """Each number with what it limits; raises :class:`LineError` unless exactly one reading makes sense.

    A number without a word has its natural quantity: MB limit the size, seconds the latency.
    """
    sensible = [pairing for pairing in _pairings(items) if _makes_sense(items, pairing)]
    if not sensible:
        raise _unpaired(line, items)
    tied = [sum(_is_tied(line, items, b, m) for b, m in pairing.items()) for pairing in sensible]
    best = [pairing for pairing, ties in zip(sensible, tied, strict=True) if ties == max(tied)]
    if len(best) > 1:
        raise _ambiguous(line, items, best)
    for i, item in enumerate(items):
        if isinstance(item, Bound):
            yield _quantity(items, i, best[0]), item


def _quantity(items: Sequence[Item], at: int, pairing: _Pairing) -> Quantity:
    mention = items[pairing[at]] if at in pairing else None
    return mention.quantity if isinstance(mention, Mention) else QUANTITIES[_natural_field(items[at])]


def _pairings(items: Sequence[Item], start: int = 0, taken: int = -1) -> Iterator[_Pairing]:
    """Every way to give each mention an adjacent bound of its own, the next one first."""
    at = next((i for i in range(start, len(items)) if isinstance(items[i], Mention)), None)
    if at is None:
        yield {}
        return
    for near in (at + 1, at - 1):
        if 0 <= near < len(items) and near != taken and isinstance(items[near], Bound):
            for rest in _pairings(items, at + 1, near):
                yield {near: at, **rest}


def _makes_sense(items: Sequence[Item], pairing: _Pairing) -> bool:
    bounds = [i for i, item in enumerate(items) if isinstance(item, Bound)]
    return all(
        _fits(items[pairing[i]], items[i]) if i in pairing else _natural_field(items[i]) for i in bounds
    )


def _natural_field(bound: Item) -> str:
    """The field of a number without a quantity word, or ''."""
    if not isinstance(bound, Bound):
        return ""
    if bound.is_of_real_time:
        return "rtf"
    return _NATURAL.get(bound.unit.dimension, "") if bound.unit else ""


def _fits(mention: Item, bound: Item) -> bool:
    if not (isinstance(mention, Mention) and isinstance(bound, Bound)):
        return False
    quantity = mention.quantity
    if bound.is_of_real_time:
        return quantity.field == "rtf"
    if bound.unit is None:
        return mention.is_key or quantity.dimension not in _NATURAL
    return bound.unit.dimension == quantity.dimension


def _is_tied(line: FoldedLine, items: Sequence[Item], bound: int, mention: int) -> bool:
    """Written together: no space between, or a sign, as in "80MB 内存500MB" and "80 MB memory < 500 MB"."""
    if bound < mention:
        return not line.folded[items[mention].start - 1].isspace()
    after = items[mention].end
    following = line.folded[line.skip_spaces(after) : line.skip_spaces(after) + 1]
    return not line.folded[after].isspace() or following in _SIGNS


# Why there is no single reading


def _ambiguous(line: FoldedLine, items: Sequence[Item], best: Sequence[_Pairing]) -> LineError:
    mention = next(items[m] for b, m in best[0].items() if best[1].get(b) != m)
    hint = "Separate the limits with commas, or write each as 'memory < 500 MB'."
    problem = f"'{line.spelled(mention.start, mention.end)}' can belong to either number beside it."
    return line.refuse(problem, mention.start, mention.end, hint)


def _unpaired(line: FoldedLine, items: Sequence[Item]) -> LineError:
    """Say of the first word or number why it stays alone."""
    pairing = next(_pairings(items), {})
    for i, item in enumerate(items):
        if isinstance(item, Mention):
            if not any(
                isinstance(near, Bound) for near in (*items[max(0, i - 1) : i], *items[i + 1 : i + 2])
            ):
                return _no_number(line, item)
        elif i in pairing and not _fits(items[pairing[i]], item):
            return _misfit(line, _quantity(items, i, pairing), item)
        elif i not in pairing and not _natural_field(item):
            return _bare(line, item)
    mentions = [item for item in items if isinstance(item, Mention)]
    unfit = (mention for mention in mentions if not any(_fits(mention, bound) for bound in items))
    return _no_number(line, next(unfit, mentions[-1]))


def _no_number(line: FoldedLine, mention: Mention) -> LineError:
    problem = f"'{line.spelled(mention.start, mention.end)}' has no number of its own."
    hint = f"Write for example: {mention.quantity.example}"
    return line.refuse(problem, mention.start, mention.end, hint)


def _bare(line: FoldedLine, bound: Bound) -> LineError:
    text = line.spelled(bound.start, bound.end)
    examples = "rtf < 0.5, similarity > 0.8, MOS > 3.5, CER < 5%"
    hint = (
        f"Name what it limits: {examples}"
        if bound.unit
        else f"Add its unit (MB, s) or its quantity: {examples}"
    )
    return line.refuse(f"What does '{text}' limit?", bound.start, bound.end, hint)


def _misfit(line: FoldedLine, quantity: Quantity, bound: Bound) -> LineError:
    text = line.spelled(bound.start, bound.end)
    if bound.unit is None and not bound.is_pace:
        hint = f"Did you mean {text} {quantity.unit}?"
        return line.refuse(f"{quantity.title} needs a unit.", bound.start, bound.end, hint)
    hint = f"Write for example: {quantity.example}"
    return line.refuse(f"'{text}' is not a value of {quantity.label}.", bound.start, bound.end, hint)
