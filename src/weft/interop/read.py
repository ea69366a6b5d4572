"""A checkpoint folder as a model of weft's own: the way in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from weft.interop import generation, weights
from weft.interop.checkpoint import CONFIG, GENERATION, read_json, tensors
from weft.interop.families import family
from weft.interop.fields import read_fields
from weft.interop.generation import GenerationFields, Specials
from weft.interop.names import Names
from weft.models.config import ModelConfig
from weft.store.config import SearchDefaults
from weft.store.folder import build_empty


@dataclass(frozen=True)
class Checkpoint:
    """A model of somebody else's, in weft's modules, ready to translate ids (in evaluation mode)."""

    model: nn.Module
    config: ModelConfig
    specials: Specials
    search: SearchDefaults
    generation: GenerationFields
    """The generation settings as the file has them, those of its family too."""
    model_type: str


@dataclass(frozen=True)
class Description:
    """What the JSON files of a checkpoint say, read before any weight."""

    model_type: str
    shape: ModelConfig
    names: Names
    ties: tuple[frozenset[str], ...]
    specials: Specials
    search: SearchDefaults
    generation: GenerationFields


def describe(folder: Path, *, ignore: Iterable[str] = ()) -> Description:
    """What a checkpoint is, from its JSON files alone.

    Raises UnsupportedError for a family that weft does not read, ConfigError for a field that it cannot honour;
    `ignore` names fields that shall not matter.
    """
    where, data = str(folder / CONFIG), read_json(folder / CONFIG)
    kind = family(data.get("model_type"), where=where)
    keys = generation.keys(kind.generation)
    own = {key: value for key, value in data.items() if key not in keys}
    fields = read_fields(kind.fields, own, where=where, ignore={*ignore, *kind.ignore})
    if (folder / GENERATION).is_file():
        where, asked = str(folder / GENERATION), read_json(folder / GENERATION)
    else:
        asked = {key: value for key, value in data.items() if key in keys}
    search = generation.read_generation(kind.generation, asked, where=where, ignore=ignore)
    specials, shape = generation.specials(fields, search, where=where), kind.shape(fields)
    size = shape.target_vocabulary_size or shape.vocabulary_size
    generation.check(search, specials, vocabulary_size=size, where=where)
    return Description(
        model_type=str(data["model_type"]),
        shape=shape,
        names=kind.names(fields),
        ties=kind.ties(fields),
        specials=specials,
        search=generation.search_defaults(search, specials, vocabulary_size=size),
        generation=search,
    )


def read(
    folder: Path, *, dtype: torch.dtype = torch.float32, pickle: bool = False, ignore: Iterable[str] = ()
) -> Checkpoint:
    """The model of a checkpoint folder, with parameters in `dtype`.

    Every problem that the JSON files and the headers of the weights show is raised before a value is read: what
    `describe` raises, and DataError for tensors that are missing, left over, misshapen or cut off. `pickle` allows
    `.bin` files, of which tensors alone are taken.
    """
    about = describe(folder, ignore=ignore)
    names, found = about.names, tensors(folder, pickle=pickle)
    chosen = weights.tokens(names, about.ties, found)
    seen = {"tie": weights.ties(chosen, found), "logits_bias": weights.holds("final_logits_bias", found)}
    config = ModelConfig.model_validate(about.shape.model_dump() | seen)
    model = build_empty(config)
    weights.fill(model, names, found, chosen=chosen, dtype=dtype)
    return Checkpoint(model.eval(), config, about.specials, about.search, about.generation, about.model_type)
