"""Calibrated static int8 and the baselines, by onnxruntime's own tools."""

import logging

import numpy as np
import onnx
import onnxruntime as ort
import pytest

from autocompress.transforms.onnx_precision import parity_cases
from autocompress.transforms.onnx_precision.baselines import write_dynamic_int8
from autocompress.transforms.onnx_precision.calibrated import calibrate_convolutions
from autocompress.transforms.onnx_precision.parity import relative_error
from autocompress.transforms.onnx_precision.plan import PrecisionPlan


@pytest.fixture(autouse=True)
def _quiet(caplog):
    caplog.set_level(logging.ERROR)  # the tools advise a preprocessing step on the root logger


@pytest.fixture(scope="module")
def sovits_case(exported):
    cases = parity_cases(exported.gpt, exported.sovits, PrecisionPlan())
    return [case for case in cases if case.graph == "sovits"][1]


def test_calibrated_convolutions_of_one_role_stay_near_fp32(exported, sovits_case, tmp_path):
    output = tmp_path / "sovits_static.onnx"
    nodes = calibrate_convolutions(exported.paths["sovits"], output, ["sovits.prior"], [sovits_case.inputs])
    assert nodes and quantized_weights(output) == len(nodes)
    # 8 bits on either side of each convolution: about 1 % an operator
    assert error_of(output, sovits_case) < 0.3


def test_ranges_of_the_wrong_batches_are_seen_in_the_answer(exported, sovits_case, tmp_path):
    output = tmp_path / "sovits_static.onnx"
    silence = dict(sovits_case.inputs) | {"noise": 1e-3 * sovits_case.inputs["noise"]}
    calibrate_convolutions(exported.paths["sovits"], output, ["sovits.flow", "sovits.vocoder"], [silence])
    narrow = error_of(output, sovits_case)
    calibrate_convolutions(
        exported.paths["sovits"], output, ["sovits.flow", "sovits.vocoder"], [sovits_case.inputs]
    )
    assert error_of(output, sovits_case) < narrow


def test_dynamic_int8_of_everything_runs_and_is_smaller(exported, sovits_case, tmp_path):
    found = write_dynamic_int8(exported.paths, tmp_path)
    assert found.items["sovits.onnx"] < exported.paths["sovits"].stat().st_size
    assert np.isfinite(error_of(found.paths["sovits"], sovits_case))


def error_of(path, case):
    options = ort.SessionOptions()
    options.log_severity_level = 4
    session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return relative_error(session.run(None, dict(case.inputs))[0], case.expected["audio"])


def quantized_weights(path):
    return sum(
        t.data_type == onnx.TensorProto.INT8 and len(t.dims) > 1 for t in onnx.load(path).graph.initializer
    )
