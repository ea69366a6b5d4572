"""What a model is, as data."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from weft.base.validate import nearest
from weft.models.encoder_reading import EncoderAttention, EncoderReading, check_encoder_attention
from weft.models.reading import SHARED, Attention, Reading, check_attention
from weft.models.source import Activation, EncoderShape, Fusion, Source, SourceConfig, Text


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
    source: Source = Text()
    """What is read: text, sound or a picture; what is not text wants kind transformer."""
    encoder: EncoderShape = EncoderShape()
    """Where the encoder differs from the decoder, in as far as the keys below say nothing of it."""
    sources: dict[str, SourceConfig] = {}
    """Several named sources in the place of `source`, in an order that serial and gated fusion go by; none: one."""
    fusion: Fusion = "concat"
    """How a decoder layer reads several sources: one softmax over all (concat), one source after the other (serial),
    all at once, added up (parallel), a second attention over what was read of each (hierarchical), or the first, and
    the others as far as gates let them, which start at zero (gated)."""
    bridge: bool = False
    """Whether a projection takes encoder states to the decoder's width; if not, cross-attention reads their own."""
    vocabulary_size: int = Field(gt=0)
    """Number of token ids, shared by source and target unless the target has its own."""
    target_vocabulary_size: int | None = Field(None, gt=0)
    """Number of token ids of the target; None: source and target share one vocabulary."""
    width: int = Field(256, gt=0)
    """Model width d."""
    num_heads: int = Field(4, gt=0)
    """Query heads h of every attention (of the encoder, where the decoder has its own)."""
    decoder_heads: int | None = Field(None, gt=0)
    """Query heads of the decoder; None: as many as num_heads."""
    num_groups: int | None = Field(None, gt=0)
    """Key/value heads g, shared by num_heads / num_groups query heads each; None: as many as query heads."""
    key_width: int | None = Field(None, gt=0)
    """Width of a key and query per head; None: width / num_heads."""
    value_width: int | None = Field(None, gt=0)
    """Width of a value per head; None: width / num_heads."""
    feedforward_width: int = Field(1024, gt=0)
    """Inner width of the feed-forward sub-layer (of the encoder, where the decoder has its own)."""
    decoder_feedforward_width: int | None = Field(None, gt=0)
    """Inner width of the feed-forward sub-layer of the decoder; None: as feedforward_width."""
    encoder_layers: int = Field(4, ge=0)
    """Layers that read the source (recurrent: GRU layers)."""
    decoder_layers: int = Field(4, gt=0)
    """Layers that write the target (decoder_only: all of its layers)."""
    activation: Activation = "relu"
    """Of the feed-forward sub-layer; those with "glu" are gated, "tanh" is the approximation of GELU."""
    bias: bool = True
    """Whether projections have biases; gated feed-forward sub-layers and the output projection never do by this."""
    norm: Literal["layer", "rms"] = "layer"
    """LayerNorm or RMSNorm."""
    norm_epsilon: float | None = Field(None, gt=0.0)
    """Added to the variance by every norm; None: 1e-5 (layer) or the smallest step of the number type (rms)."""
    norm_position: Literal["pre", "post"] = "pre"
    """Norm before each sub-layer and once at the end (pre), or after each residual sum (post)."""
    embedding_scale: Literal["root", "none"] = "root"
    """Whether embeddings are multiplied by the square root of the width."""
    embedding_norm: bool = False
    """Norm after embedding and position are added, before the first layer."""
    position: Literal["sinusoidal", "evenly_spaced", "learned", "rotary", "relative"] = "sinusoidal"
    """How positions enter; sinusoidal, evenly_spaced (sinusoids as in tensor2tensor) and learned are added to
    embeddings, rotary turns queries and keys of self-attention, relative adds a learned bias to its scores."""
    position_offset: int = Field(0, ge=0)
    """The number of the first position, for sinusoids of either kind."""
    relative_buckets: int = Field(32, ge=2)
    """Buckets that relative distances are put into."""
    relative_distance: int = Field(128, gt=1)
    """The distance from which on all share one bucket."""
    relative_tables: Literal["shared", "layers"] = "shared"
    """Whether all layers of encoder (and all of the decoder) share one table of relative biases, or have their own."""
    attention_scale: float | None = None
    """What multiplies attention scores; None: 1 / sqrt(key width)."""
    max_length: int = Field(1024, gt=0)
    """Longest sequence that learned positions know; others have no limit."""
    dropout: float = Field(0.1, ge=0.0, lt=1.0)
    """On embeddings and on every residual branch."""
    feedforward_dropout: float = Field(0.0, ge=0.0, lt=1.0)
    """Inside the feed-forward sub-layer, after the activation."""
    attention_dropout: float = Field(0.0, ge=0.0, lt=1.0)
    """On attention weights; slow on a CPU, where the fused kernel does without."""
    tie: Literal["all", "target", "embeddings", "none"] = "all"
    """Which of source embedding, target embedding and output projection share one table: all three, target embedding
    and projection, source and target embedding, or none."""
    logits_scale: float = Field(1.0, gt=0.0)
    """Multiplies what the output projection reads."""
    logits_bias: bool = False
    """Whether the output projection has a bias."""
    backend: Literal["fused", "reference"] = "fused"
    """The attention back end."""
    attention: Attention | tuple[Attention, ...] = "dense"
    """How decoder layers read a source: one name for all of them, or one for each."""
    reading: Reading = Reading()
    """What that way of reading is told."""
    encoder_attention: EncoderAttention | tuple[EncoderAttention, ...] = "dense"
    """How encoder layers look at their own positions: one name for all of them, or one for each."""
    encoder_reading: EncoderReading = EncoderReading()
    """What that way of looking is told."""
    alignment_head: AlignmentHead | None = None
    """Transformer only: which head is guided to align, with a learned score of "no word" beside it; None: none is."""

    @model_validator(mode="after")
    def _alignment_head_is_there(self) -> ModelConfig:
        head = self.alignment_head
        if head is None:
            return self
        if self.kind != "transformer":
            raise ValueError(f"a {self.kind} model has no cross-attention to guide; leave alignment_head out")
        num_heads = self.decoder_heads or self.num_heads
        if head.layer >= self.decoder_layers or head.head >= num_heads:
            raise ValueError(
                f"alignment_head must be one of {self.decoder_layers} decoder layers and {num_heads} heads, got "
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

    @model_validator(mode="after")
    def _attention_fits(self) -> ModelConfig:
        refused = self.kind != "transformer" or (self.sources and self.fusion == "concat")
        check_attention(self.attention, self.reading, bool(refused), self.decoder_layers, self.attention_dropout)
        if self.sources and SHARED & {self.attention_of(layer) for layer in range(self.decoder_layers)}:
            raise ValueError(
                f"attention {self.attention} shares the states of one source among layers, got sources "
                f"{', '.join(self.sources)}; choose 'top-k' for each of them"
            )
        layers = None if self.sources else self.encoder_layers
        check_encoder_attention(self.encoder_attention, kind=self.kind, position=self.position, layers=layers)
        return self

    def attention_of(self, layer: int) -> Attention:
        """How this decoder layer reads a source."""
        return self.attention if isinstance(self.attention, str) else self.attention[layer]

    @model_validator(mode="after")
    def _sources_fit(self) -> ModelConfig:
        if not self.sources:
            return self
        if self.kind != "transformer" or self.source != Text() or self.alignment_head is not None:
            raise ValueError("sources want kind transformer, and neither source nor alignment_head; leave those out")
        for place, (name, one) in enumerate(self.sources.items()):
            _check_source(name, one, dict(list(self.sources.items())[:place]))
            self.of_source(name)._check_encoder()
        return self

    @model_validator(mode="after")
    def _encoder_and_decoder_fit(self) -> ModelConfig:
        if self.kind != "transformer":
            self._refuse_what_wants_both()
        if self.target_vocabulary_size not in (None, self.vocabulary_size) and self.tie in ("all", "embeddings"):
            raise ValueError(
                f"tie {self.tie!r} wants one vocabulary, got {self.vocabulary_size} source and "
                f"{self.target_vocabulary_size} target tokens; tie 'target' or 'none'"
            )
        if self.decoder_heads and self.width % self.decoder_heads and None in (self.key_width, self.value_width):
            raise ValueError(f"width {self.width} is no multiple of decoder_heads {self.decoder_heads}; set key_width")
        if not self.sources:
            self._check_encoder()
        return self

    def _check_encoder(self) -> None:
        """Raises ValueError where the encoder's heads or width do not fit."""
        own = self.of_encoder()
        if own.width % own.num_heads and None in (self.key_width, self.value_width):
            raise ValueError(f"the encoder's width {own.width} is no multiple of its {own.num_heads} heads; change one")
        if self.source == Text() and own.width != self.width and self.tie in ("all", "embeddings"):
            raise ValueError(
                f"tie {self.tie!r} wants one width, got {own.width} in the encoder and {self.width}; tie 'target'"
            )

    def _refuse_what_wants_both(self) -> None:
        """Only an encoder with a decoder can have a decoder that differs, and only that one has relative positions."""
        wanted = {
            "target_vocabulary_size": self.target_vocabulary_size,
            "decoder_heads": self.decoder_heads,
            "decoder_feedforward_width": self.decoder_feedforward_width,
            "position": "relative" if self.position == "relative" else None,
            "source": None if self.source == Text() else self.source.modality,
            "encoder": None if self.encoder == EncoderShape() else self.encoder.model_dump(exclude_none=True),
            "bridge": self.bridge or None,
            "sources": ", ".join(self.sources) or None,
        }
        for key, value in wanted.items():
            if value is not None:
                raise ValueError(f"{key} {value} wants kind transformer, got kind {self.kind}; leave it out")

    @property
    def written_vocabulary_size(self) -> int:
        """Number of token ids of the target."""
        return self.target_vocabulary_size or self.vocabulary_size

    @property
    def memory_width(self) -> int:
        """Width of what cross-attention reads."""
        return self.width if self.bridge else self.of_encoder().width

    def of_encoder(self) -> ModelConfig:
        """The same shape with what the encoder has of its own."""
        return self.model_copy(update=self.encoder.model_dump(exclude_none=True))

    def of_source(self, name: str) -> ModelConfig:
        """The shape of a model that reads this one of several sources alone."""
        one = self.sources[name]
        layers = self.encoder_layers if one.layers is None else one.layers
        common = self.encoder.model_dump(exclude_none=True)
        encoder = EncoderShape(**{**common, **one.encoder.model_dump(exclude_none=True)})
        return self.model_copy(
            update={"sources": {}, "source": one.reads, "encoder": encoder, "encoder_layers": layers}
        )

    def of_decoder(self) -> ModelConfig:
        """The same shape with the decoder's own heads and feed-forward width in the place of the encoder's."""
        own = {
            "num_heads": self.decoder_heads or self.num_heads,
            "feedforward_width": self.decoder_feedforward_width or self.feedforward_width,
        }
        return self.model_copy(update=own)


_NAME = re.compile("[a-z][a-z0-9_]*")


def _check_source(name: str, one: SourceConfig, earlier: dict[str, SourceConfig]) -> None:
    """Raises ValueError for a name that cannot name modules, and for an encoder that cannot be shared."""
    if not _NAME.fullmatch(name) or name in ("source", "sources"):
        raise ValueError(
            f"a source's name must be lower-case letters, digits and _, got {name!r}; such as en or picture"
        )
    if one.same_as is None:
        return
    if one.same_as not in earlier:
        raise ValueError(
            f"same_as of source {name} must name an earlier one, got {one.same_as}; "
            f"{nearest(one.same_as, list(earlier))}"
        )
    other = earlier[one.same_as]
    if other.reads != one.reads or other.same_as or one.encoder != EncoderShape() or one.layers is not None:
        raise ValueError(
            f"source {name} has the encoder of {one.same_as}, so it must read the same and have no encoder or layers "
            "of its own; leave same_as out, or those"
        )
