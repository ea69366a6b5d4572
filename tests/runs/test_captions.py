"""Runs that train captioners: they learn what they see, go on to the bit, and without eyes they learn less."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.runs.coloured import COLOURS, SET, captioner_recipe, write_pictures
from tests.training.tiny import recipe, traces

from weft.base.errors import ConfigError, DataError
from weft.data.pixels import Pixels
from weft.runs.caption_data import read_caption_data
from weft.runs.caption_validation import CaptionValidation
from weft.runs.kinds import kind_of
from weft.runs.models import initial_model
from weft.runs.trainer import train
from weft.store.folder import load
from weft.training.team import Team

pytest.importorskip("PIL.Image")
pytest.importorskip("pycocoevalcap")

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("pictures")
    write_pictures(made)
    return made


@pytest.fixture(scope="module")
def seeing(folder: Path) -> Path:
    """A run that came to its end."""
    chosen = captioner_recipe(steps=200, learning_rate=1e-2, validate_every=100, checkpoint_every=100)
    assert train(chosen, folder / "seeing", data=folder, device=CPU)
    return folder / "seeing"


def scores(run: Path) -> dict[str, float]:
    return traces(run)["log"][-1]["last"]


def test_a_captioner_learns_what_it_sees_and_says_so_in_its_scores(seeing: Path) -> None:
    found = scores(seeing)
    assert found.keys() == {"loss", "bleu1", "bleu2", "bleu3", "bleu4", "cider"}
    assert found["bleu1"] > 90
    stored = load(str(seeing / "best"))
    assert stored.config.pixels == Pixels(size=(8, 8))
    assert [(pair.from_, pair.to) for pair in stored.config.languages] == [("picture", "en")]
    samples = [line["samples"] for line in traces(seeing)["log"] if line.get("samples")]
    assert samples[-1][0]["source"] == "dev0.png"
    assert samples[-1][0]["target"] == "the picture is red."


def test_without_pictures_it_cannot_tell_one_from_another(folder: Path, seeing: Path) -> None:
    chosen = captioner_recipe(pixels={"blind": True}, steps=200, learning_rate=1e-2, validate_every=100)
    assert train(chosen, folder / "blind", data=folder, device=CPU)
    blind = [line["samples"] for line in traces(folder / "blind")["log"] if line.get("samples")][-1]
    assert len({sample["translation"] for sample in blind}) == 1
    sees, guesses = scores(seeing), scores(folder / "blind")
    assert sees["loss"] < guesses["loss"] - 0.2
    assert sees["bleu4"] > guesses["bleu4"] + 10


def test_stopped_and_resumed_it_ends_as_if_it_had_never_stopped(folder: Path) -> None:
    chosen = captioner_recipe(steps=9, metric="loss", checkpoint_every=4, validate_every=4)
    assert train(chosen, folder / "whole", data=folder, device=CPU)
    calls = itertools.count(1)
    assert not train(chosen, folder / "stopped", data=folder, device=CPU, stop=lambda: next(calls) >= 5)
    assert train(chosen, folder / "stopped", data=folder, device=CPU, resume=True)
    assert traces(folder / "stopped") == traces(folder / "whole")


def test_it_may_read_before_it_writes_and_go_on_with_larger_pictures(folder: Path) -> None:
    """First the encoder alone learns, from small pictures; then the whole model takes its weights over."""
    size = {"height": 8, "width": 8}
    reading = captioner_recipe(steps=3, metric="loss", gist=1.0, reading_only=True, validate_every=3)
    assert train(reading, folder / "reading", data=folder, device=CPU)
    larger = reading.model["source"] | {side: 2 * pixels for side, pixels in size.items()}
    whole = reading.model_copy(update={"model": reading.model | {"source": larger}})
    first = load(str(folder / "reading" / "last")).model
    then = initial_model(
        whole, load(str(folder / "reading" / "last")).tokenizer.vocabulary_size, init=str(folder / "reading" / "last")
    )
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), then.parameters(), strict=True))


@torch.no_grad()
def test_the_loss_is_that_of_every_reference_alone(folder: Path) -> None:
    chosen = captioner_recipe()
    read = read_caption_data(chosen, folder / "alone", folder, team=Team(), init=None, resume=False)
    model = initial_model(chosen, read.tokenizer.vocabulary_size, init=None).eval()
    total, count = 0.0, 0
    for row, picture in enumerate(read.dev):
        assert picture.references == (f"the picture is {list(COLOURS)[row]}.", f"a {list(COLOURS)[row]} one")
        for text in picture.references:
            ids = [*read.tokenizer.encode(text).ids, 2]
            logits = model(read.dev_pictures.collate(np.array([row])), torch.tensor([[picture.tag, *ids[:-1]]]))[0]
            total -= float(logits.log_softmax(-1).gather(1, torch.tensor(ids)[:, None]).sum())
            count += len(ids)
    found = CaptionValidation(captioner_recipe(metric="loss"), read).scores(model, beam=1)
    assert found == {"loss": pytest.approx(total / count, rel=1e-5)}


def test_every_picture_is_named_with_its_number_of_captions(folder: Path) -> None:
    read = read_caption_data(captioner_recipe(), folder / "named", folder, team=Team(), init=None, resume=False)
    assert read.reports == {"train.tsv picture-en in lower case": "24 pictures"}
    assert read.files == {name: folder / name for name in ("train.tsv", "dev.tsv")}
    assert len(read.captions) == 48
    batch = read.captions.batch(read.batches(tokens=99, seed=1).group(1)[0])
    assert len(batch) == 2 * len(batch.source.padded)


def changed(folder: Path, **keys: object) -> None:
    chosen = captioner_recipe()
    sets = (chosen.data.train[0].model_copy(update=keys),)
    data = chosen.data.model_copy(update={"train": sets})
    bad = chosen.model_copy(update={"data": data})
    read_caption_data(bad, folder / "bad", folder, team=Team(), init=None, resume=False)


def test_what_cannot_be_read_is_refused(folder: Path) -> None:
    with pytest.raises(ConfigError, match=r"train.tsv: a model of pictures wants `pictures`, got none; name their"):
        changed(folder, pictures=None)
    (folder / "missing.tsv").write_text("dev0.png\ta\tb\nnone.png\ta\tb\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"missing.tsv:2: wanted a picture in .*, got no file 'none.png'; fetch it"):
        changed(folder, path="missing.tsv")
    (folder / "silent.tsv").write_text("dev0.png\t\t \n", encoding="utf-8")
    with pytest.raises(DataError, match=r"train.tsv|silent.tsv: wanted at least one caption, got none; check the col"):
        changed(folder, path="silent.tsv")
    with pytest.raises(ConfigError, match=r"weft trains models of .*, got model.source of sound; choose"):
        kind_of(recipe(model={"source": {"modality": "sound"}}))
    assert SET["pictures"] == "pictures"
