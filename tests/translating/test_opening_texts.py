"""Text in, text out: every text family translates, greedily and by beam, as in transformers, and aligns."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from tests.interop.texts import KINDS, SOURCES, Theirs, checkpoint

import weft
from weft.translating.translator import Translator


class Case:
    """A checkpoint, as either program runs it."""

    def __init__(self, name: str, folder: Path) -> None:
        self.kind, self.folder = KINDS[name], folder / "checkpoint"
        self.theirs = Theirs(checkpoint(self.folder, name), self.folder, name)
        self.ours: Translator = weft.load(self.folder)
        self.wanted = {beam: self.theirs.generate(SOURCES, num_beams=beam) for beam in (1, 4)}
        self.found = {beam: self.ours.translate(SOURCES, beam=beam, **self.kind.way) for beam in (1, 4)}


@pytest.fixture(scope="module", params=KINDS)
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Case:
    return Case(request.param, tmp_path_factory.mktemp("text"))


def test_texts_are_lively(case: Case) -> None:
    """What equal texts are worth: many tokens, ends at different steps, no draws."""
    found, eos = case.wanted[1], case.theirs.model.config.eos_token_id
    rows = [row[1:].tolist() for row in found.sequences]
    ends = [row.index(eos) + 1 if eos in row else len(row) for row in rows]
    assert len({token for row, end in zip(rows, ends, strict=True) for token in row[:end]}) >= 8
    assert len(set(ends)) >= 4
    best = torch.stack(found.scores, 1).log_softmax(-1).topk(2).values
    assert min(float((best[row, :end, 0] - best[row, :end, 1]).min()) for row, end in enumerate(ends)) > 1e-3


@pytest.mark.parametrize("beam", [1, 4])
def test_texts_are_equal(case: Case, beam: int) -> None:
    wanted, found = case.theirs.texts(case.wanted[beam].sequences), case.found[beam]
    assert [one.text.strip() for one in found] == wanted
    assert len(set(wanted)) >= 5
    alone = case.ours.translate(SOURCES[0], beam=beam, **case.kind.way)
    assert alone.text == found[0].text  # without padding


def test_scores_are_equal(case: Case) -> None:
    scores = torch.tensor([one.score for one in case.found[4]])
    torch.testing.assert_close(scores, case.wanted[4].sequences_scores, rtol=1e-5, atol=1e-5)


def test_words_are_aligned(case: Case) -> None:
    for found in case.ours.translate(SOURCES[:5], beam=2, align=True, **case.kind.way):
        assert {found.source[slice(*link.source)] for link in found.alignment} <= set(found.source.split())
        assert {link.target for link in found.alignment} <= {rest.target for rest in found.unaligned}
