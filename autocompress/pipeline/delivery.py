"""A candidate delivered: assembled, measured on its exported graphs, written with its claims."""

import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from autocompress.bundle import Bundle, Claim, GraphSettings, with_claims, write_bundle
from autocompress.bundle.measuring import measure_bundle
from autocompress.hardware.library import load_profile
from autocompress.hardware.profiler.machine import allowed_cpus
from autocompress.metrics.budget import as_measurement
from autocompress.metrics.cost import CandidateCost, CostModel
from autocompress.metrics.spoken import SpokenScore
from autocompress.models.teacher import Teacher
from autocompress.models.voice import Voice
from autocompress.objectives import CONSTRAINT_KEYS
from autocompress.pipeline.bundle_speech import hear_bundle
from autocompress.pipeline.calibrated import calibrated
from autocompress.pipeline.evaluation_data import spoken_tasks, stand_in_voice
from autocompress.pipeline.evaluator import takes_bert
from autocompress.pipeline.fingerprints import speaker_hash, teacher_hash
from autocompress.pipeline.saved_plan import run_above
from autocompress.production.assembly import export_student, ingredients
from autocompress.production.light_tier import export_light_tier
from autocompress.production.settings import Steps, TrainingSettings, read_steps
from autocompress.production.training import School, Trained, train_student
from autocompress.space import Candidate
from autocompress.study.lock import run_lock
from autocompress.transforms import sovits_part

Stage = Callable[[str], None]
_ROUNDS = 3  # of the reference workload when a bundle is made; ``verify`` takes more


@dataclass(frozen=True)
class DeliveryOptions:
    """``voices`` are names of the teacher's (None: all of them); ``speech``: whether the bundle is heard.

    ``threads`` are those that the claims are measured with; ``command`` is noted beside them. Training takes
    ``training_threads`` (None: every processor that this process may use).
    ``distil_steps`` ("auto", 0, a number, or a time such as "90m") and ``recordings`` are for
    ``TrainingSettings``. ``fallback`` is the candidate whose SoVITS half the bundle steps down to when the
    machine is too slow.
    """

    voices: tuple[str, ...] | None = None
    threads: int = 1
    training_threads: int | None = None
    speech: bool = True
    replacing: bool = True
    command: str = ""
    distil_steps: Steps | str = "auto"
    recordings: Path | None = None
    fallback: Candidate | None = None

    @property
    def training(self) -> TrainingSettings:
        threads = self.training_threads or len(allowed_cpus())
        steps = read_steps(self.distil_steps) if isinstance(self.distil_steps, str) else self.distil_steps
        return TrainingSettings(steps, recordings=self.recordings, threads=threads)


def deliver(
    teacher: Teacher,
    candidate: Candidate,
    folder: Path,
    device: str,
    options: DeliveryOptions | None = None,
    stage: Stage = lambda _: None,
) -> Bundle:
    """Train the student of ``candidate``, write its bundle at ``folder``, claim only what was measured on it.

    What was predicted for ``device`` and what training did stand in its card. Training goes on from its last
    checkpoint in ``training/`` of the run; the bundle's folder is written whole or not at all.
    """
    chosen, bert = options or DeliveryOptions(), takes_bert(teacher)
    stage("student")
    classes = school(teacher, folder, chosen, stage)
    trained = train_in_turn(classes, candidate)
    student = trained.student
    costs = CostModel(teacher.gpt.config, teacher.sovits.config, load_profile(device), bert=bert)
    place = folder.absolute().parent
    place.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".produce.", dir=place) as scratch:
        graphs = export_student(student, Path(scratch), bert=bert, stage=stage)
        if chosen.fallback is not None:
            stage("the lighter vocoder")
            light = train_in_turn(classes, sovits_part(chosen.fallback)).student
            graphs = replace(graphs, light=export_light_tier(light, student, Path(scratch)))
        stage("voices")
        voices = delivered_voices(teacher, chosen.voices)
        card = Path(scratch) / "card.md"
        card.write_text(card_text(teacher, trained, costs.cost(candidate)), "utf-8")
        stage("bundle")
        whole = ingredients(
            student, graphs, card, voices, teacher_facts(teacher), bert=bert, speech=teacher.settings
        )
        write_bundle(whole, folder, replacing=chosen.replacing)
    stage("claims")
    with_claims(folder, measured_claims(folder, [v.name for v in voices], chosen))
    return Bundle.load(folder, GraphSettings(chosen.threads))


