"""Scores on the development pairs: the loss of every pair alone, and of what the search writes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import sacrebleu
import torch
import torch.nn.functional as F
from tests.training.tiny import recipe, write_corpora
from torch import nn

from weft.base.padded import pad
from weft.data.direction import Direction
from weft.data.tokenizer import EOS
from weft.runs import validation
from weft.runs.data import TrainingData, read_training_data
from weft.runs.models import initial_model
from weft.runs.recipe import Recipe
from weft.runs.validation import Validation
from weft.training.team import Team

PAIR = {"from": "en", "to": "fr"}


def read(chosen: Recipe, folder: Path) -> TrainingData:
    write_corpora(folder)
    return read_training_data(chosen, folder / "run", folder, team=Team(), init=None, resume=False)


def model(chosen: Recipe, data: TrainingData) -> nn.Module:
    return initial_model(chosen, data.tokenizer.vocabulary_size, init=None)


def both_directions(metric: str) -> Recipe:
    """Development sets of two target languages, of which the second reads the columns the other way round."""
    there, back = {"path": "dev.tsv", **PAIR}, {"path": "dev.tsv", "from": "fr", "to": "en", "columns": [1, 0]}
    train = [{**there, "path": "a.tsv"}, {**back, "path": "b.tsv"}]
    changed: dict[str, Any] = {"data": {"train": train, "dev": [there, back]}, "validation": {"rows": 11, "samples": 2}}
    return recipe(training={"metric": metric}, **changed)


@torch.no_grad()
def test_the_loss_is_the_mean_over_all_target_tokens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(validation, "_BATCH_TOKENS", 97)  # several batches of different numbers of tokens
    chosen = both_directions("loss")
    data = read(chosen, tmp_path)
    net = model(chosen, data)
    found = Validation(chosen, data).scores(net, beam=1)
    assert found.keys() == {"loss"}
    assert not net.training
    assert [pair.tag for pair in data.dev] == [data.tokenizer.tag("fr")] * 7 + [data.tokenizer.tag("en")] * 4
    losses = []
    for pair in data.dev:
        source, target = data.tokenizer.encode(pair.source).ids, data.tokenizer.encode(pair.target).ids
        logits = net(pad([[*source, EOS]]), torch.tensor([[pair.tag, *target]]))[0]
        losses.append(F.cross_entropy(logits, torch.tensor([*target, EOS]), reduction="none"))
    assert found["loss"] == pytest.approx(torch.cat(losses).mean().item(), rel=1e-5)


def test_translations_are_scored_in_the_order_of_the_pairs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Decoding stands in for a model that has learned: it answers with the source, in capitals for French."""
    chosen = both_directions("bleu")
    data = read(chosen, tmp_path)
    french = data.tokenizer.direction("fr")

    class Echo:
        def __init__(self, *_: Any, **__: Any) -> None: ...

        def decode(self, jobs: list[Any], *, direction: Direction, **_: Any) -> list[list[Any]]:
            texts = [job.input.text for job in jobs]
            return [[type("Answer", (), {"text": text.upper() if direction == french else text})] for text in texts]

    monkeypatch.setattr(validation, "Decoder", Echo)
    looking = Validation(chosen, data)
    found = looking.scores(model(chosen, data), beam=1)
    echoed = [pair.source.upper() if pair.tag == french.start else pair.source for pair in data.dev]
    references = [[pair.target for pair in data.dev]]
    assert found["bleu"] == sacrebleu.corpus_bleu(echoed, references).score
    assert found["chrf"] == sacrebleu.corpus_chrf(echoed, references).score > 0
    assert looking.samples == [
        {"source": pair.source, "target": pair.target, "translation": pair.source.upper()} for pair in data.dev[:2]
    ]


def test_real_translations_are_those_of_the_search(tmp_path: Path) -> None:
    chosen = both_directions("chrf")
    data = read(chosen, tmp_path)
    looking = Validation(chosen, data)
    one = looking.scores(model(chosen, data), beam=1)
    assert one.keys() == {"loss", "bleu", "chrf"}
    assert looking.scores(model(chosen, data), beam=1) == one
    assert looking.scores(model(chosen, data), beam=3)["loss"] == one["loss"]


@pytest.mark.parametrize(("metric", "wanted"), [("bleu", 3.0), ("chrf", 5.0), ("loss", -7.0)])
def test_the_key_figure_is_more_for_the_better_model(tmp_path: Path, metric: str, wanted: float) -> None:
    chosen = recipe(training={"metric": metric})
    looking = Validation(chosen, read(chosen, tmp_path))
    assert looking.key_figure({"bleu": 3.0, "chrf": 5.0, "loss": 7.0}) == wanted


def test_without_pairs_there_are_no_scores(tmp_path: Path) -> None:
    chosen = recipe(data={"dev": []})
    data = read(chosen, tmp_path)
    looking = Validation(chosen, data)
    assert looking.scores(model(chosen, data), beam=1) == {}
    assert looking.key_figure({}) is None
