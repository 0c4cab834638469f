"""Every bundle says the same sentences in the same voices, and is heard; what was heard is kept in files.

Tasks come in blocks that are balanced over sentences and voices, and all bundles say a block before the next
one begins: stopped anywhere, the comparison is fair.
"""

import json
import multiprocessing
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import torch

from autocompress.bundle import Bundle, GraphSettings
from autocompress.errors import AudioError
from autocompress.metrics.evaluation_set import EvaluationSet, Task, read_evaluation_set
from autocompress.metrics.prosody import silence_floor_db
from autocompress.metrics.speaker import chosen_embedder
from autocompress.metrics.speech import speech_metrics
from autocompress.metrics.spoken import utterance
from autocompress.metrics.utterance import Utterance
from autocompress.models.reference import EVALUATION_SET
from autocompress.pipeline.bundle_speech import said_by_bundle
from benchmarks.progress import told
from benchmarks.provenance import write_json

HEARD = ("similarity", "mos", "cer")
FLOOR = "silence_floor_db"
BLOCK = 12
Reading = dict[str, float]
Readings = dict[str, Reading]
"""Item ("s01/af_heart") → metric → value."""


def known_voices(names: Sequence[str] | Mapping[str, object], count: int) -> tuple[str, ...]:
    """The first voices of the evaluation set that the model knows."""
    return tuple([v.name for v in read_evaluation_set(EVALUATION_SET).voices if v.name in names][:count])


def tasks(n_sentences: int, voices: Sequence[str]) -> list[Task]:
    """Every sentence in every voice: all sentences once, the voices in turn, before any comes again."""
    whole = read_evaluation_set(EVALUATION_SET)
    cast = [voice for voice in whole.voices if voice.name in voices]
    found: list[Task] = []
    for turn in range(len(cast)):
        turned = tuple(cast[turn:] + cast[:turn])
        found += EvaluationSet(whole.seed, whole.sentences[:n_sentences], turned).in_turn()
    return found


@dataclass(frozen=True)
class Unit:
    """A block of tasks said by one bundle; ``place`` is the file of what was heard."""

    bundle: Path
    place: Path
    tasks: tuple[Task, ...]


def units(bundles: Mapping[str, Path], every: Sequence[Task], folder: Path) -> list[Unit]:
    """Block by block, every bundle in turn."""
    return [
        Unit(bundle, folder / name / f"{_signed(every[at : at + BLOCK])}.json", tuple(every[at : at + BLOCK]))
        for at in range(0, len(every), BLOCK)
        for name, bundle in bundles.items()
    ]


def _signed(block: Sequence[Task]) -> str:
    return f"{len(block)}-{block[0].item}-{block[-1].item}".replace("/", "-")


def hear_all(wanted: Sequence[Unit], workers: int, limit_s: float, say: Callable[[str], None]) -> None:
    """Hear what is not heard yet, each worker on one thread, for no longer than about ``limit_s``."""
    left, end = [unit for unit in wanted if not unit.place.is_file()], time.monotonic() + limit_s
    if not left:
        return
    with multiprocessing.get_context("spawn").Pool(min(workers, len(left)), _one_thread) as pool:
        for done, name in enumerate(pool.imap_unordered(hear_unit, left), 1):
            say(f"heard {done} of {len(left)}: {name}")
            if time.monotonic() > end:
                say("time is up: the table has what was heard")
                break


def _one_thread() -> None:
    torch.set_num_threads(1)


def hear_unit(unit: Unit) -> str:
    bundle = _opened(unit.bundle)
    write_json(unit.place, hear_tasks(lambda task: said_by_bundle(bundle, task), unit.tasks))
    return f"{unit.place.parent.name} {unit.place.stem}"


@lru_cache(maxsize=1)
def _opened(folder: Path) -> Bundle:
    return Bundle.load(folder, GraphSettings(1))


def hear_tasks(say: Callable[[Task], Utterance], every: Sequence[Task]) -> Readings:
    """All readings of what ``say`` says; one that says nothing gets the worst of each metric."""
    table = speech_metrics(chosen_embedder())
    found: Readings = {}
    for task in every:
        said = _attempt(say, task)
        read = {name: table[name].read(said).value for name in HEARD}
        seconds = len(said.speech.samples) / said.speech.sample_rate_hz
        found[str(task.item)] = {**read, FLOOR: _floor_db(said), "audio_s": seconds}
    return found


def _attempt(say: Callable[[Task], Utterance], task: Task) -> Utterance:
    try:
        return say(task)
    except (AudioError, ArithmeticError, LookupError, RuntimeError, ValueError) as error:
        told(f"{task.item} was not said: {type(error).__name__}: {error}")
        return utterance(task, torch.zeros(1).numpy(), 16_000, ())


def _floor_db(said: Utterance) -> float:
    """Of one utterance; 0 dB, the worst there is, for what is no speech."""
    try:
        return silence_floor_db(said.speech.samples, said.speech.sample_rate_hz)
    except AudioError:
        return 0.0


def heard(folder: Path, names: Sequence[str]) -> dict[str, Readings]:
    """What all of ``names`` have said, item by item; items that one of them lacks are left out."""
    every = {name: _read(folder / name) for name in names}
    common = set.intersection(*(set(found) for found in every.values())) if every else set()
    return {name: {item: found[item] for item in sorted(common)} for name, found in every.items()}


def _read(folder: Path) -> Readings:
    merged: Readings = {}
    for path in sorted(folder.glob("*.json")):
        merged |= json.loads(path.read_text("utf-8"))
    return merged
