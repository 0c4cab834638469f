"""Every exporter: its files run and agree with the student, and what it cannot take is named beforehand."""

import onnx
import pytest

from autocompress.errors import InfeasibleError
from autocompress.production.export import EXPORTERS, OPERATORS_FILE, OrtFormatExporter
from autocompress.transforms.onnx_precision import PrecisionPlan, check_parity, parity_cases, write_graphs

PLAN = PrecisionPlan(
    {"gpt": "int8", "gpt.ffn": "int4", "sovits": "int4", "sovits.vocoder": "fp16"},
    {"gpt.attention": "dynamic-int8", "gpt.ffn": "dynamic-int8"},
)


@pytest.fixture(scope="module")
def written(exported, tmp_path_factory):
    return write_graphs(exported.paths, PLAN, tmp_path_factory.mktemp("written"))


@pytest.fixture(scope="module")
def cases(exported):
    return parity_cases(exported.gpt, exported.sovits, PLAN)


@pytest.mark.parametrize("name", EXPORTERS)
class TestExporter:
    def test_the_exported_files_answer_as_the_student_does(self, name, written, cases, tmp_path):
        found = EXPORTERS[name]().export(written, tmp_path)
        report = check_parity(found.paths, cases, PLAN)
        assert report.holds, report.reason

    def test_every_file_that_is_needed_is_listed(self, name, written, tmp_path):
        found = EXPORTERS[name]().export(written, tmp_path)
        assert sorted(tmp_path.iterdir()) == sorted(found.files)
        assert found.size_bytes == sum(path.stat().st_size for path in tmp_path.iterdir())
        assert found.target == name

    def test_the_shipped_graphs_have_no_operator_in_the_way(self, name, written):
        assert EXPORTERS[name]().unsupported(written.paths) == ()

    def test_an_unknown_operator_is_named_and_nothing_is_written(self, name, written, tmp_path):
        model = onnx.load(written.paths["sovits"])
        model.graph.node[-1].op_type = "Vocode"
        foreign = tmp_path / "sovits.onnx"
        onnx.save(model, foreign)
        graphs = type(written)({"sovits": foreign}, (foreign,))
        with pytest.raises(InfeasibleError, match=r"sovits: Vocode \(not an operator of ONNX opset 20\)"):
            EXPORTERS[name]().export(graphs, tmp_path / "out")
        assert not (tmp_path / "out").exists()

    def test_a_damaged_graph_is_named_beforehand(self, name, written, tmp_path):
        model = onnx.load(written.paths["sovits"])
        del model.graph.initializer[0]
        onnx.save(model, tmp_path / "sovits.onnx")
        (entry,) = EXPORTERS[name]().unsupported({"sovits": tmp_path / "sovits.onnx"})
        assert entry.graph == "sovits" and entry.reason


def test_the_operators_file_lists_what_a_minimal_build_must_have(written, tmp_path):
    found = OrtFormatExporter().export(written, tmp_path)
    listed = (tmp_path / OPERATORS_FILE).read_text()
    assert "MatMulNBits" in listed and "ConvTranspose" in listed and "GroupQueryAttention" in listed
    assert any("shared weights" in note for note in found.notes)


def test_the_ort_format_keeps_weights_narrow_unless_they_are_folded(written, tmp_path):
    narrow = OrtFormatExporter().export(written, tmp_path / "narrow")
    wide = OrtFormatExporter(fold_weights=True).export(written, tmp_path / "wide")
    assert narrow.items["sovits.ort"] < 0.6 * wide.items["sovits.ort"]
    assert any("at every run" in note for note in narrow.notes)
    assert not any("at every run" in note for note in wide.notes)
