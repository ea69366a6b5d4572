"""The model that a run starts from, and the model folders that it leaves."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import torch
from torch import nn

from weft.base.errors import ConfigError
from weft.base.shapes import Tensor
from weft.data.pixels import Pixels
from weft.data.tokenizer import Tokenizer
from weft.interop.vit import fill_encoder
from weft.models.build import build
from weft.models.config import ModelConfig
from weft.models.encoder_decoder import EncoderDecoder
from weft.models.reading import TOLD_ANEW
from weft.models.several import of_first_source, of_source_alone
from weft.models.source import Picture
from weft.runs.recipe import PretrainedConfig, Recipe
from weft.store.config import About, LanguagePair, StoredConfig
from weft.store.folder import load, save
from weft.training.loop import Progress
from weft.translating.looking import guided_alignment

_FREE = frozenset({"dropout", "feedforward_dropout", "attention_dropout", "backend"})
"""What may differ from the model whose weights are taken over: nothing that changes what they compute."""


def initial_model(recipe: Recipe, vocabulary_size: int, *, init: str | None) -> nn.Module:
    """Fresh weights decided by the seed, or those of the model `init`. Raises ConfigError if that is another model."""
    config = recipe.model_config_for(vocabulary_size)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        model = build(config)
    if init is not None:
        stored = load(init)
        weights: dict[str, Tensor] = dict(stored.model.named_parameters())
        theirs = stored.config.model
        if len(theirs.sources) == 1 < len(config.sources):  # one source by its name is that source alone
            (name,) = theirs.sources
            weights, theirs = of_source_alone(weights, name, theirs.fusion), theirs.of_source(name)
        if config.sources and not theirs.sources:
            first = next(iter(config.sources))
            weights = of_first_source(weights, first, config.fusion)
            config = config.of_source(first).model_copy(update={"fusion": theirs.fusion})
        _check_alike(config, theirs, init)
        assign(model, weights)
    return _with_pretrained(model, recipe.pretrained, fill=init is None)


def _with_pretrained(model: nn.Module, pretrained: PretrainedConfig, *, fill: bool) -> nn.Module:
    """The model with the encoder that its recipe borrows, if it does: its weights, unless it has them, and frozen."""
    if pretrained.encoder is not None:
        encoder = cast(EncoderDecoder, model).encoder
        if fill:
            fill_encoder(encoder, Path(pretrained.encoder))
        encoder.requires_grad_(not pretrained.frozen)
    return model


@torch.no_grad()
def assign(model: nn.Module, weights: dict[str, Tensor]) -> None:
    """Gives the model's parameters the values of the same names; those that are not named stay."""
    parameters = dict(model.named_parameters())
    for name, value in weights.items():
        parameters[name].copy_(value)


def save_trained(
    folder: Path,
    model: nn.Module,
    tokenizer: Tokenizer,
    *,
    recipe: Recipe,
    progress: Progress,
    scores: dict[str, float],
) -> None:
    """Writes a model folder with a card that says how the model came to be; `scores` are on the development set."""
    about = recipe.about
    pairs = dict.fromkeys((source.from_, source.to) for source in recipe.data.train)
    shape = recipe.model_config_for(tokenizer.vocabulary_size)
    config = StoredConfig(
        model=shape,
        languages=tuple(LanguagePair(from_=source, to=target) for source, target in pairs),
        alignment=guided_alignment(shape),
        pixels=_pixels(recipe, shape),
        search=recipe.search,
        about=About(licence=about.licence, data=about.credits, scores={f"dev {k}": v for k, v in scores.items()}),
    )
    save(folder, model, tokenizer, config, _card(recipe, progress, scores))


def _pixels(recipe: Recipe, shape: ModelConfig) -> Pixels | None:
    """How the model's pictures became numbers, if it reads any."""
    seen = [one for one in (shape.source, *(each.reads for each in shape.sources.values())) if isinstance(one, Picture)]
    return recipe.data.pixels.pixels(seen[0].height, seen[0].width) if seen else None


def _without_size(config: ModelConfig) -> ModelConfig:
    """The configuration with pictures of one size, where no weight depends on it."""
    source = config.source
    if not isinstance(source, Picture) or source.position != "sinusoidal":
        return config
    size = {"height": source.patch_height, "width": source.patch_width}
    return config.model_copy(update={"source": source.model_copy(update=size)})


def _check_alike(config: ModelConfig, theirs: ModelConfig, init: str) -> None:
    free: dict[str, Any] = {**dict.fromkeys(_FREE, True), "reading": set(TOLD_ANEW)}
    if theirs.alignment_head is None:
        free["alignment_head"] = True  # one can be added
    ours, other = (_without_size(one).model_dump(exclude=free) for one in (config, theirs))
    differing = [f"{key} {other[key]}, the recipe {value}" for key, value in ours.items() if other[key] != value]
    if differing:
        raise ConfigError(
            f"--init {init}: wanted a model of the recipe's shape, got one with {'; '.join(differing)}; set [model] "
            "as in its config.json"
        )


def _card(recipe: Recipe, progress: Progress, scores: dict[str, float]) -> str:
    about = recipe.about
    lines = [f"# {about.name}", "", f"Trained by weft for {progress.step:,} updates, {progress.tokens:,} tokens.", ""]
    lines += [f"Licence of the weights: {about.licence or 'not stated'}."]
    lines += _listed("Data:", about.credits)
    lines += _listed("Development scores:", [f"{name}: {value:.2f}" for name, value in scores.items()])
    return "\n".join(lines) + "\n"


def _listed(title: str, items: tuple[str, ...] | list[str]) -> list[str]:
    """A paragraph of the card; no title without items."""
    return ["", title, "", *(f"- {item}" for item in items)] if items else []
