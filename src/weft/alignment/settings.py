"""Where in a model its alignment is read, and by which rules: a part of the model's own configuration."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

Decision = Literal["best_and_threshold", "argmax", "threshold", "mutual", "monotone"]
"""How shares become links; `alignment.decide` says what each of them means."""
Unit = Literal["words", "tokens"]


class AlignmentSettings(BaseModel):
    """How attention becomes links: the layer and heads to read, and every rule on the way, each of which can be set.

    Padding has no rule: no head attends to it, so there is nothing to switch.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    layer: int = Field(ge=0)
    """Decoder layer whose cross-attention is read, counted from 0."""
    heads: tuple[int, ...] = Field(min_length=1)
    """Heads whose weights are averaged, counted from 0; one head is read alone."""
    threshold: float = Field(default=0.15, ge=0, le=1)
    """The least share of a link, for the decisions that have a threshold."""
    shift: bool = True
    """Read the row of the step at which the token is the decoder's input, one step late (Chen et al. 2020)."""
    norm_weighting: bool = False
    """Weigh each source token by the length of what it hands on, |v W_o| of each head (Kobayashi et al. 2020)."""
    renormalise: bool = True
    """Share the weight on </s> (and on codes of languages) among the source tokens; if False it counts as aligned to no
    word. What a head with a learned score of "no word" gave to it is on no word either way."""
    final_punctuation: bool = False
    """If the source ends in punctuation, only a final punctuation mark of the target may be linked to that mark, and
    is (an unstated rule of the code of Chen et al. 2020: heads rest on the full stop)."""
    decision: Decision = "best_and_threshold"
    """Which shares are links."""
    decide_on: Unit = "words"
    """words: shares are summed over the tokens of a source word and averaged over those of a target word, then decided
    on. tokens: decided token by token, and two words are linked if any of their tokens are."""
    null_competes: bool = False
    """Whether a target word (or token) more of which came from no word than from its best source word has no link."""

    @field_validator("heads")
    @classmethod
    def _sorted_heads(cls, heads: tuple[int, ...]) -> tuple[int, ...]:
        if len(set(heads)) != len(heads) or min(heads) < 0:
            raise ValueError(f"heads must be different and not negative, got {list(heads)}; name each head once")
        return tuple(sorted(heads))

    @classmethod
    def guided(cls, *, layer: int, head: int) -> AlignmentSettings:
        """How a head that was guided to align is read: alone, late, its score of "no word" against the best link."""
        return cls(layer=layer, heads=(head,), shift=True, null_competes=True)

    @property
    def site(self) -> str:
        """The site to record: `decoder.{layer}.target_to_source`."""
        return self.site_of("source")

    def site_of(self, source: str) -> str:
        """The site to record for one of several sources."""
        return f"decoder.{self.layer}.target_to_{source}"
