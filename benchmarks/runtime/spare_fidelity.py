"""How near a spare vocoder comes to the one it stands in for, and what its magnitudes and its phases lack.

    python -m benchmarks.runtime.spare_fidelity [--vocoders NAME=FILE …] [--sentences 24]

The teacher's own tokens and noise, said with its own vocoder and with each spare one (default: the shipped
one). ``coherence`` is |⟨a, b⟩| of both spectra in bands of 500 Hz: 1 where every phase is the teacher's.
``mos_teacher_phases`` is of the spare's magnitudes with the teacher's phases, ``mos_teacher_magnitudes`` the
other way round. Writes ``results/runtime/spare_fidelity.json``.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from scipy.signal import istft, stft

from autocompress.metrics.evaluation_set import read_evaluation_set
from autocompress.metrics.quality import predict_mos
from autocompress.metrics.speaker import embed_speaker
from autocompress.metrics.teacher_forced import ForcedCase, TeacherForcedSet, spoken
from autocompress.models.checkpoint import attach_spare
from autocompress.models.reference import EVALUATION_SET, SPARE
from autocompress.models.teacher import Teacher, load_teacher
from autocompress.pipeline.evaluation_data import forced_case
from autocompress.pipeline.spare_training import SWAPPED
from autocompress.transforms import materialize_sovits
from benchmarks.provenance import REPOSITORY, provenance, write_json

RESULTS = REPOSITORY / "results" / "runtime" / "spare_fidelity.json"
SEED, N_FFT, BAND_BINS = 0, 512, 16
Wave = np.ndarray


def main() -> None:
    given = _arguments()
    torch.set_num_threads(1)
    teacher = load_teacher("reference")
    cases = said_by(teacher, given.sentences)
    rows = {}
    for word in given.vocoders:
        name, _, file = word.partition("=")
        rows[name] = row(teacher, cases, Path(file))
        print(name, rows[name], flush=True)
    write_json(RESULTS, provenance(SEED) | {"sentences": len(cases), "vocoders": rows})


def said_by(teacher: Teacher, count: int) -> list[ForcedCase]:
    """The last sentences of the evaluation set, the teacher's voices taking turns."""
    names = sorted(teacher.voices)
    return [
        forced_case(teacher, s.id, s.text, s.language, teacher.voices[names[i % len(names)]], SEED + i)
        for i, s in enumerate(read_evaluation_set(EVALUATION_SET).sentences[-count:])
    ]


def row(teacher: Teacher, cases: Sequence[ForcedCase], file: Path) -> dict[str, object]:
    """Means over the cases; ± is the standard error of the difference to the teacher's own vocoder."""
    attach_spare(teacher.sovits, file)
    swapped = materialize_sovits(teacher.sovits, SWAPPED).network
    rate = teacher.sample_rate_hz
    pairs = [(spoken(teacher.sovits, case), spoken(swapped, case)) for case in cases]
    found = [compared(own, spare, rate) for own, spare in pairs]
    lost = [one["mos"] - one["mos_teacher"] for one in found]
    means = {key: round(float(np.mean([one[key] for one in found])), 4) for key in found[0]}
    coherences = [coherence(own, spare) for own, spare in pairs]
    judged = TeacherForcedSet.of(teacher.gpt, teacher.sovits, cases).score_sovits(swapped)
    return {
        **means,
        "mos_lost_error": round(float(np.std(lost) / len(lost) ** 0.5), 4),
        "mel_distance_db": round(judged.mean("mel_distance"), 3),
        "coherence": [round(float(c), 3) for c in np.mean(coherences, axis=0)],
    }


def compared(own: Wave, spare: Wave, rate: int) -> dict[str, float]:
    """MOS of both and of their halves put together, similarity of the speakers."""
    ours, theirs = spectrum(spare), spectrum(own)
    return {
        "mos_teacher": predict_mos(own, rate),
        "mos": predict_mos(spare, rate),
        "mos_teacher_phases": predict_mos(together(ours, theirs, len(own)), rate),
        "mos_teacher_magnitudes": predict_mos(together(theirs, ours, len(own)), rate),
        "similarity": float(embed_speaker(own, rate) @ embed_speaker(spare, rate)),
    }


def coherence(own: Wave, spare: Wave) -> list[float]:
    """|⟨a, b⟩| / (‖a‖ ‖b‖) of the spectra, band by band."""
    a, b = spectrum(own), spectrum(spare)
    bands = [slice(first, first + BAND_BINS) for first in range(0, N_FFT // 2, BAND_BINS)]
    return [abs(np.vdot(a[i], b[i])) / max(np.linalg.norm(a[i]) * np.linalg.norm(b[i]), 1e-9) for i in bands]


def spectrum(wave: Wave) -> np.ndarray:
    return stft(wave, nperseg=N_FFT, noverlap=3 * N_FFT // 4)[2]


def together(magnitudes: np.ndarray, phases: np.ndarray, samples: int) -> Wave:
    mixed = np.abs(magnitudes) * np.exp(1j * np.angle(phases))
    return istft(mixed, nperseg=N_FFT, noverlap=3 * N_FFT // 4)[1][:samples].astype(np.float32)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--vocoders", nargs="+", default=[f"shipped={SPARE}"], metavar="NAME=FILE")
    parser.add_argument("--sentences", type=int, default=24)
    return parser.parse_args()


if __name__ == "__main__":
    main()
