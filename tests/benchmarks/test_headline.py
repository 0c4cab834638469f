"""The headline's table says what its numbers say: factors, limits, paired errors, dominance, the break."""

import argparse
import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from autocompress.models.training import reference
from autocompress.production.schedule import PartResult
from autocompress.production.settings import read_steps
from autocompress.space import Candidate
from benchmarks.delivered import judged, judged_similarity
from benchmarks.headline.__main__ import steps_by_row
from benchmarks.headline.hearing import BLOCK, FLOOR, heard, known_voices, tasks, units
from benchmarks.headline.judging import (
    LIMITS,
    ONE_SIDED_90,
    Row,
    dominance,
    dominating,
    first_break,
    headline,
    held,
    mean,
    paired,
    times_smaller,
)
from benchmarks.headline.making import Effort, Workshop
from benchmarks.headline.page import aim_text, dominance_lines, headline_text, page, training_text
from benchmarks.headline.systems import (
    TEACHER,
    Budget,
    Vocoder,
    pruned,
    systems,
    uniform_int8,
)
from benchmarks.headline.timing import medians
from benchmarks.provenance import write_json

ITEMS = [f"s{n:02}/{voice}" for n in range(12) for voice in ("a", "b")]
NOISE = np.random.default_rng(0).standard_normal(len(ITEMS))


def said(similarity=0.8, mos=3.0, cer=0.1, floor=-50.0, noise=0.0):
    """Readings around means; ``noise`` is shared by all systems unless it differs."""
    return {
        item: {"similarity": similarity + noise * n, "mos": mos, "cer": cer, FLOOR: floor}
        for item, n in zip(ITEMS, NOISE - NOISE.mean(), strict=True)
    }


def row(name, *, size=10.0, latency=1.0, ours=True, readings=None):
    own, teacher = readings or said(), said()
    judged_limits = tuple(held(own, teacher, limit) for limit in LIMITS)
    return Row(name, f"about {name}", ours, size, latency, 2.0 / latency, own, judged_limits)


FP32 = row(TEACHER, size=80.0, latency=2.0, ours=False)


def test_each_limit_holds_up_to_its_slack_and_no_further():
    for change, limit in zip(
        ({"similarity": 0.7801}, {"mos": 2.8501}, {"cer": 0.1099}, {"floor": -47.01}), LIMITS, strict=True
    ):
        assert held(said(**change), said(), limit).holds, limit.words
    for change, limit in zip(
        ({"similarity": 0.7799}, {"mos": 2.8499}, {"cer": 0.1101}, {"floor": -46.99}), LIMITS, strict=True
    ):
        assert not held(said(**change), said(), limit).holds, limit.words


def test_better_than_the_teacher_holds_every_limit():
    better = said(similarity=0.9, mos=4.0, cer=0.0, floor=-80.0)
    assert all(held(better, said(), limit).holds for limit in LIMITS)


def test_a_limit_is_sure_only_beyond_chance():
    limit = LIMITS[0]
    near = held(said(similarity=0.785, noise=0.1), said(), limit)
    assert near.holds and not near.sure
    assert held(said(similarity=0.9, noise=0.1), said(), limit).sure


def test_what_all_systems_share_does_not_widen_a_paired_error():
    own, other = said(0.79, noise=0.3), said(0.80, noise=0.3)
    difference = paired(own, other, "similarity")
    assert difference.value == pytest.approx(-0.01)
    assert difference.error == pytest.approx(0, abs=1e-12)
    assert mean({item: read["similarity"] for item, read in own.items()}).error > 0.03


def test_the_error_of_independent_sentences_is_the_usual_one():
    values = {f"s{n}/a": float(v) for n, v in enumerate(NOISE)}
    assert mean(values).error == pytest.approx(NOISE.std(ddof=1) / np.sqrt(len(NOISE)))


