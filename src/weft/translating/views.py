"""What a model shows of a text: a translation, its links read in one way or another, and the weights of every head."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch

from weft.alignment.draw import Drawing
from weft.alignment.extract import WordWeights, word_weights
from weft.alignment.heat import Heat
from weft.alignment.read import combined
from weft.alignment.selection import Seen
from weft.alignment.settings import AlignmentSettings
from weft.alignment.words import words
from weft.base.errors import ConfigError
from weft.base.shapes import Float, Tensor
from weft.translating.answering import Answer
from weft.translating.decoding import Job
from weft.translating.forcing import forced_pairs
from weft.translating.looking import alignment_of, refuse_several, seen
from weft.translating.segments import Segment, Source
from weft.translating.translator import Translator
from weft.translating.weaving import woven


@dataclass(frozen=True)
class View:
    """A source, the target of each of its segments, and what every head read while it was written."""

    translator: Translator
    languages: tuple[str, str]
    source: Source
    answers: tuple[Answer, ...]
    seen: tuple[Seen, ...]
    settings: AlignmentSettings
    """How the model itself has its links read: those of the answers were read so."""

    def drawing(self, settings: AlignmentSettings | None = None, *, method: str = "") -> Drawing:
        """The pair with its links, as the model has them read or as `settings` say, and all that they were taken from.

        Raises ConfigError for settings that name a layer or a head that the model does not have.
        """
        chosen = settings or self.settings
        _check(chosen, self.translator)
        read = [_words(one, chosen) for one in self.seen]
        answers = self.answers
        if settings is not None:
            answers = tuple(replace(one, alignment=own.alignment) for one, own in zip(answers, read, strict=True))
        search = self.translator.search_settings()
        found = woven(self.source, [[one] for one in answers], languages=self.languages, search=search, align=True)
        return replace(
            found.drawing(),
            note=f"{self.translator.name}, {self.languages[0]} to {self.languages[1]}",
            method=method,
            mass=self._whole([torch.from_numpy(own.mass) for own in read]),
            heat=self._heat(chosen),
        )

    def _heat(self, settings: AlignmentSettings) -> Heat | None:
        """The weights of all segments; what one of them read of another is 0, as each was read alone."""
        if not self.seen:
            return None
        rows, columns = [], []
        for one in self.seen:
            rows += [f"<2{self.languages[1]}>", *_pieces(one.target.text, one.target.tokens)]
            columns += [*_pieces(one.source.text, one.source.tokens), "</s>"]
        return Heat(
            _diagonal([one.weights[..., : len(one.source.tokens) + 1] for one in self.seen]),  # no other codes
            rows,
            columns,
            chosen=settings,
            words=self._whole([_every_head(one, settings) for one in self.seen]),
        )

    def _whole(self, of_segments: Sequence[Float[Tensor, "*l j i"]]) -> Float[Tensor, "*l j i"]:
        """Shares of the words of all segments, and of those between segments, which come from themselves."""
        kept_words = [words(self.source.text[start:end]) for start, end in self.source.gaps]
        stayed = [torch.eye(len(kept), dtype=torch.double) for kept in kept_words]
        parts: list[Tensor] = []
        for place, kept in enumerate(stayed):
            parts.append(kept.expand(*of_segments[0].shape[:-2], *kept.shape) if of_segments else kept)
            parts += of_segments[place : place + 1]
        return _diagonal(parts)


def translated(
    translator: Translator, text: str, *, to: str, from_: str | None = None, beam: int | None = None
) -> View:
    """A text as the model translates it, sentence by sentence."""
    refuse_several(translator.config.model)
    languages = translator.pair(to, from_)
    encoded = translator.encode(text, to=to, from_=from_)
    [source] = encoded.sources(translator.tokenizer)
    jobs = [Job(segment) for segment in source.segments]
    search = translator.search_settings(beam=beam)
    direction = translator.direction(*languages)
    found = translator.decoder.decode(jobs, direction=direction, settings=search, align=True)
    return _view(translator, languages, source, [ranked[0] for ranked in found])


def forced(translator: Translator, text: str, target: str, *, to: str, from_: str | None = None) -> View:
    """A text and a given translation of it, both read whole, as if the model had written just this."""
    refuse_several(translator.config.model)
    languages = translator.pair(to, from_)
    source = Source(text, (Segment.whole(text, translator.tokenizer),))
    looking = translator.decoder.looking(align=True)
    assert looking is not None
    direction, stored = translator.direction(*languages), translator.stored
    [pair] = forced_pairs(
        stored.model, stored.tokenizer, [(text, target)], direction=direction, settings=looking.settings
    )
    scores = pair.token_log_probabilities
    answer = Answer(target, sum(scores), len(scores) - 1, pair.weights.alignment, scores[:-1], pair.words)
    return _view(translator, languages, source, [answer])


def _view(translator: Translator, languages: tuple[str, str], source: Source, answers: Sequence[Answer]) -> View:
    stored = translator.stored
    pairs = [(segment.text, answer.text) for segment, answer in zip(source.segments, answers, strict=True)]
    direction = translator.direction(*languages)
    read = seen(stored.model, stored.config.model, stored.tokenizer, pairs, direction=direction)
    settings = alignment_of(stored.config)
    assert settings is not None, "a model that cannot align has raised by now"
    return View(translator, languages, source, tuple(answers), tuple(read), settings)


def _check(settings: AlignmentSettings, translator: Translator) -> None:
    model = translator.config.model.of_decoder()
    if settings.layer >= model.decoder_layers or max(settings.heads) >= model.num_heads:
        raise ConfigError(
            f"model {translator.name} has decoder layers 0 to {model.decoder_layers - 1} of heads 0 to "
            f"{model.num_heads - 1}, got layer {settings.layer}, heads {list(settings.heads)}; choose among these"
        )


def _words(one: Seen, settings: AlignmentSettings) -> WordWeights:
    heads = list(settings.heads)
    norms = one.norms[settings.layer, heads] if settings.norm_weighting else None
    weights = combined(one.weights[settings.layer, heads], norms)
    return word_weights(weights, source=one.source, target=one.target, settings=settings)


def _every_head(one: Seen, settings: AlignmentSettings) -> Float[Tensor, "l h j i"]:
    """What the links would be taken from if they were read, by the same rules, from any one head."""
    num_layers, num_heads = one.weights.shape[:2]
    places = [{"layer": layer, "heads": (head,)} for layer in range(num_layers) for head in range(num_heads)]
    found = [torch.from_numpy(_words(one, settings.model_copy(update=place)).mass) for place in places]
    return torch.stack(found).reshape(num_layers, num_heads, *found[0].shape)  # lh j i -> l h j i


def _pieces(text: str, spans: Sequence[tuple[int, int]]) -> list[str]:
    return [text[slice(*span)] for span in spans]


def _diagonal(parts: Sequence[Float[Tensor, "*l t s"]]) -> Float[Tensor, "*l t s"]:
    """The parts one after the other down and across, 0 everywhere else."""
    rows, columns = (sum(part.shape[axis] for part in parts) for axis in (-2, -1))
    whole = parts[0].new_zeros(*parts[0].shape[:-2], rows, columns)
    row = column = 0
    for part in parts:
        whole[..., row : row + part.shape[-2], column : column + part.shape[-1]] = part
        row, column = row + part.shape[-2], column + part.shape[-1]
    return whole
