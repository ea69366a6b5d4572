"""Reading long sources otherwise, from `weft.load` and from files on disk."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
import torch
from tests.tiny import save_untrained

import weft
from weft.base.errors import ConfigError, DataError, UnsupportedError
from weft.models.reading import Reading
from weft.translating.translator import Translator

TEXT = "the red dog sleeps."


@pytest.mark.parametrize("name", ["dense", "chunked", "pages", "top-k", "top-k-shared", "window", "auto"])
def test_a_model_that_ships_translates_the_same(tiny: Translator, tiny_folder: Path, name: str) -> None:
    reading = Reading(page=2, pages=1, crossover=1, chunk=3, num=30, width=30, tolerance=0.0)
    other = weft.load(tiny_folder, dtype=torch.float64, attention=name, reading=reading)
    assert other.translate(TEXT, to="fr", align=True).text == tiny.translate(TEXT, to="fr").text


def test_what_was_left_out_is_counted(tiny_folder: Path) -> None:
    few = weft.load(tiny_folder, attention="top-k", reading=Reading(num=2))
    few.translate(TEXT, to="fr")
    assert few.tally.rows > 0
    assert few.tally.left_out > 0


def test_a_tolerance_without_pages_is_refused_before_the_model_is_read() -> None:
    with pytest.raises(ConfigError, match="a tolerance wants attention 'pages' or 'auto', got chunked"):
        weft.load("no such model, but nobody looks", attention="chunked", tolerance=0.1)


def test_a_source_on_disk_is_translated_from_there_until_it_goes(
    tiny: Translator, tiny_folder: Path, tmp_path: Path
) -> None:
    path = tmp_path / "encoded.safetensors"
    tiny.encode(TEXT).save(path)
    reader = weft.load(tiny_folder, dtype=torch.float64, attention="chunked", reading=Reading(chunk=3))
    loaded = weft.EncodedSource.load(path)
    assert reader.translate(loaded, to="fr") == tiny.translate(TEXT, to="fr")
    path.unlink()
    with pytest.raises(DataError, match="wanted the file that is being read from, got: No such file"):
        reader.translate(loaded, to="fr")


def test_states_that_layers_share_are_not_saved(tiny_folder: Path, tmp_path: Path) -> None:
    shared = weft.load(tiny_folder, attention="top-k-shared")
    with pytest.raises(UnsupportedError, match="wanted keys and values of every layer, got states that layers share"):
        shared.encode(TEXT).save(tmp_path / "encoded.safetensors")
    assert not list(tmp_path.iterdir())


def test_an_encoder_that_sees_far_enough_reads_the_same(tiny: Translator, tiny_folder: Path) -> None:
    far, near = (weft.load(tiny_folder, dtype=torch.float64, encoder_window=window) for window in (20, 0))
    assert far.translate(TEXT, to="fr") == tiny.translate(TEXT, to="fr")
    read = [one.encode(TEXT).memories[0][0].cross[0].k for one in (far, near, tiny)]
    assert torch.allclose(read[0], read[2])
    assert not torch.allclose(read[1], read[2])


def test_what_a_model_leaves_out_that_is_configured_so_is_counted_and_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    reading = {"page": 1, "pages": 1, "tolerance": 1e-6}
    model = weft.load(save_untrained(tmp_path / "pages", kind="transformer", attention="pages", reading=reading))
    with caplog.at_level(logging.WARNING, "weft"):
        model.translate([TEXT, "the black cat sings!"], to="fr")
    assert model.tally.rows >= model.tally.dense_rows > 0
    assert len(caplog.messages) == 1
    assert caplog.messages[0].startswith("attention is too spread out to prove that less than 1e-06 of it is left out")


def test_several_segments_on_disk_are_checked_too(tiny: Translator, tmp_path: Path) -> None:
    """They are brought together in memory before attention reads them."""
    path = tmp_path / "encoded.safetensors"
    tiny.encode(["the dog sleeps.", TEXT]).save(path)
    loaded = weft.EncodedSource.load(path)
    assert [one.text for one in tiny.translate(loaded, to="fr")] == ["le chien dort.", "le chien rouge dort."]
    path.unlink()
    with pytest.raises(DataError, match="wanted the file that is being read from, got: No such file"):
        tiny.translate(loaded, to="fr")