def test_voices_of_one_sentence_that_err_together_count_once():
    alone = {f"s{n}/a": float(v) for n, v in enumerate(NOISE)}
    twice = alone | {f"s{n}/b": float(v) for n, v in enumerate(NOISE)}
    assert mean(twice).error == pytest.approx(mean(alone).error)


def test_one_sentence_has_no_error_to_speak_of():
    assert mean({"s01/a": 1.0, "s01/b": 2.0}).error == float("inf")


def test_other_utterances_are_no_pair():
    with pytest.raises(ValueError, match="same utterances"):
        paired(said(), dict(list(said().items())[1:]), "mos")


def test_sizes_are_compared_with_the_teacher():
    assert times_smaller(row("x", size=8.0), FP32) == 10.0


def test_the_headline_is_the_smallest_and_the_fastest_of_ours_that_hold_everything():
    rows = [
        FP32,
        row("theirs", size=1.0, latency=0.1, ours=False),
        row("large", size=20.0),
        row("small", size=15.0),
        row("broken", size=5.0, latency=0.1, readings=said(cer=0.5)),
    ]
    best = headline(rows)
    assert best is not None and [one.name for one in best] == ["small", "small"]
    assert headline([FP32, rows[-1]]) is None
    assert "5.3 times smaller and 2.0 times faster" in headline_text(rows)
    assert "4.0 times smaller and 4.0 times faster" in headline_text(
        [*rows, row("fast", size=20.0, latency=0.5)]
    )
    assert "No row of ours" in headline_text([FP32, rows[-1]])


def test_an_aim_that_is_missed_says_by_how_much():
    assert "missed by a factor of 2.0" in aim_text("size", 5.0, 10.0)
    assert "reached" in aim_text("size", 10.0, 10.0)


def test_dominance_needs_size_and_speed_and_every_score():
    other = row("other", size=10.0, latency=1.0, ours=False)
    assert dominance(row("equal"), other).whole
    assert not dominance(row("larger", size=10.1), other).whole
    assert not dominance(row("slower", latency=1.1), other).whole
    for change in ({"similarity": 0.7}, {"mos": 2.0}, {"cer": 0.2}, {"floor": -40.0}):
        assert len(dominance(row("worse", readings=said(**change)), other).against) == 1, change


def test_worse_by_chance_alone_does_not_refuse_dominance_and_is_told():
    other = row("other", ours=False)
    noisy = row("noisy", readings=said(similarity=0.799, noise=0.1))
    difference = paired(noisy.readings, other.readings, "similarity")
    assert 0 < -difference.value < ONE_SIDED_90 * difference.error
    found = dominance(noisy, other)
    assert found.whole and len(found.within_errors) == 1


def test_the_row_that_dominates_is_named_or_the_nearest_with_its_reasons():
    theirs = row("theirs", size=12.0, latency=1.0, ours=False)
    fine, fast = row("fine", size=11.0), row("fast", size=13.0, latency=0.5)
    assert dominating([FP32, theirs, fine, fast], theirs)[0] is fine
    [line] = dominance_lines([FP32, theirs, fast])
    assert "not dominated" in line and "13.0 against 12.0 MB" in line
    [line] = dominance_lines([FP32, theirs, fine])
    assert "dominated by `fine`" in line


def test_the_break_is_the_first_of_ours_from_large_to_small():
    good, bad = row("good", size=20.0), row("bad", size=10.0, readings=said(mos=1.0))
    last, broken = first_break([FP32, bad, good])
    assert last is good and broken is bad
    assert first_break([FP32, good]) == (good, None)
    assert first_break([FP32, bad, row("tiny", size=5.0)])[0] is None


