"""produce with training: a pruned tiny model comes closer to its teacher, and the bundle's card says so."""

import json
import warnings

import pytest

from autocompress.bundle import Bundle
from autocompress.hardware.profiler.machine import allowed_cpus
from autocompress.pipeline.compose import produce
from autocompress.pipeline.delivery import DeliveryOptions
from autocompress.space import Candidate

CANDIDATE = Candidate(
    {"gpt.keep.1": False, "gpt.ffn.2": 96, "storage.gpt.ffn.2": "int8", "recipe.steps": 1000}
)


@pytest.fixture(scope="module")
def trained(teacher, tmp_path_factory):
    """A bundle of a few steps, and the folder of its run."""
    run = tmp_path_factory.mktemp("runs")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's own
        bundle = produce(
            CANDIDATE,
            run / "bundle",
            teacher=teacher,
            device="snapdragon-7-gen-3",
            speech=False,
            distil_steps=24,
        )
    return run, bundle


def test_training_brings_the_student_closer_and_the_summary_says_by_how_much(trained) -> None:
    run, _ = trained
    (summary,) = (json.loads(p.read_text()) for p in (run / "training").glob("*/summary.json"))
    (part,) = summary["parts"]
    assert part["part"] == "gpt"
    assert part["stages"] == ["distil", "prune", "qat"]
    assert part["trained_loss"] < part["untrained_loss"]
    assert part["kept"] == "trained"


def test_the_card_tells_of_the_training(trained) -> None:
    _, bundle = trained
    card = (bundle.folder / "card.md").read_text()
    assert "gpt: 24 steps (distil, prune, qat)" in card


def test_the_last_screen_tells_of_it_too(trained) -> None:
    from autocompress.cli.front_text import _training_lines

    _, bundle = trained
    (line,) = _training_lines(bundle.folder / "card.md")
    assert line.startswith(
        "trained gpt: 24 steps (distil, prune, qat), KL nats a token on held-out sentences"
    )


def test_losses_lie_where_the_report_draws_them_from(trained) -> None:
    from autocompress.reporting.curves import read_curves

    run, _ = trained
    assert {"soft", "hard", "hidden", "held_out"} <= {curve.name for curve in read_curves(run)}


def test_the_trained_bundle_speaks(trained) -> None:
    _, bundle = trained
    assert len(Bundle.load(bundle.folder).say("Hello there.", "ada", seed=1)) > 0


def test_two_trainings_in_one_run_are_refused(teacher, tmp_path) -> None:
    from autocompress.errors import RunError
    from autocompress.study.lock import run_lock

    with run_lock(tmp_path / "training"), pytest.raises(RunError, match="is in use by process"):
        produce(CANDIDATE, tmp_path / "bundle", teacher=teacher, device="snapdragon-7-gen-3", distil_steps=24)
    assert not (tmp_path / "bundle").exists()


def test_training_takes_every_processor_unless_others_train_beside_it():
    assert DeliveryOptions().training.threads == len(allowed_cpus())
    assert DeliveryOptions(training_threads=1).training.threads == 1
