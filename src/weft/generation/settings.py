"""What a search is asked for: width, lengths, what may not be written, and whether to draw lots."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral
from typing import Literal

from weft.base.errors import ConfigError


def _demand(holds: bool, wanted: str, came: object, remedy: str) -> None:
    if not holds:
        raise ConfigError(f"{wanted}, got {came}; {remedy}")


@dataclass(frozen=True)
class Sampling:
    """How to draw the next token: from the `top_k` best (0: all), then the fewest that hold `top_p` of the mass."""

    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0

    def __post_init__(self) -> None:
        _demand(self.temperature > 0, "temperature must be above 0", self.temperature, "for greedy use beam=1")
        _demand(self.top_k >= 0, "top_k must be 0 (off) or more", self.top_k, "give the number of tokens to draw from")
        _demand(0 < self.top_p <= 1, "top_p must be in (0, 1]", self.top_p, "1 switches it off")


@dataclass(frozen=True)
class SearchSettings:
    """Checked settings of one search; raises `ConfigError`. All lengths count tokens written, `</s>` included."""

    beam: int = 5
    """Hypotheses kept for each source; 1 is greedy. Not used while sampling."""
    nbest: int = 1
    """Hypotheses returned for each source; while sampling, the number of independent samples."""
    length_penalty: float = 1.0
    """alpha: a hypothesis is ranked by log-probability / length ** alpha; 0 ranks by the plain sum."""
    min_length: int = 0
    """`</s>` may not stand before this length (unless nothing else may be written either)."""
    max_length: int | None = None
    """No hypothesis is longer; None leaves it to the source-relative limit."""
    max_length_ratio: float | None = 2.0
    """The source-relative limit is ratio * source length + offset, and holds beside `max_length`; None: no such limit.
    """
    max_length_offset: int = 20
    no_repeat_ngram: int = 0
    """No hypothesis writes the same n tokens twice, the start token included; 0 is off."""
    banned: tuple[int, ...] = ()
    """Tokens that are never written (unless forced)."""
    banned_first: tuple[int, ...] = ()
    """Tokens that are not written first, or first behind what is forced."""
    banned_sequences: tuple[tuple[int, ...], ...] = ()
    """Rows of tokens that are never written; the start token counts as written."""
    forced_first: int | None = None
    """A token that stands before all others, forced prefixes included, and costs nothing."""
    forced_end: bool = False
    """At its length limit a hypothesis ends with `</s>`, which costs nothing there."""
    prefix_counts: bool = True
    """Whether a forced prefix counts in log-probability and length; if not, neither does `forced_first` before it."""
    renormalise: bool = False
    """Whether log-probabilities are made to sum to 1 again over what the rules have left."""
    stopping: Literal["full", "likely", "certain"] = "full"
    """When a source is done: as soon as `beam` hypotheses have ended; or later, once the best live one would not get
    among the best `beam` as it is now (likely), or could not whatever became of it (certain)."""
    cut: Literal["behind", "among"] = "behind"
    """Whether hypotheses cut at the length limit rank behind all that ended, or among them by their score."""
    sampling: Sampling | None = None
    """None: greedy or beam search."""

    def __post_init__(self) -> None:
        for name in ("beam", "nbest", "min_length", "max_length_offset", "no_repeat_ngram"):
            number = getattr(self, name)
            _demand(
                isinstance(number, Integral),
                f"{name} must be a whole number",
                number,
                "leave out what follows the point",
            )
        _demand(self.beam >= 1, "beam must be at least 1", self.beam, "1 is greedy search")
        _demand(self.nbest >= 1, "nbest must be at least 1", self.nbest, "1 asks for the best hypothesis alone")
        if self.sampling is None:
            wanted = f"nbest must be at most beam = {self.beam}"
            _demand(self.nbest <= self.beam, wanted, self.nbest, f"set beam to {self.nbest} or more")
        self._check_lengths()
        _demand(
            self.no_repeat_ngram >= 0, "no_repeat_ngram must be 0 or more", self.no_repeat_ngram, "0 switches it off"
        )
        _demand(all(self.banned_sequences), "a banned sequence must have a token", (), "leave it out")

    def _check_lengths(self) -> None:
        remedy = "0 ranks by the plain sum, 1 by the mean of a token"
        _demand(self.length_penalty >= 0, "length_penalty must be 0 or more", self.length_penalty, remedy)
        _demand(self.min_length >= 0, "min_length must be 0 or more", self.min_length, "0 asks for nothing")
        if self.max_length is not None:
            _demand(self.max_length >= 1, "max_length must be at least 1", self.max_length, "</s> alone is 1 long")
            wanted = f"min_length must be at most max_length = {self.max_length}"
            _demand(self.min_length <= self.max_length, wanted, self.min_length, "lower it or raise max_length")
        if self.max_length_ratio is None:
            _demand(self.max_length is not None, "without max_length_ratio max_length must be set", None, "set one")
        else:
            wanted = "max_length_ratio must be 0 or more"
            _demand(self.max_length_ratio >= 0, wanted, self.max_length_ratio, "2.0 is usual")
        _demand(
            self.max_length_offset >= 0, "max_length_offset must be 0 or more", self.max_length_offset, "20 is usual"
        )


DEFAULT = SearchSettings()
