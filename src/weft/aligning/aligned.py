"""What an aligner answers: a pair of texts with links between their words, that prints, draws and serialises itself."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import torch

from weft.alignment.draw import Drawing, fragment
from weft.alignment.extract import WordWeights
from weft.alignment.link import Link, Span, Unaligned, WordAlignment
from weft.alignment.pairs import Pairs, as_pharaoh
from weft.alignment.plot import heat_map

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, eq=False)
class Alignment:
    """A source and a target text with what each target word came from."""

    source: str
    target: str
    shares: WordWeights
    """How much of each target word came from which source word and from none, and which of these are links."""
    symmetrisation: str
    """How the links of two directions became one set of links; `forward` or `reverse` for those of one alone."""

    def __str__(self) -> str:
        return self.pharaoh

    def __repr__(self) -> str:
        return f"Alignment({self.source!r}, {self.target!r}, {self.pharaoh!r})"

    @property
    def source_words(self) -> tuple[Span, ...]:
        return self.shares.source_words

    @property
    def target_words(self) -> tuple[Span, ...]:
        return self.shares.target_words

    @property
    def pairs(self) -> Pairs:
        """The links as (source word, target word), counted from 0."""
        return self.shares.pairs

    @property
    def pharaoh(self) -> str:
        """The links as `i-j i-j ...`, source-target, counted from 0, sorted; empty where there are none."""
        return as_pharaoh(self.pairs)

    @cached_property
    def word_alignment(self) -> WordAlignment:
        """Links and unaligned shares together, between spans."""
        return self.shares.alignment

    @property
    def links(self) -> tuple[Link, ...]:
        """The links between spans, by target word, each with the share of the target word that came from its source."""
        return self.word_alignment.links

    @property
    def unaligned(self) -> tuple[Unaligned, ...]:
        """For each target word the share on no source word; link mass listed or not plus this is 1."""
        return self.word_alignment.unaligned

    def to_json(self) -> dict[str, Any]:
        """The object that `weft align --format json` prints: `source`, `target`, `alignment`, `unaligned`."""
        return {"source": self.source, "target": self.target, **self.word_alignment.to_json()}

    def drawing(self) -> Drawing:
        """The pair and its links, to be drawn."""
        return Drawing(
            source=self.source,
            target=self.target,
            source_words=self.source_words,
            target_words=self.target_words,
            alignment=self.word_alignment,
            note=f"links: {self.symmetrisation}",
            mass=torch.from_numpy(self.shares.mass),
        )

    def plot(self) -> Figure:
        """A heat map of all shares, target words down, source words across; needs `pip install "weft[plot]"`."""
        drawing = self.drawing()
        return heat_map(torch.from_numpy(self.shares.mass), drawing.target_labels, drawing.source_labels)

    def _repr_html_(self) -> str:
        return fragment(self.drawing())
