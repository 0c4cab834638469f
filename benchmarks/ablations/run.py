"""What each technique costs and buys, alone: divergence from the teacher at five strengths, before training.

python benchmarks/ablations/run.py                         # results/ablations/reference_magnitude.csv
python benchmarks/ablations/run.py --criterion taylor --sentences 8 --voices 4
python benchmarks/ablations/run.py --gpt s1.ckpt --sovits s2.pth --voices-file voices.toml --name mine

Teacher-forced: both halves are fed the teacher's own tokens and noise. Intervals are over sentences.
"""

import argparse
import csv
import platform
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parent))
from strengths import Point, points

from autocompress.metrics.divergence import MEL_METRICS, TOKEN_METRICS, TeacherForced
from autocompress.metrics.evaluation_set import read_evaluation_set
from autocompress.metrics.score import Item, Score, score_all
from autocompress.metrics.utterance import Recording, Utterance
from autocompress.models import reference
from autocompress.models.gpt import Gpt
from autocompress.models.sovits.synthesizer import Sovits
from autocompress.models.teacher import Teacher, load_teacher
from autocompress.models.voice import Voice
from autocompress.space import Candidate
from autocompress.transforms import (
    CRITERIA,
    Calibration,
    GptBatch,
    SovitsBatch,
    gpt_calibration,
    gpt_importance,
    materialize_gpt,
    materialize_sovits,
    sovits_calibration,
    sovits_importance,
)
from autocompress.transforms.building import build_gpt, build_sovits
from autocompress.transforms.importance import UNSEEN
from autocompress.transforms.technique import Model
from autocompress.transforms.unstructured import UnstructuredL1

RESULTS = Path(__file__).resolve().parents[2] / "results" / "ablations"
COLUMNS = [
    "technique",
    "gives_speed",
    "strength",
    "half",
    "size_bytes",
    "metric",
    "unit",
    "value",
    "low",
    "high",
    "n",
    "failures",
]


@dataclass(frozen=True, eq=False)
class Spoken:
    """One sentence as the teacher said it, with what each half answered."""

    gpt: GptBatch
    prompt_tokens: int
    sovits: SovitsBatch
    logits: np.ndarray
    audio: np.ndarray


def main() -> None:
    options = _options()
    torch.set_num_threads(1)
    teacher = _teacher(options)
    voices = dict(list(teacher.voices.items())[: options.voices])
    spoken = dict(_speak(teacher, voices, options))
    calibration = _calibration(teacher, list(teacher.voices.values()), options.criterion)
    RESULTS.mkdir(parents=True, exist_ok=True)
    path = RESULTS / f"{options.name}_{options.criterion}.csv"
    with path.open("w", newline="") as file:
        file.write(_provenance(options))
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for rows in _rows(teacher, calibration, spoken, options.seed):
            writer.writerows(rows)
            file.flush()
    print(path)


def _options() -> argparse.Namespace:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    arguments.add_argument("--gpt", type=Path)
    arguments.add_argument("--sovits", type=Path)
    arguments.add_argument("--voices-file", type=Path)
    arguments.add_argument("--name", default="reference")
    arguments.add_argument("--criterion", choices=CRITERIA, default="magnitude")
    arguments.add_argument("--sentences", type=int, default=8)
    arguments.add_argument("--voices", type=int, default=4)
    arguments.add_argument("--seed", type=int, default=0)
    return arguments.parse_args()


def _teacher(options: argparse.Namespace) -> Teacher:
    if options.gpt is None:
        return load_teacher("reference")
    return load_teacher(gpt=options.gpt, sovits=options.sovits, voices=options.voices_file)


def _speak(
    teacher: Teacher, voices: Mapping[str, Voice], options: argparse.Namespace
) -> Iterator[tuple[Item, Spoken]]:
    """The evaluation sentences, each in the next voice, with the teacher's tokens."""
    sentences = read_evaluation_set(reference.EVALUATION_SET).sentences[: options.sentences]
    names = list(voices)
    for i, sentence in enumerate(sentences):
        voice = voices[names[i % len(names)]]
        said = teacher.speak(sentence.text, voice, options.seed + i, language=sentence.language)[0]
        tokens = said.generation.callers_tokens
        target = torch.tensor(said.phonemes.ids)
        ids = torch.cat((torch.tensor(voice.prompt_phoneme_ids), target))[None]
        codes = torch.cat((torch.tensor(voice.prompt_tokens), tokens))[None]
        gpt = GptBatch(ids, torch.tensor([ids.shape[1]]), codes, torch.tensor([codes.shape[1]]))
        noise = torch.Generator().manual_seed(options.seed + i)
        drawn = torch.randn(1, teacher.sovits.config.inter, 2 * len(tokens), generator=noise) * 0.5
        sovits = SovitsBatch(tokens[None], target[None], torch.tensor(voice.style)[None, :, None], drawn)
        prompt = len(voice.prompt_tokens)
        answer = _logits(gpt, prompt, teacher.gpt), _audio(sovits, teacher.sovits)
        yield Item(sentence.id, voice.name), Spoken(gpt, prompt, sovits, *answer)


