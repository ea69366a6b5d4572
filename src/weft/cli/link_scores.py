"""The figures of word links against gold ones, with those of aligners that read no word, as a table or as JSON."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from weft.aligning.gold import read_with_links
from weft.alignment.floors import floors
from weft.alignment.measure import Counts, count
from weft.alignment.pairs import Pairs
from weft.alignment.symmetrise import DEFAULT, SYMMETRISATIONS, check_symmetrisation, symmetrise
from weft.base.errors import ConfigError, DataError

_ONLY = "links"
"""What links are called that are not joined with any others."""


@dataclass(frozen=True)
class Files:
    """Where the gold pairs and the links are; `reverse` holds those of the other direction, if there are any."""

    gold: str
    links: str
    reverse: str | None = None

    def __post_init__(self) -> None:
        if Counter([self.gold, self.links, self.reverse])["-"] > 1:
            raise ConfigError("wanted one file from standard input, got - more than once; name the others")

    @property
    def of_links(self) -> list[str]:
        return [self.links] if self.reverse is None else [self.links, self.reverse]


@dataclass(frozen=True)
class LinkScores:
    """The counts of the links, joined in one way or several, of which `chosen` is the answer, and of the floors."""

    num_pairs: int
    chosen: str
    ways: dict[str, Counts]
    floors: dict[str, Counts]

    def to_json(self) -> dict[str, Any]:
        """The measures of the chosen way in percent; further keys hold all ways and the floors."""
        found: dict[str, Any] = {"pairs": self.num_pairs, **_percent(self.ways[self.chosen])}
        if self.chosen != _ONLY:
            found["symmetrise"] = self.chosen
            found["symmetrised"] = {name: _percent(counts) for name, counts in self.ways.items()}
        return found | {"floors": {name: _percent(counts) for name, counts in self.floors.items()}}


def link_scores(files: Files, name: str | None, *, seed: int) -> LinkScores:
    """The scores of one links file, or of two joined by the symmetrisation `name` (None: by each); no file is held.

    `seed` decides the links of the random floor. Raises ConfigError for a name that is unknown or joins nothing,
    DataError with `file:line` for files that are malformed or do not fit together.
    """
    names = _ways(files, name)
    generator, num_pairs = np.random.default_rng(seed), 0
    ways, low = defaultdict[str, Counts](Counts), defaultdict[str, Counts](Counts)
    for pair, links in read_with_links(files.gold, *files.of_links):
        num_pairs += 1
        for way in names:
            ways[way] += count(_joined(links, way), pair.gold)
        for floor, found in floors(pair.num_source, pair.num_target, generator=generator).items():
            low[floor] += count(found, pair.gold)
    if not num_pairs:
        raise DataError(f"{files.gold}: wanted pairs with gold links, got none; give source TAB target TAB links")
    return LinkScores(num_pairs, DEFAULT if DEFAULT in names else names[0], ways, low)


def show(scores: LinkScores) -> None:
    """Prints a table: a row a way, then the floors."""
    table = Table(box=None, padding=(0, 1), pad_edge=False, header_style="dim")
    table.add_column(f"{scores.num_pairs} pairs", no_wrap=True)
    for name in ("AER", "precision", "recall", "F1", "links"):
        table.add_column(name, justify="right", no_wrap=True)
    for name, counts in scores.ways.items():
        table.add_row(name, *_cells(counts))
    for name, counts in scores.floors.items():
        table.add_row(name, *_cells(counts), style="dim")
    Console(highlight=False).print(table)


def _ways(files: Files, name: str | None) -> list[str]:
    """The names of the ways to join the files of links."""
    if name is None:
        return [_ONLY] if files.reverse is None else list(SYMMETRISATIONS)
    check_symmetrisation(name)
    if files.reverse is None:
        raise ConfigError(f"wanted links of two directions to join by {name}, got --links alone; add --reverse-links")
    return [name]


def _joined(links: list[Pairs], way: str) -> Pairs:
    if way == _ONLY:
        return links[0]
    forward, reverse = links
    return symmetrise(forward, reverse, way)


def _percent(counts: Counts) -> dict[str, float]:
    measures = {"aer": counts.aer, "precision": counts.precision, "recall": counts.recall, "f1": counts.f1}
    return {name: 100 * value for name, value in measures.items()}


def _cells(counts: Counts) -> list[str]:
    return [f"{value:.1f}" for value in _percent(counts).values()] + [str(counts.links)]
