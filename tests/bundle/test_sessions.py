"""Execution providers: the first that loads and agrees with the CPU, and every switch told."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from autocompress.bundle import Bundle, GraphSettings
from autocompress.bundle.sessions import LARGEST_RELATIVE_ERROR, SessionSettings, open_session
from autocompress.errors import BundleError


class Skewed:
    """A session whose results are off by a factor."""

    def __init__(self, session, factor):
        self._session, self._factor = session, factor

    def __getattr__(self, name):
        return getattr(self._session, name)

    def run(self, outputs, inputs):
        return [output * np.float32(self._factor) for output in self._session.run(outputs, inputs)]


def opening(behaviour):
    """CPU sessions under other names; ``behaviour`` maps a provider to a factor, absent ones do not load."""

    def opened(path, provider, settings):
        if provider == "CPU":
            return open_session(path, provider, settings)
        if provider not in behaviour:
            raise RuntimeError(f"no {provider} here")
        return Skewed(open_session(path, "CPU", settings), behaviour[provider])

    return opened


def load(folder, behaviour, providers=None):
    switches = []
    settings = GraphSettings(
        threads=1, providers=providers, on_switch=switches.append, opening=opening(behaviour)
    )
    return Bundle.load(folder, settings), switches


def test_the_first_provider_that_loads_and_agrees_wins(whole_folder):
    bundle, switches = load(
        whole_folder, {"NNAPI": 2.0, "CoreML": 1 + LARGEST_RELATIVE_ERROR / 2, "XNNPACK": 1}
    )
    assert set(bundle.graphs.providers.values()) == {"CoreML"}
    reasons = [(switch.before, "did not load" in switch.reason) for switch in switches]
    assert reasons == [("QNN", True), ("NNAPI", False)] * 3
    assert "sovits.onnx: disagrees with the CPU by 1" in switches[-1].reason


def test_the_callers_order_goes_before_the_manifests(whole_folder):
    bundle, switches = load(whole_folder, {"QNN": 1, "XNNPACK": 1}, ("XNNPACK", "QNN", "CPU"))
    assert set(bundle.graphs.providers.values()) == {"XNNPACK"}
    assert not switches


def test_the_cpu_is_what_remains_and_the_light_tier_is_always_there(whole_folder):
    bundle, switches = load(whole_folder, {"XNNPACK": float("nan")})
    assert set(bundle.graphs.providers.values()) == {"CPU"}
    assert len(switches) == 4 * 3
    fast, _ = load(whole_folder, {"QNN": 1})
    fast.graphs.load_all_tiers()
    assert fast.graphs.providers["sovits.onnx"] == "QNN"
    assert fast.graphs.providers["sovits_lite.onnx"] == "CPU"


def test_providers_that_this_onnxruntime_lacks_are_passed_over_in_silence(whole_folder):
    switches = []
    bundle = Bundle.load(whole_folder, GraphSettings(on_switch=switches.append))
    assert set(bundle.graphs.providers.values()) == {"CPU"}
    assert not switches


def test_a_graph_that_the_cpu_cannot_run_is_refused(tmp_path):
    from autocompress.bundle.sessions import SessionSettings, choose_session

    (tmp_path / "bad.onnx").write_bytes(b"no graph")
    with pytest.raises(BundleError, match=r"bad\.onnx does not run on the CPU"):
        choose_session(tmp_path / "bad.onnx", ("CPU",), SessionSettings(), lambda session: None)


@pytest.mark.parametrize("rows", [1, 60])
def test_sums_of_8_bit_products_do_not_overflow(tmp_path, rows):
    """They did on x86 without VNNI, whose kernel adds pairs of products in 16 bits."""
    activations = np.full((rows, 64), 255, np.uint8)
    weights = np.full((64, 16), 127, np.int8)
    graph = helper.make_graph(
        [helper.make_node("MatMulInteger", ["x", "w"], ["y"])],
        "product",
        [helper.make_tensor_value_info("x", TensorProto.UINT8, activations.shape)],
        [helper.make_tensor_value_info("y", TensorProto.INT32, None)],
        [numpy_helper.from_array(weights, "w")],
    )
    path = tmp_path / "product.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    (found,) = open_session(path, "CPU", SessionSettings(threads=1)).run(None, {"x": activations})
    assert np.array_equal(found, activations.astype(np.int32) @ weights.astype(np.int32))
