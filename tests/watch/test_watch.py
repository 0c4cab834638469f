"""Rounds over a user's own profile folder, with a study over the synthetic evaluator as the search."""

import json
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from autocompress.errors import ProfileError, RequestError
from autocompress.hardware.library import PROFILES_VARIABLE, load_profile
from autocompress.objectives import DEFAULT_OBJECTIVES, Constraint
from autocompress.resources import data_folder
from autocompress.space import load_space
from autocompress.study import Budget, Evaluation, Fingerprint, Front, Settings, Study, Task
from autocompress.study.testing import REFERENCE_DIMENSIONS, SyntheticEvaluator
from autocompress.watch import Ask, read_requests, watch_once
from autocompress.watch.schedule import cron_trigger, next_time

REQUESTS = """
[[request]]
name = "phone"
line = "<45MB on Test Phone"
gpt = "s1.ckpt"
sovits = "s2.pth"

[[request]]
name = "tablet"
line = "<60MB on Test Tablet"
gpt = "s1.ckpt"
sovits = "s2.pth"
"""


@dataclass
class Counting:
    """The synthetic evaluator on a device whose speed is its profile's; counts what is not free."""

    slow: float
    measured: list[str] = field(default_factory=list)

    def __call__(self, candidate, rung, seed) -> Evaluation:
        if rung != "free":
            self.measured.append(candidate.id)
        return SyntheticEvaluator(slow=self.slow)(candidate, rung, seed)


@dataclass
class Bench:
    """Folders of a user who watches two requests."""

    home: Path
    said: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    measured: list[str] = field(default_factory=list)
    limit_mb: float = 45.0

    @property
    def profiles(self) -> Path:
        return self.home / "profiles"

    @property
    def results(self) -> Path:
        return self.home / "results"

    def round(self, search: Callable[[Ask], Front] | None = None):
        return watch_once(self.home / "requests.toml", self.results, search or self.search, self.said.append)

    def search(self, ask: Ask) -> Front:
        """A real study in the asked folder; the device's speed is its profile's first clock."""
        self.asked.append(ask.watched.name)
        text = (self.profiles / f"{ask.request.device}.toml").read_text()
        counting = Counting(slow=len(re.findall(r"# slower", text)) + 1.0, measured=self.measured)
        study = Study(
            space=load_space("quick", REFERENCE_DIMENSIONS),
            task=Task(DEFAULT_OBJECTIVES, (Constraint("size_mb", "max", self.limit_mb),)),
            evaluate=counting,
            fingerprint=Fingerprint("synthetic", device=str(counting.slow)),
            folder=ask.folder,
            settings=Settings(sampler="random"),
            storage=ask.storage,
        )
        return study.run(Budget(trials=6))

    def add_profile(self, device: str, name: str) -> None:
        source = (data_folder("hardware_profiles") / "snapdragon-7-gen-3.toml").read_text()
        text = re.sub(r'^id = ".*"', f'id = "{device}"', source, flags=re.MULTILINE)
        text = re.sub(r'^(names = \{ *en = )"[^"]*"', rf'\1"{name}"', text, flags=re.MULTILINE)
        text = re.sub(r'^(en = )"[^"]*"', rf'\1"{name}"', text, flags=re.MULTILINE)
        text = re.sub(r"^(aliases|products) = \[[^\]]*\]", r"\1 = []", text, flags=re.MULTILINE)
        self.profiles.mkdir(exist_ok=True)
        (self.profiles / f"{device}.toml").write_text(text)


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    made = Bench(tmp_path)
    monkeypatch.setenv(PROFILES_VARIABLE, str(made.profiles))
    made.add_profile("test-phone", "Test Phone")
    made.add_profile("test-tablet", "Test Tablet")
    (tmp_path / "requests.toml").write_text(REQUESTS)
    for name in ("s1.ckpt", "s2.pth"):
        (tmp_path / name).write_bytes(b"one")
    return made


def slower(bench: Bench) -> None:
    path = bench.profiles / "test-phone.toml"
    path.write_text(path.read_text() + "\n# slower\n")


def test_first_round_searches_everything_and_the_second_nothing(bench: Bench) -> None:
    first = bench.round()
    assert [(o.name, o.why) for o in first.outcomes] == [("phone", "new"), ("tablet", "new")]
    assert (bench.results / "phone" / "front.json").is_file()
    assert (bench.results / "phone" / "front.csv").read_text().startswith("number,candidate")
    second = bench.round()
    assert second.outcomes == ()
    assert second.unchanged == ("phone", "tablet")
    assert bench.asked == ["phone", "tablet"]


def test_a_changed_profile_is_searched_again_from_the_store(bench: Bench) -> None:
    bench.round()
    bench.measured.clear()
    slower(bench)
    done = bench.round()
    assert [(o.name, o.why) for o in done.outcomes] == [("phone", "changed: device")]
    assert done.new_devices == ("test-phone",)
    comparison = done.outcomes[0].comparison
    assert comparison is not None
    assert (comparison.met_before, comparison.met_now) == (True, True)
    smallest = [m for m in comparison.moves if (m.pick, m.key) == ("smallest", "latency_s")]
    assert smallest[0].now > smallest[0].before
    assert len(bench.measured) <= 6  # what the first search measured is in the store
    before = {
        t["candidate"]["id"] for t in json.loads((bench.results / "tablet/front.json").read_text())["trials"]
    }
    assert not before & set(bench.measured)