def test_the_page_has_a_line_for_every_row_and_marks_what_chance_could_decide():
    rows = [FP32, row("theirs", ours=False), row("mine", readings=said(similarity=0.785, noise=0.1))]
    more = {r.name: {"memory_mb": 100.0, "kl_nats": 0.1, "mel_distance_db": 1.0} for r in rows}
    facts = dict.fromkeys(("sentences", "voices", "rounds", "machine", "weights_sha256", "command"), "?")
    text = page(rows, more, facts)
    assert sum(line.startswith("| `") for line in text.splitlines()) == len(rows)
    assert "similarity yes?" in text


def test_tasks_are_balanced_wherever_they_are_cut():
    voices = known_voices({"af_heart", "am_michael", "bf_emma", "bm_george"}, 4)
    every = tasks(24, voices)
    assert len({str(task.item) for task in every}) == len(every) == 96
    first = every[:24]
    assert len({task.sentence.id for task in first}) == 24
    assert all(sum(task.voice.name == voice for task in first) == 6 for voice in voices)


def test_all_bundles_say_a_block_before_the_next_one():
    every = tasks(24, ("af_heart",))
    found = units({"a": Path("a"), "b": Path("b")}, every, Path("out"))
    assert [unit.bundle.name for unit in found] == ["a", "b"] * (24 // BLOCK)
    assert found[0].tasks == found[1].tasks != found[2].tasks
    assert len({unit.place for unit in found}) == len(found)


def test_only_what_every_row_has_said_is_compared(tmp_path):
    write_json(tmp_path / "a" / "1.json", {"s1/v": {"mos": 1.0}, "s2/v": {"mos": 2.0}})
    write_json(tmp_path / "b" / "1.json", {"s1/v": {"mos": 3.0}})
    assert {name: list(found) for name, found in heard(tmp_path, ["a", "b"]).items()} == {
        "a": ["s1/v"],
        "b": ["s1/v"],
    }


def test_the_latency_of_a_row_is_the_median_of_whole_rounds():
    rounds = [
        {TEACHER: [1.0, 1.0], "a": gpt_and_sovits} for gpt_and_sovits in ([1.0, 2.0], [2.0, 2.0], [9.0, 1.0])
    ]
    found = medians(rounds)["a"]
    assert found["latency_s"] == 4.0 and found["gpt_s"] == 2.0


def test_what_is_faster_is_compared_within_rounds():
    slowing = [{TEACHER: [pace, pace], "a": [pace, 0.0]} for pace in (1.0, 2.0, 5.0)]
    assert medians(slowing)["a"]["times_faster"] == 2.0
    uneven = [*slowing[:2], {TEACHER: [50.0, 50.0], "a": [1.0, 0.0]}]
    assert medians(uneven)["a"]["times_faster"] == 2.0


def test_rows_hold_a_trained_sibling_only_where_it_was_asked_for():
    names = [s.name for s in systems([Budget.parse("7:3"), Budget.parse("10:4")], ["10x"])]
    assert names[0] == TEACHER and "ours-10x-distilled" in names and "ours-7x-distilled" not in names
    assert Budget.parse("7:3") == Budget(7.0, 3.0)
    assert not [name for name in names if "light" in name]


def test_a_lighter_vocoder_comes_untrained_and_as_long_as_it_was_asked_for(tmp_path):
    light = Vocoder.parse("7x:light:all@96,3-7,3@16:30m")
    bare, trained = systems([], [], [light])[-2:]
    assert (bare.name, trained.name) == ("ours-7x-light", "ours-7x-light-distilled")
    assert (
        not bare.trained and trained.trained and "30m" in trained.about and "all@96, 3-7, 3@16" in bare.about
    )
    point = Candidate({"sovits.vocoder.kernels.0": "3", "sovits.vocoder.pre": 64, "storage.gpt.head": "fp16"})
    write_json(tmp_path / "search" / "ours-7x.json", {"chosen": {"candidate": point.to_dict()}})
    shop = Workshop(tmp_path, 2, (Budget(7.0, 1.0),), "ours-7x", Effort(), (light,))
    shop.__dict__["work"] = tmp_path
    assert shop.candidate(bare.name) == shop.candidate(trained.name)
    assert shop.candidate("ours-7x") == point
    assert shop.candidate(bare.name).values == {
        "sovits.vocoder.channels.0": 96,
        "sovits.vocoder.kernels.1": "3-7",
        "sovits.vocoder.kernels.2": "3",
        "sovits.vocoder.channels.2": 16,
        "sovits.vocoder.pre": 64,
        "storage.gpt.head": "fp16",
    }


def test_each_trained_row_is_trained_for_as_long_as_was_asked_for_it():
    given = argparse.Namespace(distil=["10x", "7x:120"], vocoders=["7x:light:all,3:30m"])
    assert steps_by_row(given) == {
        "ours-7x-distilled": 120,
        "ours-7x-light-distilled": read_steps("30m"),
    }
    assert steps_by_row(argparse.Namespace(distil=[], vocoders=[])) == {}


def test_pruning_keeps_the_whole_teacher_at_one_and_narrows_every_width_below():
    gpt, sovits = reference.gpt_config(), reference.sovits_config()
    whole, half = pruned(gpt, sovits, 1.0, "fp32").values, pruned(gpt, sovits, 0.5, "fp32").values
    assert whole["gpt.ffn.0"] == gpt.blocks[0].ffn
    assert whole["sovits.vocoder.channels.0"] == sovits.vocoder.stages[0].channels
    assert all(half[name] <= whole[name] for name in whole)
    assert half["gpt.ffn.0"] == gpt.blocks[0].ffn // 2
    assert "int8" not in whole.values() and "int8" in pruned(gpt, sovits, 0.5, "int8").values.values()


def test_uniform_int8_computes_in_integers_in_the_gpt_alone():
    values = uniform_int8(reference.gpt_config()).values
    assert all("gpt" in name for name in values if name.startswith("compute."))
    assert values["storage.sovits.vocoder"] == "int8"


def test_a_prediction_holds_within_its_share():
    assert judged("size_mb", 100.0, 100.9)["holds"] and not judged("size_mb", 100.0, 101.1)["holds"]
    assert judged("latency_s", 1.0, 0.91)["holds"] and not judged("latency_s", 1.0, 0.89)["holds"]


def test_a_similarity_within_its_limit_by_chance_is_not_sure():
    exact = judged_similarity(said(0.8), said(0.8))
    assert exact["holds"] and exact["sure"]
    noisy = judged_similarity(said(0.8), said(0.795, noise=0.2))
    assert noisy["holds"] and not noisy["sure"]
    assert not judged_similarity(said(0.8), said(0.82))["holds"]


def test_what_training_made_of_a_row_is_read_from_its_record_and_told(tmp_path):
    shop = Workshop(tmp_path, 2, (), "ours-7x", Effort())
    shop.__dict__["work"] = tmp_path
    assert shop.training("ours-7x-distilled") is None and training_text({}) == ""
    part = PartResult(None, "gpt", "KL nats a token", 120, ("qat",), 0.0368, 0.0161)
    record = {"note": "", "parts": [part.to_dict()]}
    write_json(tmp_path / "rows" / "ours-7x-distilled" / "training" / "key" / "summary.json", record)
    assert shop.training("ours-7x-distilled") == record
    assert training_text(record) == " (gpt 120 steps, 0.037 to 0.016 KL nats a token)"


def test_a_row_is_a_value():
    assert replace(FP32, size_mb=1.0) != FP32


def test_a_workshop_travels_as_its_settings(tmp_path):
    shop = Workshop(tmp_path, 2, (Budget(7, 3),), "ours-7x", Effort(search_s=1.0))
    shop.__dict__["teacher"] = object()  # a loaded model stays where it is
    other = pickle.loads(pickle.dumps(shop))
    assert (other.root, other.budgets, other.effort) == (shop.root, shop.budgets, shop.effort)
    assert "teacher" not in other.__dict__
