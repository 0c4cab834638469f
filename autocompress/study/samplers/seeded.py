"""Any sampler after a head start: it is told the screens of single decisions and the solver's own points."""

from collections import deque

from autocompress.space import Point
from autocompress.study.encoding import Rows
from autocompress.study.samplers.sampler import Outcome, Proposal, Sampler, SamplerContext
from autocompress.study.samplers.screened import Screened


class SeededSampler:
    """Teacher and screens, then the solver's answers, then whatever ``inner`` proposes."""

    def __init__(self, context: SamplerContext, inner: Sampler) -> None:
        self._inner = inner
        self._screened = Screened(context)
        self._queue: deque[Proposal] = deque([*self._screened.opening(), *self._screened.later_screens()])
        self._solved = False
        self._rows: list[Rows] = []
        self._losses: list[tuple[float, ...]] = []

    def ask(self, number: int) -> Proposal:
        if not self._queue and not self._solved:
            self._queue.extend(self._answers())
            self._solved = True
        return self._queue.popleft() if self._queue else self._inner.ask(number)

    def tell(self, number: int, point: Point, outcome: Outcome) -> None:
        if outcome.losses is not None and outcome.ran and not self._solved:
            self._rows.append(self._screened.encoding.encode(point))
            self._losses.append(outcome.losses)
        self._inner.tell(number, point, outcome)

    def _answers(self) -> list[Proposal]:
        table = self._screened.table(self._rows, self._losses, self._screened.believed[0])
        decode = self._screened.encoding.decode
        return [Proposal(decode(row), "solver") for row in self._screened.answers(table)]
