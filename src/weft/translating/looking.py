"""What every layer and head of a model looked at while it wrote a given target."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

import torch
from torch import Tensor

from weft.alignment.choose import Choice, Observed, choose
from weft.alignment.link import Span
from weft.alignment.selection import Seen
from weft.alignment.settings import AlignmentSettings
from weft.alignment.side import Side
from weft.alignment.words import words
from weft.attention.record import Observation, Record
from weft.base.errors import UnsupportedError
from weft.base.padded import pad
from weft.base.sources import Sources
from weft.data.direction import Direction
from weft.data.text_tokenizer import TextTokenizer
from weft.models.config import ModelConfig
from weft.models.crossing import cross_site
from weft.models.source import Text
from weft.store.config import StoredConfig


def text_alone(config: ModelConfig) -> str | None:
    """The text that a model can read without anything else, by its name in records: of several sources the first text.

    None if it reads none, or wants another source too.
    """
    if not config.sources:
        return "source" if isinstance(config.source, Text) else None
    name = next((name for name, one in config.sources.items() if isinstance(one.reads, Text)), None)
    others = [other for other, one in config.sources.items() if one.required and other != name]
    return None if others else name


def refuse_several(config: ModelConfig) -> None:
    """Raises UnsupportedError for a model of several sources, where one is looked at."""
    if config.sources:
        raise UnsupportedError(
            f"this model reads several sources ({', '.join(config.sources)}), whose links come with what it writes; "
            "translate or score with align"
        )


def cross_sites(config: ModelConfig) -> list[str]:
    """The cross-attention sites of a model, first layer first; of several sources those of the text read alone.

    UnsupportedError if it has none, or of several sources can read no text alone.
    """
    if config.kind != "transformer":
        raise UnsupportedError(f"a {config.kind} model has no cross-attention to align by; use a transformer")
    name = text_alone(config) if config.sources else "source"
    if name is None:
        raise UnsupportedError(
            f"wanted a model that can read one text alone, got one of sources {', '.join(config.sources)}; translate "
            "or score with align"
        )
    return [cross_site(layer, name) for layer in range(config.decoder_layers)]


def alignment_of(config: StoredConfig) -> AlignmentSettings | None:
    """Where the alignment is read: as the model says, else its guided head, else all heads of its middle layer.

    None for a model without cross-attention.
    """
    if config.model.kind != "transformer":
        return None
    decoder = config.model.of_decoder()
    middle = AlignmentSettings(layer=decoder.decoder_layers // 2, heads=tuple(range(decoder.num_heads)))
    return config.alignment or guided_alignment(config.model) or middle


def guided_alignment(config: ModelConfig) -> AlignmentSettings | None:
    """How the guided head of a model is read; None if it has none."""
    head = config.alignment_head
    return None if head is None else AlignmentSettings.guided(layer=head.layer, head=head.head)


@torch.inference_mode()
def cross_observations(
    model: torch.nn.Module, config: ModelConfig, source: Sequence[int], target: Sequence[int], *, direction: Direction
) -> list[Observation]:
    """What each layer asked of the source while `target` (ids, no specials) is forced, first layer first."""
    sites = cross_sites(config)
    device = next(model.parameters()).device
    record, read = Record(sites), pad([direction.source(source)], device=device)
    given = Sources({str(text_alone(config)): read}) if config.sources else read
    model(given, pad([direction.heard(target)], device=device).values, record)
    return [record.at(site)[0] for site in sites]


@torch.inference_mode()
def cross_weights(
    model: torch.nn.Module, config: ModelConfig, source: Sequence[int], target: Sequence[int], *, direction: Direction
) -> Tensor:
    """Weights `[l h t s]` while `target` (ids, no specials) is forced.

    Row 0 wrote the target's first token (it read the tag), the last column is `</s>`.
    """
    layers = cross_observations(model, config, source, target, direction=direction)
    return torch.stack([layer.weights()[0][:, direction.rows, direction.columns] for layer in layers])


def choose_alignment(
    model: torch.nn.Module,
    config: ModelConfig,
    tokenizer: TextTokenizer,
    pairs: Iterable[tuple[str, str, Direction]],
    *,
    settings: AlignmentSettings | None = None,
) -> Choice:
    """The layer, heads and step that align best, found on pairs (source, target, direction) without gold links.

    Which step shows where a token came from depends on the model: low layers look it up once it is the decoder's input
    (Chen et al. 2020), deep encoders with shallow decoders while it is being written. Both are tried. A head that was
    guided to align is taken as it is.
    """
    if (guided := guided_alignment(config)) is not None:
        return Choice(settings or guided, ())
    base = settings or AlignmentSettings(layer=0, heads=(0,))
    observed = list(_observed(model, config, tokenizer, pairs, norms=base.norm_weighting))
    choices = [choose(observed, settings=base.model_copy(update={"shift": shift})) for shift in (True, False)]
    return max(choices, key=lambda choice: choice.table[0].score)


@torch.inference_mode()
def seen(
    model: torch.nn.Module,
    config: ModelConfig,
    tokenizer: TextTokenizer,
    pairs: Iterable[tuple[str, str]],
    *,
    direction: Direction,
    cut: Callable[[str], Sequence[Span]] = words,
) -> Iterator[Seen]:
    """Each pair (source, target) with what every head read and its words, to choose settings by what they link."""
    for source, target in pairs:
        reading, writing = tokenizer.encode(source), tokenizer.target.encode(target)
        layers = cross_observations(model, config, reading.ids, writing.ids, direction=direction)
        before = len(direction.before)
        yield Seen(
            torch.stack([layer.weights()[0][:, direction.rows].roll(-before, -1) for layer in layers]),
            torch.stack([layer.value_norms()[0].roll(-before, -1) for layer in layers]),
            Side(source, reading.spans, cut(source)),
            Side(target, writing.spans, cut(target)),
        )


def _observed(
    model: torch.nn.Module,
    config: ModelConfig,
    tokenizer: TextTokenizer,
    pairs: Iterable[tuple[str, str, Direction]],
    *,
    norms: bool,
) -> Iterator[Observed]:
    for source_text, target_text, direction in pairs:
        source, target = tokenizer.encode(source_text).ids, tokenizer.target.encode(target_text).ids
        if source and target:
            layers = cross_observations(model, config, source, target, direction=direction)
            rows, columns = direction.rows, direction.columns
            lengths = torch.stack([layer.value_norms()[0][..., columns] for layer in layers]) if norms else None
            weights = torch.stack([layer.weights()[0][:, rows, columns] for layer in layers])
            yield Observed(weights, source, target, lengths)
