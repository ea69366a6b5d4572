"""How the encoder's layers look at their own positions: the names of their attention, and what each can be told."""

from __future__ import annotations

from typing import Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

EncoderAttention: TypeAlias = Literal["dense", "local", "blocks"]
"""dense: every position sees all; local: a window around each, with global tokens; blocks: near, global and drawn
blocks. Time and memory of the last two grow with the length of a source, and not with its square."""


class EncoderReading(BaseModel):
    """What the ways of an encoder to look at its positions can be told; each looks at its own keys alone."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    window: int = Field(128, ge=0)
    """local: positions before and after each that it sees."""
    global_tokens: int = Field(0, ge=0)
    """local: how many first tokens see everything and are seen by all."""
    block: int = Field(64, gt=0)
    """blocks: positions of a block."""
    near: int = Field(1, ge=0)
    """blocks: blocks before and after its own that a block sees."""
    global_blocks: int = Field(1, ge=0)
    """blocks: how many first blocks see everything and are seen by all."""
    drawn: int = Field(1, ge=0)
    """blocks: blocks further before it, drawn once and for all by its number, that a block sees."""


def check_encoder_attention(
    attention: EncoderAttention | tuple[EncoderAttention, ...], *, kind: str, position: str, layers: int | None
) -> None:
    """Raises ValueError for attention other than dense that a shape has no place for or cannot honour.

    `layers` are those of the one encoder; None: there are several.
    """
    if attention == "dense":
        return
    if kind != "transformer":
        raise ValueError(f"encoder_attention {attention} wants kind transformer, got kind {kind}; leave it out")
    if not isinstance(attention, str) and len(attention) != layers:
        wanted = "one name for several encoders" if layers is None else f"one name, or one for each of {layers} layers"
        raise ValueError(f"encoder_attention wants {wanted}, got {len(attention)}; change it")
    if position == "relative":
        raise ValueError(
            f"encoder_attention {attention} forms no scores of all pairs, which relative positions are added to; "
            "set position to rotary or sinusoidal, or encoder_attention to dense"
        )
