"""A process that speaks with a bundle: ``python our_worker.py BUNDLE THREADS``, then a line a round."""

import sys
from pathlib import Path
from time import perf_counter

import numpy as np
import workload

from autocompress.bundle import Bundle, GraphSettings
from autocompress.bundle.decoder import Decoder, Prompt
from autocompress.bundle.manifest import SpeechDefaults
from autocompress.bundle.sampling import choose
from autocompress.bundle.synthesizer import Utterance, synthesize


def main() -> None:
    folder, threads = Path(sys.argv[1]), int(sys.argv[2])
    bundle = Bundle.load(folder, GraphSettings(threads))
    sovits = bundle.graphs.sovits(0)
    spoken = _utterance(sovits)
    prompt = Prompt(np.concatenate(workload.phonemes()), workload.tokens(workload.PROMPT_TOKENS))
    workload.serve(lambda: _round(bundle.decoder, prompt, sovits, spoken))


def _utterance(sovits) -> Utterance:
    shapes = {value.name: value.shape for value in sovits.get_inputs()}
    random = workload.generator()
    return Utterance(
        workload.tokens(workload.SPOKEN_TOKENS),
        workload.phonemes()[1],
        random.standard_normal(shapes["style"][1], np.float32),
        random.standard_normal((shapes["noise"][1], 2 * workload.SPOKEN_TOKENS), np.float32)
        * np.float32(0.5),
    )


def _round(decoder: Decoder, prompt: Prompt, sovits, spoken: Utterance) -> dict[str, float]:
    settings, random = SpeechDefaults(), workload.generator()
    history: list[int] = []

    def prefill():
        history[:] = prompt.tokens
        return decoder.prefill(prompt)

    def step(logits):
        token = choose(logits, np.array(history), settings, len(history) - len(prompt.tokens), random).token
        history.append(token)
        return decoder.step(token)

    decoding = workload.decoding_ms(prefill, step)
    begin = perf_counter()
    synthesize(sovits, spoken)
    return {**decoding, "sovits_ms": 1e3 * (perf_counter() - begin)}


if __name__ == "__main__":
    main()
