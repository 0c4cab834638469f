"""Rounding of activations: onnxruntime's own operator bit for bit, its bounds, and what it wraps."""

import numpy as np
import onnxruntime
import pytest
import torch
from onnx import TensorProto, helper

from autocompress.space import Candidate
from autocompress.transforms import materialize, quantizers
from autocompress.transforms.compute import block_int8, dynamic_uint8, half

INT8 = {"storage.gpt.attention.0": "int8", "compute.gpt.attention.0": "dynamic-int8"}


def run_onnxruntime(x):
    """x through DynamicQuantizeLinear and back."""
    floats = TensorProto.FLOAT
    nodes = [
        helper.make_node("DynamicQuantizeLinear", ["x"], ["q", "s", "z"]),
        helper.make_node("DequantizeLinear", ["q", "s", "z"], ["y"]),
    ]
    ends = [helper.make_tensor_value_info(name, floats, x.shape) for name in ("x", "y")]
    graph = helper.make_graph(nodes, "round", ends[:1], ends[1:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"x": x})[0]


@pytest.mark.parametrize("shift", [0.0, 5.0, -5.0])
def test_dynamic_uint8_is_onnxruntimes(shift):
    x = np.random.default_rng(0).standard_normal((3, 40)).astype(np.float32) + np.float32(shift)
    assert np.allclose(
        dynamic_uint8(torch.from_numpy(x)), run_onnxruntime(x), atol=1e-6
    )  # float32 of order 10


def test_block_int8_errs_by_half_a_step_of_each_32_features():
    x = torch.randn(2, 70, generator=torch.Generator().manual_seed(0)) * torch.logspace(-3, 3, 70)
    error = (block_int8(x) - x).abs()
    for start in (0, 32, 64):
        part = slice(start, start + 32)
        step = x[:, part].abs().amax(1, keepdim=True) / 127
        assert (error[:, part] <= step * 0.5001).all()


def test_an_empty_signal_stays_empty():
    zeros = torch.zeros(2, 40)
    assert all(torch.equal(rounding(zeros), zeros) for rounding in (dynamic_uint8, block_int8, half))


def test_computing_rounds_a_copy_and_leaves_the_network_for_export(teacher, spoken):
    gpt = materialize(teacher, Candidate(INT8)).gpt_half
    before = spoken.gpt.logits(gpt.network)
    rounded = spoken.gpt.logits(gpt.computing())
    assert torch.equal(spoken.gpt.logits(gpt.network), before)
    assert 0 < (rounded - before).abs().max() < 0.2


def test_computing_also_rounds_cached_steps(teacher, spoken):
    """Prefill of n + 1 tokens equals prefill of n and one step; both are rounded."""
    gpt = materialize(teacher, Candidate({"compute.gpt.ffn.1": "fp16-device"})).gpt_half.computing()
    ids, codes = spoken.gpt.phoneme_ids[:1], spoken.gpt.codes[:1]
    first = gpt.prefill(ids, None, codes[:, :8], room=1)
    stepped = gpt.step(codes[:, 8:9], 8, first.cache)
    assert torch.allclose(stepped, gpt.prefill(ids, None, codes).logits, atol=2e-3)  # halves have 11 bits


@pytest.mark.parametrize("part", ["prior", "flow", "vocoder"])
@pytest.mark.parametrize("compute", ["dynamic-int8", "fp16-device"])
def test_each_part_of_sovits_can_be_rounded(teacher, spoken, part, compute, monkeypatch):
    monkeypatch.setattr(quantizers, "SMALL_WEIGHTS", 0)  # all of this teacher's vocoder is small
    decided = {f"storage.sovits.{part}": "int8", f"compute.sovits.{part}": compute}
    sovits = materialize(teacher, Candidate(decided)).sovits_half
    difference = (spoken.sovits.audio(sovits.computing()) - spoken.sovits.audio(sovits.network)).abs().max()
    assert 0 < difference < 0.1


def test_small_convolutions_of_the_vocoder_are_never_integers(teacher, spoken):
    """They write the waveform, and rounded they hiss. This teacher's are all small but one upsampling."""
    decided = {"storage.sovits.vocoder": "int4", "compute.sovits.vocoder": "dynamic-int8"}
    half = materialize(teacher, Candidate(decided)).sovits_half
    assert torch.equal(spoken.sovits.audio(half.computing()), spoken.sovits.audio(half.network))
    matrices = [t for t in half.storage if t.role == "sovits.vocoder" and len(t.shape) == 3]
    assert all(t.storage == ("fp16" if np.prod(t.shape) < 4096 else "int4") for t in matrices)
    assert quantizers.stored_as("int8", "sovits.vocoder", 4096) == "int8"
    assert quantizers.stored_as("int8", "sovits.vocoder", 4095) == "fp16"
    assert quantizers.stored_as("int8", "sovits.flow", 56) == "int8"
    assert quantizers.stored_as("fp32", "sovits.vocoder", 56) == "fp32"
