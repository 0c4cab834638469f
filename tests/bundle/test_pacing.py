"""Tiers against the deadline: by arithmetic, and with a machine that is loaded for real."""

import multiprocessing
import time

import pytest

from autocompress.bundle import Bundle, GraphSettings
from autocompress.bundle.pacing import Pace, allowed_s


def test_a_deadline_counts_for_four_seconds_and_in_proportion_beyond():
    assert allowed_s(1.0, 2.0) == 1.0
    assert allowed_s(1.0, 4.0) == 1.0
    assert allowed_s(1.0, 8.0) == 2.0


def sentence(pace, speeds, spent_s=0.2, deadline_s=1.0):
    """Decide for 4 s of speech and record what the chosen tier takes; the tier."""
    tier = pace.decide(deadline_s, spent_s, 4.0).tier
    pace.record(speeds[tier] * 4.0, 4.0)
    return tier


def test_it_steps_down_under_load_and_up_when_the_load_goes():
    pace, calm, loaded = Pace(2), (0.1, 0.02), (0.6, 0.12)
    assert [sentence(pace, calm) for _ in range(3)] == [0, 0, 0]
    assert [sentence(pace, loaded) for _ in range(5)] == [0, 1, 1, 1, 1]  # the first shows the load
    assert [sentence(pace, calm) for _ in range(6)][-1] == 0


def test_it_stays_on_the_best_tier_without_a_deadline_and_on_the_lowest_when_nothing_keeps_it():
    pace = Pace(3)
    hopeless = (2.0, 1.5, 1.0)
    assert [sentence(pace, hopeless) for _ in range(4)] == [0, 1, 2, 2]
    assert sentence(pace, hopeless, deadline_s=None) == 0


def test_a_bundle_with_one_tier_never_switches():
    pace = Pace(1)
    assert {sentence(pace, (9.0,)) for _ in range(4)} == {0}


def test_the_reason_names_the_times():
    pace = Pace(2)
    pace.record(4.0, 4.0)
    assert pace.decide(1.0, 0.5, 4.0).reason == "4.50 s would miss the 1.00 s allowed for 4.0 s of speech"


def _spin(stop):
    while not stop.is_set():
        sum(range(10_000))


@pytest.fixture
def loaded_machine():
    """Keeps every core busy several times over while the value is set."""
    context = multiprocessing.get_context("spawn")
    stop, processes = context.Event(), []

    def load():
        count = 6 * multiprocessing.cpu_count()
        processes.extend(context.Process(target=_spin, args=(stop,), daemon=True) for _ in range(count))
        for process in processes:
            process.start()

    def relieve():
        stop.set()
        for process in processes:
            process.join()

    yield load, relieve
    relieve()


def test_a_loaded_machine_makes_the_runtime_step_down_and_relief_lets_it_up_again(
    whole_folder, loaded_machine
):
    load, relieve = loaded_machine
    switches = []
    bundle = Bundle.load(whole_folder, GraphSettings(threads=1, on_switch=switches.append))

    def sentence_s():
        started = time.perf_counter()
        bundle.say("One two three four.", "emma", deadline_s=deadline_s)
        return time.perf_counter() - started

    def plain_s():
        """What a runtime without deadlines takes now: the median of nine."""
        plain, took = Bundle.load(whole_folder, GraphSettings(threads=1)), []
        for _ in range(9):
            started = time.perf_counter()
            plain.say("One two three four.", "emma")
            took.append(time.perf_counter() - started)
        return sorted(took)[4]

    def until(tier):
        end = time.monotonic() + 60
        while bundle.tier != tier and time.monotonic() < end:
            sentence_s()
        assert bundle.tier == tier

    deadline_s = 1e6
    calm_s = sorted(sentence_s() for _ in range(9))[4]
    deadline_s = 2.0 * calm_s
    until("full")
    load()
    until("light")
    relieve()
    if plain_s() > 2.0 * calm_s:
        pytest.skip("other work holds this machine now: there is no relief to step up in")
    deadline_s = 4.0 * calm_s  # a machine that was busy for a while may stay slower than before
    until("full")
    assert ("full", "light") in [(switch.before, switch.after) for switch in switches]
    assert all(switch.kind == "tier" and "allowed" in switch.reason for switch in switches)
