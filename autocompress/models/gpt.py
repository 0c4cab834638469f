"""The autoregressive GPT of GPT-SoVITS (upstream: Text2SemanticDecoder), with a preallocated KV cache.

Legend: B batch, X phonemes, Y audio tokens, S = X + Y, d width, V semantic vocabulary, H heads, h head size.
Parameter names are the checkpoint's own, without the leading ``model.``.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from autocompress.models.config import BlockSize, GptConfig


@dataclass
class KVCache:
    """Keys and values of every block, preallocated to ``capacity``; ``length`` positions are filled."""

    keys: list[Tensor]  # per block [B, H, capacity, h]
    values: list[Tensor]
    length: int

    @property
    def capacity(self) -> int:
        return self.keys[0].shape[2]


@dataclass(frozen=True)
class Prefill:
    """What the first pass leaves: states and logits of every position, and the filled cache."""

    hidden: Tensor  # [B, S, d]
    logits: Tensor  # [B, V], at the last position
    cache: KVCache


class TokenEmbedding(nn.Module):
    def __init__(self, rows: int, width: int) -> None:
        super().__init__()
        self.word_embeddings = nn.Embedding(rows, width)

    def forward(self, ids: Tensor) -> Tensor:
        out: Tensor = self.word_embeddings(ids)
        return out


class SinePosition(nn.Module):
    """Interleaved sine table times a learned scale; positions may be anything, the table is computed."""

    frequency: Tensor

    def __init__(self, width: int) -> None:
        super().__init__()
        self.alpha = nn.Parameter(torch.ones(1))
        frequency = torch.exp(torch.arange(0, width, 2, dtype=torch.float32) * -(math.log(10000.0) / width))
        self.register_buffer("frequency", frequency, persistent=False)

    def forward(self, positions: Tensor) -> Tensor:  # [...] -> [..., d]
        angles = positions.unsqueeze(-1).to(self.alpha.dtype) * self.frequency
        table = torch.stack((angles.sin(), angles.cos()), dim=-1).flatten(-2)
        return self.alpha * table


class SelfAttention(nn.Module):
    """in_proj rows are q, k, v; heads are contiguous slices of each."""

    def __init__(self, width: int, size: BlockSize) -> None:
        super().__init__()
        self.size = size
        self.in_proj_weight = nn.Parameter(torch.empty(3 * size.attention, width))
        self.in_proj_bias = nn.Parameter(torch.zeros(3 * size.attention))
        self.out_proj = nn.Linear(size.attention, width)
        nn.init.xavier_uniform_(self.in_proj_weight)
        nn.init.zeros_(self.out_proj.bias)

    def project(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:  # [B, S, d] -> 3 x [B, H, S, h]
        qkv = F.linear(x, self.in_proj_weight, self.in_proj_bias)
        split = qkv.reshape(*x.shape[:2], 3, self.size.heads, self.size.head_size)
        parts = split.permute(2, 0, 3, 1, 4)
        return parts[0], parts[1], parts[2]

    def attend(self, q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None) -> Tensor:
        mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        out: Tensor = self.out_proj(mixed.transpose(1, 2).flatten(-2))
        return out


class LowRankLinear(nn.Module):
    """A linear map as the product of two thinner ones."""

    def __init__(self, inputs: int, outputs: int, rank: int) -> None:
        super().__init__()
        self.down = nn.Linear(inputs, rank, bias=False)
        self.up = nn.Linear(rank, outputs)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.up(self.down(x))
        return out


def ffn_linear(inputs: int, outputs: int, rank: int | None) -> nn.Module:
    return nn.Linear(inputs, outputs) if rank is None else LowRankLinear(inputs, outputs, rank)


class Block(nn.Module):
    """Post-norm transformer block with a ReLU feed-forward."""

    def __init__(self, width: int, size: BlockSize, dropout: float) -> None:
        super().__init__()
        self.self_attn = SelfAttention(width, size)
        self.linear1 = ffn_linear(width, size.ffn, size.rank)
        self.linear2 = ffn_linear(size.ffn, width, size.rank)
        self.norm1 = nn.LayerNorm(width)
        self.norm2 = nn.LayerNorm(width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
        """Over a whole sequence; returns the new states and this block's keys and values."""
        q, k, v = self.self_attn.project(x)
        return self.finish(x, self.self_attn.attend(q, k, v, mask)), k, v

    def finish(self, x: Tensor, attended: Tensor) -> Tensor:
        x = self.norm1(x + self.dropout(attended))
        inner = self.dropout(F.relu(self.linear1(x)))
        out: Tensor = self.norm2(x + self.dropout(self.linear2(inner)))
        return out

    def step(self, x: Tensor, keys: Tensor, values: Tensor, position: int) -> Tensor:
        """One new position: writes its key and value in place and attends to all up to it."""
        q, k, v = self.self_attn.project(x)
        keys[:, :, position : position + 1] = k
        values[:, :, position : position + 1] = v
        seen = slice(0, position + 1)
        return self.finish(x, self.self_attn.attend(q, keys[:, :, seen], values[:, :, seen], None))


class Blocks(nn.Module):
    def __init__(self, config: GptConfig) -> None:
        super().__init__()
        self.layers = nn.ModuleList(Block(config.width, size, config.dropout) for size in config.blocks)

    def forward(self, x: Tensor, mask: Tensor | None) -> tuple[Tensor, list[Tensor], list[Tensor]]:
        keys, values = [], []
        for layer in self.layers:
            x, k, v = layer(x, mask)
            keys.append(k)
            values.append(v)
        return x, keys, values


