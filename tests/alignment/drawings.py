"""Drawings made by hand, to look at: short, long, right to left, and two readings of one pair."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import torch

from weft.alignment.draw import Drawing
from weft.alignment.heat import Heat
from weft.alignment.link import Link, Unaligned, WordAlignment
from weft.alignment.settings import AlignmentSettings
from weft.alignment.words import words

Triple = tuple[int, int, float]
"""A source word, a target word, how much of the one the other came from."""

LAYERS, HEADS = 2, 3


def drawing(source: str, target: str, links: Iterable[Triple], *, languages: tuple[str, str] = ("en", "fr")) -> Drawing:
    """A pair with these links, weights that were never read, and a falling confidence."""
    source_words, target_words = words(source), words(target)
    mass = torch.zeros(len(target_words), len(source_words))
    for i, j, share in links:
        mass[j, i] = share
    found = [Link(source_words[i], target_words[j], share) for i, j, share in sorted(links, key=lambda one: one[1])]
    rest = [Unaligned(span, 1 - float(row.sum())) for span, row in zip(target_words, mass, strict=True)]
    return Drawing(
        source,
        target,
        source_words,
        target_words,
        WordAlignment(tuple(found), tuple(rest)),
        heat=heat(source, target),
        note="made by hand",
        languages=languages,
        mass=mass,
        confidence=[1 - 0.5 * j / len(target_words) for j in range(len(target_words))],
    )


def heat(source: str, target: str) -> Heat:
    """Weights by lot; every word is one token."""
    down, across = ([text[slice(*span)] for span in words(text)] for text in (target, source))
    generator = torch.Generator().manual_seed(3)
    weights = (3 * torch.randn(LAYERS, HEADS, len(down) + 1, len(across) + 1, generator=generator)).softmax(-1)
    chosen = AlignmentSettings(layer=1, heads=(2,))
    return Heat(weights, ["<2fr>", *down], [*across, "</s>"], chosen, words=weights[:, :, 1:, :-1].contiguous())


def dog() -> Drawing:
    """Seven words to six, one of them with two links, one with none."""
    links = [(0, 0, 0.9), (1, 2, 0.8), (2, 1, 0.7), (3, 3, 0.6), (4, 3, 0.25), (6, 5, 1.0)]
    return drawing("The red dog sleeps here today.", "Le chien rouge dort là.", links)


def dog_otherwise() -> Drawing:
    """The same pair, with one link moved."""
    links = [(0, 0, 0.9), (1, 2, 0.8), (2, 1, 0.7), (3, 3, 0.6), (4, 4, 0.5), (6, 5, 1.0)]
    one = drawing("The red dog sleeps here today.", "Le chien rouge dort là.", links)
    return replace(one, method="the other", heat=dog().heat)


def forty() -> Drawing:
    """Forty words a side in two sentences of twenty, each word linked to its own and, faintly, to another."""
    kinds = ["station", "in", "mountains", "a", "understanding", "old", "the", "of"]
    source = " ".join(kinds[i % len(kinds)] + str(i) for i in range(40))
    target = " ".join(kinds[(3 * i) % len(kinds)] + "e" + str(i) for i in range(40))
    own = [(i, i, 0.8) for i in range(40)]
    return drawing(source, target, own + [(i, (i + 3) % 40, 0.18) for i in range(0, 40, 3)])


def arabic() -> Drawing:
    """A target that is written from right to left."""
    links = [(0, 0, 0.3), (2, 0, 0.7), (1, 1, 0.9), (3, 2, 0.85), (4, 3, 0.95)]
    return drawing("The big house stands near.", "البيت الكبير يقع بالقرب.", links, languages=("en", "ar"))


def long_word() -> Drawing:
    """A word that no line can hold."""
    return drawing(
        "A Donaudampfschifffahrts" + "elektrizitäten" * 9 + " runs.", "Un bateau.", [(1, 1, 0.9), (2, 2, 1.0)]
    )
