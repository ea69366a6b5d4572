"""What heads looked at while a given target was written, and which of them align."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from tests.tiny import config, save_untrained, tokenizer

import weft
from weft.alignment.settings import AlignmentSettings
from weft.base.errors import UnsupportedError
from weft.data.direction import Direction
from weft.models.build import build
from weft.models.config import ModelConfig
from weft.translating.looking import alignment_of, choose_alignment, cross_sites, cross_weights
from weft.translating.translator import Translator

PAIRS = [
    ("the red dog sleeps.", "le chien rouge dort."),
    ("the black cat sings!", "le chat noir chante!"),
    ("the white tree falls.", "le pin blanc tombe."),
    ("the green house burns?", "le palais vert brûle?"),
    ("the yellow dog sings.", "le chien jaune chante."),
    ("the red cat falls?", "le chat rouge tombe?"),
    ("the black tree burns!", "le pin noir brûle!"),
]


def test_weights_are_of_every_layer_and_head_and_sum_to_one(tiny: Translator) -> None:
    source, target = [5, 7, 11], [13, 17]
    weights = cross_weights(tiny.stored.model, tiny.config.model, source, target, direction=Direction(3))
    assert list(weights.shape) == [2, 2, 3, 4]
    torch.testing.assert_close(weights.sum(-1), torch.ones_like(weights[..., 0]), rtol=0, atol=1e-6)
    nothing = cross_weights(tiny.stored.model, tiny.config.model, [], [], direction=Direction(3))
    torch.testing.assert_close(nothing, torch.ones_like(nothing))


def test_the_middle_layer_is_read_where_nothing_was_chosen() -> None:
    words = tokenizer()
    chosen = config(words)
    assert alignment_of(chosen) == AlignmentSettings(layer=0, heads=(0, 1), threshold=0.2)
    unchosen = chosen.model_copy(update={"alignment": None})
    assert alignment_of(unchosen) == AlignmentSettings(layer=1, heads=(0, 1))
    assert alignment_of(config(words, kind="recurrent")) is None


@pytest.mark.parametrize("kind", ["recurrent", "decoder_only"])
def test_kinds_without_cross_attention_are_refused(kind: str, tmp_path: Path) -> None:
    model = weft.load(save_untrained(tmp_path / kind, kind=kind))
    message = f"a {kind} model has no cross-attention to align by; use a transformer"
    with pytest.raises(UnsupportedError, match=message):
        cross_sites(model.config.model)
    with pytest.raises(UnsupportedError, match=message):
        choose_alignment(model.stored.model, model.config.model, model.tokenizer, [("a", "b", Direction(3))])


@dataclass(frozen=True)
class Planted:
    """What a layer is said to have read."""

    found: torch.Tensor
    norms: torch.Tensor

    def weights(self) -> torch.Tensor:
        return self.found[None]

    def value_norms(self) -> torch.Tensor:
        return self.norms[None]


@pytest.mark.parametrize("by_norm", [False, True])
def test_a_planted_alignment_is_found(tiny: Translator, monkeypatch: pytest.MonkeyPatch, by_norm: bool) -> None:
    """The links of one head, planted in any other, move the choice there; by norm, past a key that hands on nothing."""
    order = {4: [0, 2, 1, 3, 4], 3: [0, 1, 2, 3]}
    base = AlignmentSettings(layer=0, heads=(0,), norm_weighting=by_norm)

    def planted(layer: int, head: int) -> AlignmentSettings:
        def read(model: object, config: object, source: list[int], target: list[int], **_: object) -> list[Planted]:
            found = torch.full((2, 2, len(target) + 1, len(source) + 1), 1.0 / (len(source) + 1))
            norms = torch.ones(2, 2, len(source) + 1)
            found[layer, head] = 0.0
            for row, column in enumerate(order[len(source) - 1]):
                found[layer, head, row + 1, column] = 1.0
            if by_norm:
                found[layer, head, :, 0] += 2.0
                norms[layer, head, 0] = 0.1
            return [Planted(*each) for each in zip(found, norms, strict=True)]

        monkeypatch.setattr("weft.translating.looking.cross_observations", read)
        pairs = [(source, target, Direction(3)) for source, target in PAIRS]
        return choose_alignment(tiny.stored.model, tiny.config.model, tiny.tokenizer, pairs, settings=base).settings

    for layer in (0, 1):
        for head in (0, 1):
            assert planted(layer, head) == base.model_copy(update={"layer": layer, "heads": (head,)})


def test_pairs_with_an_empty_side_are_passed_over(tiny: Translator) -> None:
    pairs = [(source, target, Direction(3)) for source, target in [*PAIRS, ("", "le"), ("the", "")]]
    with_empty = choose_alignment(tiny.stored.model, tiny.config.model, tiny.tokenizer, pairs)
    without = choose_alignment(tiny.stored.model, tiny.config.model, tiny.tokenizer, pairs[: len(PAIRS)])
    assert with_empty.settings == without.settings


SOURCES = {"picture": {"reads": {"modality": "picture", "height": 4, "width": 4, "patch_height": 4, "patch_width": 4}}}


def test_of_several_sources_the_first_text_is_looked_at_alone() -> None:
    words = tokenizer()
    shape = {"width": 8, "num_heads": 2, "feedforward_width": 5, "encoder_layers": 1, "decoder_layers": 2}
    keys = {**shape, "vocabulary_size": words.vocabulary_size, "fusion": "parallel"}
    several = ModelConfig.model_validate({**keys, "sources": {**SOURCES, "en": {}, "de": {}}})
    assert cross_sites(several) == ["decoder.0.target_to_en", "decoder.1.target_to_en"]
    model = build(several).eval()
    weights = cross_weights(model, several, [5, 7, 11], [13, 17], direction=Direction(3))
    assert list(weights.shape) == [2, 2, 3, 4]
    torch.testing.assert_close(weights.sum(-1), torch.ones_like(weights[..., 0]), rtol=0, atol=1e-6)
    choice = choose_alignment(model, several, words, [(*pair, Direction(3)) for pair in PAIRS])
    assert choice.table
    for sources in ({**SOURCES, "en": {}, "de": {"required": True}}, SOURCES):
        wants = ModelConfig.model_validate({**keys, "sources": sources})
        with pytest.raises(
            UnsupportedError, match="wanted a model that can read one text alone, got one of sources pic"
        ):
            cross_sites(wants)
