"""The evaluation set is fixed, balanced, apart from other data, and refused with all its faults at once."""

import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import soundfile
from metric_helpers import SPEECH

from autocompress.errors import MalformedError
from autocompress.metrics.evaluation_set import read_evaluation_set

MANIFEST = SPEECH / "evaluation.toml"


def test_every_sentence_is_said_in_every_voice_with_its_own_seed():
    tasks = read_evaluation_set(MANIFEST).every_pair()
    assert len(tasks) == 16
    assert len({task.seed for task in tasks}) == 16
    assert set(Counter(task.voice.name for task in tasks).values()) == {4}


def test_voices_take_turns():
    tasks = read_evaluation_set(MANIFEST).first(4, 3).in_turn()
    counts = Counter(task.voice.name for task in tasks)
    assert len(tasks) == 4
    assert max(counts.values()) - min(counts.values()) <= 1


def test_a_smaller_set_keeps_the_seeds():
    whole = read_evaluation_set(MANIFEST)
    seeds = {task.item: task.seed for task in whole.every_pair()}
    assert all(task.seed == seeds[task.item] for task in whole.first(2, 2).every_pair())


def test_seeds_are_equal_in_another_process():
    code = (
        "import sys, pathlib; from autocompress.metrics.evaluation_set import read_evaluation_set as read;"
        "print([task.seed for task in read(pathlib.Path(sys.argv[1])).every_pair()])"
    )
    command = [sys.executable, "-c", code, str(MANIFEST)]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert printed.strip() == str([task.seed for task in read_evaluation_set(MANIFEST).every_pair()])


def test_a_sentence_that_was_trained_on_is_found_however_it_is_spelled():
    evaluation = read_evaluation_set(MANIFEST)
    evaluation.refuse_overlap(["Something else entirely."], "training")
    with pytest.raises(MalformedError, match=r"apart from training: 1 sentences are in both \(chess\)"):
        evaluation.refuse_overlap(["It took us 7 chairs to find the chess board"], "training")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("00014.opus", "00006.opus"):
        shutil.copy(SPEECH / name, tmp_path)
    return tmp_path


def test_all_faults_are_listed_in_one_message(folder: Path):
    soundfile.write(folder / "silent.wav", np.zeros(16_000), 16_000)
    (folder / "broken.opus").write_bytes(b"this is no audio")
    (folder / "set.toml").write_text(
        """
        seed = "one"
        colour = 3
        schema = 7
        [[sentence]]
        id = "a"
        text = "..."
        language = "en"
        [[sentence]]
        id = "b"
        txt = "Hello."
        language = "en"
        [[voice]]
        name = "v"
        reference = "absent.opus"
        text = "x"
        [[voice]]
        name = "v"
        reference = "00014.opus"
        text = "x"
        [[voice]]
        name = "v"
        reference = "00006.opus"
        text = "x"
        [[voice]]
        name = "w"
        reference = "silent.wav"
        text = "x"
        [[voice]]
        name = "y"
        reference = "broken.opus"
        text = 4
        [[voice]]
        name = "z"
        reference = "broken.opus"
        text = "x"
        """
    )
    with pytest.raises(MalformedError) as caught:
        read_evaluation_set(folder / "set.toml")
    message = str(caught.value)
    for fault in (
        "11 faults",
        "unknown key 'colour'",
        "'seed' is 'one', expected int",
        "schema is 7",
        "sentence 1: its text holds no word",
        "sentence 2: unknown key 'txt', did you mean 'text'?",
        "sentence 2: 'text' is missing",
        "voice 1: absent.opus is missing",
        "voice 4: silent.wav: the audio is silent",
        "voice 5: 'text' is 4, expected str",
        "voice 6: broken.opus cannot be read as audio",
        "the voice name 'v' is used 2 times",
    ):
        assert fault in message


@pytest.mark.parametrize("content", [b"no = = toml", b"\xff\xfe\x00"])
def test_a_manifest_that_is_no_toml_is_refused(tmp_path: Path, content: bytes):
    (tmp_path / "set.toml").write_bytes(content)
    with pytest.raises(MalformedError, match=r"set\.toml"):
        read_evaluation_set(tmp_path / "set.toml")


def test_a_missing_manifest_and_an_empty_one_are_refused(tmp_path: Path):
    with pytest.raises(MalformedError, match="nowhere"):
        read_evaluation_set(tmp_path / "nowhere.toml")
    (tmp_path / "set.toml").write_text("schema = 1\nseed = 1\n")
    with pytest.raises(MalformedError, match=r"there is no \[\[sentence\]\](.|\n)*there is no \[\[voice\]\]"):
        read_evaluation_set(tmp_path / "set.toml")


def test_rows_that_are_no_tables_are_faults_among_others(tmp_path: Path):
    rows = 'sentence = ["a", {id="b", text="Yes.", language="xx"}]'
    (tmp_path / "set.toml").write_text(f"schema = 1\nseed = 1\nvoice = 3\n{rows}\n")
    wanted = r"3 faults(.|\n)*'voice' is 3(.|\n)*sentence 1 is 'a'(.|\n)*sentence 2: .*language mode 'xx'"
    with pytest.raises(MalformedError, match=wanted):
        read_evaluation_set(tmp_path / "set.toml")
