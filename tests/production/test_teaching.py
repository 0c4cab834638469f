"""What the teacher teaches: seeded, kept by content, whole, and never of the evaluation set."""

from dataclasses import replace

import numpy as np
import pytest
import soundfile
import torch

from autocompress.errors import MalformedError
from autocompress.metrics.evaluation_set import read_evaluation_set
from autocompress.models.reference import EVALUATION_SET
from autocompress.models.training.corpus import Clip
from autocompress.models.training.taught import Taught, TaughtSource
from autocompress.production.sentences import training_sentences
from autocompress.production.settings import TrainingSettings
from autocompress.production.teaching import Classroom
from autocompress.production.training import School, train_student
from autocompress.space import Candidate


def test_no_sentence_is_of_the_evaluation_set() -> None:
    known = {sentence.text for sentence in read_evaluation_set(EVALUATION_SET).sentences}
    for language in ("en", "zh", "ja", "ko", "yue"):
        sentences = training_sentences(language)
        assert len(sentences) == len(set(sentences)) >= 8
        assert not known & set(sentences)


def test_the_same_seed_teaches_the_same_and_another_something_else(teacher, room, lessons, tmp_path) -> None:
    again = Classroom(teacher, "tiny", tmp_path, room.voices).teach(room.topics(2))
    other = Classroom(teacher, "tiny", tmp_path, room.voices, seed=1)
    assert np.array_equal(again[1].tokens, lessons[1].tokens)
    assert np.array_equal(again[1].audio, lessons[1].audio)
    assert other.topics(1)[0].seed != room.topics(1)[0].seed


def test_what_was_said_once_is_read_and_half_a_file_is_said_again(room, lessons, monkeypatch) -> None:
    paths = sorted(room.folder.glob("*.npz"))
    paths[0].write_bytes(paths[0].read_bytes()[:100])
    spoken = []
    plain = Classroom._spoken
    monkeypatch.setattr(Classroom, "_spoken", lambda self, *a: spoken.append(a) or plain(self, *a))
    again = room.teach(room.topics(6))
    assert len(spoken) == 1
    assert all(np.array_equal(a.audio, b.audio) for a, b in zip(again, lessons, strict=True))


def test_the_latents_and_the_audio_are_the_teachers_own(teacher, lessons) -> None:
    row = lessons[0]
    with torch.no_grad():
        audio = teacher.sovits.synthesize(
            torch.from_numpy(row.tokens)[None],
            torch.from_numpy(row.phonemes)[None],
            torch.from_numpy(row.style)[None, :, None],
            torch.from_numpy(row.noise).float()[None],
        )
    # int16 steps of 1 / 32768, and weight norm folded in another order of sums
    assert np.abs(audio[0, 0].numpy() - row.audio / 32768.0).max() < 1e-3


def test_recordings_give_real_tokens_without_a_prompt(teacher, room, tmp_path) -> None:
    rng = np.random.default_rng(0)
    soundfile.write(tmp_path / "a.wav", 0.1 * rng.standard_normal(32_000).astype(np.float32), 16_000)
    width = teacher.sovits.config.quantizer.width

    class Content:
        name = "noise"

        def __call__(self, samples):
            return rng.standard_normal((width, len(samples) // 320)).astype(np.float32)

    hearing = replace(teacher, voice_maker=replace(teacher.voice_maker, content_encoder=Content()))
    clip = Clip(tmp_path / "a.wav", "bob", "Some words.")
    here = Classroom(hearing, "tiny", tmp_path, room.voices)
    (utterance,) = here.teach(here.recorded_topics([clip]))
    assert utterance.prompt_tokens.size == 0
    assert 45 <= len(utterance.tokens) <= 50  # two seconds at 25 Hz


def test_recordings_that_cannot_be_used_are_an_error_that_says_so(teacher, tmp_path) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros(16_000, np.float32), 16_000)
    (tmp_path / "a.txt").write_text("Words.")
    settings = TrainingSettings(steps=20, recordings=tmp_path, n_lessons=4)
    school = School(teacher, "tiny", list(teacher.voices.values()), tmp_path / "training", settings)
    with pytest.raises(MalformedError, match="none of the 1 recordings tried"):
        train_student(school, Candidate({"gpt.keep.1": False}))


def test_batches_are_the_same_whenever_they_are_made(lessons) -> None:
    first, again = TaughtSource(lessons, 3), TaughtSource(lessons, 3)
    first.gpt(0, 2)
    assert torch.equal(first.gpt(5, 2).tokens, again.gpt(5, 2).tokens)
    assert torch.equal(first.sovits(5, 2).audio, again.sovits(5, 2).audio)


def test_padding_keeps_audio_latents_and_tokens_together(lessons) -> None:
    batch = TaughtSource(lessons, 0).sovits(0, 3)
    assert batch.latents.shape[-1] == 2 * batch.codes.shape[-1]
    hop = batch.audio.shape[-1] // batch.latents.shape[-1]
    for row, length in enumerate(batch.code_lengths.tolist()):
        assert (batch.audio[row, 0, 2 * hop * length :] == 0).all()
        assert (batch.latents[row, :, 2 * length :] == 0).all()


def test_a_damaged_utterance_is_none(tmp_path) -> None:
    (tmp_path / "x.npz").write_bytes(b"PK\x03\x04 and nothing more")
    assert Taught.load(tmp_path / "x.npz") is None
    assert Taught.load(tmp_path / "y.npz") is None
