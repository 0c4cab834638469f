"""Whole candidates: the teacher itself, the shipped spaces, factored halves, bytes, faults at once."""

from functools import cache
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_teachers import gpt_batch, sovits_batch, tiny_gpt, tiny_sovits

from autocompress.errors import SpaceError
from autocompress.models.checkpoint import gpt_misfits, save_gpt
from autocompress.space import Candidate, load_space
from autocompress.transforms import (
    gpt_part,
    materialize,
    materialize_gpt,
    quantize,
    sovits_part,
    student_configs,
    teacher_dimensions,
)
from autocompress.transforms.quantizers import SMALL_WEIGHTS
from autocompress.transforms.weights import effective_weight

SPACES = ["gpt-sovits", "quick", "precision-only"]


@cache
def the_teacher():
    return SimpleNamespace(gpt=tiny_gpt(), sovits=tiny_sovits())


@cache
def space_of(name):
    teacher = the_teacher()
    return load_space(name, teacher_dimensions(teacher.gpt.config, teacher.sovits.config))


def test_the_empty_candidate_is_the_teacher_bit_for_bit(teacher, spoken):
    student = materialize(teacher, Candidate())
    for own, its in ((teacher.gpt, student.gpt), (teacher.sovits, student.sovits)):
        assert own.config == its.config
        assert all(torch.equal(t, its.state_dict()[k]) for k, t in own.state_dict().items())
    assert torch.equal(spoken.gpt.logits(teacher.gpt), spoken.gpt.logits(student.gpt_half.computing()))
    assert torch.equal(
        spoken.sovits.audio(teacher.sovits), spoken.sovits.audio(student.sovits_half.computing())
    )
    assert not student.notes


def test_a_student_shares_no_memory_with_its_teacher(teacher):
    student = materialize(teacher, Candidate({"gpt.ffn.0": 64}))
    own = {tensor.data_ptr() for tensor in teacher.gpt.state_dict().values()}
    assert own.isdisjoint(tensor.data_ptr() for tensor in student.gpt.state_dict().values())


@pytest.mark.parametrize("name", SPACES)
@settings(deadline=None, max_examples=4, derandomize=True)
@given(seed=st.integers(0, 2**32 - 1))
def test_any_candidate_of_a_shipped_space_runs_and_has_the_planned_sizes(name, seed):
    space, teacher = space_of(name), the_teacher()
    candidate = space.candidate(space.random_point(np.random.default_rng(seed)))
    student = materialize(teacher, candidate)
    assert torch.isfinite(gpt_batch().logits(student.gpt_half.computing())).all()
    assert torch.isfinite(sovits_batch().audio(student.sovits_half.computing())).all()
    planned = student_configs(teacher.gpt.config, teacher.sovits.config, candidate)
    assert planned[0] == student.gpt.config
    assert planned[1].vocoder == student.sovits.config.vocoder
    assert planned[1].prior == student.sovits.config.prior
    assert student.size_bytes <= materialize(teacher, Candidate()).size_bytes * 1.02  # scales of tiny rows


def test_each_half_depends_on_its_own_decisions_alone(teacher):
    both = Candidate(
        {"gpt.heads.0": 2, "storage.gpt.head": "fp16", "sovits.flow.channels": 8, "recipe.steps": 1000}
    )
    student = materialize(teacher, both)
    assert (
        student.gpt_half.id
        == gpt_part(both).id
        == Candidate({"gpt.heads.0": 2, "storage.gpt.head": "fp16"}).id
    )
    assert student.sovits_half.id == sovits_part(both).id == Candidate({"sovits.flow.channels": 8}).id
    alone = materialize_gpt(teacher.gpt, gpt_part(both))
    assert all(torch.equal(t, alone.network.state_dict()[k]) for k, t in student.gpt.state_dict().items())


