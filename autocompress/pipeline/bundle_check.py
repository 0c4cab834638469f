"""``verify`` with ears: what a bundle says is judged again, on the sentences of its claims."""

from collections.abc import Callable, Container
from functools import lru_cache
from pathlib import Path

from autocompress.bundle import Bundle
from autocompress.bundle.opening import open_voices
from autocompress.bundle.verification import Judge, Verification, verify
from autocompress.errors import ClaimError
from autocompress.metrics.budget import as_measurement
from autocompress.metrics.spoken import SpokenScore, heard_metrics
from autocompress.objectives import CONSTRAINT_KEYS, Measurement
from autocompress.pipeline.bundle_speech import hear_bundle
from autocompress.pipeline.evaluation_data import spoken_tasks

Stage = Callable[[str], None]


def verify_bundle(
    folder: str | Path,
    *,
    threads: int | None = None,
    rounds: int = 7,
    speech: bool = True,
    stage: Stage = lambda _: None,
) -> Verification:
    """Hashes, then size, latency and memory, and with ``speech`` similarity, MOS and CER, beside the claims.

    A claim whose judge is not installed (extras ``quality`` and ``asr``) is reported as not checked.
    """
    judges = speech_judges(open_voices(folder).names(), stage) if speech else {}
    stage(f"measuring, {rounds} rounds")
    return verify(folder, threads=threads, rounds=rounds, judges=judges)


def speech_judges(voices: Container[str], stage: Stage = lambda _: None) -> dict[str, Judge]:
    """A judge a quantity that can be heard here, in those ``voices`` that the evaluation set knows.

    A bundle is heard once for all of them; without two sentences to say there is no judge.
    """
    tasks = spoken_tasks(voices)
    if len(tasks) < 2:
        stage("no voice of the evaluation set: speech is not judged")
        return {}

    @lru_cache(maxsize=1)
    def heard(bundle: Bundle) -> SpokenScore:
        stage("listening")
        return hear_bundle(bundle, tasks)

    names = [metric.name for metric in heard_metrics() if metric.name in CONSTRAINT_KEYS]
    return {name: _judge(name, heard) for name in names}


def _judge(name: str, heard: Callable[[Bundle], SpokenScore]) -> Judge:
    def judge(bundle: Bundle) -> Measurement:
        score = heard(bundle)
        if score.failure is not None:
            raise ClaimError(
                f"{bundle.folder} claims {name} and does not speak: {score.failure}. Produce it again."
            )
        return as_measurement(score.scores[name])

    return judge
