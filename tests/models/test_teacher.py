"""The teacher: two files and a voice speak."""

import json

import numpy as np
import pytest
import torch
from small_models import small_upstream_sovits
from typer.testing import CliRunner

from autocompress.cli import app
from autocompress.errors import BundleError, CheckpointError, MalformedError
from autocompress.models.checkpoint import save_gpt, save_sovits
from autocompress.models.config import GptConfig
from autocompress.models.gpt import Gpt
from autocompress.models.sampling import SamplingSettings
from autocompress.models.speech import SpeechSettings, joined
from autocompress.models.teacher import load_teacher
from autocompress.models.voice import Voice, VoiceOrigin

TEXT = "Good morning. How are you?"


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("teacher")
    torch.manual_seed(0)
    config = GptConfig.uniform(layers=2, width=16, heads=4)
    gpt = Gpt(GptConfig(**{**vars(config), "max_tokens": 100}))  # a random GPT seldom ends by itself
    save_gpt(gpt, folder / "s1.ckpt")
    for version in ("v1", "v2"):
        save_sovits(small_upstream_sovits(version), folder / f"{version}.pth", force=True)
    return folder


@pytest.fixture(scope="module")
def teacher(files):
    return load_teacher(gpt=files / "s1.ckpt", sovits=files / "v2.pth")


def voice(gin=16, name="emma"):
    rng = np.random.default_rng(0)
    return Voice(
        name=name,
        language="en",
        transcript="Hello.",
        prompt_tokens=rng.integers(0, 1024, 20),
        prompt_phoneme_ids=rng.integers(0, 300, 8),
        style=rng.standard_normal(gin).astype(np.float32),
        origin=VoiceOrigin((), "v2"),
    )


def test_the_same_seed_says_the_same_samples(teacher):
    a, b, c = (teacher.say(TEXT, voice(), seed=seed, language="en") for seed in (1, 1, 2))
    assert np.array_equal(a, b)
    assert not np.array_equal(a, c)
    assert (a.dtype, a.ndim) == (np.float32, 1)
    assert np.abs(a).max() <= 1


def test_the_length_is_tokens_and_pauses(teacher):
    sentences = teacher.speak(TEXT, voice(), seed=1, language="en")
    assert len(sentences) == 2
    tokens = sum(len(s.generation.callers_tokens) for s in sentences)
    audio = teacher.say(TEXT, voice(), seed=1, language="en")
    assert len(audio) == tokens * 1280 + round(0.3 * 32000)


def test_nothing_is_left_to_chance_when_asked(teacher):
    settings = SpeechSettings(SamplingSettings(top_k=1), noise_scale=0.0)
    a, b = (teacher.say("Good morning.", voice(), s, language="en", settings=settings) for s in (1, 2))
    assert np.array_equal(a, b)


def test_twice_the_speed_is_half_the_length(teacher):
    fast = SpeechSettings(speed=2.0)
    (slow,), (quick,) = (
        teacher.speak("Good morning.", voice(), 1, language="en", settings=s) for s in (None, fast)
    )
    assert len(quick.audio) == len(slow.audio) // 2 + 640


def test_a_voice_of_another_model_is_refused(teacher):
    with pytest.raises(BundleError, match="style has 5 values instead of 16"):
        teacher.say("Hello.", voice(gin=5), language="en")


def test_saved_voices_load_by_path_and_unknown_names_are_listed(teacher, tmp_path):
    voice().save(tmp_path / "emma.npz")
    assert teacher.voice(tmp_path / "emma.npz").identity == voice().identity
    with pytest.raises(MalformedError, match="no voice 'nobody'; known: none"):
        teacher.voice("nobody")


def test_a_pair_that_does_not_belong_together_is_refused(files, tmp_path):
    torch.manual_seed(0)
    save_gpt(Gpt(GptConfig.uniform(layers=1, width=8, heads=2, phoneme_vocab=512)), tmp_path / "v1.ckpt")
    with pytest.raises(CheckpointError, match="knows 512 phonemes, SoVITS' table has 732"):
        load_teacher(gpt=tmp_path / "v1.ckpt", sovits=files / "v2.pth")
    assert load_teacher(gpt=tmp_path / "v1.ckpt", sovits=files / "v1.pth").version == "v1"


def test_half_a_model_and_unknown_names_are_refused(files):
    with pytest.raises(CheckpointError, match="both of its files"):
        load_teacher(gpt=files / "s1.ckpt")
    with pytest.raises(CheckpointError, match="no packaged model 'nonesuch'"):
        load_teacher("nonesuch")


def test_loud_speech_is_scaled_to_one_and_sentences_are_apart():
    audio = joined([np.full(3, 2.0, np.float32), np.full(2, -4.0, np.float32)], 10, 0.2)
    assert audio.tolist() == [0.5, 0.5, 0.5, 0.0, 0.0, -1.0, -1.0]


def test_model_info_counts_every_tensor(files):
    command = ["model", "info", "--gpt", str(files / "s1.ckpt"), "--sovits", str(files / "v2.pth"), "--json"]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0
    found = json.loads(result.stdout)
    assert found["version"] == found["sovits"]["version"] == "v2"
    assert found["sovits"]["bytes"] == (files / "v2.pth").stat().st_size
    counted = sum(t.numel() for t in small_upstream_sovits().state_dict().values())
    assert found["sovits"]["parameters"] == counted
    assert found["gpt"]["sizes"]["blocks"][0] == {"heads": 4, "head_size": 4, "ffn": 64, "rank": None}
    assert sum(m["parameters"] for m in found["gpt"]["modules"].values()) == found["gpt"]["parameters"]


def test_model_info_of_nothing_or_of_rubbish_is_malformed(tmp_path):
    (tmp_path / "x.ckpt").write_text("hello")
    for arguments in ([], ["--gpt", str(tmp_path / "x.ckpt")]):
        result = CliRunner().invoke(app, ["model", "info", *arguments])
        assert isinstance(result.exception, CheckpointError)
        assert result.exception.exit_code == 2
