"""All sets of a golden folder: which there are, where their weights come from, and their scores."""

import hashlib
import json
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from autocompress.errors import CheckpointError
from autocompress.models.checkpoint import load_gpt, load_sovits, read_checkpoint
from autocompress.models.checkpoint.gpt_file import PREFIX, gpt_config
from autocompress.models.checkpoint.sovits_file import sovits_config
from autocompress.models.goldens.gpt_set import score_gpt
from autocompress.models.goldens.rule import fill_by_rule, filled
from autocompress.models.goldens.scorecard import (
    PROBABILITY_ATOL,
    Array,
    FolderScore,
    Scorecard,
    SetScore,
)
from autocompress.models.goldens.sovits_set import score_sovits
from autocompress.models.gpt import Gpt
from autocompress.models.sampling import SamplingSettings, penalize, probabilities
from autocompress.models.sovits.synthesizer import Sovits

Entry = Mapping[str, Any]
_EXPECTED_FAILURES = (
    CheckpointError,
    OSError,
    ValueError,
    RuntimeError,
    LookupError,
    TypeError,
    zipfile.BadZipFile,
)


def check_folder(folder: str | Path) -> FolderScore:
    """Check every set that ``manifest.json`` names, and every sampler, loader and rule check beside it.

    A set that cannot be run is a set that is not ok; only a folder that is no golden folder raises
    CheckpointError.
    """
    folder = Path(folder)
    manifest = _manifest(folder)
    jobs: list[tuple[str, Callable[[Scorecard], None]]] = []
    for name, entry in manifest.items():
        if name == "check":
            jobs.append(("check", lambda card, e=entry: _score_rule(card, e)))  # type: ignore[misc]
        else:
            jobs.append((name, lambda card, n=name, e=entry: _score_model(card, folder, n, e)))  # type: ignore[misc]
    for path in sorted(folder.glob("loader_*.pth")):
        jobs.append((path.stem, lambda card, p=path: _score_loader(card, p)))  # type: ignore[misc]
    for path in sorted(folder.glob("sampler*.npz")):
        if path.stem not in manifest:
            jobs.append((path.stem, _score_sampler))
    return FolderScore(tuple(_run(folder, name, job) for name, job in jobs))


def _manifest(folder: Path) -> Mapping[str, Any]:
    path = folder / "manifest.json"
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CheckpointError(
            f"{folder}: no golden folder; its manifest.json cannot be read ({error}). "
            "Give the folder that holds it."
        ) from None
    if not isinstance(manifest, dict) or not manifest:
        raise CheckpointError(f"{path}: expected a table of sets, found none.")
    return manifest


def _run(folder: Path, name: str, job: Callable[[Scorecard], None]) -> SetScore:
    card = Scorecard(name, {})
    try:
        if not name.startswith("loader_") and name != "check":
            card.goldens = _arrays(folder / f"{name}.npz")
        job(card)
    except _EXPECTED_FAILURES as error:
        card.problem(f"{type(error).__name__}: {error}")
    return card.result()


def _arrays(path: Path) -> dict[str, Array]:
    if not path.is_file():
        raise CheckpointError(f"{path.name} is missing")
    with np.load(path, allow_pickle=False) as stored:
        return {name: stored[name] for name in stored.files}


def _score_model(card: Scorecard, folder: Path, name: str, entry: Entry) -> None:
    if not isinstance(entry, dict) or not isinstance(entry.get("config"), dict):
        raise CheckpointError("its entry in the manifest has no config")
    for absent in [array for array in entry.get("arrays", {}) if array not in card.goldens]:
        card.problem(f"array {absent} is in the manifest but not in {name}.npz")
    if "vocab_size" in entry["config"]:
        score_gpt(_gpt(folder, name, entry), card, entry)
    else:
        score_sovits(_sovits(folder, name, entry, card), card)


def _gpt(folder: Path, name: str, entry: Entry) -> Gpt:
    if entry.get("weights_in_file", True):
        return load_gpt(folder / f"{name}.ckpt")
    gpt = Gpt(gpt_config({"model": entry["config"]}, {}, name)).eval()
    fill_by_rule(gpt, int(entry["weight_seed"]), PREFIX)
    return gpt


def _sovits(folder: Path, name: str, entry: Entry, card: Scorecard) -> Sovits:
    if entry.get("weights_in_file", True):
        return load_sovits(folder / f"{name}.pth")
    settings = {**entry["config"], "mrte_hidden": entry.get("mrte_hidden", 512)}
    data = {"sampling_rate": 32000, "filter_length": 2048, "hop_length": 640, "win_length": 2048}
    version = str(entry.get("version", settings.get("version", "v2")))
    config = sovits_config({"model": settings, "data": data}, {}, version, name)
    if config.pro and "sv_emb" in card.goldens:
        config = replace(config, speaker_width=int(card.goldens["sv_emb"].shape[1]))
    sovits = Sovits(config).eval()
    fill_by_rule(sovits, int(entry["weight_seed"]))
    return sovits


def _score_rule(card: Scorecard, entry: Entry) -> None:
    """The manifest's own check values of the fill rule."""
    for name, expected in entry.items():
        seed, key = name.split(":", 1)
        found = filled(key, tuple(expected["shape"]), int(seed))
        if hashlib.sha256(found.numpy().tobytes()).hexdigest() != expected["sha256_of_float16_bytes"]:
            card.problem(f"{name}: the rule gives other bytes than the manifest says")


def _score_loader(card: Scorecard, path: Path) -> None:
    """A file with pickled settings: readable, and recognised as the version that it was made as."""
    file = read_checkpoint(path)
    stated = file.config.get("model", {}).get("version", file.version)
    if file.version != stated:
        card.problem(f"recognised as {file.version}, its settings say {stated}")


def _score_sampler(card: Scorecard) -> None:
    logits, previous, settings = card.inputs("logits", "previous_tokens", "settings_topk_topp_temp_rep")
    for i, (top_k, top_p, temperature, penalty) in enumerate(settings.tolist()):
        chosen = SamplingSettings(int(top_k), top_p, temperature, penalty)
        penalized = penalize(torch.as_tensor(logits), previous, penalty)
        card.close(f"probs_{i}", probabilities(penalized, chosen), atol=PROBABILITY_ATOL, rtol=1e-5)
