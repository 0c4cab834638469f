"""A run as an Optuna study, and ``optuna-dashboard`` opening it."""

import json
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import optuna
import pytest

from autocompress.study import Budget
from autocompress.study.dashboard import write_optuna_study
from autocompress.study.run_store import saved_trials, store_url

OBJECTIVES = ["size_mb", "latency_s", "quality_loss"]
DASHBOARD = Path(sys.executable).parent / "optuna-dashboard"


@pytest.fixture
def ran(make_study):
    study = make_study()
    return study, study.run(Budget(trials=12))


def test_optuna_finds_the_same_front(ran) -> None:
    study, front = ran
    written = write_optuna_study(study.trials(), OBJECTIVES, study.url, "demo")
    opened = optuna.load_study(study_name="demo", storage=study.url)
    best = {t.user_attrs["trial"] for t in opened.best_trials}
    assert best == {t.number for t in front.trials if t.rung == max(x.rung for x in front.trials)}
    assert written.complete == len([t for t in opened.trials if t.values])


def test_written_twice_it_is_there_once(ran) -> None:
    study, _ = ran
    for _ in range(2):
        write_optuna_study(study.trials(), OBJECTIVES, study.url, "demo")
    assert optuna.get_all_study_names(study.url) == ["demo"]
    assert len(optuna.load_study(study_name="demo", storage=study.url).trials) == len(study.trials())


def test_the_run_itself_is_untouched(ran) -> None:
    study, front = ran
    before = saved_trials(study.folder)
    write_optuna_study(before, OBJECTIVES, store_url(study.folder), "demo")
    assert saved_trials(study.folder) == before
    assert study.run(Budget(trials=12)).to_dict()["trials"] == front.to_dict()["trials"]


def test_a_run_that_was_moved_finds_its_trials(ran, tmp_path) -> None:
    study, _ = ran
    study.store.close()
    trials = saved_trials(study.folder)
    shutil.move(study.folder, tmp_path / "elsewhere")
    assert saved_trials(tmp_path / "elsewhere") == trials != []


@pytest.mark.skipif(not DASHBOARD.exists(), reason="optuna-dashboard is not installed (extra dashboard)")
def test_optuna_dashboard_opens_on_the_storage_of_a_run(ran, tmp_path) -> None:
    study, _ = ran
    written = write_optuna_study(study.trials(), OBJECTIVES, study.url, "demo")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [str(DASHBOARD), *written.command.split()[1:], "--port", str(port), "--host", "127.0.0.1"]
    server = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        listed = _get(f"http://127.0.0.1:{port}/api/studies", server)
        (shown,) = listed["study_summaries"]
        assert shown["study_name"] == "demo"
        trials = _get(f"http://127.0.0.1:{port}/api/studies/{shown['study_id']}", server)["trials"]
        assert len(trials) == len(study.trials())
    finally:
        server.terminate()
        server.wait(30)


def _get(url: str, server: subprocess.Popen) -> dict:
    """The answer, once the server has started; a busy core takes half a minute for its imports."""
    deadline = time.monotonic() + 120
    while True:
        try:
            with urllib.request.urlopen(url, timeout=30) as answer:
                return json.load(answer)
        except OSError:
            if time.monotonic() > deadline or server.poll() is not None:
                raise
            time.sleep(0.5)
