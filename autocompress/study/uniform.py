"""What one would try by hand first: the whole model in one storage, and in the cheaper ways to compute.

Measured decision by decision such points are found late, because no single storage of a layer gains much;
together they are most of what precision can give.
"""

from collections.abc import Iterator

import numpy as np

from autocompress.space import Value
from autocompress.study.cost import CostModel
from autocompress.study.encoding import Encoding, Rows

_WORTH = 0.01  # of a cost: a way to compute that saves less than this is not tried by itself


def uniform_rows(cost: CostModel) -> list[Rows]:
    """Rows that differ from the teacher in storage and computing alone, the widest storage first.

    Those that hold the bounds of ``cost``; where none does, the cheapest one: what fits lies beside it. A way
    to compute that makes nothing cheaper is left out.
    """
    encoding = cost.encoding
    rows = [r for r in _distinct(encoding, cost) if not np.array_equal(r, encoding.teacher)]
    return [row for row in rows if _inside(cost, row)] or _cheapest(cost, rows)


def stored_everywhere(encoding: Encoding, storage: Value) -> Rows:
    """The teacher with every part in ``storage``, or in the narrowest above it that the part can have."""
    order = _storages(encoding)
    row = encoding.teacher.copy()
    for i in _of_role(encoding, "storage"):
        options = encoding.choices[i].options
        row[i] = max(k for k, o in enumerate(options) if order.index(o) <= order.index(storage) or k == 0)
    return np.asarray(encoding.repair(row[None, :])[0])


def _distinct(encoding: Encoding, cost: CostModel) -> list[Rows]:
    found: dict[bytes, Rows] = {}
    for storage in _storages(encoding)[1:]:
        plain = stored_everywhere(encoding, storage)
        for row in (plain, *_cheaper(encoding, cost, plain)):
            found.setdefault(row.tobytes(), row)
    return list(found.values())


def _cheaper(encoding: Encoding, cost: CostModel, plain: Rows) -> Iterator[Rows]:
    """``plain`` with each way to compute wherever it is open and makes a cost smaller."""
    members = _of_role(encoding, "compute")
    ways = dict.fromkeys(o for i in members for o in encoding.choices[i].options[1:])
    before = cost.costs(plain[None, :])[0]
    for way in ways:
        row = plain.copy()
        for i in members:
            if plain[i] >= 0 and way in encoding.choices[i].options:
                row[i] = encoding.choices[i].index(way)
        row = np.asarray(encoding.repair(row[None, :])[0])
        after = cost.costs(row[None, :])[0]
        if (after < before - _WORTH * np.abs(before)).any():
            yield row


def _cheapest(cost: CostModel, rows: list[Rows]) -> list[Rows]:
    """The row of the least costs, relative to the teacher's; none of none."""
    relative = [float((cost.costs(row[None, :])[0] / np.abs(cost.base)).sum()) for row in rows]
    return [rows[int(np.argmin(relative))]] if rows else []


def _storages(encoding: Encoding) -> list[Value]:
    """Every storage of the space, wide to narrow: by its furthest place in any choice."""
    place: dict[Value, int] = {}
    for i in _of_role(encoding, "storage"):
        for k, option in enumerate(encoding.choices[i].options):
            place[option] = max(k, place.get(option, k))
    return sorted(place, key=place.__getitem__)


def _of_role(encoding: Encoding, role: str) -> list[int]:
    return [i for i, choice in enumerate(encoding.choices) if choice.role == role]


def _inside(cost: CostModel, row: Rows) -> bool:
    limits = np.array([np.inf if column.limit is None else column.limit for column in cost.columns])
    return bool((cost.costs(row[None, :])[0] <= limits).all())
