"""SoVITS of the reference model with each of its vocoders: four seconds of speech on ONNX Runtime, fp32.

    python -m benchmarks.runtime.vocoders [--rounds 15]

Interleaved rounds in one process, medians; writes ``results/runtime/vocoders.json``.
"""

import argparse
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
import onnxruntime

from autocompress.bundle.manifest import AudioSettings
from autocompress.bundle.sessions import Session
from autocompress.bundle.synthesizer import random_utterance, synthesize
from autocompress.models.onnx import export_sovits
from autocompress.models.sovits.synthesizer import Sovits
from autocompress.models.teacher import load_teacher
from autocompress.pipeline.spare_training import SWAPPED
from autocompress.space import Candidate
from autocompress.transforms import materialize_sovits
from benchmarks.provenance import REPOSITORY, provenance, write_json

RESULTS = REPOSITORY / "results" / "runtime" / "vocoders.json"
CASES = {"hifigan": Candidate(), "istft-head": SWAPPED}
TOKENS, PHONEMES, SEED = 100, 60, 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    sovits = load_teacher("reference").sovits
    audio = sovits.config.audio
    settings = AudioSettings(
        audio.sample_rate_hz, audio.hop, sovits.config.quantizer.codes, sovits.config.gin, sovits.config.inter
    )
    utterance = random_utterance(settings, TOKENS, PHONEMES, seed=SEED)
    with tempfile.TemporaryDirectory() as folder:
        sessions = {name: opened(sovits, case, Path(folder) / f"{name}.onnx") for name, case in CASES.items()}
        seconds: dict[str, list[float]] = {name: [] for name in CASES}
        for _ in range(rounds + 1):
            for name, session in sessions.items():
                since = time.perf_counter()
                synthesize(session, utterance)
                seconds[name].append(time.perf_counter() - since)
    medians = {name: float(np.median(runs[1:])) for name, runs in seconds.items()}
    ratio = float(np.median(np.array(seconds["hifigan"][1:]) / np.array(seconds["istft-head"][1:])))
    document = {"seconds_for_4_s": medians, "times_as_fast": ratio, "threads": 1, "rounds": rounds}
    write_json(RESULTS, document | provenance(SEED))
    print(document)


def opened(sovits: Sovits, case: Candidate, path: Path) -> Session:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's own
        export_sovits(materialize_sovits(sovits, case).network, path)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(str(path), options)


if __name__ == "__main__":
    main()
