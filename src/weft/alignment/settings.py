"""Where in a model its alignment is read, and how: a part of the model's own configuration."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, field_validator


class AlignmentSettings(BaseModel):
    """Layer and heads that show where a target word came from, chosen by `choose` and stored with the model."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    layer: int = Field(ge=0)
    """Decoder layer whose cross-attention is read, counted from 0."""
    heads: tuple[int, ...] = Field(min_length=1)
    """Heads whose weights are averaged, counted from 0."""
    threshold: float = Field(default=0.15, ge=0, le=1)
    """A target word is linked to its best source word and to every further one at least this probable."""
    shift: bool = True
    """Read the row of the step at which the token is the decoder's input, one step late (Chen et al. 2020)."""
    renormalise: bool = True
    """Share the weight on </s> among the source tokens; if False it counts as aligned to no word."""

    @field_validator("heads")
    @classmethod
    def _sorted_heads(cls, heads: tuple[int, ...]) -> tuple[int, ...]:
        if len(set(heads)) != len(heads) or min(heads) < 0:
            raise ValueError(f"heads must be different and not negative, got {list(heads)}; name each head once")
        return tuple(sorted(heads))

    @property
    def site(self) -> str:
        """The site to record: `decoder.{layer}.target_to_source`."""
        return f"decoder.{self.layer}.target_to_source"
