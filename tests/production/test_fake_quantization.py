"""Fake quantization: the exporter's rounding, bit for bit, with a gradient that passes."""

import numpy as np
import pytest
import torch

from autocompress.production.fake_quantization import (
    plain_weights,
    quantized_gpt,
    quantized_sovits,
    rounded,
    straight,
)
from autocompress.space import Candidate
from autocompress.transforms import materialize_gpt
from autocompress.transforms.quantizers import quantize
from tests.tiny_teacher import tiny_teacher

PRECISION = Candidate(
    {
        "storage.gpt.ffn.0": "int4",
        "compute.gpt.ffn.0": "dynamic-int8",
        "storage.gpt.attention.1": "int8",
        "compute.gpt.attention.1": "dynamic-int8",
        "storage.gpt.embedding": "fp16",
    }
)


def weights(shape: tuple[int, ...], seed: int = 0) -> torch.Tensor:
    tensor = torch.randn(shape, generator=torch.Generator().manual_seed(seed))
    tensor[0] = 0  # a silent channel
    return tensor


@pytest.mark.parametrize("storage", ["fp32", "fp16", "int8", "int4"])
@pytest.mark.parametrize("shape", [(6, 40), (4, 33), (5, 3, 7)])
def test_a_weight_is_rounded_as_the_exporter_rounds_it(storage, shape) -> None:
    weight = weights(shape)
    expected = quantize(weight.numpy(), storage).dequantised
    assert np.array_equal(rounded(weight, storage).numpy(), expected)


def test_the_gradient_passes_straight_through() -> None:
    weight = weights((3, 32)).requires_grad_(True)
    straight(lambda w: rounded(w, "int4"))(weight).mul(2.0).sum().backward()
    assert torch.equal(weight.grad, torch.full((3, 32), 2.0))


def test_plain_rounding_lets_no_gradient_through() -> None:
    weight = weights((3, 32)).requires_grad_(True)
    rounded(weight, "int8").sum().backward()
    assert not torch.equal(weight.grad, torch.ones(3, 32))


def test_the_quantized_gpt_answers_as_the_delivered_one() -> None:
    gpt = tiny_teacher().gpt
    delivered = materialize_gpt(gpt, PRECISION).computing()
    inputs = (torch.arange(7)[None], torch.tensor([7]), None, torch.arange(9)[None], torch.tensor([9]))
    with torch.no_grad():
        assert torch.equal(quantized_gpt(gpt, PRECISION)(*inputs), delivered(*inputs))
        assert not torch.equal(gpt(*inputs), delivered(*inputs))


def test_weights_come_back_under_their_own_names_unrounded() -> None:
    gpt = tiny_teacher().gpt
    back = plain_weights(quantized_gpt(gpt, PRECISION).state_dict())
    assert back.keys() == gpt.state_dict().keys()
    assert all(torch.equal(back[name], tensor) for name, tensor in gpt.state_dict().items())


def test_every_quantized_matrix_gets_a_gradient() -> None:
    model = quantized_gpt(tiny_teacher().gpt, PRECISION).requires_grad_(True)
    inputs = (torch.arange(7)[None], torch.tensor([7]), None, torch.arange(9)[None], torch.tensor([9]))
    model(*inputs).square().sum().backward()
    silent = [
        n for n, p in model.named_parameters() if p.grad is None and "bert_proj.parametrizations" not in n
    ]
    assert silent == []


def test_flow_and_decoder_stay_in_float() -> None:
    sovits = tiny_teacher().sovits
    everything = Candidate(
        {f"storage.sovits.{part}": "int8" for part in ("embedding", "prior", "flow", "vocoder")}
    )
    names = [n for n, _ in quantized_sovits(sovits, everything).named_parameters() if "parametrizations" in n]
    assert names
    assert all(name.startswith("enc_p.") for name in names)
