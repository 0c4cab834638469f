"""The voice store: rows, memory, two processes at once, killed writers."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tiny_models import tiny_voice

from autocompress.bundle import VoiceStore
from autocompress.errors import BundleError


@pytest.fixture
def store(tmp_path):
    return VoiceStore.create(tmp_path / "voices.db")


def with_bert(voice):
    return replace(voice, prompt_bert=np.ones((1024, len(voice.prompt_phoneme_ids)), np.float32))


def test_a_voice_comes_back_as_it_was_without_its_spectrograms(store):
    voice = with_bert(replace(tiny_voice(), spectrograms=(np.ones((11, 5), np.float32),)))
    store.add(voice, np.arange(4, dtype=np.float32))
    found = VoiceStore(store._path).get("emma")
    assert found.identity == replace(voice, spectrograms=()).identity
    assert (found.name, found.transcript, found.origin) == (voice.name, voice.transcript, voice.origin)
    assert store.speaker_embedding("emma").tolist() == [0, 1, 2, 3]
    row = store.rows()[0]
    assert (row.language, row.source_sha256) == ("en", "ab" * 32)
    assert row.size_bytes > 1024 * 7 * 4


def test_a_name_is_given_once_unless_replacing(store):
    store.add(tiny_voice())
    with pytest.raises(BundleError, match="already"):
        store.add(tiny_voice(seed=1))
    assert store.get("emma").identity == tiny_voice().identity
    store.add(tiny_voice(seed=1), replacing=True)
    assert store.get("emma").identity == tiny_voice(seed=1).identity
    store.remove("emma")
    assert "emma" not in store
    with pytest.raises(BundleError, match="there are none yet"):
        store.get("emma")


def test_unknown_names_get_the_nearest(store):
    store.add(tiny_voice())
    for call in (store.get, store.remove, store.speaker_embedding):
        with pytest.raises(BundleError, match="nearest is 'emma'"):
            call("Emma")


def test_memory_is_bounded_and_the_voice_used_last_stays(tmp_path):
    path = tmp_path / "voices.db"
    VoiceStore.create(path)
    one = with_bert(tiny_voice())
    store = VoiceStore(path, memory_bytes=100_000)
    for number in range(8):
        store.add(one.renamed(f"v{number}"))
    for number in range(8):
        store.get(f"v{number}")
        assert 0 < store.kept_bytes <= 100_000
    assert store.get("v7") is store.get("v7")
    assert store.get("v0") is not None


def test_what_another_process_changes_is_seen(store):
    store.add(tiny_voice())
    store.get("emma")
    VoiceStore(store._path).add(tiny_voice(seed=1), replacing=True)
    assert store.get("emma").identity == tiny_voice(seed=1).identity


def test_a_thousand_voices_open_and_load_as_fast_as_one(tmp_path):
    """A row is found by its index: time to open and get must not grow with the number of voices."""
    small, large = (VoiceStore.create(tmp_path / name) for name in ("one.db", "many.db"))
    small.add(tiny_voice("v7"))
    large.add(tiny_voice("v7"))
    with sqlite3.connect(large._path) as db:  # as one transaction: 1 000 commits take half a minute
        columns = [row[1] for row in db.execute("PRAGMA table_info(voices)")][1:]
        rest = ", ".join(columns)
        for number in range(1000):
            db.execute(f"INSERT INTO voices SELECT ?, {rest} FROM voices WHERE name = 'v7'", (f"x{number}",))
    db.close()
    assert len(large) == 1001

    def seconds(path):
        started = time.process_time()
        VoiceStore(path).get("v7")
        return time.process_time() - started

    one = min(seconds(small._path) for _ in range(20))
    many = min(seconds(large._path) for _ in range(20))
    assert many < 3 * one + 0.002


WRITER = """
import sys
sys.path.insert(0, {tests!r})
from autocompress.bundle import VoiceStore
from autocompress.models.voice import Voice
store = VoiceStore({path!r})
voice = Voice.load({voice!r})
print("ready", flush=True)
for number in range({count}):
    store.add(voice.renamed(f"{prefix}{{number}}"))
"""


def writer(store, voice_path, prefix, count):
    code = WRITER.format(
        tests=str(Path(__file__).parent),
        path=str(store._path),
        voice=str(voice_path),
        prefix=prefix,
        count=count,
    )
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)


@pytest.fixture
def voice_path(tmp_path):
    path = tmp_path / "emma.npz"
    with_bert(tiny_voice()).save(path)
    return path


def test_two_processes_write_at_once_and_lose_nothing(store, voice_path):
    writers = [writer(store, voice_path, prefix, 15) for prefix in "ab"]
    for process in writers:
        assert process.wait(timeout=200) == 0
        process.stdout.close()
    assert sorted(store.names()) == sorted(f"{prefix}{n}" for prefix in "ab" for n in range(15))
    assert store.get("a3").identity == with_bert(tiny_voice()).identity


def test_a_killed_writer_leaves_the_store_whole(store, voice_path):
    store.add(tiny_voice())
    for round_number in range(3):
        process = writer(store, voice_path, f"k{round_number}-", 100_000)
        process.stdout.readline()
        time.sleep(0.05 * (round_number + 1))
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()
    with sqlite3.connect(store._path) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    db.close()
    for name in store.names()[-3:]:
        store.get(name)
    store.add(tiny_voice("after"))
    assert "after" in store


UNFINISHED = """
import os, signal, sqlite3

db = sqlite3.connect({path!r}, isolation_level=None)
for line in ("PRAGMA cache_size = 1", "PRAGMA cache_spill = 1", "BEGIN IMMEDIATE"):
    db.execute(line)
columns = ", ".join(row[1] for row in list(db.execute("PRAGMA table_info(voices)"))[1:])
for n in range(400):
    db.execute(f"INSERT INTO voices SELECT ?, {{columns}} FROM voices WHERE name = 'emma'", (str(n),))
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_write_that_was_not_finished_is_undone(store):
    """Killed between BEGIN and COMMIT with pages already written: the journal brings the old content back."""
    store.add(tiny_voice())
    code = UNFINISHED.format(path=str(store._path))
    before = store._path.stat().st_size
    done = subprocess.run([sys.executable, "-c", code], check=False, timeout=200)
    assert done.returncode == -signal.SIGKILL
    assert store._path.stat().st_size > before  # it had begun
    assert store.names() == ("emma",)
    assert store.get("emma").identity == tiny_voice().identity


def test_a_store_that_may_not_be_written_is_read(store):
    store.add(tiny_voice())
    store._path.chmod(0o444)
    store._path.parent.chmod(0o555)
    try:
        assert VoiceStore(store._path).get("emma").identity == tiny_voice().identity
    finally:
        store._path.parent.chmod(0o755)


def test_damaged_rows_newer_stores_and_other_files_are_refused(store, tmp_path):
    store.add(tiny_voice())
    with sqlite3.connect(store._path) as db:
        db.execute("UPDATE voices SET style = zeroblob(length(style))")
    db.close()
    with pytest.raises(BundleError, match="contents changed"):
        store.get("emma")
    with sqlite3.connect(store._path) as db:
        db.execute("PRAGMA user_version = 9")
    db.close()
    with pytest.raises(BundleError, match="schema 9"):
        store.names()
    (tmp_path / "text.db").write_text("no database" * 200)
    with pytest.raises(BundleError, match="damaged"):
        VoiceStore(tmp_path / "text.db").names()
    with pytest.raises(BundleError, match="cannot be opened"):
        VoiceStore(tmp_path / "nowhere.db").names()
    with pytest.raises(BundleError, match="there already"):
        VoiceStore.create(store._path)