def test_a_changed_line_and_a_changed_model_are_searched_again(bench: Bench) -> None:
    own = '[[request]]\nname = "own"\nline = "<45MB on Test Phone"\ngpt = "s1.ckpt"\nsovits = "s2.pth"\n'
    (bench.home / "requests.toml").write_text(own)
    assert [o.why for o in bench.round().outcomes] == ["new"]
    (bench.home / "s2.pth").write_bytes(b"two")
    assert [o.why for o in bench.round().outcomes] == ["changed: model"]
    (bench.home / "requests.toml").write_text(own.replace("45", "50"))
    assert [o.why for o in bench.round().outcomes] == ["changed: line"]


def test_a_broken_profile_is_reported_and_skipped(bench: Bench) -> None:
    (bench.profiles / "broken.toml").write_text('id = "broken"\nnonsense = 1\n')
    done = bench.round()
    assert [o.name for o in done.outcomes] == ["phone", "tablet"]
    assert not any(o.error for o in done.outcomes)
    assert list(done.broken) == [str(bench.profiles / "broken.toml")]
    assert "skipped a broken profile" in bench.said[0]


def test_a_broken_profile_does_not_stop_a_search_on_another_device(bench: Bench) -> None:
    (bench.profiles / "broken.toml").write_text("id = 3\n")
    assert load_profile("test-phone").id == "test-phone"
    with pytest.raises(ProfileError, match="broken"):
        load_profile("no-such-device")


def test_a_request_on_a_broken_profile_fails_alone(bench: Bench) -> None:
    (bench.profiles / "test-phone.toml").write_text("id = 3\n")
    phone, tablet = bench.round().outcomes
    assert "Test Phone" in phone.error
    assert tablet.error == ""
    assert tablet.comparison is not None


def test_a_request_that_can_no_longer_be_met_is_named(bench: Bench) -> None:
    bench.round()
    bench.limit_mb = 1.0
    slower(bench)
    done = bench.round()
    comparison = done.outcomes[0].comparison
    assert comparison is not None
    assert comparison.lost
    assert done.exit_code == 1
    assert "can no longer be met" in bench.said[-1]
    assert json.loads((bench.results / "phone/comparison.json").read_text())["lost"] is True


def test_a_bundle_whose_point_left_the_front_should_be_replaced(bench: Bench) -> None:
    bench.round()
    bundle = bench.results / "phone" / "bundle"
    bundle.mkdir()
    (bundle / "manifest.json").write_text(json.dumps({"candidate": {"id": "0" * 16}}))
    slower(bench)
    fronts = []

    def search(ask: Ask) -> Front:
        fronts.append(bench.search(ask))
        return fronts[-1]

    comparison = bench.round(search).outcomes[0].comparison
    assert comparison is not None
    assert "should be replaced" in comparison.replace
    best = json.loads((bench.results / "phone/front.json").read_text())
    number = best["picks"]["best"]
    best_id = next(t["candidate"]["id"] for t in best["trials"] if t["number"] == number)
    (bundle / "manifest.json").write_text(json.dumps({"candidate": {"id": best_id}}))
    path = bench.profiles / "test-phone.toml"
    path.write_text(path.read_text() + "# a word more\n")
    comparison = bench.round(lambda ask: fronts[-1]).outcomes[0].comparison  # the best is what it was
    assert comparison is not None
    assert comparison.replace == ""


def test_a_killed_round_goes_on_where_it_was(bench: Bench) -> None:
    def killed(ask: Ask) -> Front:
        if ask.watched.name == "tablet":
            raise KeyboardInterrupt
        return bench.search(ask)

    with pytest.raises(KeyboardInterrupt):
        bench.round(killed)
    assert [o.name for o in bench.round().outcomes] == ["tablet"]


def test_a_damaged_state_means_a_first_round(bench: Bench) -> None:
    bench.round()
    (bench.results / "watch-state.json").write_text("{")
    assert len(bench.round().outcomes) == 2


def test_all_faults_of_the_requests_file_are_told_with_their_lines(tmp_path: Path) -> None:
    path = tmp_path / "requests.toml"
    path.write_text(
        '[[request]]\nname = "../up"\nline = "x"\n\n[[request]]\nname = "b"\nlime = "y"\n'
        '[[request]]\nname = "b"\nline = "z"\nmodel = "reference"\ngpt = "a"\n'
    )
    with pytest.raises(RequestError) as caught:
        read_requests(path)
    assert "lime" in str(caught.value)
    path.write_text(path.read_text().replace("lime", "line"))
    with pytest.raises(RequestError) as caught:
        read_requests(path)
    for words in ("line 2: name must be usable as a folder", "'b' stands there twice", "needs either model"):
        assert words in str(caught.value)


def test_shipped_profiles_are_watched_as_well(bench: Bench) -> None:
    shutil.rmtree(bench.profiles)
    (bench.home / "requests.toml").write_text("request = []\n")
    bench.round()
    state = json.loads((bench.results / "watch-state.json").read_text())
    assert "snapdragon-7-gen-3" in state["devices"]


def test_cron_fires_at_its_times_and_refuses_what_is_none() -> None:
    pytest.importorskip("apscheduler")
    found = next_time("0 3 * * *", datetime(2026, 1, 1, 12, tzinfo=UTC))
    assert found is not None
    assert (found.hour, found.minute) == (3, 0)
    with pytest.raises(RequestError, match="no crontab expression"):
        cron_trigger("every night")
