"""A step of a whole decoder layer as one call: what its parts do, written out by `script`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from torch import nn

from weft.attention.fused import Fused
from weft.attention.masks import Arbitrary, Full, Mask, Padding
from weft.attention.protocol import KeyValues
from weft.attention.record import Record
from weft.base.shapes import Bool, Float, Tensor
from weft.layers.attention import CrossAttention, SelfAttention
from weft.layers.cache import Stepping
from weft.layers.position import NoRotation
from weft.layers.residual import Residual
from weft.layers.script import Script, UnknownPartError

_ARGUMENTS = "x, past_k, past_v, past_mask: Optional[Tensor], end: int, k, v, source_mask: Optional[Tensor]"


@dataclass(frozen=True)
class Step:
    """What a layer of these parts does to one step of n hypotheses; `write` makes a function for a number of rows."""

    write: Callable[[int], Callable[..., Any]]
    attention: SelfAttention
    cross_attention: CrossAttention

    def readable(self, x: Float[Tensor, "b n d"], past: object, memory: object) -> tuple[Stepping, KeyValues] | None:
        """Past and memory if they are plain; what is unusual, or wrong, the parts of the layer must read or refuse."""
        if not (isinstance(past, Stepping) and isinstance(memory, KeyValues)) or torch.is_grad_enabled():
            return None
        same_numbers = past.history.k.dtype is x.dtype is memory.k.dtype
        nothing_else = past.bias is None and memory.bias is None and memory.units is None and memory.origin is None
        if not (same_numbers and nothing_else and len(memory.k) == len(x)):
            return None
        return (past, memory) if _known(past.mask) and _known(memory.mask) else None

    def run(
        self, x: Float[Tensor, "b n d"], past: Stepping, memory: KeyValues, record: Record | None
    ) -> Float[Tensor, "b n d"]:
        n, history = x.shape[1], past.history
        of_past = (history.k, history.v, _table(past.mask), past.end(n))
        call = self.write(len(x) * n)
        x, own_bhnk, q_bhnk = call(x, *of_past, memory.k, memory.v, _table(memory.mask))
        if record is not None:
            self.attention.note(record, own_bhnk, past.read(n))
            self.cross_attention.note(record, q_bhnk, memory)
        return x


def step_of(attention: Residual, cross_attention: nn.Module, feedforward: Residual) -> Step | None:
    """The step of a layer of these parts; None where one of them is unusual, trains, or does not live on a CPU."""
    if not isinstance(cross_attention, Residual):
        return None
    own, cross = attention.sublayer, cross_attention.sublayer
    if not (isinstance(own, SelfAttention) and isinstance(cross, CrossAttention) and _plain(own, cross)):
        return None

    @cache
    def write(rows: int) -> Callable[..., Any]:
        script = Script("step", _ARGUMENTS, rows=rows)
        y = script.part(attention.before, "x")
        x = _joined(script, attention, "x", _of_itself(script, own, y))
        y = script.part(cross_attention.before, x)
        x = _joined(script, cross_attention, x, _of_a_source(script, cross, y))
        y = script.part(feedforward.before, x)
        x = _joined(script, feedforward, x, script.part(feedforward.sublayer, y))
        return script.returning(x, "own_q", "q")

    try:
        write(1)
    except UnknownPartError:
        return None
    return Step(write, own, cross)


def _plain(own: SelfAttention, cross: CrossAttention) -> bool:
    """Whether both are by torch's kernel, with as many key heads as query heads, of one width, and nothing else."""
    heads = own.heads
    even = heads.num_groups == heads.num_heads and heads.key_width == heads.value_width and cross.heads == heads
    fused = type(own.backend) is Fused and type(cross.backend) is Fused
    return even and fused and isinstance(own.rotation, NoRotation) and not cross.shares


def _joined(script: Script, residual: Residual, x: str, y: str) -> str:
    """The end of a residual path: x and what its sub-layer made of it."""
    return script.part(residual.after, script.let(f"{x} + {script.part(residual.dropout, y)}"))


def _of_itself(script: Script, attention: SelfAttention, y: str) -> str:
    h = attention.heads.num_heads
    script.then(f"n = {y}.size(1)")
    apart = _in_heads(script, script.part(attention.qkv, y), 3 * h)
    script.then(f"own_q, own_k, own_v = {apart}.split_with_sizes([{h}, {h}, {h}], 1)")
    script.then("past_k.narrow(2, end - n, n).copy_(own_k)")
    script.then("past_v.narrow(2, end - n, n).copy_(own_v)")
    read = "past_k.narrow(2, 0, end), past_v.narrow(2, 0, end), past_mask"
    return script.part(attention.out, _context(script, attention, f"own_q, {read}"))


def _of_a_source(script: Script, attention: CrossAttention, y: str) -> str:
    script.then(f"q = {_in_heads(script, script.part(attention.q, y), attention.heads.num_heads)}")
    return script.part(attention.out, _context(script, attention, "q, k, v, source_mask"))


def _in_heads(script: Script, x: str, num_heads: int) -> str:
    return script.let(f"{x}.contiguous().unflatten(-1, [{num_heads}, -1]).transpose(1, 2)")


def _context(script: Script, attention: SelfAttention | CrossAttention, read: str) -> str:
    scale = attention.backend.scale
    return script.let(f"torch._C._nn.scaled_dot_product_attention({read}, scale={scale!r}).transpose(1, 2).flatten(2)")


def _known(mask: Mask) -> bool:
    """Whether the kernel can be given it as it is."""
    return isinstance(mask, Full) or mask.every_query_has_a_key()


def _table(mask: Mask) -> Bool[Tensor, "#b #h #n s"] | None:
    """What the kernel is given; None: every key may be read."""
    match mask:
        case Arbitrary():
            return mask.allowed
        case Padding():
            return mask.keep[:, None, None]
    return None
