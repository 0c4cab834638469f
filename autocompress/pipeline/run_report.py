"""``report``: costs and clips of a run's front are filled in, then the page is written."""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from autocompress import reporting
from autocompress.bundle import Bundle
from autocompress.errors import AutocompressError, CheckpointError
from autocompress.hardware.library import load_profile
from autocompress.metrics.audio import audio_fault
from autocompress.metrics.cost import CostModel
from autocompress.metrics.evaluation_set import read_evaluation_set
from autocompress.models.reference import EVALUATION_SET
from autocompress.pipeline.model_source import load_model, model_sizes
from autocompress.pipeline.saved_plan import PLAN_FILE, find_plan, saved_model
from autocompress.pipeline.voice_clips import save_voice_clips
from autocompress.reporting.clips import TEACHER, Spoken, read_clips, write_clips
from autocompress.reporting.costs import COSTS, costs_from_details
from autocompress.reporting.data import Sentence
from autocompress.reporting.make import HasFolder, folder_of
from autocompress.space import Candidate
from autocompress.study.front_file import read_front

if TYPE_CHECKING:
    from autocompress.models.teacher import Teacher

SENTENCES = 3
Stage = Callable[[str], None]


def report(
    run: HasFolder | Path | str,
    bundle: HasFolder | Path | str | None = None,
    out: Path | str | None = None,
    *,
    audio: bool = True,
    voices: str | None = None,
    stage: Stage = lambda _: None,
) -> Path:
    """Write the report of ``run`` (a search, a study or the folder of one); the page's path.

    ``voices`` is a sentence that every voice of the bundle says.

    Costs by component and, with ``audio``, ``SENTENCES`` sentences by the teacher and by every point of the
    front are made first, once; both need the ``plan.json`` of a search.
    """
    folder, spoken_by = folder_of(run), None if bundle is None else folder_of(bundle)
    if (folder / PLAN_FILE).is_file() and (folder / "front.json").is_file():
        given = getattr(getattr(run, "plan", None), "teacher", None)
        try:
            _complete(folder, spoken_by or folder / "bundle", given, audio, stage)
        except CheckpointError as error:
            stage(f"no costs and no audio, for the teacher cannot be loaded: {error}")
    if voices is not None:
        save_voice_clips(folder, spoken_by or folder / "bundle", voices, stage)
    stage("page")
    return reporting.report(folder, spoken_by, out)


def _complete(run: Path, bundle: Path, given: "Teacher | None", audio: bool, stage: Stage) -> None:
    """``costs.json`` and ``clips/`` for every point of the front; ``given`` is a teacher that is loaded."""
    plan, candidates = find_plan(run), _front(run)
    model = saved_model(plan)
    stage("costs")
    sizes = (given.gpt.config, given.sovits.config) if given else model_sizes(model)
    _save_costs(run, CostModel(*sizes, load_profile(plan["device"])), candidates)
    if audio:
        _save_clips(run, lambda: given or load_model(model), candidates, bundle, stage)


def _front(run: Path) -> list[Candidate]:
    document = read_front(run)
    rows = document["trials"] or [row for row in (document["nearest"],) if row]
    return [Candidate.from_dict(row["candidate"]) for row in rows]


def _save_costs(run: Path, model: CostModel, candidates: Iterable[Candidate]) -> None:
    named = {TEACHER: Candidate()} | {candidate.id: candidate for candidate in candidates}
    costs = {name: costs_from_details(model.cost(c).details()) for name, c in named.items()}
    draft = run / f".{COSTS}.draft"
    draft.write_text(json.dumps(costs, indent=1), "utf-8")
    draft.replace(run / COSTS)


def _save_clips(
    run: Path,
    load: "Callable[[], Teacher]",
    candidates: Sequence[Candidate],
    bundle: Path,
    stage: Stage,
) -> None:
    """Clips of those that have none yet, saved one speaker after the other."""
    folder = run / "clips"
    known = read_clips(folder)
    wanted = [c for c in (Candidate(), *candidates) if not known.of(_speaker_name(c))]
    if not wanted:
        return
    teacher = load()
    lines = _lines(teacher)
    for number, candidate in enumerate(wanted if lines else (), 1):
        stage(f"audio {number} of {len(wanted)}")
        said = _said(_speaker(teacher, candidate, bundle), lines)
        write_clips(folder, [line.sentence for line in lines], {_speaker_name(candidate): said})


@dataclass(frozen=True)
class _Line:
    """What everybody says."""

    sentence: Sentence
    language: str
    seed: int


def _lines(teacher: "Teacher") -> list[_Line]:
    """Tasks of the evaluation set; in the teacher's own voices where it knows none of the set's."""
    from autocompress.pipeline.evaluation_data import evaluation_tasks

    tasks = evaluation_tasks(teacher)[:SENTENCES]
    if tasks:
        chosen = [(task.sentence, task.voice.name, task.seed) for task in tasks]
    else:
        evaluation, names = read_evaluation_set(EVALUATION_SET), sorted(teacher.voices)
        pairs = zip(evaluation.sentences[:SENTENCES], cycle(names), strict=False)
        chosen = [(sentence, name, evaluation.seed) for sentence, name in pairs]
    return [_Line(Sentence(_plain(s.id), s.text, name), s.language, seed) for s, name, seed in chosen]


def _plain(name: str) -> str:
    """Usable as a file's name."""
    return "".join(c if c.isalnum() or c in "-_" else "-" for c in name)


def _speaker_name(candidate: Candidate) -> str:
    return candidate.id if candidate.values else TEACHER


def _said(speaker: "Teacher | Bundle", lines: Sequence[_Line]) -> dict[str, Spoken]:
    """A clip a sentence; one that fails or is silent is left out."""
    clips: dict[str, Spoken] = {}
    for line in lines:
        try:
            parts = speaker.speak(line.sentence.text, line.sentence.voice, line.seed, language=line.language)
            audio = np.concatenate([part.audio for part in parts])
        except AutocompressError:
            continue
        if audio_fault(audio, speaker.sample_rate_hz) is None:
            clips[line.sentence.id] = (audio, speaker.sample_rate_hz)
    return clips


def _speaker(teacher: "Teacher", candidate: Candidate, bundle: Path) -> "Teacher | Bundle":
    """The bundle where it is this candidate's; else the student as the search had it, without training."""
    from autocompress.pipeline.calibrated import calibrated
    from autocompress.pipeline.evaluator import student_speaker
    from autocompress.transforms import materialize

    if not candidate.values:
        return teacher
    if (bundle / "manifest.json").is_file():
        loaded = Bundle.load(bundle)
        if loaded.manifest.candidate.get("id") == candidate.id:
            return loaded
    student = materialize(teacher, candidate, calibrated(teacher))
    return student_speaker(teacher, student.gpt_half.computing(), student.sovits_half.computing())
