"""Sentence pairs of invented languages whose links are known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

Links = frozenset[tuple[int, int]]


@dataclass(frozen=True)
class Text:
    sources: list[list[str]]
    targets: list[list[str]]
    links: list[Links]


def invented(*, num_pairs: int = 211, num_words: int = 47, seed: int = 3) -> Text:
    """Source word `sN` means `tN`; now and then two neighbours swap places, and a particle `o` comes from no word."""
    random = np.random.default_rng(seed)
    text = Text([], [], [])
    for _ in range(num_pairs):
        words = random.choice(num_words, size=int(random.choice([3, 5, 7])), replace=False).tolist()
        order = list(range(len(words)))
        if random.random() < 0.5:
            place = int(random.integers(len(words) - 1))
            order[place], order[place + 1] = order[place + 1], order[place]
        target: list[str] = []
        links = set()
        for i in order:
            if random.random() < 0.1:
                target.append("o")
            links.add((i, len(target)))
            target.append(f"t{words[i]}")
        text.sources.append([f"s{word}" for word in words])
        text.targets.append(target)
        text.links.append(frozenset(links))
    return text
