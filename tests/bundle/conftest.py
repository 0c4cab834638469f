import shutil

import pytest
import torch
from tiny_models import CODES, GIN, HOP, LIGHT_VOCODER, RATE_HZ, tiny_gpt, tiny_sovits, tiny_voice

from autocompress.bundle import AudioSettings, Bundle, Ingredients, SpeechDefaults, TextSettings, write_bundle
from autocompress.models.onnx import export_graphs, export_sovits

AUDIO = AudioSettings(RATE_HZ, HOP, CODES, GIN, inter=8)


@pytest.fixture(scope="session")
def graphs(tmp_path_factory):
    """The three graphs of the tiny networks, and the lighter SoVITS."""
    folder = tmp_path_factory.mktemp("graphs")
    with torch.no_grad():
        paths = export_graphs(tiny_gpt(), tiny_sovits(), folder, bert=False)
        paths["lite"] = folder / "sovits_lite.onnx"
        export_sovits(tiny_sovits(LIGHT_VOCODER), paths["lite"])
    return paths


@pytest.fixture(scope="session")
def ingredients(graphs, tmp_path_factory):
    card = tmp_path_factory.mktemp("card") / "card.md"
    card.write_text("# A tiny voice\n")
    return Ingredients(
        files={
            "gpt_prefill.onnx": ("gpt_prefill", graphs["prefill"]),
            "gpt_step.onnx": ("gpt_step", graphs["step"]),
            "sovits.onnx": ("sovits", graphs["sovits"]),
            "sovits_lite.onnx": ("sovits_lite", graphs["lite"]),
            "card.md": ("card", card),
        },
        audio=AUDIO,
        text=TextSettings("v2"),
        voices=(tiny_voice(),),
        speech=SpeechDefaults(max_tokens=40),
        teacher={"name": "tiny"},
        candidate={"id": "0" * 16, "values": {}},
    )


@pytest.fixture(scope="session")
def whole_folder(ingredients, tmp_path_factory):
    """A written bundle that no test may change."""
    folder = tmp_path_factory.mktemp("bundles") / "tiny"
    write_bundle(ingredients, folder)
    return folder


@pytest.fixture
def folder(whole_folder, tmp_path):
    """A bundle of the test's own."""
    return shutil.copytree(whole_folder, tmp_path / "bundle")


@pytest.fixture(scope="session")
def bundle(whole_folder):
    return Bundle.load(whole_folder)
