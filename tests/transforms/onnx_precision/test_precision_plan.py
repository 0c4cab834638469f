"""Plans: roles, candidates, and what cannot be written."""

import pytest

from autocompress.errors import CheckpointError, SpaceError
from autocompress.space import Candidate
from autocompress.transforms.onnx_precision import PrecisionPlan
from autocompress.transforms.onnx_precision.roles import role_of


def test_the_longest_entry_serves_a_role():
    plan = PrecisionPlan({"gpt": "fp16", "gpt.ffn": "int8", "gpt.ffn.3": "int4"})
    roles = ("gpt.head", "gpt.ffn.2", "gpt.ffn.3", "sovits.flow")
    assert [plan.storage_of(role) for role in roles] == ["fp16", "int8", "int4", "fp32"]


def test_layers_of_a_candidate_are_renumbered_to_those_that_stay():
    decided = {
        "storage.gpt.ffn.2": "int4",
        "compute.gpt.ffn.2": "dynamic-int8",
        "storage.sovits.flow": "fp16",
    }
    candidate = Candidate({"gpt.keep.1": False, "storage.sovits.flow": "fp16"} | decided)
    plan = PrecisionPlan.of(candidate, teacher_layers=4)
    assert plan.storage == {"gpt.ffn.1": "int4", "sovits.flow": "fp16"}
    assert plan.compute == {"gpt.ffn.1": "dynamic-int8"}


def test_all_faults_of_a_plan_are_listed():
    with pytest.raises(SpaceError, match=r"int3.*bf16.*flow is dynamic-int8"):
        PrecisionPlan({"gpt": "int3"}, {"gpt.head": "bf16", "sovits.flow": "dynamic-int8"})


@pytest.mark.parametrize(
    ("parameter", "role"),
    [
        ("gpt.h.layers.11.self_attn.in_proj_weight", "gpt.attention.11"),
        ("gpt.h.layers.2.linear1.down.weight", "gpt.ffn.2"),
        ("gpt.bert_proj.weight", "gpt.embedding"),
        ("table", "sovits.embedding"),
        ("sovits.enc_p.text_embedding.weight", "sovits.embedding"),
        ("sovits.enc_p.mrte.c_pre.weight", "sovits.prior"),
        ("sovits.dec.ups.0.weight", "sovits.vocoder"),
    ],
)
def test_a_parameter_has_the_role_of_its_place(parameter, role):
    assert role_of(parameter) == role


def test_a_parameter_without_a_role_is_refused():
    with pytest.raises(CheckpointError, match="enc_q"):
        role_of("sovits.enc_q.pre.weight")
