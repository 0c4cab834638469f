"""Manifests: what is kept, and what is refused with its reason."""

import json
import shutil
from dataclasses import asdict

import pytest

from autocompress.bundle import Bundle, Claim, Manifest, with_claims
from autocompress.bundle.integrity import entry_of, read_manifest
from autocompress.bundle.manifest import SCHEMA, path_fault
from autocompress.errors import BundleError
from autocompress.objectives import Measurement

CLAIM = Claim.of(Measurement("latency_s", 1.0, 0.9, 1.2, "measured"), machine="x", threads=2, seed=5)


def edited(folder, change):
    """The folder's manifest with ``change`` applied to its document."""
    path = folder / "manifest.json"
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document))
    return folder


def test_a_manifest_survives_writing_and_reading(whole_folder):
    manifest = read_manifest(whole_folder)
    assert Manifest.from_json(manifest.to_json()) == manifest
    assert manifest.teacher == {"name": "tiny"}
    assert [tier.name for tier in manifest.tiers] == ["full", "light"]


def test_claims_keep_their_provenance(folder):
    with_claims(folder, [CLAIM])
    claim = Bundle.load(folder).manifest.claims[0]
    assert claim == CLAIM
    assert claim.measurement == Measurement("latency_s", 1.0, 0.9, 1.2, "measured")


def test_all_faults_of_a_manifest_come_together_with_the_nearest_names(folder):
    def change(document):
        document["provider"] = []
        document["audio"]["hopp"] = document["audio"].pop("hop")
        document["text"]["bert"] = "yes"

    with pytest.raises(BundleError) as caught:
        Bundle.load(edited(folder, change))
    message = str(caught.value)
    for part in ("'providers'", "missing key 'audio.hop'", "'audio.hopp'", "text.bert must be true or false"):
        assert part in message


def test_well_formed_nonsense_is_refused_all_at_once(folder):
    def change(document):
        document["providers"] = ["CPU", "XNPACK"]
        document["tiers"][0]["sovits"] = "card.md"
        document["audio"]["hop"] = 0
        document["text"]["version"] = "v7"
        document["speech"]["top_p"] = 0
        document["claims"] = [CLAIM.measurement.to_dict() | {"low": 5.0}]

    with pytest.raises(BundleError) as caught:
        Bundle.load(edited(folder, change))
    for part in ("'XNNPACK'", "no sovits file", "audio.hop", "'v7'", "top_p", "low <= value"):
        assert part in str(caught.value)


def test_a_newer_schema_is_refused_before_anything_else(folder):
    def change(document):
        document["schema"] = SCHEMA + 1
        document["unheard_of"] = {}

    with pytest.raises(
        BundleError, match=rf"schema {SCHEMA + 1}; the newest known here is {SCHEMA}"
    ) as caught:
        Bundle.load(edited(folder, change))
    assert "unheard_of" not in str(caught.value)


@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd",
        "../outside",
        "a/../../b",
        "a//b",
        "./a",
        "",
        "C:/x",
        "a\\b",
        "a\0b",
        "\ud800",
        "manifest.json",
        "voices.db",
    ],
)
def test_paths_that_leave_the_bundle_are_refused(folder, path):
    assert path_fault(path)
    with pytest.raises(BundleError, match="only plain paths inside the bundle"):
        Bundle.load(edited(folder, lambda document: document["files"][0].update(path=path)))


def test_plain_paths_are_allowed():
    assert path_fault("deep/er/graph.onnx") is None


def test_links_are_refused_even_when_their_target_is_right(folder, tmp_path):
    outside = shutil.move(folder / "sovits.onnx", tmp_path / "elsewhere.onnx")
    (folder / "sovits.onnx").symlink_to(outside)
    with pytest.raises(BundleError, match=r"sovits\.onnx is a link"):
        Bundle.load(folder)


def test_truncated_tampered_and_missing_files_are_named_together(folder):
    step = folder / "gpt_step.onnx"
    step.write_bytes(step.read_bytes()[:-1])
    card = folder / "card.md"
    card.write_text(card.read_text().replace("tiny", "tinY"))
    (folder / "sovits_lite.onnx").unlink()
    with pytest.raises(BundleError) as caught:
        Bundle.load(folder)
    for part in ("gpt_step.onnx has", "card.md was changed", "sovits_lite.onnx is missing"):
        assert part in str(caught.value)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"schema": 1, "files": [', "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("[]", "one JSON object"),
        ("{}", "no schema number"),
        ('{"schema": true}', "no schema number"),
        ('{"schema": 1, "schema": 1}', "twice"),
        ('{"schema": 1, "audio": NaN}', "not a number"),
    ],
)
def test_a_damaged_manifest_is_refused(folder, text, reason):
    (folder / "manifest.json").write_text(text)
    with pytest.raises(BundleError, match=reason):
        Bundle.load(folder)


def test_another_phoneme_table_is_refused(folder):
    table = folder / "symbols.txt"
    table.write_text(table.read_text().replace("AA0\n", "AA9\n"))
    entry = asdict(entry_of(folder, "symbols.txt", "symbols"))

    def change(document):
        others = [file for file in document["files"] if file["path"] != "symbols.txt"]
        document["files"] = [*others, entry]

    with pytest.raises(BundleError, match="another phoneme table"):
        Bundle.load(edited(folder, change))


def test_a_bundle_without_its_voice_store_is_refused(folder):
    (folder / "voices.db").unlink()
    with pytest.raises(BundleError, match=r"voices\.db is missing"):
        Bundle.load(folder)


def test_a_folder_without_manifest_is_no_bundle(tmp_path):
    with pytest.raises(BundleError, match="no bundle"):
        Bundle.load(tmp_path)
