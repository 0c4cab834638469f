"""Ctrl-C while searching: what was found stays usable, and the same call goes on."""

import json

import pytest

from autocompress.pipeline.compose import plan, search
from autocompress.planner import SearchSettings

LINE = "<2MB, <1s on Snapdragon 7 Gen3"


def planned(teacher):
    settings = SearchSettings(trials=6, sampler="random", speech=False, seed=3)
    return plan(LINE, teacher, space="quick", settings=settings)


def test_an_interrupted_search_leaves_a_front_and_goes_on(teacher, tmp_path) -> None:
    def stop(progress):
        if progress.evaluations == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        search(planned(teacher), tmp_path / "run", watch=stop)
    saved = json.loads((tmp_path / "run" / "front.json").read_text())
    assert saved["provenance"]["interrupted"] is True
    assert 1 <= len(saved["trials"]) <= 3
    resumed = search(planned(teacher), tmp_path / "run").front()
    whole = search(planned(teacher), tmp_path / "whole").front()
    assert [t.candidate.id for t in resumed.trials] == [t.candidate.id for t in whole.trials]
    assert resumed.hypervolume == pytest.approx(whole.hypervolume)
