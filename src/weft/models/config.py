"""What a model is, as data."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator


class AlignmentHead(BaseModel):
    """A head of cross-attention that is taught which source word a target word came from, and to say so of none."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    layer: int = Field(ge=0)
    """Decoder layer, counted from 0."""
    head: int = Field(0, ge=0)
    """Head of its cross-attention, counted from 0."""


class ModelConfig(BaseModel):
    """The shape of a model. Widths are numbers of features; heads divide the width or bring their own widths."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["transformer", "recurrent", "decoder_only"] = "transformer"
    """transformer: with cross-attention; recurrent: one fixed vector; decoder_only: prompt and target as one."""
    vocabulary_size: int = Field(gt=0)
    """Number of token ids, shared by source and target."""
    width: int = Field(256, gt=0)
    """Model width d."""
    num_heads: int = Field(4, gt=0)
    """Query heads h of every attention."""
    num_groups: int | None = Field(None, gt=0)
    """Key/value heads g, shared by num_heads / num_groups query heads each; None: as many as query heads."""
    key_width: int | None = Field(None, gt=0)
    """Width of a key and query per head; None: width / num_heads."""
    value_width: int | None = Field(None, gt=0)
    """Width of a value per head; None: width / num_heads."""
    feedforward_width: int = Field(1024, gt=0)
    """Inner width of the feed-forward sub-layer."""
    encoder_layers: int = Field(4, ge=0)
    """Layers that read the source (recurrent: GRU layers)."""
    decoder_layers: int = Field(4, gt=0)
    """Layers that write the target (decoder_only: all of its layers)."""
    activation: Literal["relu", "gelu", "swiglu"] = "relu"
    """Of the feed-forward sub-layer; swiglu is gated."""
    norm: Literal["layer", "rms"] = "layer"
    """LayerNorm or RMSNorm."""
    norm_position: Literal["pre", "post"] = "pre"
    """Norm before each sub-layer and once at the end (pre), or after each residual sum (post)."""
    position: Literal["sinusoidal", "learned", "rotary"] = "sinusoidal"
    """How positions enter; rotary turns queries and keys of self-attention, the others are added to embeddings."""
    max_length: int = Field(1024, gt=0)
    """Longest sequence that learned positions know; others have no limit."""
    dropout: float = Field(0.1, ge=0.0, lt=1.0)
    """On embeddings and on every residual branch."""
    feedforward_dropout: float = Field(0.0, ge=0.0, lt=1.0)
    """Inside the feed-forward sub-layer, after the activation."""
    attention_dropout: float = Field(0.0, ge=0.0, lt=1.0)
    """On attention weights; slow on a CPU, where the fused kernel does without."""
    tie: Literal["all", "target", "none"] = "all"
    """Which of source embedding, target embedding and output projection share one table."""
    backend: Literal["fused", "reference"] = "fused"
    """The attention back end."""
    alignment_head: AlignmentHead | None = None
    """Transformer only: which head is guided to align, with a learned score of "no word" beside it; None: none is."""

    @model_validator(mode="after")
    def _alignment_head_is_there(self) -> ModelConfig:
        head = self.alignment_head
        if head is None:
            return self
        if self.kind != "transformer":
            raise ValueError(f"a {self.kind} model has no cross-attention to guide; leave alignment_head out")
        if head.layer >= self.decoder_layers or head.head >= self.num_heads:
            raise ValueError(
                f"alignment_head must be one of {self.decoder_layers} decoder layers and {self.num_heads} heads, got "
                f"layer {head.layer}, head {head.head}; both are counted from 0"
            )
        return self

    @model_validator(mode="after")
    def _heads_fit(self) -> ModelConfig:
        if self.width % self.num_heads and (self.key_width is None or self.value_width is None):
            raise ValueError(
                f"width {self.width} is no multiple of num_heads {self.num_heads}; set key_width and value_width"
            )
        if self.num_heads % (self.num_groups or 1):
            raise ValueError(f"num_heads {self.num_heads} must be a multiple of num_groups {self.num_groups}")
        key_width = self.key_width or self.width // self.num_heads
        if self.position == "rotary" and key_width % 2:
            raise ValueError(f"rotary positions want an even key width, got {key_width}; set key_width")
        return self


PRESETS: dict[str, dict[str, int]] = {
    "tiny": {
        "width": 128,
        "num_heads": 4,
        "feedforward_width": 256,
        "encoder_layers": 4,
        "decoder_layers": 4,
    },
    "small": {
        "width": 256,
        "num_heads": 4,
        "feedforward_width": 1024,
        "encoder_layers": 6,
        "decoder_layers": 3,
    },
    "base": {
        "width": 512,
        "num_heads": 8,
        "feedforward_width": 2048,
        "encoder_layers": 6,
        "decoder_layers": 6,
    },
    "big": {
        "width": 1024,
        "num_heads": 16,
        "feedforward_width": 4096,
        "encoder_layers": 6,
        "decoder_layers": 6,
    },
}
"""Model shapes by name, small to large; a recipe's own values win over the preset's."""
