"""Settings that a finished model finds out about itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from torch import nn

from weft.alignment.choose import Choice
from weft.alignment.link import Span
from weft.alignment.pairs import Gold
from weft.alignment.selection import Agreed, Rated, choose_by_agreement, choose_by_gold
from weft.alignment.settings import AlignmentSettings
from weft.alignment.words import given_words, words
from weft.data.direction import Direction
from weft.data.text_tokenizer import TextTokenizer
from weft.models.config import ModelConfig
from weft.store.folder import StoredModel, load, save
from weft.translating.looking import alignment_of, choose_alignment, seen


def tune_alignment(folder: Path, pairs: Sequence[tuple[str, str, Direction]]) -> Choice:
    """Finds the layer and heads by which a model aligns best and writes them into its folder.

    `pairs` are source, target and direction; a few hundred are enough, and no gold links are needed.
    Raises UnsupportedError for a model without cross-attention.
    """
    stored = load(folder)
    choice = choose_alignment(
        stored.model, stored.config.model, stored.tokenizer, pairs, settings=stored.config.alignment
    )
    _write(stored, folder, choice.settings)
    return choice


def tune_by_agreement(
    folder: Path,
    reverse: Path,
    pairs: Sequence[tuple[str, str]],
    *,
    to: tuple[str, str],
    cut: Callable[[str], Sequence[Span]] = words,
) -> tuple[Agreed, ...]:
    """Finds where two models of opposite directions link the same words, writes it into both, and returns the table.

    `pairs` are source and target, `to` the target languages of the model in `folder` and of the one in `reverse`. A
    model that knows both directions is named twice; it has one reading, so the best that is the same both ways is kept.
    """
    forward, back = load(folder), load(reverse)
    there = seen(*_parts(forward), pairs, direction=forward.tokenizer.direction(to[0]), cut=cut)
    changed_over = [(target, source) for source, target in pairs]
    again = seen(*_parts(back), changed_over, direction=back.tokenizer.direction(to[1]), cut=cut)
    table = choose_by_agreement(there, again, base=_base(forward))
    best = next(one for one in table if reverse != folder or one.forward == one.reverse)
    _write(forward, folder, best.forward)
    if reverse != folder:
        _write(back, reverse, best.reverse)
    return table


def tune_by_gold(
    folder: Path,
    pairs: Sequence[tuple[str, str]],
    gold: Sequence[Gold],
    *,
    to: str,
    cut: Callable[[str], Sequence[Span]] = given_words,
) -> tuple[Rated, ...]:
    """Finds the reading and the rules whose links err least against gold ones, writes them, and returns the table.

    Gold links are between the words of `cut`, those that white space parts. A few dozen pairs are enough.
    """
    stored = load(folder)
    found = list(seen(*_parts(stored), pairs, direction=stored.tokenizer.direction(to), cut=cut))
    table = choose_by_gold(found, gold, base=_base(stored))
    _write(stored, folder, table[0].settings)
    return table


def _parts(stored: StoredModel) -> tuple[nn.Module, ModelConfig, TextTokenizer]:
    return stored.model, stored.config.model, stored.tokenizer


def _base(stored: StoredModel) -> AlignmentSettings:
    """The rules to keep where no others are tried."""
    return alignment_of(stored.config) or AlignmentSettings(layer=0, heads=(0,))


def _write(stored: StoredModel, folder: Path, settings: AlignmentSettings) -> None:
    save(
        folder,
        stored.model,
        stored.tokenizer,
        stored.config.model_copy(update={"alignment": settings}),
        stored.card,
    )
