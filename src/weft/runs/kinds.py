"""What a run reads and how it is validated, by what its model reads."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from torch import nn

from weft.base.errors import ConfigError
from weft.data.tokenizer import Tokenizer
from weft.runs.caption_data import read_caption_data
from weft.runs.caption_validation import CaptionValidation
from weft.runs.data import DevPair, read_training_data
from weft.runs.recipe import Recipe
from weft.runs.several_data import read_several_data
from weft.runs.several_validation import SeveralValidation
from weft.runs.validation import Validation
from weft.training.loop import Batches


class Reading(Protocol):
    """All that a run reads from files."""

    @property
    def tokenizer(self) -> Tokenizer: ...

    @property
    def files(self) -> Mapping[str, Path]:
        """Where each file lies, by the name that the recipe gives it."""
        ...

    @property
    def reports(self) -> Mapping[str, str]:
        """What is to be said of each training set."""
        ...

    @property
    def dev_pairs(self) -> Sequence[DevPair]:
        """Pairs of texts that heads can be looked at by; none where the source is no text."""
        ...

    def batches(self, *, tokens: int, seed: int) -> Batches: ...


class Validating(Protocol):
    """Looks at the development set."""

    @property
    def samples(self) -> Sequence[Mapping[str, str]]: ...

    def scores(self, model: nn.Module, *, beam: int) -> dict[str, float]: ...

    def key_figure(self, scores: dict[str, float]) -> float | None: ...


@dataclass(frozen=True)
class Kind:
    """How a run of this kind reads its data, and how it looks at the development set."""

    read: Callable[..., Reading]
    validation: Callable[[Recipe, Any], Validating]


KINDS = {
    "text": Kind(read_training_data, Validation),
    "picture": Kind(read_caption_data, CaptionValidation),
    "several": Kind(read_several_data, SeveralValidation),
}


def kind_of(recipe: Recipe) -> Kind:
    """The kind of run that a recipe asks for. Raises ConfigError if there is none for what its model reads."""
    config = recipe.model_config_for(recipe.tokenizer.vocabulary_size)
    modality = "several" if config.sources else config.source.modality
    if modality not in KINDS:
        raise ConfigError(
            f"weft trains models of text, of pictures and of several sources, got model.source of {modality}; "
            "choose another"
        )
    return KINDS[modality]
