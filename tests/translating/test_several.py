"""Models of several sources translate: named inputs in, reports on every source out; what is missing is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from weft.base.errors import ConfigError, DataError, UnsupportedError
from weft.data.pixels import Pixels
from weft.models.build import build
from weft.models.config import ModelConfig
from weft.models.crossing import FUSIONS
from weft.store.config import LanguagePair, SearchDefaults, StoredConfig
from weft.store.folder import save
from weft.translating.loading import load
from weft.translating.translation import Translation
from weft.translating.translator import Translator

PICTURE = {"modality": "picture", "height": 8, "width": 12, "patch_height": 4, "patch_width": 4}
SOURCES = {"en": {"required": True}, "de": {"same_as": "en"}, "picture": {"reads": PICTURE}}
IMAGE = np.random.default_rng(5).integers(0, 256, (9, 13, 3)).astype(np.uint8)
BOTH = {"en": "the red dog sleeps.", "de": "sleeps dog red the."}


def folder(where: Path, words: Any, fusion: str) -> Path:
    torch.default_generator.manual_seed(5)
    shape = {"width": 12, "num_heads": 2, "feedforward_width": 17, "encoder_layers": 1, "decoder_layers": 2}
    keys = {"vocabulary_size": words.vocabulary_size, **shape, "sources": SOURCES, "fusion": fusion, "dropout": 0.0}
    config = StoredConfig(
        model=ModelConfig.model_validate(keys),
        languages=(LanguagePair(from_="en", to="fr"),),
        pixels=Pixels(size=(8, 12)),
        search=SearchDefaults(beam=3, max_length=7),
    )
    model = build(config.model)
    for name, weight in model.named_parameters():
        torch.nn.init.normal_(weight, std=0.5) if ".gates." in name else None
    save(where, model, words, config, "")
    return where


@pytest.fixture(scope="module", params=FUSIONS)
def fused(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Translator:
    from tests.tiny import tokenizer

    return load(folder(tmp_path_factory.mktemp("several") / request.param, tokenizer(), request.param))


def same(one: Translation, other: Translation) -> bool:
    return one.text == other.text and one.log_probability == pytest.approx(other.log_probability, abs=1e-4)


def test_inputs_are_translated_as_each_would_be_alone_whatever_they_lack(fused: Translator) -> None:
    inputs = [
        BOTH,
        {**BOTH, "picture": IMAGE},
        {"en": "a cat!", "picture": IMAGE},
        {"en": "a cat!", "de": None},
        {"en": " "},
    ]
    together = fused.translate(inputs, to="fr", nbest=2)
    assert [len(one.hypotheses) for one in together] == [2, 2, 2, 2, 0]
    assert together[4].text == ""
    for given, found in zip(inputs[:4], together, strict=False):
        assert same(fused.translate(given, to="fr", nbest=2), found)
    assert not same(together[0], together[1])
    assert same(fused.translate("a cat!", to="fr"), fused.translate({"en": "a cat!"}, to="fr"))
    assert same(fused.translate("a cat!", to="fr", image=IMAGE), together[2])
    [first, second] = fused.translate(["a cat!", "a cat!"], to="fr", image=[None, IMAGE])
    assert same(first, together[3])
    assert same(second, together[2])
    lines = list(fused.translate_lines(iter(inputs[:2]), to="fr", nbest=2))
    assert all(same(one, other) for one, other in zip(lines, together, strict=False))


def test_reports_tell_what_was_read_of_each_source(fused: Translator) -> None:
    found = fused.translate({**BOTH, "picture": IMAGE}, to="fr", align=True, nbest=2)
    assert found.sources is not None
    words = [word.target for word in found.words or ()]
    assert list(found.sources) == list(SOURCES)
    of_words = [sum(shares) for shares in zip(*(report.shares for report in found.sources.values()), strict=True)]
    assert of_words == pytest.approx([1.0] * len(words), abs=1e-5)
    fusion = fused.config.model.fusion
    assert {report.measure for report in found.sources.values()} == {
        "attention" if fusion in ("concat", "hierarchical") else "norm"
    }
    assert found.sources["en"].alignment == found.alignment
    assert found.sources["de"].text == BOTH["de"]
    heat = found.sources["picture"].heat
    assert heat is not None
    assert heat.weights.shape == (len(words), 2, 3)
    assert (found.sources["de"].gates is not None) == (fusion == "gated")
    assert found.sources["en"].gates is None
    told = found.to_json()["sources"]
    assert told.keys() == SOURCES.keys()
    assert len(told["picture"]["heat"]) == len(told["en"]["shares"]) == len(words)


def test_a_missing_source_has_no_share(fused: Translator) -> None:
    found = fused.translate([{"en": "a cat!"}, {**BOTH, "picture": IMAGE}], to="fr", align=True)[0]
    assert found.sources is not None
    assert found.sources["en"].shares == pytest.approx([1.0] * len(found.sources["en"].shares), abs=1e-5)
    for name in ("de", "picture"):
        report = found.sources[name]
        assert not report.present
        assert report.shares == (0.0,) * len(report.shares)
        assert report.alignment is None
        assert report.heat is None


def test_what_was_read_lately_is_not_read_again(fused: Translator) -> None:
    fused.translate({**BOTH, "picture": IMAGE}, to="fr")
    read: list[int] = []
    handle = fused.stored.model.encoders.register_forward_hook(lambda *_: read.append(1))  # type: ignore[union-attr, operator]
    fused.translate({**BOTH, "picture": IMAGE}, to="fr", beam=2)
    assert read == []
    fused.translate({**BOTH, "picture": 255 - IMAGE}, to="fr", beam=2)
    assert read == [1]
    handle.remove()


def test_what_cannot_be_is_refused(fused: Translator, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"this model has no source picure; did you mean picture\?"):
        fused.translate({"en": "a cat!", "picure": IMAGE}, to="fr")
    with pytest.raises(ConfigError, match="this model wants its source en for every input, got de; give it too"):
        fused.translate({"de": "a cat!"}, to="fr")
    with pytest.raises(ConfigError, match=r"wanted an image \(or None\) for each of 2 inputs, got 1"):
        fused.translate(["a cat!", "a dog."], to="fr", image=[IMAGE])
    with pytest.raises(DataError, match=r"nowhere\.png: wanted"):
        fused.translate("a cat!", to="fr", image=tmp_path / "nowhere.png")
    for refused in (
        lambda: fused.encode("a cat!"),
        lambda: fused.stream("a cat!", to="fr"),
        lambda: fused.score([("a cat!", "un chat")], to="fr"),
    ):
        with pytest.raises(UnsupportedError, match=r"nothing .* sources en, de, picture of model .*; use translate"):
            refused()


def test_a_model_of_one_source_takes_no_others(tiny: Translator) -> None:
    for given in ({"text": {"en": "a"}}, {"text": "a", "image": IMAGE}):
        with pytest.raises(UnsupportedError, match=r"reads one text, got several sources; translate a text alone"):
            tiny.translate(given.pop("text"), to="fr", **given)  # type: ignore[arg-type, call-overload]