class Gpt(nn.Module):
    """Phonemes, BERT features and a token prompt → logits over semantic tokens."""

    def __init__(self, config: GptConfig) -> None:
        super().__init__()
        self.config = config
        self.bert_proj = nn.Linear(config.bert_width, config.width)
        self.ar_text_embedding = TokenEmbedding(config.phoneme_vocab, config.width)
        self.ar_text_position = SinePosition(config.width)
        self.ar_audio_embedding = TokenEmbedding(config.semantic_vocab, config.width)
        self.ar_audio_position = SinePosition(config.width)
        self.h = Blocks(config)
        self.ar_predict_layer = nn.Linear(config.width, config.semantic_vocab, bias=False)

    def embed_text(self, phoneme_ids: Tensor, bert: Tensor | None) -> Tensor:
        """phoneme_ids [B, X], bert [B, bert_width, X] or None for zeros → [B, X, d]."""
        projected = self.bert_proj.bias if bert is None else self.bert_proj(bert.transpose(1, 2))
        positions = torch.arange(phoneme_ids.shape[1], device=phoneme_ids.device)
        out: Tensor = self.ar_text_embedding(phoneme_ids) + projected + self.ar_text_position(positions)
        return out

    def embed_audio(self, tokens: Tensor, first_position: int = 0) -> Tensor:
        """tokens [B, Y] at audio positions first_position.. → [B, Y, d]."""
        positions = torch.arange(tokens.shape[1], device=tokens.device) + first_position
        out: Tensor = self.ar_audio_embedding(tokens) + self.ar_audio_position(positions)
        return out

    def prefill(self, phoneme_ids: Tensor, bert: Tensor | None, prompt: Tensor, *, room: int = 0) -> Prefill:
        """Run phonemes [B, X] and prompt [B, Y] (Y may be 0); the cache keeps ``room`` free positions."""
        x = torch.cat((self.embed_text(phoneme_ids, bert), self.embed_audio(prompt)), dim=1)
        mask = prefix_mask(phoneme_ids.shape[1], prompt.shape[1], x.device)
        hidden, keys, values = self.h(x, mask)
        cache = KVCache([_reserve(k, room) for k in keys], [_reserve(v, room) for v in values], x.shape[1])
        return Prefill(hidden, self.ar_predict_layer(hidden[:, -1]), cache)

    def step(self, token: Tensor, audio_position: int, cache: KVCache) -> Tensor:
        """Feed one token [B, 1] at ``audio_position``; returns logits [B, V]. The cache grows by one."""
        if cache.length >= cache.capacity:
            raise ValueError(f"the cache is full at {cache.capacity} positions; prefill with more room")
        x = self.embed_audio(token, audio_position)
        for layer, keys, values in zip(self.h.layers, cache.keys, cache.values, strict=True):
            assert isinstance(layer, Block)
            x = layer.step(x, keys, values, cache.length)
        cache.length += 1
        out: Tensor = self.ar_predict_layer(x[:, -1])
        return out

    def forward(
        self,
        phoneme_ids: Tensor,
        text_lengths: Tensor,
        bert: Tensor | None,
        codes: Tensor,
        code_lengths: Tensor,
    ) -> Tensor:
        """Teacher-forced training pass over right-padded batches.

        phoneme_ids [B, X], text_lengths [B], bert [B, bert_width, X] or None, codes [B, Y], code_lengths [B]
        → logits [B, Y + 1, V]. Row j predicts codes[:, j]; row code_length predicts EOS
        (see :func:`targets`). Row 0 is read at each text's own last phoneme.
        """
        x_len, y_len = phoneme_ids.shape[1], codes.shape[1]
        x = torch.cat((self.embed_text(phoneme_ids, bert), self.embed_audio(codes)), dim=1)
        hidden, _, _ = self.h(x, padded_mask(text_lengths, x_len, code_lengths, y_len))
        last_text = hidden[torch.arange(x.shape[0], device=x.device), text_lengths - 1]
        rows = torch.cat((last_text.unsqueeze(1), hidden[:, x_len:]), dim=1)
        out: Tensor = self.ar_predict_layer(rows)
        return out


def targets(codes: Tensor, code_lengths: Tensor, eos: int, ignore: int = -100) -> Tensor:
    """What :meth:`Gpt.forward` should predict: codes [B, Y], then EOS, then ``ignore`` → [B, Y + 1]."""
    place = torch.arange(codes.shape[1] + 1, device=codes.device)
    lengths = code_lengths.unsqueeze(1)
    out = F.pad(codes, (0, 1)).masked_fill(place > lengths, ignore)
    return out.masked_fill(place == lengths, eos)


def prefix_mask(x_len: int, y_len: int, device: torch.device) -> Tensor:
    """True where a row may look: text sees all text; audio sees all text and audio up to itself."""
    place = torch.arange(x_len + y_len, device=device)
    return (place < x_len) | ((place.unsqueeze(1) >= x_len) & (place <= place.unsqueeze(1)))


def padded_mask(text_lengths: Tensor, x_len: int, code_lengths: Tensor, y_len: int) -> Tensor:
    """:func:`prefix_mask` with padded keys hidden → [B, 1, S, S]; every row still sees its text."""
    device = text_lengths.device
    text_seen = torch.arange(x_len, device=device) < text_lengths.unsqueeze(1)
    audio_seen = torch.arange(y_len, device=device) < code_lengths.unsqueeze(1)
    keys = torch.cat((text_seen, audio_seen), dim=1)
    return (keys.unsqueeze(1) & prefix_mask(x_len, y_len, device)).unsqueeze(1)


def _reserve(states: Tensor, room: int) -> Tensor:
    batch, heads, length, size = states.shape
    out = states.new_empty(batch, heads, length + room, size)
    out[:, :, :length] = states
    return out
