"""One process that speaks with Genie-TTS: ``python genie_worker.py FOLDER THREADS``, then a line a round.

Runs in Genie's own environment. Sessions are opened by Genie's own loader, and the graphs are called as its
``GENIE.t2s_cpu`` calls them; only the number of threads is set.
"""

import os
import sys
import tempfile
from pathlib import Path
from time import perf_counter

import numpy as np
import workload
from genie_package import without_its_front

REFERENCE_FEATURES = 768


def main() -> None:
    folder, threads = Path(sys.argv[1]), int(sys.argv[2])
    encoder = open_graph(folder, "t2s_encoder_fp32", None, threads)
    first = open_graph(folder, "t2s_first_stage_decoder_fp32", "t2s_shared_fp16", threads)
    stage = open_graph(folder, "t2s_stage_decoder_fp32", "t2s_shared_fp16", threads)
    vits = open_graph(folder, "vits_fp32", "vits_fp16", threads)
    workload.serve(lambda: _round(encoder, first, stage, vits))


def open_graph(folder: Path, graph: str, weights, threads: int):
    """A session as Genie opens it: all optimisations, weights widened to fp32 while loading."""
    without_its_front()
    empty = tempfile.gettempdir()  # Genie asks for its text and content models when it is imported
    for name in ("GENIE_DATA_DIR", "HUBERT_MODEL_DIR", "SV_MODEL"):
        os.environ.setdefault(name, empty)
    import onnxruntime
    from genie_tts.ModelManager import load_session_with_fp16_conversion

    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.intra_op_num_threads = threads
    path, providers = str(folder / f"{graph}.onnx"), ["CPUExecutionProvider"]
    if weights is None:
        return onnxruntime.InferenceSession(path, providers=providers, sess_options=options)
    return load_session_with_fp16_conversion(path, str(folder / f"{weights}.bin"), providers, options)


def _round(encoder, first, stage, vits) -> dict[str, float]:
    prompt_ids, target_ids = workload.phonemes()
    random = workload.generator()
    begin = perf_counter()
    x, prompts = encoder.run(
        None,
        {
            "ref_seq": prompt_ids[None],
            "text_seq": target_ids[None],
            "ref_bert": np.zeros((len(prompt_ids), 1024), np.float32),
            "text_bert": np.zeros((len(target_ids), 1024), np.float32),
            "ssl_content": random.standard_normal(
                (1, REFERENCE_FEATURES, 2 * workload.PROMPT_TOKENS), np.float32
            ),
        },
    )
    assert prompts.shape == (1, workload.PROMPT_TOKENS)
    encoded = perf_counter()
    names = [value.name for value in stage.get_inputs()]

    def step(state):
        y, embedded, _stop, *cache = stage.run(None, dict(zip(names, state, strict=True)))
        return [y, embedded, *cache]

    decoding = workload.decoding_ms(lambda: first.run(None, {"x": x, "prompts": prompts}), step)
    reference = random.standard_normal((1, workload.REFERENCE_S * workload.SAMPLE_RATE_HZ), np.float32)
    codes = workload.tokens(workload.SPOKEN_TOKENS)
    ready = perf_counter()
    vits.run(
        None,
        {"text_seq": target_ids[None], "pred_semantic": codes[None, None], "ref_audio": reference * 0.1},
    )
    end = perf_counter()
    return {
        "text_encoder_ms": 1e3 * (encoded - begin),
        **decoding,
        "sovits_ms": 1e3 * (end - ready),
    }


if __name__ == "__main__":
    main()
