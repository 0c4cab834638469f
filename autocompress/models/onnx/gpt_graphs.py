"""The GPT as two graphs: prefill over phonemes and prompt, and one cached step.

Legend: X phonemes, Y prompt tokens, S = X + Y, C cache capacity, H heads, h head size, V vocabulary.
Each block has its own key and value tensor, for blocks may differ in heads.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from autocompress.models.gpt import Block, Gpt, prefix_mask

CACHES = ("concat", "scatter", "shared")
_HIDDEN = -1e9  # added to the score of a position that may not be looked at
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
        mask = prefix_mask(phoneme_ids.shape[1], prompt.shape[1], x.device)
        hidden = (~mask).to(x.dtype) * _HIDDEN
        states: list[Tensor] = []
        for i, layer in enumerate(gpt.h.layers):
            assert isinstance(layer, Block)
            rows, seen = (x, hidden) if i + 1 < len(gpt.h.layers) else (x[-1:], hidden[-1:])
            attended, key, value = _attend_all(layer, rows, x, seen)
            x = layer.finish(rows, layer.self_attn.out_proj(attended))
            states += [key, value]
        return (gpt.ar_predict_layer(x[-1:]), *states)


def _attend_all(layer: Block, rows: Tensor, x: Tensor, hidden: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """rows [R, d] look at x [S, d], less what ``hidden`` [R, S] hides → [R, H h]; key, value [1, H, S, h].

    Plain operators: ONNX Runtime's MultiHeadAttention takes four times as long with a mask, on the CPU.
    """
    attention = layer.self_attn
    heads, width = attention.size.heads, attention.size.attention
    weight, bias = attention.in_proj_weight, attention.in_proj_bias
    if rows is x:
        parts = torch.split(F.linear(x, weight, bias), width, dim=-1)
    else:
        q = F.linear(rows, weight[:width], bias[:width])
        parts = (q, *torch.split(F.linear(x, weight[width:], bias[width:]), width, dim=-1))
    q, k, v = (part.reshape(part.shape[0], heads, -1).transpose(0, 1) for part in parts)
    scores = torch.matmul(q, k.transpose(1, 2)) * attention.size.head_size**-0.5 + hidden
    mixed = torch.matmul(scores.softmax(-1), v)
    return mixed.transpose(0, 1).flatten(1), k[None], v[None]


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
