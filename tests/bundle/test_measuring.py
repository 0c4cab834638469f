"""Measuring a bundle and checking its claims."""

import json
import subprocess
import sys
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from autocompress.bundle import with_claims
from autocompress.bundle.measuring import interval, measure_bundle
from autocompress.bundle.verification import verify
from autocompress.cli import app
from autocompress.errors import ClaimError
from autocompress.objectives import Measurement


@pytest.fixture(scope="module")
def measured(whole_folder):
    return measure_bundle(whole_folder, threads=1, rounds=3)


def test_every_component_is_measured_and_they_make_up_the_latency(measured):
    for times in measured.times:
        parts = times.text_s + times.prefill_s + times.steps_s + times.vocoder_s
        assert times.latency_s == pytest.approx(parts)
        assert times.first_audio_s > 0
    assert measured.by_key["rtf"].value == pytest.approx(measured.by_key["latency_s"].value / 4)
    assert set(measured.components) == {"text_s", "prefill_s", "steps_s", "vocoder_s"}
    assert measured.memory.peak_bytes > measured.memory.libraries_bytes > 1_000_000


def test_size_is_every_file_but_the_voice_store(measured, whole_folder):
    files = [path for path in whole_folder.iterdir() if path.name != "voices.db"]
    total = sum(path.stat().st_size for path in files)
    assert measured.by_key["size_mb"] == Measurement.exact("size_mb", total / 1e6)
    assert dict(measured.size.apart) == {"voices.db": (whole_folder / "voices.db").stat().st_size}


def test_the_interval_of_a_median_is_made_of_order_statistics():
    seven = interval("latency_s", [7, 1, 6, 2, 5, 3, 4])
    assert (seven.low, seven.value, seven.high) == (1, 4, 7)  # x(2)..x(6) would cover it at 87.5 %
    many = interval("latency_s", list(range(1, 22)))
    assert (many.low, many.value, many.high) == (7, 11, 15)  # 92.2 %; 8..14 covers it at 81 %
    one = interval("latency_s", [3.0])
    assert (one.low, one.high) == (3.0, 3.0)


def test_claims_just_measured_hold_and_doctored_ones_fail_one_by_one(folder, measured):
    generous = [
        replace(claim, high=claim.high * 20) if claim.key not in ("size_mb",) else claim
        for claim in measured.claims("autocompress verify")
    ]
    with_claims(folder, generous)
    good = verify(folder, rounds=1)
    assert good.ok, good.as_text()
    good.raise_for_claims()
    doctored = [
        replace(claim, value=claim.value / 100, low=claim.low / 100, high=claim.high / 2000)
        if claim.key in ("latency_s", "size_mb")
        else claim
        for claim in generous
    ]
    doctored = [
        replace(claim, low=min(claim.low, claim.value), high=max(claim.high, claim.value))
        for claim in doctored
    ]
    with_claims(folder, doctored)
    bad = verify(folder, rounds=1)
    assert {check.key for check in bad.checks if check.holds is False} == {"latency_s", "size_mb"}
    with pytest.raises(ClaimError, match="latency_s"):
        bad.raise_for_claims()


def test_quality_is_judged_by_what_a_higher_layer_gives_and_other_machines_are_left_out(folder, measured):
    claims = [
        replace(measured.claims()[1], machine="Snapdragon 7 Gen 3", source="estimated"),
        *(
            replace(measured.claims()[0], key=key, value=value, low=value, high=value, source="measured")
            for key, value in (("similarity", 0.9), ("mos", 4.0), ("cer", 0.05))
        ),
    ]
    with_claims(folder, claims)
    judges = {
        "similarity": lambda bundle: Measurement("similarity", 0.895, 0.89, 0.9, "measured"),
        "mos": lambda bundle: Measurement("mos", 3.5, 3.4, 3.6, "measured"),
    }
    found = verify(folder, threads=1, rounds=1, judges=judges)
    assert [check.holds for check in found.checks] == [None, True, False, None]
    assert "Snapdragon" in found.as_text()


def test_the_commands_list_add_say_remove_and_verify(folder, tmp_path, measured):
    from tiny_models import tiny_voice

    run = CliRunner().invoke
    tiny_voice().save(tmp_path / "saved.npz")
    added = run(app, ["voices", "add", str(folder), str(tmp_path / "saved.npz"), "--name", "ann", "--json"])
    assert json.loads(added.stdout) == {"added": "ann"}
    listed = json.loads(run(app, ["voices", "list", str(folder), "--json"]).stdout)
    assert [row["name"] for row in listed] == ["ann", "emma"]
    wav = tmp_path / "out.wav"
    said = run(app, ["say", str(folder), "Hello there.", "--voice", "ann", "-o", str(wav), "--json"])
    assert json.loads(said.stdout)["audio_s"] > 0
    assert wav.read_bytes()[:4] == b"RIFF"
    assert "ann" in run(app, ["voices", "remove", str(folder), "ann"]).stdout
    assert "ann" not in run(app, ["voices", "list", str(folder)]).stdout
    with_claims(folder, [replace(measured.claims()[0], value=1e-3, low=1e-3, high=1e-3)])
    failed = run(app, ["verify", str(folder), "--rounds", "1", "--json", "-q"])
    assert failed.exit_code == 1
    assert json.loads(failed.stdout)["checks"][0]["holds"] is False


def test_a_damaged_bundle_ends_the_command_with_code_2(folder):
    (folder / "sovits.onnx").write_bytes(b"")
    code = "from autocompress.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "say", str(folder), "Hi.", "--voice", "emma"],
        capture_output=True, text=True, check=False, timeout=200,
    )  # fmt: skip
    assert done.returncode == 2
    assert "sovits.onnx has 0 bytes" in done.stderr
