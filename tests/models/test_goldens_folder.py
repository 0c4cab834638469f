"""Golden folders of any model: made here by the rule, then checked, then broken."""

import json
import shutil

import numpy as np
import pytest
import torch
from golden_sets import GOLDENS
from typer.testing import CliRunner

from autocompress.cli import app
from autocompress.errors import CheckpointError
from autocompress.models.goldens import check_folder
from autocompress.models.goldens.folder import _gpt, _sovits
from autocompress.models.goldens.gpt_set import greedy
from autocompress.models.sampling import SamplingSettings, generate
from autocompress.models.sovits.spectrogram import magnitude_spectrogram

GPT_ENTRY = {
    "weight_seed": 7,
    "weights_in_file": False,
    "config": {
        "vocab_size": 33,
        "phoneme_vocab_size": 512,
        "hidden_dim": 16,
        "head": 4,
        "n_layer": 2,
        "EOS": 32,
    },
}


def sovits_entry(version):
    pro, plus = version.startswith("v2P"), version == "v2ProPlus"
    config = {
        "inter_channels": 4,
        "hidden_channels": 8,
        "filter_channels": 12,
        "n_heads": 2,
        "n_layers": 2,
        "kernel_size": 3,
        "resblock_kernel_sizes": [3, 5],
        "resblock_dilation_sizes": [[1, 3], [1, 3]],
        "upsample_rates": [10, 64],
        "upsample_initial_channel": 16,
        "upsample_kernel_sizes": [20 if plus else 16, 64],
        "gin_channels": 6 if pro else 16,
        "version": version,
    }
    return {
        "version": version,
        "weight_seed": 8,
        "weights_in_file": False,
        "config": config,
        "mrte_hidden": 16,
    }


def gpt_arrays(folder):
    gpt = _gpt(folder, "s1_tiny", GPT_ENTRY)
    generator = torch.Generator().manual_seed(0)
    ids = torch.randint(500, (1, 9), generator=generator)
    bert = torch.randn(1, 1024, 9, generator=generator)
    prompt, forced = (torch.randint(32, (1, n), generator=generator) for n in (10, 6))
    with torch.no_grad():
        first = gpt.prefill(ids, bert, prompt, room=8)
        keys, values = (
            s[0][:, :, 15:19].transpose(1, 2).flatten(2) for s in (first.cache.keys, first.cache.values)
        )
        tokens, logits = greedy(gpt, gpt.prefill(ids, bert, prompt, room=8), 10, 5)
        steps = [gpt.step(forced[:, i : i + 1], 10 + i, first.cache) for i in range(6)]
        tail = gpt.ar_predict_layer(first.hidden[:, -8:])
    one = SamplingSettings(top_k=1)
    panel = generate(gpt, ids, bert, prompt, one, early_stop_tokens=40)
    free = generate(gpt, ids, bert, None, one, early_stop_tokens=15)
    return {
        "phoneme_ids": ids,
        "bert": bert,
        "prompt_tokens": prompt,
        "forced_tokens": forced,
        "prefill_hidden_last": first.hidden[:, -1],
        "prefill_logits": first.logits,
        "prefill_logits_all_audio_positions": tail,
        "layer0_k_cache_prefill": keys,
        "layer0_v_cache_prefill": values,
        "forced_logits": torch.stack(steps, 1),
        "greedy_tokens": tokens,
        "greedy_logits": logits,
        "panel_tokens": panel.tokens,
        "panel_idx": torch.tensor(panel.index),
        "promptfree_panel_tokens": free.tokens,
        "promptfree_panel_idx": torch.tensor(free.index),
    }


class _NoGoldens:
    goldens: dict = {}  # noqa: RUF012


@torch.no_grad()
def sovits_arrays(folder, version):
    sovits = _sovits(folder, "s2_tiny", sovits_entry(version), _NoGoldens())
    generator = torch.Generator().manual_seed(1)
    codes = torch.randint(1024, (1, 1, 5), generator=generator)
    text = torch.randint(300, (1, 7), generator=generator)
    waves = [torch.randn(1, n, generator=generator) for n in (6400, 3200)]
    width = sovits.config.speaker_width
    speakers = [torch.randn(1, width, generator=generator) for _ in waves] if width else None
    specs = [magnitude_spectrogram(wave, sovits.config.audio) for wave in waves]
    hubert = torch.randn(1, 768, 9, generator=generator)
    ge, both = sovits.mean_style(specs[:1], speakers and speakers[:1]), sovits.mean_style(specs, speakers)
    prior = sovits.prior(codes[0], text, ge)
    named = {"sv_emb": speakers[0], "sv_emb2": speakers[1]} if speakers else {}
    return named | {
        "codes": codes,
        "text_ids": text,
        "ref_wav": waves[0],
        "ref_wav2": waves[1],
        "ref_spec": specs[0],
        "ge": ge,
        "m_p": prior.mean,
        "logs_p": prior.log_std,
        "z": sovits.flow(prior.mean, None, ge, reverse=True),
        "audio": sovits.synthesize(codes[0], text, ge),
        "speed": torch.tensor(1.3, dtype=torch.float64),
        "audio_speed": sovits.synthesize(codes[0], text, ge, speed=1.3),
        "audio_two_refs": sovits.synthesize(codes[0], text, both),
        "hubert": hubert,
        "extract_latent_codes": sovits.extract_codes(hubert)[None],
    }


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("goldens")
    manifest = {"s1_tiny": GPT_ENTRY}
    np.savez(folder / "s1_tiny.npz", **{k: v.numpy() for k, v in gpt_arrays(folder).items()})
    for version in ("v1", "v2ProPlus"):
        manifest[f"s2_tiny_{version}"] = sovits_entry(version)
        arrays = {k: v.numpy() for k, v in sovits_arrays(folder, version).items()}
        np.savez(folder / f"s2_tiny_{version}.npz", **arrays)
    manifest["check"] = json.loads((GOLDENS / "manifest.json").read_text())["check"]
    (folder / "manifest.json").write_text(json.dumps(manifest))
    for path in (GOLDENS / "sampler.npz", GOLDENS / "loader_tiny_v2pro_hparams.pth"):
        shutil.copy(path, folder)
    return folder


