"""The golden sets under tests/models/data/goldens, with networks filled by rule."""

import json
from functools import cache
from pathlib import Path

import numpy as np
import torch

from autocompress.models.checkpoint.gpt_file import gpt_config
from autocompress.models.checkpoint.sovits_file import sovits_config
from autocompress.models.goldens.rule import fill_by_rule
from autocompress.models.goldens.scorecard import Scorecard
from autocompress.models.gpt import Gpt
from autocompress.models.sovits.synthesizer import Sovits

GOLDENS = Path(__file__).parent / "data" / "goldens"
AUDIO_DATA = {"sampling_rate": 32000, "filter_length": 2048, "hop_length": 640, "win_length": 2048}


def manifest():
    return json.loads((GOLDENS / "manifest.json").read_text())


def arrays(name):
    with np.load(GOLDENS / f"{name}.npz", allow_pickle=False) as stored:
        return {key: stored[key] for key in stored.files}


def card(name):
    return Scorecard(name, arrays(name))


def golden_gpt(name) -> Gpt:
    entry = manifest()[name]
    gpt = Gpt(gpt_config({"model": entry["config"]}, {}, name)).eval().requires_grad_(False)
    fill_by_rule(gpt, entry["weight_seed"], "model.")
    if name.endswith("_eos"):
        row = gpt.ar_predict_layer.weight[gpt.config.eos]
        row.copy_((2.5 * row).half())
    return gpt


def golden_sovits(name) -> Sovits:
    entry = manifest()[name]
    settings = {**entry["config"], "mrte_hidden": entry["mrte_hidden"]}
    config = sovits_config({"model": settings, "data": AUDIO_DATA}, {}, entry["version"], name)
    sovits = Sovits(config).eval().requires_grad_(False)
    fill_by_rule(sovits, entry["weight_seed"])
    return sovits


@cache
def full_gpt() -> Gpt:
    return golden_gpt("s1_full_v2")


def nudge(module, key, by=0.5):
    """Change one number of one weight."""
    module.state_dict()[key].view(-1)[0] += by


def tensor(array) -> torch.Tensor:
    return torch.from_numpy(np.array(array))