def train_in_turn(classes: School, candidate: Candidate) -> Trained:
    """One training in a run at a time: a RunError where another process is at it."""
    if classes.settings.steps == 0:
        return train_student(classes, candidate)
    with run_lock(classes.folder):
        return train_student(classes, candidate)


def school(teacher: Teacher, folder: Path, options: DeliveryOptions, stage: Stage) -> School:
    """Where a bundle at ``folder`` is trained: in ``training/`` of its run, or beside it."""
    place = folder.absolute().parent
    run = run_above(place) or place
    return School(
        teacher,
        teacher_hash(teacher),
        delivered_voices(teacher, None),
        run / "training",
        options.training,
        calibrated(teacher),
        stage,
        speaker_id=speaker_hash(teacher),
    )


def delivered_voices(teacher: Teacher, names: Iterable[str] | None) -> list[Voice]:
    """The named voices, or all; a stand-in where a model has none, for a bundle without a voice is mute."""
    wanted = list(teacher.voices) if names is None else list(names)
    return [teacher.voices[name] for name in wanted] or [stand_in_voice(teacher)]


def measured_claims(folder: Path, voices: Sequence[str], options: DeliveryOptions) -> tuple[Claim, ...]:
    """Size, latency and memory of the bundle here; similarity, MOS and CER of what it says."""
    claims = measure_bundle(folder, threads=options.threads, rounds=_ROUNDS).claims(options.command)
    tasks = spoken_tasks(voices)
    if not options.speech or len(tasks) < 2:
        return claims
    heard = hear_bundle(Bundle.load(folder, GraphSettings(options.threads)), tasks)
    return claims + speech_claims(heard, claims[0])


def speech_claims(heard: SpokenScore, like: Claim) -> tuple[Claim, ...]:
    """Claims of what was heard; ``like`` brings machine, threads and versions."""
    provenance = {
        "machine": like.machine,
        "threads": like.threads,
        "seed": like.seed,
        "versions": like.versions,
        "command": like.command,
    }
    found = [as_measurement(score) for name, score in heard.scores.items() if name in CONSTRAINT_KEYS]
    return tuple(Claim.of(measurement, **provenance) for measurement in found)


def teacher_facts(teacher: Teacher) -> dict[str, object]:
    return {"name": teacher.name, "version": teacher.version, "weights": teacher_hash(teacher)}


def card_text(teacher: Teacher, trained: Trained, predicted: CandidateCost) -> str:
    """The bundle's card: what it is made from, every decision, what was predicted, how it was trained."""
    candidate = trained.student.candidate
    decisions = "\n".join(f"| {name} | {value} |" for name, value in candidate.values.items())
    rows = "\n".join(
        f"| {m.key} | {m.value:.4g} | {m.low:.4g} to {m.high:.4g} | {m.source} |"
        for m in predicted.measurements()
    )
    return (
        f"# A compressed voice model\n\nMade by autocompress from {teacher.name!r} "
        f"(GPT-SoVITS {teacher.version}); candidate {candidate.id}.\n\n"
        f"## Predicted for {predicted.device}\n\n| quantity | median | 90 % interval | source |\n"
        f"|---|---|---|---|\n{rows}\n\nWhat was measured stands in manifest.json.\n\n"
        f"## Training\n\n{training_text(trained)}\n"
        f"## Decisions\n\n| decision | value |\n|---|---|\n{decisions}\n"
    )


def training_text(trained: Trained) -> str:
    """A line a part: steps, and its distance from the teacher before and after."""
    lines = [trained.note] if trained.note else []
    for part in trained.parts:
        kept = "trained" if part.trained else "not improved, left untrained"
        lines.append(
            f"{part.name}: {part.steps} steps ({', '.join(part.stages)}), {part.unit} on held-out sentences "
            f"{part.untrained_loss:.3g} before, {part.trained_loss:.3g} after; {kept}"
        )
        lines += [f"{part.name}: {note}" for note in part.notes]
    return "".join(f"- {line}\n" for line in lines) or "- none\n"