@pytest.fixture
def folder(whole, tmp_path):
    return shutil.copytree(whole, tmp_path / "copy")


def bad_sets(score):
    return {item.name: item for item in score.sets if not item.ok}


def change_arrays(path, change):
    with np.load(path) as stored:
        arrays = dict(stored)
    change(arrays)
    np.savez(path, **arrays)


def test_every_set_of_a_folder_is_checked(folder):
    score = check_folder(folder)
    assert bad_sets(score) == {}
    assert {item.name for item in score.sets} == {
        "s1_tiny",
        "s2_tiny_v1",
        "s2_tiny_v2ProPlus",
        "check",
        "sampler",
        "loader_tiny_v2pro_hparams",
    }


def test_another_weight_seed_disagrees_in_that_set_alone(folder):
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["s2_tiny_v1"]["weight_seed"] += 1
    (folder / "manifest.json").write_text(json.dumps(manifest))
    bad = bad_sets(check_folder(folder))
    assert set(bad) == {"s2_tiny_v1"}
    assert bad["s2_tiny_v1"].max_relative_error > 0.1


@pytest.mark.parametrize("array", ["panel_tokens", "greedy_tokens", "panel_idx"])
def test_one_other_token_disagrees(folder, array):
    def change(arrays):
        arrays[array] = arrays[array] + (np.arange(arrays[array].size).reshape(arrays[array].shape) == 0)

    change_arrays(folder / "s1_tiny.npz", change)
    (bad,) = bad_sets(check_folder(folder)).values()
    assert [a.name for a in bad.arrays if not a.ok] == [array]


def test_a_nan_disagrees_and_the_report_stays_valid_json(folder):
    change_arrays(folder / "s2_tiny_v1.npz", lambda arrays: arrays["audio"].fill(np.nan))
    score = check_folder(folder)
    assert set(bad_sets(score)) == {"s2_tiny_v1"}
    assert "NaN" not in json.dumps(score.as_json())


def test_missing_arrays_and_files_are_reported_not_raised(folder):
    change_arrays(folder / "s2_tiny_v1.npz", lambda arrays: arrays.pop("z"))
    change_arrays(folder / "s2_tiny_v2ProPlus.npz", lambda arrays: arrays.pop("sv_emb"))
    (folder / "s1_tiny.npz").unlink()
    bad = bad_sets(check_folder(folder))
    assert bad["s2_tiny_v1"].problems == ("array z is missing",)
    assert "sv_emb" in bad["s2_tiny_v2ProPlus"].problems[0]
    assert "s1_tiny.npz is missing" in bad["s1_tiny"].problems[0]


def test_missing_weight_files_and_damaged_arrays_are_reported(folder):
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["s1_tiny"]["weights_in_file"] = True
    manifest["s2_tiny_v1"] = "nonsense"
    (folder / "manifest.json").write_text(json.dumps(manifest))
    (folder / "s2_tiny_v2ProPlus.npz").write_bytes(b"PK broken")
    assert set(bad_sets(check_folder(folder))) == {"s1_tiny", "s2_tiny_v1", "s2_tiny_v2ProPlus"}


def test_a_wrong_shape_is_reported(folder):
    change_arrays(folder / "s1_tiny.npz", lambda arrays: arrays.update(prefill_logits=np.zeros((1, 3))))
    (bad,) = bad_sets(check_folder(folder)).values()
    assert "shape" in bad.problems[0]


@pytest.mark.parametrize("text", [None, "not json", "{}", "[]"])
def test_a_folder_without_a_manifest_is_refused(tmp_path, text):
    if text is not None:
        (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(CheckpointError, match=r"manifest\.json"):
        check_folder(tmp_path)


def test_the_command_prints_json_and_exits_1_on_disagreement(folder):
    good = CliRunner().invoke(app, ["model", "check", str(folder), "--json"])
    assert good.exit_code == 0
    names = {item["name"]: item for item in json.loads(good.stdout)["sets"]}
    assert names["s1_tiny"]["ok"] is True
    assert names["s1_tiny"]["max_relative_error"] < 1e-4
    change_arrays(folder / "s1_tiny.npz", lambda arrays: arrays["prefill_logits"].fill(1.0))
    bad = CliRunner().invoke(app, ["model", "check", str(folder)])
    assert bad.exit_code == 1
    assert "FAIL s1_tiny" in bad.stdout
