"""What a translator answers: text, scores and alignment, as values that print, draw and serialise themselves."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

import torch

from weft.alignment.confidence import Word
from weft.alignment.draw import Drawing, fragment
from weft.alignment.link import Link, Span, Unaligned, WordAlignment
from weft.alignment.plot import heat_map
from weft.base.errors import UnsupportedError
from weft.translating.forcing import ForcedPair
from weft.translating.source_report import SourceReport

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Hypothesis:
    """One way to translate a text. `alignment`, `unaligned` and `words` are None unless they were asked for."""

    text: str
    score: float
    """What ranks hypotheses: the summed log-probability, `</s>` included, over length ** alpha."""
    log_probability: float
    """The plain sum, natural logarithm."""
    alignment: tuple[Link, ...] | None = None
    """For each target word its best source word and every further one above the threshold."""
    unaligned: tuple[Unaligned, ...] | None = None
    """For each target word the mass on no source word; listed and unlisted link mass plus this is 1."""
    words: tuple[Word, ...] | None = None
    """Each target word with its confidence: how probable the model found it after what stands before it."""

    def to_json(self) -> dict[str, Any]:
        found: dict[str, Any] = {
            "text": self.text,
            "score": self.score,
            "log_probability": self.log_probability,
        }
        if self.alignment is not None and self.unaligned is not None:
            found["alignment"] = [link.to_json() for link in self.alignment]
            found["unaligned"] = [one.to_json() for one in self.unaligned]
        if self.words is not None:
            found["words"] = [word.to_json() for word in self.words]
        return found


@dataclass(frozen=True)
class Translation(Hypothesis):
    """The best hypothesis for a source text, and the n best ones, of which it is the first."""

    source: str = ""
    from_: str = ""
    to: str = ""
    hypotheses: tuple[Hypothesis, ...] = ()
    nbest: int = 1
    """How many hypotheses were asked for; there may be fewer."""
    source_words: tuple[Span, ...] = ()
    """The words of the source that links may name; none unless the alignment was asked for."""
    sources: dict[str, SourceReport] | None = None
    """What was read of each of several sources while the best hypothesis was written, if alignment was asked for."""

    def __str__(self) -> str:
        return self.text

    def to_json(self) -> dict[str, Any]:
        """The object that `weft translate --format json` prints; with `hypotheses` if several were asked for."""
        own = super().to_json()
        found = {"source": self.source, "text": own.pop("text"), "from": self.from_, "to": self.to, **own}
        if self.nbest > 1:
            found["hypotheses"] = [hypothesis.to_json() for hypothesis in self.hypotheses]
        if self.sources is not None:
            words = [word.target for word in self.words or ()]
            found["sources"] = {name: report.to_json(words) for name, report in self.sources.items()}
        return found

    @property
    def word_alignment(self) -> WordAlignment:
        """Links and unaligned shares together; UnsupportedError if they were not asked for."""
        if self.alignment is None or self.unaligned is None:
            raise UnsupportedError("this translation carries no alignment; translate with align=True")
        return WordAlignment(self.alignment, self.unaligned)

    @property
    def target_words(self) -> tuple[Span, ...]:
        """The words of the translation that are aligned: those of each sentence on its own."""
        return tuple(one.target for one in self.unaligned or ())

    def drawing(self) -> Drawing:
        """The pair and its links, to be drawn."""
        return Drawing(
            source=self.source,
            target=self.text,
            source_words=self.source_words,
            target_words=self.target_words,
            alignment=self.word_alignment,
            languages=(self.from_, self.to),
            confidence=None if self.words is None else [word.confidence for word in self.words],
        )

    def plot(self) -> Figure:
        """A heat map of the links, target words down, source words across; needs `pip install "weft[plot]"`."""
        source, target = self.source_words, self.target_words
        weights = torch.zeros(len(target), len(source))
        for link in self.word_alignment.links:
            weights[target.index(link.target), source.index(link.source)] = link.probability
        labels = [self.text[slice(*span)] for span in target], [self.source[slice(*span)] for span in source]
        return heat_map(weights, *labels)

    def _repr_html_(self) -> str:
        if self.alignment is None:
            return f'<div dir="auto">{escape(self.source)}<br><strong>{escape(self.text)}</strong></div>'
        return fragment(self.drawing())


@dataclass(frozen=True)
class Score:
    """How probable a given target is: the sum over its tokens and `</s>`, and how many these are.

    `alignment`, `unaligned` and `words` are as in a hypothesis, and None unless they were asked for.
    """

    log_probability: float
    num_tokens: int
    alignment: tuple[Link, ...] | None = None
    unaligned: tuple[Unaligned, ...] | None = None
    words: tuple[Word, ...] | None = None
    sources: dict[str, SourceReport] | None = None
    """What would have been read of each of several sources while the target was written, as in a translation."""

    @staticmethod
    def of(pair: ForcedPair, sources: dict[str, SourceReport] | None = None) -> Score:
        """The score of a pair that was read with its links."""
        found = pair.weights.alignment
        return Score(
            sum(pair.token_log_probabilities),
            len(pair.token_log_probabilities),
            alignment=found.links,
            unaligned=found.unaligned,
            words=pair.words,
            sources=sources,
        )
