"""From attention over tokens to shares of words, and links between them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from weft.alignment.decide import Links, decide
from weft.alignment.link import Link, Span, Unaligned, WordAlignment
from weft.alignment.punctuation import close_final_mark
from weft.alignment.settings import AlignmentSettings
from weft.alignment.side import Array, Side
from weft.base.errors import ShapeError

_NOISE = 1e-6  # by which a row of float32 weights may miss 1 without meaning it


@dataclass(frozen=True)
class Shares:
    """`mass[j, i]` of target j came from source i, `unaligned[j]` from none; each target's sum to 1."""

    mass: Array
    unaligned: Array


@dataclass(frozen=True)
class WordWeights(Shares):
    """Shares of words, and which of them are links, `linked[j, i]`."""

    source_words: tuple[Span, ...]
    target_words: tuple[Span, ...]
    linked: Links

    @property
    def pairs(self) -> frozenset[tuple[int, int]]:
        """The links as (source word, target word), counted from 0."""
        target, source = self.linked.nonzero()
        return frozenset(zip(source.tolist(), target.tolist(), strict=True))

    @property
    def alignment(self) -> WordAlignment:
        """The links with their shares, by target word, best first, then by place; and each word's share on none."""
        target, source = self.linked.nonzero()
        share = self.mass[target, source]
        order = np.lexsort((source, -share, target))
        found = zip(source[order].tolist(), target[order].tolist(), share[order].tolist(), strict=True)
        return WordAlignment(
            tuple(Link(self.source_words[i], self.target_words[j], share) for i, j, share in found),
            tuple(map(Unaligned, self.target_words, self.unaligned.tolist())),
        )


def word_alignment(weights: Array, *, source: Side, target: Side, settings: AlignmentSettings) -> WordAlignment:
    """The links of one pair; see `word_weights` for the arguments."""
    return word_weights(weights, source=source, target=target, settings=settings).alignment


def word_weights(weights: Array, *, source: Side, target: Side, settings: AlignmentSettings) -> WordWeights:
    """Attention over tokens as shares of words: sums over the tokens of a source word, means over a target word's.

    `weights` `[t s]` are what the chosen heads read (`alignment.read`): row t is what decoder step t read, the step
    that reads the start token being row 0; columns are the source's tokens, then </s> and other codes, then padding,
    which holds zeros or NaN. Target tokens that belong to no word (such as </s>) or whose row is missing are passed
    over. A token in part of a word counts to that word, one in several words is shared among source words by their
    parts in it and counts for each target word in full. What source tokens outside all words got is on no word, and so
    is a target word none of whose tokens has a row. Raises ShapeError if there are fewer columns than source tokens.
    """
    of_tokens = token_shares(weights, source=source, target=target, settings=settings)
    to_source, to_target = source.overlaps(), (target.overlaps() > 0)[: len(of_tokens.mass)].T.astype(np.float64)
    of_words = _of_words(of_tokens.mass, to_source, to_target)
    if settings.decide_on == "words":
        linked = decide(of_words.mass, of_words.unaligned, settings)
    else:
        decided = decide(of_tokens.mass, of_tokens.unaligned, settings).astype(np.float64)  # booleans multiply slowly
        linked = to_target @ (decided @ (to_source > 0).astype(np.float64)) > 0
    return WordWeights(of_words.mass, of_words.unaligned, tuple(source.words), tuple(target.words), linked)


def token_shares(weights: Array, *, source: Side, target: Side, settings: AlignmentSettings) -> Shares:
    """What each target token got of each source token and of none; last tokens without a recorded row are missing.

    Read one step late if so set. The share on no word is what the row lacks to 1 (a learned score of "no word" took
    it), and the weight on </s> unless that is shared out; a row that read nothing else is on no word whole.
    """
    num_source = len(source.tokens)
    if weights.ndim != 2 or weights.shape[1] < num_source:
        raise ShapeError(
            f"weights must be [t s] with s at least {num_source}, one column a source token, got "
            f"{list(weights.shape)}; pass the weights of one pair and the tokens that were encoded"
        )
    rows = weights[int(settings.shift) :][: len(target.tokens)]
    null = 1 - np.nansum(rows, 1)
    null[null < _NOISE] = 0
    mass = rows[:, :num_source].copy()
    if settings.final_punctuation:
        close_final_mark(mass, null, source=source, target=target)
    if settings.renormalise:
        total = mass.sum(1)
        mass *= np.divide(1 - null, total, out=np.zeros_like(total), where=total > 0)[:, None]
    return Shares(mass, _rest(mass))


def _of_words(mass: Array, to_source: Array, to_target: Array) -> Shares:
    """Shares of tokens `[t s]` as shares of words, given `[s words]` and `[words t]`: who has how much of whom."""
    of_source = to_source / np.maximum(to_source.sum(1, keepdims=True), 1)
    of_target = to_target / np.maximum(to_target.sum(1, keepdims=True), 1)
    of_words = of_target @ (mass @ of_source)
    return Shares(of_words, _rest(of_words))


def _rest(mass: Array) -> Array:
    rest: Array = np.clip(1 - mass.sum(1), 0, 1)
    return rest