@torch.inference_mode()
def _logits(batch: GptBatch, prompt: int, gpt: Gpt) -> np.ndarray:
    return batch.logits(gpt)[0, prompt:].numpy()


@torch.inference_mode()
def _audio(batch: SovitsBatch, sovits: Sovits) -> np.ndarray:
    return batch.audio(sovits)[0, 0].numpy()


def _calibration(teacher: Teacher, voices: list[Voice], criterion: str) -> Calibration:
    """Importance on the voices' own prompts, which are real speech and no evaluation sentence."""
    inter = teacher.sovits.config.inter
    return Calibration(
        gpt_importance(teacher.gpt, gpt_calibration(voices), criterion),
        sovits_importance(teacher.sovits, sovits_calibration(voices, inter), criterion),
    )


def _rows(
    teacher: Teacher, calibration: Calibration, spoken: Mapping[Item, Spoken], seed: int
) -> Iterator[list[list[object]]]:
    for point in points(teacher.gpt.config, teacher.sovits.config):
        started = time.perf_counter()
        scores, size = _measured(point, teacher, calibration, spoken, seed)
        print(f"{point.technique} {point.strength}: {time.perf_counter() - started:.1f} s", file=sys.stderr)
        yield [_row(point.technique, True, point.strength, point.half, size, s) for s in scores.values()]
    for half in ("gpt", "sovits"):
        for ratio in (0.1, 0.3, 0.5, 0.7, 0.9):
            scores, size = _sparse(half, ratio, teacher, spoken, seed)
            yield [_row(UnstructuredL1.name, False, f"{ratio:g}", half, size, s) for s in scores.values()]


def _measured(
    point: Point, teacher: Teacher, calibration: Calibration, spoken: Mapping[Item, Spoken], seed: int
) -> tuple[dict[str, Score], int]:
    if point.half == "gpt":
        gpt = materialize_gpt(teacher.gpt, point.candidate, calibration.gpt)
        return _token_scores(gpt.network, spoken, seed), gpt.size_bytes
    sovits = materialize_sovits(teacher.sovits, point.candidate, calibration.sovits)
    return _mel_scores(sovits.network, spoken, seed), sovits.size_bytes


def _sparse(
    half: str, ratio: float, teacher: Teacher, spoken: Mapping[Item, Spoken], seed: int
) -> tuple[dict[str, Score], int]:
    if half == "gpt":
        model = UnstructuredL1(ratio)(
            Model(teacher.gpt.config, teacher.gpt.state_dict()), Candidate(), UNSEEN
        ).model
        size = materialize_gpt(teacher.gpt, Candidate()).size_bytes
        return _token_scores(build_gpt(model.config, model.weights), spoken, seed), size
    other = UnstructuredL1(ratio)(
        Model(teacher.sovits.config, teacher.sovits.state_dict()), Candidate(), UNSEEN
    ).model
    size = materialize_sovits(teacher.sovits, Candidate()).size_bytes
    return _mel_scores(build_sovits(other.config, other.weights), spoken, seed), size


def _token_scores(gpt: Gpt, spoken: Mapping[Item, Spoken], seed: int) -> dict[str, Score]:
    subjects = {
        item: TeacherForced(
            str(item), said.logits, _logits(said.gpt, said.prompt_tokens, gpt), gpt.config.eos
        )
        for item, said in spoken.items()
    }
    return score_all(TOKEN_METRICS.values(), subjects, seed=seed)


def _mel_scores(sovits: Sovits, spoken: Mapping[Item, Spoken], seed: int) -> dict[str, Score]:
    rate = sovits.config.audio.sample_rate_hz
    subjects = {
        item: Utterance(
            str(item), "", Recording(_audio(said.sovits, sovits), rate), teacher=Recording(said.audio, rate)
        )
        for item, said in spoken.items()
    }
    return score_all(MEL_METRICS.values(), subjects, seed=seed)


def _row(technique: str, speed: bool, strength: str, half: str, size: int, score: Score) -> list[object]:
    found = score.estimate
    numbers = [f"{value:.6g}" for value in (found.value, found.low, found.high)]
    what = [technique, speed, strength, half, size, score.metric, score.unit]
    return [*what, *numbers, score.n, len(score.failures)]


def _provenance(options: argparse.Namespace) -> str:
    command = f"python benchmarks/ablations/run.py {' '.join(sys.argv[1:])}".strip()
    versions = f"torch {torch.__version__}, python {platform.python_version()}"
    machine = platform.processor() or platform.machine()
    lines = [
        f"command: {command}",
        f"seed: {options.seed}; machine: {machine}; {versions}",
        "students are not trained; 90 % intervals over sentences",
    ]
    return "".join(f"# {line}\n" for line in lines)


if __name__ == "__main__":
    main()
