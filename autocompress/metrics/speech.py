"""The table of speech metrics: each scores one `Utterance`, cheap ones first.

What is heard in a recording (its embedding, its transcript) is computed once and shared by the metrics.
"""

import math
from collections.abc import Callable
from functools import lru_cache

from autocompress.metrics import prosody
from autocompress.metrics.audio import SPEECH_RATE_HZ, Samples, at_rate
from autocompress.metrics.intelligibility import Recognizer, Transcript, compare, recognize
from autocompress.metrics.metric import Metric
from autocompress.metrics.quality import MosPredictor, predict_mos
from autocompress.metrics.repetition import Fluency, fluency, loop_share
from autocompress.metrics.speaker import Embedding, SpeakerEmbedder, embed_speaker, similarity
from autocompress.metrics.utterance import Recording, Utterance

SpeechMetric = Metric[Utterance]

_REMEMBERED = 128  # recordings; a speech rung has 32 utterances and 4 voices


def speech_metrics(
    embedder: SpeakerEmbedder = embed_speaker,
    predictor: MosPredictor = predict_mos,
    recognizer: Recognizer = recognize,
) -> dict[str, SpeechMetric]:
    """Every speech metric by name, heard with these ears; `Utterance` says what each is compared with."""
    alike = _similarity_by(embedder)
    heard = _transcript_by(recognizer)
    fault = Utterance.fault

    def fluent(said: Utterance) -> Fluency:
        return fluency(heard(said))

    metrics = (  # name, unit, worst value, seconds on one thread
        Metric("loop_share", "share", 1, 0.001, fault, _loop_share),
        Metric("silence_floor_rise", "dB", 90, 0.002, fault, _silence_floor_rise, relative=True),
        Metric("duration_deviation", "nepers", 3, 0.002, fault, _duration_deviation, relative=True),
        Metric("mel_cepstral_distance", "dB", 40, 0.02, fault, _mel_cepstral_distance, relative=True),
        Metric("pitch_distance", "semitones", 36, 0.05, fault, _pitch_distance, relative=True),
        Metric("similarity", "cosine", 0, 0.06, fault, alike, higher_is_better=True),
        Metric("sid", "1 - cosine", 1, 0.06, fault, lambda said: 1 - alike(said)),
        Metric("mos", "1-5", 1, 0.3, fault, _mos_by(predictor), higher_is_better=True, extra="quality"),
        Metric("cer", "share", 1, 0.2, fault, lambda said: heard(said).cer, extra="asr"),
        Metric("wer", "share", 1, 0.2, fault, lambda said: heard(said).wer, extra="asr"),
        Metric(
            "repetition_rate", "share", 1, 0.2, fault, lambda said: fluent(said).repetition_rate, extra="asr"
        ),
        Metric("skip_rate", "share", 1, 0.2, fault, lambda said: fluent(said).skip_rate, extra="asr"),
    )
    return {metric.name: metric for metric in metrics}


def _similarity_by(embedder: SpeakerEmbedder) -> Callable[[Utterance], float]:
    @lru_cache(maxsize=_REMEMBERED)
    def embedding(recording: Recording) -> Embedding:
        return embedder(recording.samples, recording.sample_rate_hz)

    return lambda said: similarity(embedding(said.speech), embedding(said.required_voice()))


def _transcript_by(recognizer: Recognizer) -> Callable[[Utterance], Transcript]:
    @lru_cache(maxsize=_REMEMBERED)
    def transcript(recording: Recording) -> str:
        return recognizer(recording.samples, recording.sample_rate_hz)

    return lambda said: compare(said.text, transcript(said.speech))


def _mos_by(predictor: MosPredictor) -> Callable[[Utterance], float]:
    return lambda said: predictor(said.speech.samples, said.speech.sample_rate_hz)


def _loop_share(said: Utterance) -> float:
    return loop_share(said.required_tokens())


def _silence_floor_rise(said: Utterance) -> float:
    speech, teacher = _beside_teacher(said)
    return prosody.silence_floor_db(speech, SPEECH_RATE_HZ) - prosody.silence_floor_db(
        teacher, SPEECH_RATE_HZ
    )


def _duration_deviation(said: Utterance) -> float:
    return abs(math.log(prosody.duration_ratio(*_beside_teacher(said), SPEECH_RATE_HZ)))


def _mel_cepstral_distance(said: Utterance) -> float:
    return prosody.mel_cepstral_distance_db(*_beside_teacher(said), SPEECH_RATE_HZ)


def _pitch_distance(said: Utterance) -> float:
    return prosody.pitch_distance_semitones(*_beside_teacher(said), SPEECH_RATE_HZ)


def _beside_teacher(said: Utterance) -> tuple[Samples, Samples]:
    """The candidate's speech and the teacher's, both at 16 kHz."""
    pair = (said.speech, said.required_teacher())
    speech, teacher = (at_rate(recording.samples, recording.sample_rate_hz) for recording in pair)
    return speech, teacher
