"""What a decoder layer does in a step of a search, written out by `script`."""

from __future__ import annotations

from typing import cast

from weft.attention.fused import Fused
from weft.layers.attention import CrossAttention, Heads, SelfAttention
from weft.layers.block import DecoderLayer
from weft.layers.position import NoRotation
from weft.layers.residual import Residual
from weft.layers.script import Script, UnknownPartError

ARGUMENTS = "past_k{0}, past_v{0}, k{0}, v{0}, source_mask{0}: Optional[Tensor]"
"""What the function takes for a layer of this number; it takes `past_mask` and `end` for all of them."""


def write_layer(script: Script, layer: DecoderLayer, x: str, number: int) -> str:
    """The name of what a layer makes of x; `own_q0` and `q0` are then the queries of layer 0, and so on.

    n hypotheses write their keys and values into the columns before `end`, and read all columns up to there. Raises
    UnknownPartError where a part is unusual, trains, or does not live on a CPU.
    """
    own, cross = attentions(layer)
    y = script.part(layer.attention.before, x)
    x = _joined(script, layer.attention, x, _of_itself(script, own, y, number))
    reading = cast(Residual, layer.cross_attention)
    y = script.part(reading.before, x)
    x = _joined(script, reading, x, _of_a_source(script, cross, y, number))
    y = script.part(layer.feedforward.before, x)
    return _joined(script, layer.feedforward, x, script.part(layer.feedforward.sublayer, y))


def attentions(layer: DecoderLayer) -> tuple[SelfAttention, CrossAttention]:
    """To itself and to one source, both by torch's kernel with one key head for each query head, and nothing else.

    Raises UnknownPartError where they are other than that.
    """
    own, cross = layer.attention.sublayer, layer.cross_attention
    cross = cross.sublayer if isinstance(cross, Residual) else cross
    if not (isinstance(own, SelfAttention) and isinstance(cross, CrossAttention)):
        raise UnknownPartError(type(cross).__name__)
    fused = type(own.backend) is Fused and type(cross.backend) is Fused
    if not (fused and _even(own.heads) and _even(cross.heads) and isinstance(own.rotation, NoRotation)) or cross.shares:
        raise UnknownPartError("attention of another kind")
    return own, cross


def _even(heads: Heads) -> bool:
    return heads.num_groups == heads.num_heads and heads.key_width == heads.value_width


def _joined(script: Script, residual: Residual, x: str, y: str) -> str:
    """The end of a residual path: x and what its sub-layer made of it."""
    return script.part(residual.after, script.let(f"{x} + {script.part(residual.dropout, y)}"))


def _of_itself(script: Script, attention: SelfAttention, y: str, number: int) -> str:
    h, k, v = attention.heads.num_heads, f"past_k{number}", f"past_v{number}"
    apart = _in_heads(script, script.part(attention.qkv, y), 3 * h)
    script.then(f"own_q{number}, own_k, own_v = {apart}.split_with_sizes([{h}, {h}, {h}], 1)")
    script.then(f"{k}.narrow(2, start, end - start).copy_(own_k)")
    script.then(f"{v}.narrow(2, start, end - start).copy_(own_v)")
    read = f"own_q{number}, {k}.narrow(2, 0, end), {v}.narrow(2, 0, end), past_mask"
    return script.part(attention.out, _context(script, attention, read))


def _of_a_source(script: Script, attention: CrossAttention, y: str, number: int) -> str:
    script.then(f"q{number} = {_in_heads(script, script.part(attention.q, y), attention.heads.num_heads)}")
    read = ", ".join(name.format(number) for name in ("q{}", "k{}", "v{}", "source_mask{}"))
    return script.part(attention.out, _context(script, attention, read))


def _in_heads(script: Script, x: str, num_heads: int) -> str:
    return script.let(f"{x}.contiguous().unflatten(-1, [{num_heads}, -1]).transpose(1, 2)")


def _context(script: Script, attention: SelfAttention | CrossAttention, read: str) -> str:
    scale = attention.backend.scale
    return script.let(f"torch._C._nn.scaled_dot_product_attention({read}, scale={scale!r}).transpose(1, 2).flatten(2)")
