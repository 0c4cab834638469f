"""The GPT as two graphs: prefill over phonemes and prompt, and one cached step.

Legend: X phonemes, Y prompt tokens, S = X + Y, C cache capacity, H heads, h head size, V vocabulary.
Each block has its own key and value tensor, for blocks may differ in heads.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from autocompress.models.gpt import Block, Gpt, SelfAttention

CACHES = ("concat", "scatter", "shared")
_HIDDEN = -1e9  # added to the score of a position that may not be looked at
_FAR = 40.0
_GROUP_QUERY_HEAD = 8  # ONNX Runtime's operator takes multiples of this as head size


class PrefillGraph(nn.Module):
    """phoneme_ids [1, X], prompt [1, Y], bert [1, 1024, X] → logits [1, V]; key, value [1, H, S, h] a block.

    Without ``bert`` the graph has no such input and no weight of its projection: zeros need only its bias.
    Rows are kept as a matrix [S, d], so that every linear layer is one Gemm with its bias. The last block
    computes keys and values of all rows, but everything else of the last row only.
    """

    def __init__(self, gpt: Gpt, *, bert: bool) -> None:
        super().__init__()
        self.gpt = gpt
        self.bert = bert

    def forward(self, phoneme_ids: Tensor, prompt: Tensor, bert: Tensor | None = None) -> tuple[Tensor, ...]:
        gpt = self.gpt
        text = gpt.embed_text(phoneme_ids, bert if self.bert else None)
        x = torch.cat((text, gpt.embed_audio(prompt)), dim=1)[0]
        hidden = _hidden_later(phoneme_ids.shape[1], prompt.shape[1])
        states: list[Tensor] = []
        for i, layer in enumerate(gpt.h.layers):
            assert isinstance(layer, Block)
            if i + 1 < len(gpt.h.layers):
                q, k, v = _project(layer.self_attn, x, x)
                rows, attended = x, _attend(q, k, v, hidden)
            else:
                q, k, v = _project(layer.self_attn, x[-1:], x)
                rows, attended = x[-1:], _mix(q, k, v, None)
            x = layer.finish(rows, layer.self_attn.out_proj(attended))
            states += [part[None].transpose(1, 2) for part in (k, v)]  # the view first: it copies nothing
        return (gpt.ar_predict_layer(x[-1:]), *states)


def _project(attention: SelfAttention, rows: Tensor, x: Tensor) -> tuple[Tensor, ...]:
    """q of ``rows`` [R, H, h], k and v of all of ``x`` [S, H, h]."""
    width, weight, bias = attention.size.attention, attention.in_proj_weight, attention.in_proj_bias
    if rows is x:
        parts = torch.split(F.linear(x, weight, bias), width, dim=-1)
    else:
        q = F.linear(rows, weight[:width], bias[:width])
        parts = (q, *torch.split(F.linear(x, weight[width:], bias[width:]), width, dim=-1))
    return tuple(part.reshape(part.shape[0], attention.size.heads, -1) for part in parts)


def _attend(q: Tensor, k: Tensor, v: Tensor, hidden: Tensor) -> Tensor:
    """Text rows look at text alone, the last of them and audio rows at all that ``hidden`` leaves → [S, H h].

    To look at text alone and to look no further than itself is the same for the last text row: so neither
    part is empty without a prompt. Plain operators: on the CPU ONNX Runtime's MultiHeadAttention takes four
    times as long with a mask, GroupQueryAttention half as long again.
    """
    last = hidden.shape[1] - hidden.shape[0]
    text = _mix(q[: last + 1], k[: last + 1], v[: last + 1], None)
    return torch.cat((text[:-1], _mix(q[last:], k, v, hidden)))


def _mix(q: Tensor, k: Tensor, v: Tensor, hidden: Tensor | None) -> Tensor:
    """q [R, H, h] looks at k, v [S, H, h] → [R, H h]."""
    scores = torch.matmul(q.transpose(0, 1), k.permute(1, 2, 0)) * q.shape[-1] ** -0.5
    if hidden is not None:
        scores = _raised(scores + hidden)
    mixed = torch.matmul(scores.softmax(-1), v.transpose(0, 1))
    return mixed.transpose(0, 1).flatten(1)


def _hidden_later(text: int, audio: int) -> Tensor:
    """What is added to the scores of the last text row and audio, which see up to themselves [Y + 1, S]."""
    place = torch.arange(text + audio)
    return (place > place[text - 1 :, None]).to(torch.float32) * _HIDDEN


def _raised(scores: Tensor) -> Tensor:
    """No score further below the greatest of its row than where exp gives 4e-18: the sum is the same in fp32.

    ONNX Runtime's softmax takes seven times as long (0.84 against 0.12 ms for [16, 135, 135] on a Xeon) on
    scores whose exponential is not a normal number, as every hidden one's.
    """
    return torch.maximum(scores, scores.amax(-1, keepdim=True) - _FAR)


class StepGraph(nn.Module):
    """One token after ``length`` cached positions → logits [1, V] and the caches.

    token [1, 1] at audio ``position`` [1]; keys and values [1, H, C, h] a block. How the cache grows:

    ``shared``: com.microsoft GroupQueryAttention writes the new position into a preallocated buffer; with
    the same memory bound as input and output nothing is copied (a block whose head size it does not take is
    done by ``scatter``). ``scatter``: ONNX ScatterElements into a
    buffer and a mask over its free part. ``concat``: past and new position are concatenated, as upstream
    does; C = length.
    """

    def __init__(self, gpt: Gpt, cache: str) -> None:
        super().__init__()
        assert cache in CACHES
        self.gpt = gpt
        self.attend = {"concat": _concat, "scatter": _scatter, "shared": _shared}[cache]

    def forward(
        self, token: Tensor, position: Tensor, length: Tensor, keys: list[Tensor], values: list[Tensor]
    ) -> tuple[Tensor, ...]:
        gpt = self.gpt
        x = (gpt.ar_audio_embedding(token) + gpt.ar_audio_position(position))[0]  # a matrix, as in prefill
        states: list[Tensor] = []
        for layer, key, value in zip(gpt.h.layers, keys, values, strict=True):
            assert isinstance(layer, Block)
            attended, new_key, new_value = self.attend(layer, x, key, value, length)
            x = layer.finish(x, layer.self_attn.out_proj(attended[0]))
            states += [new_key, new_value]
        return (gpt.ar_predict_layer(x), *states)


def _shared(layer: Block, x: Tensor, key: Tensor, value: Tensor, length: Tensor) -> tuple[Tensor, ...]:
    attention = layer.self_attn
    width, heads = attention.size.attention, attention.size.heads
    if attention.size.head_size % _GROUP_QUERY_HEAD:
        return _scatter(layer, x, key, value, length)
    projected = F.linear(x, attention.in_proj_weight, attention.in_proj_bias)
    q, k, v = torch.split(projected[None], width, dim=-1)
    out = torch.onnx.ops.symbolic_multi_out(
        "com.microsoft::GroupQueryAttention",
        (q, k, v, key, value, length, (length + 1).squeeze(0)),
        attrs={"num_heads": heads, "kv_num_heads": heads},
        dtypes=(x.dtype,) * 3,
        shapes=(q.shape, key.shape, value.shape),
        version=1,
    )
    return tuple(out)


def _scatter(layer: Block, x: Tensor, key: Tensor, value: Tensor, length: Tensor) -> tuple[Tensor, ...]:
    q, k, v = layer.self_attn.project(x[None])
    place = length.long().reshape(1, 1, 1, 1).expand_as(k)
    key, value = key.scatter(2, place, k), value.scatter(2, place, v)
    seen = torch.arange(key.shape[2]) <= length
    mixed = F.scaled_dot_product_attention(q, key, value, attn_mask=seen[None, None, None])
    return mixed.transpose(1, 2).flatten(-2), key, value


def _concat(layer: Block, x: Tensor, key: Tensor, value: Tensor, length: Tensor) -> tuple[Tensor, ...]:
    q, k, v = layer.self_attn.project(x[None])
    key, value = torch.cat((key, k), dim=2), torch.cat((value, v), dim=2)
    mixed = F.scaled_dot_product_attention(q, key, value)
    return mixed.transpose(1, 2).flatten(-2), key, value
