"""Pictures described: one or many, in any form, searched and explained the same."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from tests.tiny_captioner import COLUMNS, HEIGHT, ROWS, WIDTH, save_captioner, scenes

import weft
from weft.alignment.settings import AlignmentSettings
from weft.alignment.side import Side
from weft.attention.record import Record
from weft.base.errors import ConfigError, DataError, UnsupportedError
from weft.data.image import patches
from weft.data.pixels import Pixels
from weft.generation.settings import Sampling, SearchSettings
from weft.models.source import Picture
from weft.translating.caption import Caption, captions_page
from weft.translating.captioning import BATCH, OpenedPicture
from weft.translating.picture_heat import token_heat, upsampled, window, word_heat


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_captioner(tmp_path_factory.mktemp("models") / "scenes")


@pytest.fixture(scope="module")
def captioner(folder: Path) -> weft.Translator:
    return weft.load(folder, dtype=torch.float64)


def png(pixels: Any) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "png")
    return file.getvalue()


def test_many_are_described_as_each_alone_and_in_order(captioner: weft.Translator) -> None:
    pictures = scenes(BATCH + 5)
    together = captioner.caption(pictures, nbest=2)
    assert len({one.text for one in together}) > 5
    for place in (0, 3, BATCH, BATCH + 4):
        alone = captioner.caption(pictures[place], nbest=2)
        assert alone.text == together[place].text
        assert alone.score == pytest.approx(together[place].score, abs=1e-9)
        assert len(alone.hypotheses) == 2
    assert captioner.caption([]) == []


def test_a_picture_may_come_in_any_form(captioner: weft.Translator, tmp_path: Path) -> None:
    [pixels] = scenes(1)
    (tmp_path / "one.png").write_bytes(png(pixels))
    forms = [tmp_path / "one.png", str(tmp_path / "one.png"), (tmp_path / "one.png").as_uri(), png(pixels), pixels]
    found = captioner.caption([*forms, Image.fromarray(pixels), OpenedPicture("mine", pixels)])
    assert len({one.text for one in found}) == len({one.score for one in found}) == 1
    names = [one.image for one in found]
    assert names == [str(tmp_path / "one.png")] * 2 + [forms[2], "bytes", "array", "picture", "mine"]
    with pytest.raises(DataError, match="wanted a path, bytes, an array or a picture of pillow's, got int"):
        captioner.caption(3)  # type: ignore[call-overload]


def test_words_and_confidences_are_those_of_the_text(captioner: weft.Translator) -> None:
    for found in captioner.caption(scenes(7)):
        assert all(found.text[slice(*word.target)].strip() for word in found.words)
        assert all(0 <= word.confidence <= 1 for word in found.words)
        assert found.heat is None
        assert found.picture is None


def test_the_best_is_the_first_of_the_n_best(captioner: weft.Translator) -> None:
    found = captioner.caption(scenes(1)[0], beam=4, nbest=3)
    assert len(found.hypotheses) == 3
    best = found.hypotheses[0]
    assert (best.text, best.score, best.words) == (found.text, found.score, found.words)
    assert list(found.to_json()) == ["image", "text", "score", "log_probability", "words", "hypotheses"]
    assert json.loads(json.dumps(found.to_json()))["hypotheses"][0]["text"] == found.text
    assert str(found) == found.text
    greedy = captioner.caption(scenes(1)[0], beam=1)
    assert len(greedy.hypotheses) == 1


def test_looking_changes_no_caption(captioner: weft.Translator) -> None:
    pictures = scenes(5)
    plain, seen = (captioner.caption(pictures, nbest=2, explain=explain) for explain in (False, True))
    assert plain == seen
    assert all(one.heat is not None for found in seen for one in found.hypotheses)


def test_heat_is_a_share_of_attention_on_each_place_for_each_word(captioner: weft.Translator) -> None:
    for found in captioner.caption(scenes(5), explain=True):
        assert found.heat is not None
        assert found.heat.shape == (len(found.words), ROWS, COLUMNS)
        totals = found.heat.sum((1, 2))
        assert bool(((totals > 0) & (totals < 1)).all()), "what is lacking was on the class token"


@pytest.mark.parametrize("shift", [False, True])
def test_heat_is_what_the_decoder_read_step_by_step(captioner: weft.Translator, shift: bool) -> None:
    """With the cache, as the search does it."""
    model: Any = captioner.stored.model
    shape, direction, captions = captioner.config.model.source, captioner.tokenizer.direction("en"), [[7, 9, 8], [11]]
    assert isinstance(shape, Picture)
    assert captioner.config.pixels is not None
    source = patches(scenes(2), captioner.config.pixels, patch=(6, 6))
    source = source.with_values(source.values.double())
    settings = AlignmentSettings(layer=1, heads=(1,), shift=shift)
    found = token_heat(model, source, list(enumerate(captions)), picture=shape, direction=direction, settings=settings)
    for row, ids in enumerate(captions):
        record = Record([settings.site])
        with torch.inference_mode():
            memory = model.encode(source.select(torch.tensor([row])))
            cache = model.init_cache(memory, beam=1, capacity=len(ids) + 1)
            for token in direction.heard(ids):
                _, cache = model.step(torch.tensor([[token]]), cache, record)
        steps = torch.cat([one.weights(heads=[1])[0, 0, :, 1:] for one in record.entries])  # without the class token
        wanted = steps[int(shift) :][: len(ids)].unflatten(-1, (ROWS, COLUMNS))
        torch.testing.assert_close(found[row], wanted.double(), atol=1e-6, rtol=1e-5)


def test_the_heat_of_a_word_is_the_mean_over_its_tokens() -> None:
    tokens = torch.arange(24.0).reshape(4, 2, 3)
    side = Side("red star", [(0, 2), (2, 3), (3, 8), (8, 8)], [(0, 3), (4, 8)])
    torch.testing.assert_close(word_heat(tokens, side), torch.stack([(tokens[0] + tokens[1]) / 2, tokens[2]]))


def test_heat_can_be_read_otherwise(captioner: weft.Translator) -> None:
    [pixels] = scenes(1)
    own, other = (
        captioner.caption(pixels, explain=how) for how in (True, AlignmentSettings(layer=0, heads=(0, 1), shift=True))
    )
    assert own == other
    assert own.heat is not None
    assert not torch.allclose(own.heat, other.heat)
    same = captioner.caption(pixels, explain=AlignmentSettings(layer=1, heads=(1,), shift=False))
    torch.testing.assert_close(own.heat, same.heat)


def test_heat_maps_are_as_large_as_the_picture(captioner: weft.Translator) -> None:
    found = captioner.caption(scenes(1, side=41)[0], explain=True)
    maps = found.heat_maps()
    assert maps.shape == (len(found.words), 41, 41)
    assert found.heat is not None
    assert float(maps.max()) == pytest.approx(float(found.heat.max()), rel=0.02)


def test_without_explain_there_is_nothing_to_see(captioner: weft.Translator) -> None:
    found = captioner.caption(scenes(1)[0])
    for see in (found.heat_maps, found.drawing, lambda: captions_page([found])):
        with pytest.raises(UnsupportedError, match="carries no heat maps; caption with explain=True"):
            see()
    assert found._repr_html_() == f"<strong>{weft.translating.caption.escape(found.text)}</strong>"


def test_a_page_shows_all_of_them(captioner: weft.Translator) -> None:
    found = captioner.caption(scenes(2), nbest=2, explain=True)
    html = captions_page(found, note="a model")
    assert html.count('<section class="picture"') == 2
    assert html.count("data:image/png;base64,") == 2
    assert "srcdoc" in found[0]._repr_html_()


def test_a_picture_is_seen_in_the_window_that_is_read() -> None:
    shape = Picture(modality="picture", height=HEIGHT, width=WIDTH, patch_height=6, patch_width=6)
    assert window((100, 50), Pixels(size=(HEIGHT, WIDTH)), shape) == (0, 0, 1, 1)
    cropped = Pixels(size=(24, 24), crop=(HEIGHT, WIDTH))
    assert window((100, 50), cropped, shape) == (0.125, 0.25, 0.875, 0.75)
    tall = Picture(modality="picture", height=14, width=WIDTH, patch_height=6, patch_width=6)
    assert window((7, 7), Pixels(size=(14, WIDTH)), tall) == (0, 0, 1, 12 / 14)
    assert window((28, 36), Pixels(size=None, crop=(14, WIDTH)), tall) == (0.25, 0.25, 0.75, 19 / 28)


def test_upsampling_keeps_what_is_even_and_where_the_peak_is() -> None:
    even = upsampled(torch.full((1, 3, 5), 0.2), (31, 47), (0.0, 0.0, 1.0, 1.0))
    torch.testing.assert_close(even, torch.full((1, 31, 47), 0.2))
    one = torch.zeros(1, 3, 5)
    one[0, 2, 1] = 1
    grown = upsampled(one, (40, 80), (0.25, 0.5, 0.75, 1.0))[0]
    assert float(grown[:20].abs().sum()) == float(grown[:, :20].abs().sum()) == float(grown[:, 60:].abs().sum()) == 0
    row, column = divmod(int(grown.argmax()), 80)
    assert row > 20 + 2 / 3 * 20 - 1
    assert abs(column - (20 + 1.5 / 5 * 40)) <= 1


def test_languages_are_asked_for_where_there_are_several(tmp_path: Path) -> None:
    several = weft.load(save_captioner(tmp_path / "two", languages=("en", "fr")))
    [pixels] = scenes(1)
    with pytest.raises(ConfigError, match="model two writes en, fr; choose one with to"):
        several.caption(pixels)
    with pytest.raises(ConfigError, match="model two writes en, fr, got 'xx'; choose one of these"):
        several.caption(pixels, to="xx")
    assert several.caption(pixels, to="en").score != several.caption(pixels, to="fr").score


def test_who_reads_pictures_translates_no_text(captioner: weft.Translator) -> None:
    for ask in (
        lambda: captioner.translate("a text", to="en"),
        lambda: captioner.encode("a text"),
        lambda: list(captioner.stream("a text", to="en")),
        lambda: captioner.score([("a text", "a text")], to="en"),
        lambda: weft.inspect("a text", to="en", model=captioner),
    ):
        with pytest.raises(
            UnsupportedError, match=r"model scenes reads a picture, not text; describe pictures with it: `weft caption"
        ):
            ask()


def test_who_reads_text_describes_no_picture(tiny: weft.Translator) -> None:
    with pytest.raises(UnsupportedError, match=r"model tiny reads text, not pictures; choose a model that reads pict"):
        tiny.caption([])


def test_a_model_that_does_not_say_how_it_sees_is_refused(captioner: weft.Translator) -> None:
    stored = replace(captioner.stored, config=captioner.config.model_copy(update={"pixels": None}))
    with pytest.raises(ConfigError, match=r"wanted how pictures become numbers, got no pixels in config\.json"):
        weft.Translator(stored).caption([])


def test_a_model_that_computes_no_numbers_is_found_out(folder: Path) -> None:
    broken = weft.load(folder)
    for parameter in broken.stored.model.parameters():
        parameter.data.fill_(float("nan"))
    with pytest.raises(DataError, match="wanted probabilities from the model, got NaN"):
        broken.caption(scenes(1))


def test_settings_replace_those_of_the_model(captioner: weft.Translator) -> None:
    [pixels] = scenes(1)
    short = captioner.caption(pixels, settings=SearchSettings(beam=2, max_length=2))
    assert len(short.text.encode()) <= len(captioner.caption(pixels).text.encode())
    drawn = captioner.caption(pixels, nbest=2, settings=SearchSettings(sampling=Sampling(), max_length=5))
    assert isinstance(drawn, Caption)
    assert len(drawn.hypotheses) == 2


def test_a_picture_of_one_pixel_is_described(captioner: weft.Translator) -> None:
    found = captioner.caption(np.full((1, 1, 3), 90, np.uint8), explain=True)
    assert found.heat_maps().shape == (len(found.words), 1, 1)
    assert "data:image/png" in captions_page([found])
