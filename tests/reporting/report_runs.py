"""A finished run with everything that a report can show: a real study over the synthetic evaluator."""

import json
from pathlib import Path

import numpy as np

from autocompress.bundle.manifest import (
    AudioSettings,
    Claim,
    FileEntry,
    Manifest,
    TextSettings,
    Tier,
)
from autocompress.objectives import DEFAULT_OBJECTIVES, Constraint
from autocompress.reporting.clips import write_clips
from autocompress.reporting.data import Sentence
from autocompress.space import load_space
from autocompress.study import Budget, Fingerprint, Front, Settings, Study, Task
from autocompress.study.testing import REFERENCE_DIMENSIONS, SyntheticEvaluator

SENTENCES = (Sentence("s1", "The first <sentence>.", "emma"), Sentence("s2", "The second one.", "george"))
RATE_HZ = 16_000


def tone(pitch_hz: float, seconds: float = 0.8) -> tuple[np.ndarray, int]:
    times = np.arange(int(seconds * RATE_HZ)) / RATE_HZ
    return (0.1 * np.sin(2 * np.pi * pitch_hz * times)).astype(np.float32), RATE_HZ


def search(folder: Path, limit_mb: float = 45.0, trials: int = 60) -> Front:
    study = Study(
        space=load_space("quick", REFERENCE_DIMENSIONS),
        task=Task(
            DEFAULT_OBJECTIVES, (Constraint("size_mb", "max", limit_mb), Constraint("latency_s", "max", 3.0))
        ),
        evaluate=SyntheticEvaluator(),
        fingerprint=Fingerprint("synthetic"),
        folder=folder,
        settings=Settings(sampler="random"),
    )
    return study.run(Budget(trials=trials))


def add_clips(folder: Path, front: Front) -> None:
    spoken = {"teacher": {s.id: tone(220) for s in SENTENCES}}
    for i, trial in enumerate(front.trials):
        spoken[trial.candidate.id] = {s.id: tone(300 + 20 * i) for s in SENTENCES}
    write_clips(folder / "clips", SENTENCES, spoken)


def add_voices(folder: Path) -> None:
    said = {name: {"all": tone(200 + 50 * i)} for i, name in enumerate(("emma", "george"))}
    write_clips(folder / "voices", [Sentence("all", "A new sentence.", "")], said)


def add_bundle(folder: Path, front: Front) -> None:
    best = front.best()
    roles = ("gpt_prefill", "gpt_step", "sovits")
    seen = best.measurements["size_mb"]
    manifest = Manifest(
        files=tuple(FileEntry(f"{role}.onnx", role, "0" * 64, 10) for role in roles),
        audio=AudioSettings(RATE_HZ, 320, 512, 256, 128, margin_frames=10),
        text=TextSettings("v2"),
        tiers=(Tier("full", "sovits.onnx"),),
        claims=(Claim.of(seen, machine="test machine", threads=2, command="autocompress produce"),),
        candidate=best.candidate.to_dict(),
    )
    (folder / "bundle").mkdir()
    (folder / "bundle" / "manifest.json").write_text(manifest.to_json())


def add_tables(folder: Path, front: Front) -> None:
    cost = {
        "size_mb": {"gpt": 5.0, "sovits": 3.0},
        "latency_s": {"prefill": 0.1, "step": 0.6, "vocoder": 0.2},
    }
    ids = ("teacher", *(t.candidate.id for t in front.trials))
    (folder / "costs.json").write_text(json.dumps(dict.fromkeys(ids, cost)))
    cells = [
        {"choice": f"gpt.ffn.{layer}", "option": width, "loss": 0.1 * (layer + 1), "failed": width == 128}
        for layer in range(6)
        for width in (512, 128)
    ]
    fit = {"scale": 1.0, "power": 1.0, "rank_correlation": 0.9, "error_before": 0.2, "error_after": 0.1}
    table = {"cells": cells, "checks": [[1.0, 1.1]], "correction": fit}
    (folder / "sensitivity.json").write_text(json.dumps(table))
    (folder / "training").mkdir()
    rows = [json.dumps({"step": i, "loss": 1.0 / (i + 1)}) for i in range(1, 20)]
    (folder / "training" / "gpt.jsonl").write_text("\n".join(rows) + '\n{"step": 2')
    production = folder / "training" / "93d49e063f4128e5-4a9b8192" / "sovits" / "2-progressive-pruning"
    production.mkdir(parents=True)
    (production / "losses.jsonl").write_text("\n".join(rows) + "\n")
