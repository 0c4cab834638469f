"""Writing a bundle: whole or not at all."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from autocompress.bundle import Bundle, write_bundle, writing
from autocompress.bundle.integrity import read_manifest
from autocompress.bundle.synthesizer import (
    Windows,
    difference_db,
    random_utterance,
    stream,
    synthesize,
    window_ends,
)
from autocompress.errors import BundleError


def test_a_written_bundle_loads_and_has_its_voice(whole_folder):
    assert Bundle.load(whole_folder).voices.names() == ("emma",)


def test_an_existing_bundle_is_kept_unless_replacing_is_asked(ingredients, folder):
    with pytest.raises(BundleError, match="there already"):
        write_bundle(ingredients, folder)
    write_bundle(replace(ingredients, teacher={"name": "second"}), folder, replacing=True)
    assert read_manifest(folder).teacher == {"name": "second"}
    assert [path.name for path in folder.parent.iterdir()] == ["bundle"]


def test_a_folder_that_is_no_bundle_is_never_replaced(ingredients, tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(BundleError, match="not replaced"):
        write_bundle(ingredients, tmp_path, replacing=True)


@pytest.mark.parametrize("when", ["copyfile", "fsync", "rename"])
def test_a_full_disk_leaves_the_old_bundle_and_no_remains(ingredients, folder, monkeypatch, when):
    def full(*_args, **_kwargs):
        raise OSError(28, "No space left on device")

    target, name = {
        "copyfile": (writing.shutil, "copyfile"),
        "fsync": (writing.os, "fsync"),
        "rename": (Path, "rename"),
    }[when]
    monkeypatch.setattr(target, name, full)
    with pytest.raises(BundleError, match="No space left"):
        write_bundle(replace(ingredients, teacher={"name": "second"}), folder, replacing=True)
    monkeypatch.undo()
    assert Bundle.load(folder).manifest.teacher == {"name": "tiny"}
    assert [path.name for path in folder.parent.iterdir()] == ["bundle"]


def test_the_margin_is_measured_and_makes_windows_equal_one_pass(bundle):
    audio, session = bundle.manifest.audio, bundle.graphs.sovits(0)
    assert audio.margin_frames is not None
    for seed in range(3):
        utterance = random_utterance(audio, 70, 20, seed)
        whole = synthesize(session, utterance)
        pieces = list(stream(session, utterance, audio, Windows(13, 29)))
        assert len(pieces) > 3
        assert difference_db(np.concatenate(pieces), whole) <= -60  # asked: -40
        none = replace(audio, margin_frames=0)
        seams = np.concatenate(list(stream(session, utterance, none, Windows(13, 29))))
        assert difference_db(seams, whole) > -40  # the margin is needed


@pytest.mark.parametrize(
    ("key", "value", "word"), [("gin", 9, "gin"), ("inter", 6, "inter"), ("codes", 99, "codes")]
)
def test_graphs_that_are_not_the_manifests_are_refused(ingredients, tmp_path, key, value, word):
    wrong = replace(ingredients, audio=replace(ingredients.audio, **{key: value}))
    with pytest.raises(BundleError, match=rf"audio\.{word} asks for"):
        write_bundle(wrong, tmp_path / "bundle")
    assert not list(tmp_path.iterdir())


def test_swapped_graphs_are_refused(ingredients, tmp_path):
    files = dict(ingredients.files)
    step, sovits = files["gpt_step.onnx"][1], files["sovits.onnx"][1]
    files |= {"gpt_step.onnx": ("gpt_step", sovits), "sovits.onnx": ("sovits", step)}
    with pytest.raises(BundleError, match="has no input"):
        write_bundle(replace(ingredients, files=files), tmp_path / "bundle")


def test_windows_cover_every_frame_once():
    assert window_ends(120, Windows(50, 150)) == [50, 120]
    assert window_ends(210, Windows(50, 150)) == [50, 210]
    assert window_ends(40, Windows(50, 150)) == [40]
    assert window_ends(60, Windows(50, 150)) == [60]


def test_a_wrong_hop_is_found_before_anything_is_written(ingredients, tmp_path):
    wrong = replace(ingredients, audio=replace(ingredients.audio, hop=15))
    with pytest.raises(BundleError, match=r"16 samples a frame; audio\.hop says 15"):
        write_bundle(wrong, tmp_path / "bundle")
    assert not list(tmp_path.iterdir())


def test_a_manifest_is_read_as_json_by_anyone(whole_folder):
    assert json.loads((whole_folder / "manifest.json").read_text())["schema"] == 1
