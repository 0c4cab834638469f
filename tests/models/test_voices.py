"""From recording and transcript to a voice, with a small random SoVITS and a stand-in for HuBERT."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
from torch import nn

from autocompress.errors import AudioError, CheckpointError, MalformedError, TextError
from autocompress.models.audio import load_recording
from autocompress.models.config import QuantizerConfig, SovitsConfig, StyleConfig, halving_vocoder
from autocompress.models.sovits.synthesizer import Sovits
from autocompress.models.speaker_network import SpeakerNetwork, SpeakerNetworkSizes
from autocompress.models.spectrogram import reference_spectrogram
from autocompress.models.text import to_phonemes
from autocompress.models.voice import Voice
from autocompress.models.voice_sources import VoiceSource
from autocompress.models.voices import VoiceMaker, with_style

SPEAKER_SIZES = SpeakerNetworkSizes(channels=4, blocks=(1, 1, 1, 1), base_width=32)


class FrameMeans:
    """A content encoder of 24 features: how often the wave's level passes 24 thresholds in each 20 ms."""

    name = "frame-means"

    def __init__(self, width: int = 24) -> None:
        self.width = width
        self.lengths: list[int] = []

    def __call__(self, wave: np.ndarray, /) -> np.ndarray:
        self.lengths.append(len(wave))
        frames = wave[: len(wave) // 320 * 320].reshape(-1, 320)
        thresholds = np.linspace(-0.3, 0.3, self.width)
        return (frames[:, None] > thresholds[:, None]).mean(axis=2).T.astype(np.float32)


def small_sovits(version: str = "v2", gin: int = 32, seed: int = 0) -> Sovits:
    torch.manual_seed(seed)
    config = SovitsConfig.uniform(
        version=version,
        hidden=16,
        inter=8,
        gin=gin,
        ffn=32,
        layers=2,
        mrte_hidden=32,
        quantizer=QuantizerConfig(codes=64, width=24),
        style=StyleConfig(bins=700, hidden=16, heads=2, head_size=8),
        vocoder=halving_vocoder(32, (10, 8, 2, 2, 2), (16, 16, 8, 2, 2), (3,)),
        speaker_width=SPEAKER_SIZES.vector_size if "Pro" in version else None,
    )
    return Sovits(config).eval()


def speech(duration_s: float = 3.0, pitch_hz: float = 140.0) -> np.ndarray:
    t = np.arange(round(duration_s * 24000)) / 24000
    return (0.3 * np.sin(2 * np.pi * pitch_hz * t) * (0.6 + 0.4 * np.sin(9 * t))).astype(np.float32)


@pytest.fixture
def source(tmp_path: Path) -> VoiceSource:
    soundfile.write(tmp_path / "emma.wav", speech(), 24000)
    soundfile.write(tmp_path / "higher.flac", np.stack([speech(4.0, 250.0)] * 2, axis=1), 24000)
    return VoiceSource("emma", tmp_path / "emma.wav", "Hello over there", "en")


def maker(version: str = "v2", **changes: Any) -> VoiceMaker:
    torch.manual_seed(1)
    network = SpeakerNetwork(SPEAKER_SIZES).eval() if "Pro" in version else None
    values: dict[str, Any] = {"content_encoder": FrameMeans(), "speaker_network": network, "model": "s2@test"}
    gin = 48 if "Pro" in version else 32
    return VoiceMaker(small_sovits(version, gin), **values | changes)


def test_prompt_tokens_are_the_codes_of_the_wave_with_its_tail_of_silence(source: VoiceSource) -> None:
    encoder = FrameMeans()
    making = maker(content_encoder=encoder)
    voice = making.make(source)
    assert encoder.lengths == [3 * 16000 + 9600]
    assert voice.prompt_tokens.shape == (90,)  # 3.6 s at 25 Hz
    wave = np.pad(load_recording(source.recording).at_rate(16000), (0, 9600))
    expected = making.sovits.extract_codes(torch.from_numpy(encoder(wave))[None])[0]
    assert voice.prompt_tokens.tolist() == expected.tolist()
    assert len(set(voice.prompt_tokens.tolist())) > 1
    assert len(replace(making, prompt_tail_s=0.0).make(source).prompt_tokens) == 75


def test_prompt_phonemes_are_those_of_the_finished_transcript(source: VoiceSource) -> None:
    voice = maker().make(source)
    assert voice.prompt_phoneme_ids.tolist() == list(to_phonemes("Hello over there.", "en").ids)
    assert voice.transcript.endswith("there.")


def test_the_style_is_the_style_encoders_answer_to_the_reference(source: VoiceSource) -> None:
    making = maker()
    voice = making.make(source)
    spectrogram = reference_spectrogram(load_recording(source.recording), making.sovits.config.audio)
    with torch.inference_mode():
        expected = making.sovits.style(torch.from_numpy(spectrogram)[None])[0, :, 0].numpy()
    np.testing.assert_allclose(voice.style, expected, rtol=1e-5, atol=1e-6)
    assert voice.spectrograms[0].shape == (700, 150)
    assert voice.speaker_vectors == ()


def test_several_references_are_averaged_and_only_the_first_gives_the_prompt(source: VoiceSource) -> None:
    making = maker()
    other = replace(source, recording=source.recording.with_name("higher.flac"))
    both = replace(source, references=(other.recording,))
    first, second, mixed = (making.make(each) for each in (source, other, both))
    np.testing.assert_allclose(mixed.style, (first.style + second.style) / 2, rtol=1e-5, atol=1e-6)
    assert np.abs(first.style - second.style).max() > 1e-3
    assert mixed.prompt_tokens.tolist() == first.prompt_tokens.tolist()
    assert len(mixed.origin.recordings) == 2


@pytest.mark.parametrize("version", ["v2Pro", "v2ProPlus"])
def test_the_pro_family_hears_each_reference_with_its_own_speaker_vector(
    source: VoiceSource, version: str
) -> None:
    making = maker(version)
    voice = making.make(replace(source, references=(source.recording.with_name("higher.flac"),)))
    one, two = voice.speaker_vectors
    assert one.shape == (SPEAKER_SIZES.vector_size,)
    assert np.abs(one - two).max() > 1e-3
    specs = [torch.from_numpy(np.array(s))[None] for s in voice.spectrograms]
    speakers = [torch.from_numpy(np.array(v))[None] for v in (one, two)]
    with torch.inference_mode():
        expected = making.sovits.mean_style(specs, speakers)[0, :, 0].numpy()
        swapped = making.sovits.mean_style(specs, speakers[::-1])[0, :, 0].numpy()
    np.testing.assert_allclose(voice.style, expected, rtol=1e-5, atol=1e-6)
    assert np.abs(voice.style - swapped).max() > 1e-4
    assert voice.origin.speaker_network == "eres2netv2"
    with pytest.raises(MalformedError, match=f"a {version} voice needs a speaker network"):
        replace(making, speaker_network=None).make(source)


def test_precomputed_tokens_stand_in_for_the_content_encoder(source: VoiceSource, tmp_path: Path) -> None:
    (tmp_path / "tokens.txt").write_text("5 6 7 63")
    making = maker(content_encoder=None)
    for tokens in (tmp_path / "tokens.txt", (5, 6, 7, 63)):
        voice = making.make(replace(source, tokens=tokens))
        assert voice.prompt_tokens.tolist() == [5, 6, 7, 63]
        assert voice.origin.content_encoder is None
    with pytest.raises(MalformedError, match="need a content encoder, found none"):
        making.make(source)
    with pytest.raises(MalformedError, match="token 64 is outside of the model's 0 to 63"):
        making.make(replace(source, tokens=(64,)))


def test_the_voice_says_what_it_was_made_with(source: VoiceSource) -> None:
    origin = maker().make(source).origin
    assert origin.recordings == (load_recording(source.recording).source_sha256,)
    assert (origin.version, origin.model, origin.content_encoder) == ("v2", "s2@test", "frame-means")
    assert (origin.bert, origin.speaker_network) == (None, None)


class _OnesForBert:
    name = "roberta@test"

    def __call__(self, text: str) -> np.ndarray:
        return np.ones((1024, len(text)), np.float32)


def test_bert_features_are_kept_for_a_chinese_prompt_and_named_only_where_used(source: VoiceSource) -> None:
    making = maker(bert=_OnesForBert())
    chinese = making.make(replace(source, transcript="你好，世界", language="zh"))
    assert chinese.origin.bert == "roberta@test"
    np.testing.assert_array_equal(chinese.bert(), np.ones((1024, len(chinese.prompt_phoneme_ids))))
    english = making.make(source)
    assert (english.origin.bert, english.prompt_bert) == (None, None)


def test_another_style_encoder_gives_its_own_style_from_the_saved_voice(
    source: VoiceSource, tmp_path: Path
) -> None:
    making = maker("v2Pro")
    making.make(source).save(tmp_path / "voice.npz")
    voice = Voice.load(tmp_path / "voice.npz")
    np.testing.assert_allclose(with_style(voice, making.sovits).style, voice.style, rtol=1e-6)
    other = with_style(voice, small_sovits("v2Pro", gin=40, seed=5))
    assert other.style.shape == (40,)
    assert other.prompt_tokens.tolist() == voice.prompt_tokens.tolist()


def _no_transcript(source: VoiceSource) -> VoiceSource:
    return replace(source, transcript=" ")


def _no_words(source: VoiceSource) -> VoiceSource:
    return replace(source, transcript="?!")


def _no_recording(source: VoiceSource) -> VoiceSource:
    return replace(source, recording=source.recording.with_name("absent.wav"))


@pytest.mark.parametrize(
    ("change", "error"), [(_no_transcript, TextError), (_no_words, TextError), (_no_recording, AudioError)]
)
def test_a_source_that_cannot_be_spoken_or_read_is_refused(
    source: VoiceSource, change: Callable[[VoiceSource], VoiceSource], error: type[Exception]
) -> None:
    with pytest.raises(error):
        maker().make(change(source))


def test_a_content_encoder_of_another_width_is_refused(source: VoiceSource) -> None:
    with pytest.raises(CheckpointError, match="gives 23 features a frame, the model takes 24"):
        maker(content_encoder=FrameMeans(23)).make(source)


def test_making_a_voice_changes_no_weight(source: VoiceSource) -> None:
    making = maker()
    before = nn.utils.parameters_to_vector(making.sovits.parameters()).clone()
    making.make(source)
    assert torch.equal(before, nn.utils.parameters_to_vector(making.sovits.parameters()))