def test_decisions_find_their_layer_by_the_teachers_index(teacher):
    student = materialize(
        teacher,
        Candidate({
            "gpt.keep.1": False,
            "gpt.heads.2": 1,
            "storage.gpt.ffn.3": "int4",
            "compute.gpt.ffn.3": "dynamic-int8",
        }),
    )  # fmt: skip
    assert [block.heads for block in student.gpt.config.blocks] == [4, 1, 4]
    assert student.gpt_half.kernels == {"ffn.2": "MatMulNBits"}
    stored = {tensor.name: tensor for tensor in student.storage}
    assert stored["h.layers.2.linear1.weight"].storage == "int4"
    assert stored["h.layers.2.linear1.weight"].role == "gpt.ffn.3"
    kept = effective_weight(teacher.gpt.state_dict(), "h.layers.3.linear1").numpy()
    assert np.array_equal(
        student.gpt.state_dict()["h.layers.2.linear1.weight"], quantize(kept, "int4").dequantised
    )


def test_the_bytes_are_the_sum_of_what_each_tensor_stores(teacher):
    decided = {
        "storage.gpt.attention.0": "int8",
        "storage.sovits.vocoder": "int4",
        "storage.sovits.flow": "fp16",
    }
    student = materialize(teacher, Candidate(decided))
    state, total = student.sovits.state_dict(), 0
    for tensor in student.storage:
        total += tensor.size_bytes
        if tensor.role == "sovits.vocoder" and len(tensor.shape) == 3:
            weight = effective_weight(state, tensor.name.removesuffix(".weight")).numpy()
            storage = "fp16" if weight.size < SMALL_WEIGHTS else "int4"
            assert tensor.storage == storage
            assert quantize(weight, storage, tensor.axis).size_bytes == tensor.size_bytes
            assert np.array_equal(quantize(weight, storage, tensor.axis).dequantised, weight)
    assert total == student.size_bytes == sum(student.bytes_by_component.values())
    plain = materialize(teacher, Candidate())
    assert plain.size_bytes == 4 * plain.n_parameters == 4 * student.n_parameters


def test_what_a_device_does_not_need_is_not_counted(teacher):
    names = {tensor.name for tensor in materialize(teacher, Candidate()).sovits_half.storage}
    assert not any(
        name.startswith(("enc_q", "ref_enc", "ssl_proj", "quantizer", "enc_p.ssl_proj")) for name in names
    )
    assert {"table", "dec.ups.0.weight", "enc_p.text_embedding.weight"} <= names


def test_the_table_of_codes_is_rounded_as_it_will_be_stored(teacher):
    student = materialize(teacher, Candidate({"storage.sovits.embedding": "int8"}))

    def table(sovits):
        projection = sovits.enc_p.ssl_proj
        return sovits.quantizer.codebook.embed @ projection.weight[:, :, 0].t() + projection.bias

    rounded = quantize(table(teacher.sovits).numpy(), "int8").dequantised
    assert np.abs(table(student.sovits).numpy() - rounded).max() < 1e-5  # of entries of order 1, in float32
    assert np.abs(table(teacher.sovits).numpy() - rounded).max() > 1e-3


def test_low_rank_is_no_shape_of_upstreams(teacher, tmp_path):
    student = materialize(teacher, Candidate({f"gpt.rank.{i}": 8 for i in range(4)}))
    assert "its FFN matrices are products of low rank" in gpt_misfits(student.gpt.config)
    with pytest.raises(Exception, match="low rank"):
        save_gpt(student.gpt, tmp_path / "student.ckpt")


def test_every_fault_is_told_at_once(teacher):
    wrong = {
        "gpt.heads.0": 9,
        "gpt.keep.1": False,
        "storage.gpt.ffn.1": "int8",
        "gpt.hands.0": 2,
        "storage.sovits.flow": "int3",
        "compute.sovits.prior": "dynamic-int8",
        "sovits.vocoder.kernels.0": "5",
    }
    with pytest.raises(SpaceError) as found:
        materialize(teacher, Candidate(wrong))
    told = str(found.value)
    assert "6 fault(s)" in told
    assert all(name in told for name in wrong if name != "gpt.keep.1")


def test_a_gpt_without_layers_is_refused(teacher):
    with pytest.raises(SpaceError, match="at least one must stay"):
        materialize(teacher, Candidate({f"gpt.keep.{i}": False for i in range(4)}))
