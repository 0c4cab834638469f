"""How long one candidate takes: to the divergence rung, to the speech rung, and at full size; peak memory.

    python -m benchmarks.evaluation_time.run [--teachers reference full] [--candidates 3] [--threads 2]

Candidates are drawn from the quick space with a seed, each scored from nothing: both halves made, fed the
teacher's four sentences, then eight sentences in four voices spoken and heard. What is prepared once a
teacher (its own answers, its units' importance) is timed apart. The full size is v2 with random weights.
Writes ``results/evaluation_time/{reference,full}.json``, each from a process of its own.
"""

import argparse
import multiprocessing
import resource
from collections import Counter
from collections.abc import Callable
from functools import partial
from time import perf_counter

import numpy as np
import torch

from autocompress.models.config import GptConfig, SovitsConfig
from autocompress.models.gpt import Gpt
from autocompress.models.sovits.synthesizer import Sovits
from autocompress.models.speech import TextFrontEnd
from autocompress.models.teacher import Teacher, load_teacher
from autocompress.models.voices import VoiceMaker
from autocompress.pipeline.evaluation_data import stand_in_voice
from autocompress.pipeline.evaluator import CandidateEvaluator
from autocompress.planner import ModelChoice
from autocompress.space import Candidate, load_space
from autocompress.study import Rung
from autocompress.transforms import teacher_dimensions
from benchmarks.provenance import REPOSITORY, provenance, write_json

RESULTS = REPOSITORY / "results" / "evaluation_time"
SEED = 0
TARGETS = {
    "reference": {"divergence_s": 3.0, "speech_s": 20.0, "peak_memory_gb": 3.0},
    "full": {"divergence_s": 30.0},
}
Document = dict[str, object]


def main() -> None:
    given = _arguments()
    for name in given.teachers:
        context = multiprocessing.get_context("spawn")
        with context.Pool(1) as alone:  # so that the peak of one is not the other's
            found = alone.apply(measure, (name, given.candidates, given.threads))
        facts = provenance(SEED, threads=given.threads, targets=TARGETS[name])
        if name == "full":
            facts["weights_sha256"] = "random, seed 0, of the original v2 sizes"
        write_json(RESULTS / f"{name}.json", facts | found)
        print(name, found)


def measure(name: str, n_candidates: int, threads: int) -> Document:
    """Seconds of each rung on ``threads`` threads, by candidate."""
    torch.set_num_threads(threads)
    teacher = load_teacher("reference") if name == "reference" else full_size_teacher()
    evaluator = CandidateEvaluator(ModelChoice("reference"), "snapdragon-7-gen-3", teacher, threads)
    spoken = bool(evaluator.data.spoken)
    once = {
        "importance_of_units": _seconds(lambda: evaluator.calibration),
        "teacher_forced_answers": _seconds(lambda: evaluator.forced),
        "teacher_speech": _seconds(lambda: evaluator.teacher_speech) if spoken else 0.0,
    }
    rungs: tuple[Rung, ...] = ("divergence", "speech") if spoken else ("divergence",)
    candidates = [Candidate({"gpt.keep.1": False}), *_drawn(teacher, n_candidates)]
    taken = {
        c.id: {f"{rung}_s": _seconds(partial(evaluator, c, rung, SEED)) for rung in rungs} for c in candidates
    }
    taken.pop(candidates[0].id)  # the first one pays for what torch loads at its first use
    return {
        "once_a_teacher_s": once,
        "candidates": taken,
        **{f"worst_{rung}_s": max(t[f"{rung}_s"] for t in taken.values()) for rung in rungs},
        "peak_memory_gb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9, 2),
        "workload": _workload(evaluator),
    }


def full_size_teacher() -> Teacher:
    """GPT-SoVITS v2 as published, with random weights and a stand-in voice."""
    torch.manual_seed(SEED)
    gpt = Gpt(GptConfig.original("v2")).eval().requires_grad_(False)
    sovits = Sovits(SovitsConfig.original("v2")).eval().requires_grad_(False)
    with torch.no_grad():
        for name, parameter in sovits.named_parameters():
            if "conv_post" in name:  # an untrained vocoder is nearly silent
                parameter.mul_(20)
    bare = Teacher(gpt, sovits, TextFrontEnd("v2"), VoiceMaker(sovits, "random"), {}, "random")
    voice = stand_in_voice(bare)
    return Teacher(gpt, sovits, bare.text, bare.voice_maker, {voice.name: voice}, "random")


def _drawn(teacher: Teacher, count: int) -> list[Candidate]:
    """Random points of the quick space; the teacher's own options are one of several at each choice."""
    space = load_space("quick", teacher_dimensions(teacher.gpt.config, teacher.sovits.config))
    generator = np.random.default_rng(SEED)
    points = [
        {c.name: c.options[generator.integers(len(c.options))] for c in space.free} for _ in range(count)
    ]
    return [space.candidate(space.repair(point)) for point in points]


def _workload(evaluator: CandidateEvaluator) -> Document:
    spoken = evaluator.data.spoken
    return {
        "forced_cases": len(evaluator.data.forced),
        "forced_tokens": sum(case.tokens.shape[1] for case in evaluator.data.forced),
        "spoken_sentences": len({task.sentence.id for task in spoken}),
        "sentences_by_voice": dict(Counter(task.voice.name for task in spoken)),
    }


def _seconds(call: Callable[[], object]) -> float:
    begin = perf_counter()
    call()
    return round(perf_counter() - begin, 2)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--teachers", nargs="+", choices=TARGETS, default=list(TARGETS))
    parser.add_argument("--candidates", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    return parser.parse_args()


if __name__ == "__main__":
    main()
