"""What every metric owes: the same answer twice, a number on good input, a measured failure on bad input."""

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from metric_helpers import require, with_noise

from autocompress.errors import AudioError, MalformedError
from autocompress.metrics.divergence import MEL_METRICS, TOKEN_METRICS, TeacherForced
from autocompress.metrics.metric import Metric, Reading
from autocompress.metrics.speech import speech_metrics
from autocompress.metrics.utterance import Recording, Utterance

SPEECH_METRICS = speech_metrics() | MEL_METRICS
FRESH_METRICS = speech_metrics() | MEL_METRICS  # shares nothing that was heard with the others
# They count tokens, words and seconds; what noise does to words is mostly to replace them.
DEAF_TO_NOISE = {"loop_share", "repetition_rate", "skip_rate", "duration_deviation"}
RELATIVE = [name for name, metric in SPEECH_METRICS.items() if metric.relative]
RATE_HZ = 24_000
BROKEN_SPEECH = {
    "empty": (np.zeros(0), "empty"),
    "silence": (np.zeros(RATE_HZ), "silent"),
    "NaN": (np.full(RATE_HZ, np.nan), "NaN"),
    "one infinity": (np.where(np.arange(RATE_HZ) == 77, np.inf, 0.1), "1 of 24000"),
    "too short": (np.full(RATE_HZ // 10, 0.1), "shorter than"),
    "stereo": (np.full((RATE_HZ, 2), 0.1), "shape"),
}


def worse(metric: Metric, one: Reading, other: Reading) -> bool:
    return one.value < other.value if metric.higher_is_better else one.value > other.value


@pytest.fixture(params=SPEECH_METRICS)
def speech_metric(request: pytest.FixtureRequest) -> Metric[Utterance]:
    metric = SPEECH_METRICS[request.param]
    require(metric.extra)
    return metric


def test_good_speech_gets_a_finite_reading_without_failure(speech_metric, say: Callable[..., Utterance]):
    reading = speech_metric.read(say())
    assert math.isfinite(reading.value)
    assert reading.failure is None


def test_the_same_speech_reads_the_same_with_fresh_ears(speech_metric, say: Callable[..., Utterance]):
    assert FRESH_METRICS[speech_metric.name].read(say()) == speech_metric.read(say())


@pytest.mark.parametrize("kind", BROKEN_SPEECH)
def test_broken_speech_is_a_failure_with_its_reason(speech_metric, say: Callable[..., Utterance], kind: str):
    samples, reason = BROKEN_SPEECH[kind]
    reading = speech_metric.read(say(speech=Recording(samples.astype(np.float32), RATE_HZ)))
    assert reading.failure is not None
    assert reason in reading.failure
    assert reading.value == speech_metric.worst


def test_a_failure_never_beats_speech_however_bad(speech_metric, say: Callable[..., Utterance], clips):
    failed = speech_metric.read(say(speech=Recording(np.zeros(RATE_HZ, np.float32), RATE_HZ)))
    for speech in (clips["00046"], clips["00008"], with_noise(clips["00046"], snr_db=-20)):
        assert not worse(speech_metric, speech_metric.read(say(speech=speech)), failed)


@pytest.mark.parametrize("name", [name for name in SPEECH_METRICS if name not in DEAF_TO_NOISE])
def test_noise_makes_it_worse(name: str, say: Callable[..., Utterance], clips):
    speech_metric = SPEECH_METRICS[name]
    require(speech_metric.extra)
    readings = [speech_metric.read(say(speech=clips["00046"]))]
    readings += [speech_metric.read(say(speech=with_noise(clips["00046"], snr_db=snr))) for snr in (10, -5)]
    assert not worse(speech_metric, readings[0], readings[1])
    assert not worse(speech_metric, readings[1], readings[2])
    assert worse(speech_metric, readings[2], readings[0])


@pytest.mark.parametrize(
    ("name", "part"),
    [("repetition_rate", 2.0), ("duration_deviation", 2.0), ("duration_deviation", 0.5), ("skip_rate", 0.5)],
)
def test_a_sentence_said_twice_or_cut_in_half_is_noticed(name: str, part: float, say, clips):
    require(SPEECH_METRICS[name].extra)
    whole = clips["00053"]
    length = int(whole.samples.size * part)
    speech = Recording(np.resize(whole.samples, length), whole.sample_rate_hz)  # repeats when longer
    good, bad = SPEECH_METRICS[name].read(say("00053")), SPEECH_METRICS[name].read(say("00053", speech))
    assert bad.failure is None
    assert bad.value > good.value + 0.25


def test_tokens_that_loop_are_noticed(say: Callable[..., Utterance]):
    looping = replace(say(), tokens=(*range(30), *[7, 8] * 15))
    assert SPEECH_METRICS["loop_share"].read(looping) == Reading(0.5)


@pytest.mark.parametrize("name", RELATIVE)
def test_the_teacher_is_at_no_distance_from_itself(name: str, say: Callable[..., Utterance]):
    assert SPEECH_METRICS[name].read(say()).value == pytest.approx(0, abs=1e-6)  # rounding of a square root


@pytest.mark.parametrize("name", [*RELATIVE, "similarity", "sid"])
def test_a_missing_reference_is_the_callers_fault(name: str, say: Callable[..., Utterance]):
    alone = Utterance("s", "text", say().speech)
    with pytest.raises(MalformedError, match="missing"):
        SPEECH_METRICS[name].read(alone)


def test_a_candidate_without_tokens_has_failed_and_one_that_kept_none_is_the_callers_fault(say):
    speech = say().speech
    metric = SPEECH_METRICS["loop_share"]
    assert metric.read(Utterance("s", "text", speech, tokens=())) == Reading(
        1, "no semantic token was generated"
    )
    with pytest.raises(MalformedError, match="tokens are missing"):
        metric.read(Utterance("s", "text", speech))


@pytest.fixture(params=TOKEN_METRICS)
def token_metric(request: pytest.FixtureRequest) -> Metric[TeacherForced]:
    return TOKEN_METRICS[request.param]


def logits(noise: float = 0.0, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    teacher = rng.normal(0, 3, (50, 65)).astype(np.float32)
    teacher[-1, 64] = 20  # the last step stops
    return teacher + noise * rng.normal(0, 3, teacher.shape).astype(np.float32)


def forced(candidate: np.ndarray) -> TeacherForced:
    return TeacherForced("s", logits(), candidate, eos=64)


def test_equal_logits_are_perfect(token_metric):
    perfect = 1.0 if token_metric.higher_is_better else 0.0
    assert token_metric.read(forced(logits())).value == pytest.approx(perfect, abs=1e-12)


def test_noise_on_logits_makes_it_worse(token_metric):
    none, some, much = (token_metric.read(forced(logits(noise))) for noise in (0.0, 0.5, 4.0))
    assert not worse(token_metric, none, some)
    assert not worse(token_metric, some, much)
    assert worse(token_metric, much, none)


@pytest.mark.parametrize(
    ("candidate", "reason"),
    [
        (np.full((50, 65), np.nan, np.float32), "3250 of 3250 logits are NaN"),
        (np.where(logits() > 6, np.inf, logits()), "infinite"),
        (logits()[:-1], "shape"),
        (np.zeros((0, 65), np.float32), "shape"),
    ],
)
def test_broken_logits_are_a_failure_with_its_reason(token_metric, candidate: np.ndarray, reason: str):
    reading = token_metric.read(forced(candidate))
    assert reading.value == token_metric.worst
    assert reading.failure is not None
    assert reason in reading.failure


@pytest.mark.parametrize("teacher", [np.zeros((0, 65)), np.zeros((5, 10)), np.full((5, 65), np.nan)])
def test_a_broken_teacher_is_the_callers_fault(teacher: np.ndarray):
    with pytest.raises(MalformedError, match="teacher's"):
        TeacherForced("s", teacher.astype(np.float32), teacher.astype(np.float32), eos=9)


def broken_metric(value: float) -> Metric[float]:
    def compute(subject: float) -> float:
        if subject < 0:
            raise AudioError("no speech at all")
        return value

    return Metric("broken", "", worst=5.0, cost_s=0, fault=lambda subject: None, compute=compute)


def test_a_metric_that_yields_nan_or_refuses_counts_as_worst():
    assert broken_metric(math.nan).read(1.0) == Reading(5.0, "broken came out as nan")
    assert broken_metric(1.0).read(-1.0) == Reading(5.0, "no speech at all")


def test_a_value_beyond_the_worst_is_the_worst():
    assert broken_metric(7.0).read(1.0) == Reading(5.0)
