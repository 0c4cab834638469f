"""What relaxing one limit would buy."""

from autocompress.objectives import Constraint, Measurement
from autocompress.space import Candidate
from autocompress.study import Trial
from autocompress.study.relaxations import relaxations

SIZE, MOS = Constraint("size_mb", "max", 50.0), Constraint("mos", "min", 4.0)


def trial(number: int, size_mb: float, mos: float, state: str = "complete") -> Trial:
    spread = Measurement("mos", mos, mos - 0.1, mos + 0.1, "measured")
    seen = {"size_mb": Measurement.exact("size_mb", size_mb), "mos": spread}
    return Trial(number, {}, Candidate(), "speech", state, seen)  # type: ignore[arg-type]


def test_each_limit_is_relaxed_alone_to_the_mildest_that_was_seen() -> None:
    size, mos = relaxations([trial(0, 45, 3.0), trial(1, 40, 3.5), trial(2, 70, 4.5)], (SIZE, MOS))
    assert (size.key, size.needed, size.trial) == ("size_mb", 70.0, 2)
    assert mos.trial == 1
    assert mos.needed is not None
    assert 3.4 <= mos.needed < 3.5  # what its interval just holds, not its middle
    assert str(size) == "size_mb <= 70 (asked 50): trial 2 would hold"


def test_where_no_single_relaxation_is_enough_it_says_so() -> None:
    size, mos = relaxations([trial(0, 60, 3.0)], (SIZE, MOS))
    assert size.needed is None
    assert mos.needed is None
    assert "alone is not enough" in str(mos)


def test_failed_trials_promise_nothing() -> None:
    assert relaxations([trial(0, 45, 3.0, "failed")], (MOS,))[0].needed is None
