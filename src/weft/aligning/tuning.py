"""Settings that a finished model finds out about itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import torch
from torch import nn

from weft.aligning.languages import direction_of, languages_of, writes
from weft.alignment.choose import Choice
from weft.alignment.link import Span
from weft.alignment.pairs import Gold
from weft.alignment.selection import Agreed, Rated, choose_by_agreement, choose_by_gold
from weft.alignment.settings import AlignmentSettings
from weft.alignment.words import given_words, words
from weft.data.direction import Direction
from weft.data.text_tokenizer import TextTokenizer
from weft.models.config import ModelConfig
from weft.store.config import LanguagePair
from weft.store.folder import StoredModel
from weft.translating.looking import alignment_of, choose_alignment, seen
from weft.translating.opening import keep_alignment, open_model

MOST_PAIRS = 500
"""Of those that `tune` is given, the first that both sides of are there and short enough: more change little."""
_LONGEST = 120  # tokens a side: every head of every layer is held, and models are trained on sentences


@dataclass(frozen=True)
class Tuned:
    """What a model found out about itself."""

    choice: Choice
    num_pairs: int
    """On how many pairs it was found."""
    kept: Path | None
    """The file that keeps it; None: nothing was looked for, since a head was taught to align."""


def tune(
    model: str | Path,
    pairs: Iterable[tuple[str, str]],
    *,
    to: str | None = None,
    from_: str | None = None,
    device: torch.device | str | None = None,
) -> Tuned:
    """Finds the layer, heads and step by which a model aligns best, on pairs (source, target), and keeps them with it.

    Any model that can be opened: weft's own, a checkpoint, one of the hub. A few hundred pairs are enough, and no gold
    links are needed; those of a model that translates both ways are read both ways. The languages may be left out where
    the model leaves no choice. What is found is what `load` and `align` use from then on (`opening.keep_alignment`).
    A head that was taught to align keeps its place.

    Raises UnsupportedError for a model without cross-attention, ConfigError for languages that are not the model's,
    DataError if no pair is of use.
    """
    stored = open_model(model, device=device)
    languages = languages_of(stored, to=to, from_=from_)
    texts = list(islice(_useful(stored, pairs), MOST_PAIRS))
    directed = [(*pair, direction_of(stored, languages)) for pair in texts]
    back = LanguagePair(from_=languages.to, to=languages.from_)
    if writes(stored, back):
        directed += [(target, source, direction_of(stored, back)) for source, target in texts]
    choice, kept = _chosen(model, stored, directed)
    return Tuned(choice, len(texts), kept)


def tune_alignment(folder: Path, pairs: Sequence[tuple[str, str, Direction]]) -> Choice:
    """Finds the layer and heads by which a model aligns best and writes them into its folder.

    `pairs` are source, target and direction; a few hundred are enough, and no gold links are needed.
    Raises UnsupportedError for a model without cross-attention.
    """
    stored = open_model(folder)
    choice, _ = _chosen(folder, stored, pairs)
    return choice


def _chosen(
    model: str | Path, stored: StoredModel, pairs: Sequence[tuple[str, str, Direction]]
) -> tuple[Choice, Path | None]:
    """What was chosen, and where it is kept now."""
    choice = choose_alignment(*_parts(stored), pairs, settings=stored.config.alignment)
    return choice, keep_alignment(model, stored, choice.settings) if choice.table else None


def _useful(stored: StoredModel, pairs: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """The pairs that have two sides, none of them too long."""
    for source, target in pairs:
        lengths = len(stored.tokenizer.encode(source).ids), len(stored.tokenizer.target.encode(target).ids)
        if min(lengths) > 0 and max(lengths) <= _LONGEST:
            yield source, target


def tune_by_agreement(
    folder: Path,
    reverse: Path,
    pairs: Sequence[tuple[str, str]],
    *,
    to: tuple[str, str],
    cut: Callable[[str], Sequence[Span]] = words,
) -> tuple[Agreed, ...]:
    """Finds where two models of opposite directions link the same words, keeps it with both, and returns the table.

    `pairs` are source and target, `to` the target languages of the model in `folder` and of the one in `reverse`. A
    model that knows both directions is named twice; it has one reading, so the best that is the same both ways is kept.
    """
    forward, back = open_model(folder), open_model(reverse)
    there = seen(*_parts(forward), pairs, direction=forward.tokenizer.direction(to[0]), cut=cut)
    changed_over = [(target, source) for source, target in pairs]
    again = seen(*_parts(back), changed_over, direction=back.tokenizer.direction(to[1]), cut=cut)
    table = choose_by_agreement(there, again, base=_base(forward))
    best = next(one for one in table if reverse != folder or one.forward == one.reverse)
    keep_alignment(folder, forward, best.forward)
    if reverse != folder:
        keep_alignment(reverse, back, best.reverse)
    return table


def tune_by_gold(
    folder: Path,
    pairs: Sequence[tuple[str, str]],
    gold: Sequence[Gold],
    *,
    to: str,
    cut: Callable[[str], Sequence[Span]] = given_words,
) -> tuple[Rated, ...]:
    """Finds the reading and the rules whose links err least against gold ones, keeps these, and returns the table.

    Gold links are between the words of `cut`, those that white space parts. A few dozen pairs are enough.
    """
    stored = open_model(folder)
    found = list(seen(*_parts(stored), pairs, direction=stored.tokenizer.direction(to), cut=cut))
    table = choose_by_gold(found, gold, base=_base(stored))
    keep_alignment(folder, stored, table[0].settings)
    return table


def _parts(stored: StoredModel) -> tuple[nn.Module, ModelConfig, TextTokenizer]:
    return stored.model, stored.config.model, stored.tokenizer


def _base(stored: StoredModel) -> AlignmentSettings:
    """The rules to keep where no others are tried."""
    return alignment_of(stored.config) or AlignmentSettings(layer=0, heads=(0,))
