"""Reading corpora: manifests, .list files, folders of pairs; all faults in one message."""

import json
from pathlib import Path

import pytest

from autocompress.errors import MalformedError
from autocompress.models.training.corpus import Clip, read_corpus


def recording(folder: Path, name: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"RIFF")
    return path


def test_a_list_file_gives_clips_in_its_order(tmp_path: Path) -> None:
    first, second = recording(tmp_path, "a.wav"), recording(tmp_path, "b.wav")
    corpus = tmp_path / "voice.list"
    corpus.write_text(f"{first}|emma|EN|Hello | there.\nb.wav|emma|zh|你好。\n", encoding="utf-8")
    assert read_corpus(corpus) == (
        Clip(first, "emma", "Hello | there.", "en"),
        Clip(second, "emma", "你好。", "zh"),
    )


def test_a_list_file_finds_recordings_that_moved_with_it(tmp_path: Path) -> None:
    moved = recording(tmp_path, "a.wav")
    corpus = tmp_path / "voice.list"
    corpus.write_text("/gone/away/a.wav|emma|en|Hello.\n")
    assert read_corpus(corpus)[0].path == moved


def test_every_fault_of_a_list_file_is_named_at_once(tmp_path: Path) -> None:
    corpus = tmp_path / "voice.list"
    corpus.write_text("missing.wav|emma|en|Hello.\nonly two|parts\nx.wav|emma|xx|Hi.\n")
    with pytest.raises(MalformedError) as caught:
        read_corpus(corpus)
    for place in ("line 1", "line 2", "line 3", "unknown language 'xx'"):
        assert place in str(caught.value)


def test_a_manifest_gives_speakers_and_texts(tmp_path: Path) -> None:
    recording(tmp_path, "0.opus")
    row = {"file": "0.opus", "speaker": "emma", "text": "Hello."}
    (tmp_path / "manifest.jsonl").write_text(json.dumps(row) + "\n")
    assert read_corpus(tmp_path) == (Clip(tmp_path / "0.opus", "emma", "Hello."),)


def test_a_folder_of_pairs_takes_speakers_from_sub_folders(tmp_path: Path) -> None:
    path = recording(tmp_path, "emma/one.flac")
    path.with_suffix(".txt").write_text("Hello.\n")
    assert read_corpus(tmp_path) == (Clip(path, "emma", "Hello."),)


def test_a_recording_without_words_is_a_fault(tmp_path: Path) -> None:
    recording(tmp_path, "one.wav")
    with pytest.raises(MalformedError, match="no transcript"):
        read_corpus(tmp_path)


def test_an_empty_folder_says_what_to_put_there(tmp_path: Path) -> None:
    with pytest.raises(MalformedError, match=r"\.list file"):
        read_corpus(tmp_path)
