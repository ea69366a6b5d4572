"""How a decoder layer reads a source: the names of attention, and what each of them can be told."""

from __future__ import annotations

from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

Attention = Literal["dense", "chunked", "pages", "top-k", "top-k-shared", "window", "auto", "linear", "favor", "pooled"]
"""dense: every key, by the configured back end; the next six read any model's sources otherwise; the last three want
a model that was trained with them."""
TRAINED: frozenset[Attention] = frozenset({"linear", "favor", "pooled"})
"""What changes a model, and so cannot be chosen when it is loaded."""
LengthScaling = Literal["none", "log", "learned"]
SHARED: frozenset[Attention] = frozenset({"top-k-shared"})
"""What reads the encoder's states, of which all layers together need one copy, rather than keys and values."""
UNTRAINED: tuple[Attention, ...] = tuple(name for name in get_args(Attention) if name not in TRAINED)


class Reading(BaseModel):
    """What the ways of reading a source can be told; each looks at its own keys alone."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    chunk: int = Field(32768, gt=0)
    """chunked: keys read at once."""
    numbers: Literal["float32", "bfloat16", "int8"] = "float32"
    """chunked: how keys and values are kept; float32 means as they come."""
    tolerance: float = Field(1e-3, ge=0.0, lt=1.0)
    """pages, auto: the largest share of a query's weight that may be left out, proved in every call."""
    page: int = Field(16, gt=0)
    """pages, auto: keys of a page."""
    pages: int = Field(32, gt=0)
    """pages, auto: pages that every query reads at least."""
    crossover: int | None = Field(None, gt=0)
    """auto: the length of a source from which on pages read it; None: as measured."""
    num: int = Field(64, gt=0)
    """top-k, top-k-shared: keys that each query reads."""
    width: int = Field(256, ge=0)
    """window: keys before and after the centre."""
    head: int = Field(0, ge=0)
    """window: the head that the window follows, counted from 0."""
    keep: float = Field(0.9, ge=0.0, le=1.0)
    """window: the least share of that head's weight in the window; below it the query reads every key."""
    features: int = Field(64, gt=0)
    """favor: random features of a head."""
    stride: int = Field(16, gt=0)
    """pooled: keys of a slot."""
    refine: int = Field(4, ge=0)
    """pooled: slots that each query reads key by key."""
    length_scaling: LengthScaling = "none"
    """All but linear: what scores are multiplied by, so that a long source is read as sharply as a short one. log: log
    n / log trained_length, of n real positions, where a source is longer than that; learned: s log n, with an s for
    each head that is trained."""
    trained_length: int = Field(1024, gt=1)
    """How long sources were, at the longest, when the model was trained: what length_scaling starts from."""


TOLD_ANEW = frozenset({"chunk", "numbers", "tolerance", "page", "pages", "crossover", "num", "width", "head", "keep"})
"""What ways that need no training are told: a model's weights are the same whatever it says."""


def check_attention(
    attention: Attention | tuple[Attention, ...], told: Reading, refused: bool, decoder_layers: int, dropout: float
) -> None:
    """Raises ValueError for attention other than dense, or length scaling, that a shape has no place for (`refused`) or
    cannot honour."""
    names = (attention,) if isinstance(attention, str) else attention
    if told.length_scaling != "none" and (refused or "linear" in names):
        raise ValueError(
            f"length_scaling {told.length_scaling!r} scales the scores of a softmax, got attention {attention} of a "
            "shape that has none of its own; leave length_scaling out, or take attention favor instead of linear"
        )
    if attention == "dense":
        return
    if refused:
        raise ValueError(
            f"attention {attention} wants kind transformer, and of several sources any fusion but 'concat'; leave "
            "attention out, or change those"
        )
    if not isinstance(attention, str) and len(names) != decoder_layers:
        raise ValueError(
            f"attention wants one name, or one for each of {decoder_layers} decoder layers, got {len(names)}"
        )
    if dropout:
        raise ValueError(f"attention {attention} drops no weights, got attention_dropout {dropout}; set it to 0")
