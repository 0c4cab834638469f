"""voices.toml and files of prompt tokens."""

from pathlib import Path

import numpy as np
import pytest

from autocompress.errors import MalformedError
from autocompress.models.voice_sources import VoiceSource, check_tokens, read_tokens, read_voices

GOOD = """
[emma]
recording = "emma.wav"
transcript = "Hello there."
language = "en"

["小明"]
recording = "sub/ming.flac"
transcript = "你好。"
language = "zh"
references = ["emma.wav"]
tokens = "ming.txt"
"""


def write(folder: Path, text: str) -> Path:
    (folder / "sub").mkdir(exist_ok=True)
    for name in ("emma.wav", "sub/ming.flac", "ming.txt"):
        (folder / name).touch()
    (folder / "voices.toml").write_text(text, encoding="utf-8")
    return folder / "voices.toml"


def test_paths_are_relative_to_the_files_own_folder(tmp_path: Path) -> None:
    emma, ming = read_voices(write(tmp_path, GOOD))
    assert emma == VoiceSource("emma", tmp_path / "emma.wav", "Hello there.", "en")
    assert ming.recordings == (tmp_path / "sub/ming.flac", tmp_path / "emma.wav")
    assert (ming.name, ming.tokens) == ("小明", tmp_path / "ming.txt")


def test_every_fault_is_named_in_one_error(tmp_path: Path) -> None:
    text = """
    loose = 1
    [a]
    recordng = "emma.wav"
    transcript = " "
    [b]
    recording = "absent.wav"
    transcript = "Hi."
    language = "klingon"
    tokens = 7
    references = ["emma.wav", "gone.wav"]
    """
    with pytest.raises(MalformedError) as caught:
        read_voices(write(tmp_path, text))
    for part in (
        "8 faults",
        "loose: a voice is a table",
        "[a] unknown key 'recordng'; did you mean 'recording'?",
        "[a] recording is missing",
        "[a] transcript must be a text",
        f"[b] recording names no file: {tmp_path / 'absent.wav'}",
        "[b] language must be one of auto",
        "[b] tokens must be a text, found 7",
        f"[b] references names no file: {tmp_path / 'gone.wav'}",
    ):
        assert part in str(caught.value)


@pytest.mark.parametrize(("text", "message"), [("", "no voices"), ("[a", "TOML"), ("[a]\n[a]", "TOML")])
def test_an_empty_or_broken_file_says_so(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(MalformedError, match=message):
        read_voices(write(tmp_path, text))
    with pytest.raises(MalformedError, match="no such file"):
        read_voices(tmp_path / "absent.toml")


def test_tokens_are_read_from_text_and_from_arrays(tmp_path: Path) -> None:
    (tmp_path / "t.txt").write_text("1 2,3\n1023\n")
    np.save(tmp_path / "t.npy", np.array([[[1, 2, 3, 1023]]], dtype=np.int32))
    for name in ("t.txt", "t.npy"):
        tokens = read_tokens(tmp_path / name)
        assert tokens.dtype == np.int64
        assert tokens.tolist() == [1, 2, 3, 1023]


@pytest.mark.parametrize("content", ["", "1 two 3", "1 2.5", "-1 2"])
def test_what_is_no_list_of_tokens_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "t.txt").write_text(content)
    with pytest.raises(MalformedError, match="whole numbers"):
        read_tokens(tmp_path / "t.txt")


def test_an_array_that_needs_unpickling_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "t.npy", np.array([{"a": 1}], dtype=object))
    with pytest.raises(MalformedError, match="semantic tokens"):
        read_tokens(tmp_path / "t.npy")
    with pytest.raises(MalformedError, match="whole numbers from 0"):
        check_tokens([0.5, 1.0], "here")
