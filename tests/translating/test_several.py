"""Models of several sources translate: named inputs in, reports on every source out; what is missing is told."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from weft.base.errors import ConfigError, DataError, UnsupportedError
from weft.data.pixels import Pixels
from weft.generation.score import score
from weft.models.build import build
from weft.models.config import ModelConfig
from weft.models.crossing import FUSIONS
from weft.store.config import LanguagePair, SearchDefaults, StoredConfig
from weft.store.folder import save
from weft.translating.encoded_source import EncodedSource
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
    assert [len(one.hypotheses) for one in together] == [2, 2, 2, 2, 1]
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
    links = [(link.source, link.target) for link in found.alignment or ()]
    assert [(link.source, link.target) for link in found.sources["en"].alignment or ()] == links
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
    readers = fused.stored.model.encoders.readers  # type: ignore[union-attr]
    handles = [one.register_forward_hook(lambda *_: read.append(1)) for one in readers.values()]  # type: ignore[operator, union-attr]
    fused.translate({**BOTH, "picture": IMAGE}, to="fr", beam=2)
    assert read == []
    fused.translate({**BOTH, "picture": 255 - IMAGE}, to="fr", beam=2)
    assert read == [1]
    for handle in handles:
        handle.remove()


@pytest.mark.parametrize("cache_size", [0, 7])
def test_a_picture_of_many_texts_is_read_once(fused: Translator, cache_size: int) -> None:
    fresh, read = Translator(fused.stored, cache_size=cache_size), list[int]()
    readers: Any = fresh.stored.model.encoders.readers  # type: ignore[union-attr]
    handle = readers["picture"].register_forward_hook(lambda _, given, __: read.append(len(given[0])))
    texts = ["the dog.", "a cat!", "the red dog sleeps."]
    found = fresh.translate([{"en": text, "picture": IMAGE} for text in texts], to="fr")
    assert read == [1]
    handle.remove()
    for text, one in zip(texts, found, strict=True):
        assert same(one, fused.translate(text, to="fr", image=IMAGE))


def test_what_cannot_be_is_refused(fused: Translator, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"this model has no source picure; did you mean picture\?"):
        fused.translate({"en": "a cat!", "picure": IMAGE}, to="fr")
    with pytest.raises(ConfigError, match="this model wants its source en for every input, got de; give it too"):
        fused.translate({"de": "a cat!"}, to="fr")
    with pytest.raises(ConfigError, match=r"wanted an image \(or None\) for each of 2 inputs, got 1"):
        fused.translate(["a cat!", "a dog."], to="fr", image=[IMAGE])
    with pytest.raises(DataError, match=r"nowhere\.png: wanted"):
        fused.translate("a cat!", to="fr", image=tmp_path / "nowhere.png")
    with pytest.raises(DataError, match="pair 2: wanted one of the sources en, de, picture, got none; give one"):
        fused.score([("a cat!", "un chat"), (" ", "un chat")], to="fr")


def test_a_model_of_one_source_takes_no_others(tiny: Translator) -> None:
    for given in ({"text": {"en": "a"}}, {"text": "a", "image": IMAGE}):
        with pytest.raises(UnsupportedError, match=r"reads one text, got several sources; translate a text alone"):
            tiny.translate(given.pop("text"), to="fr", **given)  # type: ignore[arg-type, call-overload]


SOME = [{**BOTH, "picture": IMAGE}, {"en": "a cat!", "picture": IMAGE}, BOTH, {"en": "a cat!"}, {"en": "the dog."}]


def test_scores_are_those_of_writing_the_target_step_by_step(fused: Translator) -> None:
    targets = ["le chien rouge dort.", "un chat!", "", "le pin", "dort"]
    direction = fused.direction("en", "fr")
    inputs = [fused._requests.of(given)[0].inputs[0] for given in SOME]
    ids = [fused.tokenizer.target.encode(target).ids for target in targets]
    wanted = score(
        fused.stored.model,  # type: ignore[arg-type]
        fused.decoder.memory(inputs, direction),
        start=torch.full((5,), direction.start),
        targets=[[*own, direction.eos] for own in ids],
        eos=direction.eos,
    )
    sums = [ranked[0].log_probability for ranked in wanted.hypotheses]
    pairs = list(zip(SOME, targets, strict=True))
    for align in (False, True):
        found = fused.score(pairs, to="fr", align=align)
        assert [one.log_probability for one in found] == pytest.approx(sums, abs=1e-4)
        assert [one.num_tokens for one in found] == [len(own) + 1 for own in ids]
        turned = fused.score(pairs[::-1], to="fr", align=align)[::-1]
        assert [one.log_probability for one in turned] == pytest.approx(sums, abs=1e-4)
        assert (found[0].sources is not None) == align


def test_what_is_forced_is_reported_as_what_is_written(fused: Translator) -> None:
    [found] = fused.score([(SOME[0], "le chien rouge dort.")], to="fr", align=True)
    assert found.sources is not None
    assert found.words is not None
    assert list(found.sources) == list(SOURCES)
    of_words = [sum(shares) for shares in zip(*(one.shares for one in found.sources.values()), strict=True)]
    assert of_words == pytest.approx([1.0] * len(found.words), abs=1e-5)
    assert found.alignment == found.sources["en"].alignment
    assert sum(math.log(word.confidence) for word in found.words) > found.log_probability


@pytest.mark.parametrize("given", SOME[:2])
@pytest.mark.parametrize("beam", [1, 3])
def test_streamed_equals_whole(fused: Translator, given: Any, beam: int) -> None:
    whole = fused.translate(given, to="fr", beam=beam, align=True)
    assert "".join(fused.stream(given, to="fr", beam=beam)) == whole.text
    pieces = list(fused.stream(given, to="fr", beam=beam, align=True))
    assert "".join(piece.text for piece in pieces) == whole.text
    links = [(link.source, link.target) for piece in pieces for link in piece.alignment.links]
    assert sorted(links) == sorted((link.source, link.target) for link in whole.alignment or ())
    assert [word.target for piece in pieces for word in piece.words] == [word.target for word in whole.words or ()]
    text, picture = given["en"], given["picture"]
    streamed = "".join(fused.stream(text, to="fr", beam=beam, image=picture))
    assert streamed == fused.translate(text, to="fr", beam=beam, image=picture).text


def test_encoded_equals_unencoded(fused: Translator, tmp_path: Path) -> None:
    wanted = fused.translate(SOME, to="fr", align=True)
    fused.encode(SOME).save(tmp_path / "some")
    fresh, read = Translator(fused.stored, cache_size=0), list[int]()
    encoded = [fused.encode(SOME), EncodedSource.load(tmp_path / "some")]
    readers: Any = fresh.stored.model.encoders.readers  # type: ignore[union-attr]
    handles = [one.register_forward_hook(lambda *_: read.append(1)) for one in readers.values()]
    for each in encoded:
        found: Any = fresh.translate(each, to="fr", align=True)
        assert read == []
        for one, other in zip(found, wanted, strict=True):
            assert same(one, other)
            assert one.alignment == other.alignment
            assert {name: report.present for name, report in one.sources.items()} == {
                name: report.present for name, report in (other.sources or {}).items()
            }
    for handle in handles:
        handle.remove()


def test_each_source_can_be_encoded_by_itself(fused: Translator, tmp_path: Path) -> None:
    name = tmp_path / "dog.png"
    Image.fromarray(IMAGE).save(name)
    picture, text = fused.encode({"picture": name}), fused.encode("a cat!")
    assert picture.said == ({"picture": str(name)},)
    picture.save(tmp_path / "picture")
    wanted = fused.translate({**BOTH, "picture": IMAGE}, to="fr", align=True)
    for encoded in (picture, EncodedSource.load(tmp_path / "picture")):
        found = fused.translate({**BOTH, "picture": encoded}, to="fr", align=True)
        assert same(found, wanted)
        assert found.sources is not None
        assert found.sources["picture"].text == str(name)
        assert found.sources["picture"].heat is not None
    assert same(fused.translate(text, to="fr"), fused.translate("a cat!", to="fr"))  # type: ignore[arg-type]
    assert same(fused.translate({"en": text, "picture": picture}, to="fr"), fused.translate(SOME[1], to="fr"))
    [one, other] = fused.score([({"en": text, "picture": picture}, "un chat"), (SOME[1], "un chat")], to="fr")
    assert one.log_probability == pytest.approx(other.log_probability, abs=1e-4)
    nothing: Any = fused.translate(fused.encode([" "]), to="fr")
    assert [each.text for each in nothing] == [""]


def test_what_was_encoded_otherwise_is_refused(fused: Translator, tiny: Translator) -> None:
    picture = fused.encode({"picture": IMAGE})
    with pytest.raises(ConfigError, match="this model wants its source en for every input, got picture; give it too"):
        fused.translate(picture, to="fr")
    with pytest.raises(ConfigError, match=r"source de wants one encoded input that has it, got picture; encode\({'de'"):
        fused.translate({"en": "a cat!", "de": picture}, to="fr")
    with pytest.raises(ConfigError, match="source en wants one encoded input that has it, got 2 inputs"):
        fused.translate({"en": fused.encode(["a", "b"])}, to="fr")
    with pytest.raises(ConfigError, match=r"wanted a source that this model .* encoded, got one of another model"):
        fused.translate({"en": tiny.encode("a cat!")}, to="fr")
    with pytest.raises(ConfigError, match="an image wants inputs that are not encoded yet, got encoded ones"):
        fused.translate(fused.encode("a cat!"), to="fr", image=IMAGE)


def test_a_file_of_encoded_sources_that_has_gone_is_noticed(fused: Translator, tmp_path: Path) -> None:
    fused.encode(SOME[:1]).save(tmp_path / "one")
    loaded = EncodedSource.load(tmp_path / "one")
    (tmp_path / "one").unlink()
    with pytest.raises(DataError, match="one: wanted"):
        fused.translate(loaded, to="fr")
