"""From attention over tokens to links between words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from weft.alignment.link import Link, Span, Unaligned, WordAlignment
from weft.alignment.settings import AlignmentSettings
from weft.base.errors import ShapeError
from weft.base.shapes import Float, Tensor

Array = NDArray[np.float64]


@dataclass(frozen=True)
class WordWeights:
    """`mass[j, i]` of target word j came from source word i, `unaligned[j]` from no word; together they sum to 1."""

    source_words: tuple[Span, ...]
    target_words: tuple[Span, ...]
    mass: Array
    unaligned: Array

    def links(self, threshold: float) -> WordAlignment:
        """Each target word's best source word, if it has any mass, and every further one of at least `threshold`."""
        if not self.mass.size:
            return WordAlignment((), self._rest())
        listed = self.mass >= max(threshold, np.finfo(np.float64).tiny)
        listed[np.arange(len(self.mass)), self.mass.argmax(1)] = self.mass.max(1) > 0
        target, source = listed.nonzero()
        order = np.lexsort((source, -self.mass[target, source], target))  # by target word, best first, then by place
        return WordAlignment(
            tuple(
                Link(self.source_words[i], self.target_words[j], float(self.mass[j, i]))
                for j, i in zip(target[order].tolist(), source[order].tolist(), strict=True)
            ),
            self._rest(),
        )

    def _rest(self) -> tuple[Unaligned, ...]:
        return tuple(map(Unaligned, self.target_words, self.unaligned.tolist()))


def word_alignment(
    weights: Float[Tensor, "r t s"] | Float[Tensor, "t s"],
    *,
    source_tokens: Sequence[Span],
    target_tokens: Sequence[Span],
    source_words: Sequence[Span],
    target_words: Sequence[Span],
    settings: AlignmentSettings,
) -> WordAlignment:
    """The links of one translation; see `word_weights` for the arguments."""
    return word_weights(
        weights,
        source_tokens=source_tokens,
        target_tokens=target_tokens,
        source_words=source_words,
        target_words=target_words,
        settings=settings,
    ).links(settings.threshold)


def word_weights(
    weights: Float[Tensor, "r t s"] | Float[Tensor, "t s"],
    *,
    source_tokens: Sequence[Span],
    target_tokens: Sequence[Span],
    source_words: Sequence[Span],
    target_words: Sequence[Span],
    settings: AlignmentSettings,
) -> WordWeights:
    """Attention over tokens as shares of words: sums over the tokens of a source word, means over a target word's.

    `weights` are those of the chosen heads r (their mean is taken), or one matrix: row t is what decoder step t read,
    the step that reads the start token being row 0; columns are the source tokens, then </s>, then padding, which may
    hold anything. `source_tokens` are the spans of the first columns; `target_tokens` those of the tokens written, of
    which any that belong to no word (such as </s>) or whose row is missing are passed over. A token in part of a word
    counts to that word, one in several words is shared among source words by their parts in it and counts for each
    target word in full. What source tokens outside all words got is unaligned, and so is a target word none of whose
    tokens has a row.
    """
    read = token_weights(weights, num_source=len(source_tokens), num_target=len(target_tokens), settings=settings)
    of_source = _overlaps(source_tokens, source_words)
    of_source /= np.maximum(of_source.sum(1, keepdims=True), 1)
    of_target = (_overlaps(target_tokens, target_words) > 0)[: len(read)].T.astype(np.float64)
    of_target /= np.maximum(of_target.sum(1, keepdims=True), 1)
    mass = of_target @ (read @ of_source)
    return WordWeights(tuple(source_words), tuple(target_words), mass, np.clip(1 - mass.sum(1), 0, 1))


def token_weights(
    weights: Float[Tensor, "r t s"] | Float[Tensor, "t s"],
    *,
    num_source: int,
    num_target: int,
    settings: AlignmentSettings,
) -> Array:
    """What each target token got of each source token, `[num_target, num_source]`; unrecorded last rows are missing.

    The heads' mean, read one step late if so set, without </s> and padding; a row sums to 1 if `settings.renormalise`
    (to 0 if nothing but </s> was read).
    """
    dense = weights.detach().double().cpu()
    mean = (dense.mean(0) if dense.ndim == 3 else dense).numpy()
    if mean.ndim != 2 or mean.shape[1] < num_source:
        raise ShapeError(
            f"weights must be [t s] or [r t s] with s at least {num_source}, one column a source token, "
            f"got {list(weights.shape)}; pass the weights of one sentence and the tokens that were encoded"
        )
    read = mean[int(settings.shift) :][:num_target, :num_source]
    if not settings.renormalise:
        return np.ascontiguousarray(read)
    total = read.sum(1, keepdims=True)
    shares: Array = np.divide(read, total, out=np.zeros_like(read), where=total > 0)
    return shares


def _overlaps(tokens: Sequence[Span], words: Sequence[Span]) -> Array:
    """How many code points token i shares with word j, `[tokens, words]`."""
    token = np.asarray(tokens, dtype=np.int64).reshape(-1, 2)[:, None]
    word = np.asarray(words, dtype=np.int64).reshape(-1, 2)[None]
    shared = np.minimum(token[..., 1], word[..., 1]) - np.maximum(token[..., 0], word[..., 0])
    overlaps: Array = np.maximum(shared, 0).astype(np.float64)
    return overlaps
