"""Two alignments of one source set against each other: which target words answer each other, which links differ."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import SequenceMatcher

LinkNumbers = tuple[int, int, float]
"""A link as the number of its source word, the number of its target word, and its probability."""


def twins(one: Sequence[str], other: Sequence[str]) -> dict[int, int]:
    """For the words of `one` that stand in `other` too, in the same order, where: the longest such runs."""
    blocks = SequenceMatcher(a=one, b=other, autojunk=False).get_matching_blocks()
    return {block.a + step: block.b + step for block in blocks for step in range(block.size)}


def only_here(links: Iterable[LinkNumbers], others: Iterable[LinkNumbers], twin: dict[int, int]) -> list[bool]:
    """For each of `links` whether its target word has a twin to which `others` has no link from that source word.

    A word that the other translation lacks can have no link there, so its links are compared with nothing: False.
    """
    known = {(source, target) for source, target, _ in others}
    return [target in twin and (source, twin[target]) not in known for source, target, _ in links]
