"""verify with ears: what is claimed of speech is heard again."""

import pytest

from autocompress.bundle import Claim, with_claims
from autocompress.errors import ClaimError
from autocompress.metrics.spoken import SpokenScore
from autocompress.objectives import Measurement
from autocompress.pipeline import bundle_check


@pytest.fixture
def claiming(delivered):
    """The delivered bundle claiming a similarity of 0.8; its own claims come back afterwards."""
    own = delivered.manifest.claims
    with_claims(delivered.folder, [Claim.of(Measurement("similarity", 0.8, 0.79, 0.81, "measured"))])
    yield delivered.folder
    with_claims(delivered.folder, own)


def heard(monkeypatch, said: SpokenScore) -> list[object]:
    """Every bundle is heard as ``said``; the calls."""
    calls: list[object] = []
    monkeypatch.setattr(bundle_check, "spoken_tasks", lambda _: ("one", "two"))
    monkeypatch.setattr(bundle_check, "hear_bundle", lambda bundle, tasks: calls.append(bundle) or said)
    return calls


def spoken(similarity: float) -> SpokenScore:
    measured = Measurement("similarity", similarity, similarity - 0.01, similarity + 0.01, "measured")
    return SpokenScore({"similarity": measured})  # type: ignore[dict-item]


@pytest.mark.parametrize(("similarity", "holds"), [(0.8, True), (0.5, False)])
def test_a_claim_of_speech_is_heard_again(claiming, monkeypatch, similarity, holds) -> None:
    heard(monkeypatch, spoken(similarity))
    monkeypatch.setattr(bundle_check, "as_measurement", lambda score: score)
    found = bundle_check.verify_bundle(claiming, rounds=1)
    assert [(c.key, c.holds) for c in found.checks] == [("similarity", holds)]


def test_a_bundle_that_no_longer_speaks_fails_its_claim(claiming, monkeypatch) -> None:
    heard(monkeypatch, SpokenScore(failure="8 of 8 sentences are no speech"))
    with pytest.raises(ClaimError, match="does not speak: 8 of 8"):
        bundle_check.verify_bundle(claiming, rounds=1)


def test_what_is_not_claimed_is_not_heard(delivered, monkeypatch) -> None:
    calls = heard(monkeypatch, spoken(0.8))
    bundle_check.verify_bundle(delivered.folder, rounds=1)
    assert calls == []


def test_without_a_known_voice_speech_is_not_judged(claiming) -> None:
    said: list[str] = []
    found = bundle_check.verify_bundle(claiming, rounds=1, stage=said.append)
    assert [c.holds for c in found.checks] == [None]
    assert "not judged" in said[0]
