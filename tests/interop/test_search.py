"""Equal outputs: greedy and beam search write what transformers writes, token by token, with equal scores."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.interop.borrowed import CASES, EOS, PAD, SOURCES, make, save

from weft.base.padded import Padded, pad
from weft.generation.hypothesis import Result
from weft.generation.search import search
from weft.generation.settings import SearchSettings
from weft.interop.read import Checkpoint, read

SETTINGS: dict[str, dict[str, Any]] = {
    "greedy": {"num_beams": 1},
    "beam": {"num_beams": 4},
    "full": {"num_beams": 4, "early_stopping": True, "length_penalty": 0.6},
    "never": {"num_beams": 4, "early_stopping": "never", "length_penalty": 2.0},
    "short": {"num_beams": 4, "max_length": 6},
    "plain sum": {"num_beams": 3, "length_penalty": 0.0, "min_length": 4},
    "new tokens": {"num_beams": 2, "min_new_tokens": 3, "max_new_tokens": 8},
    "no repeats": {"num_beams": 4, "no_repeat_ngram_size": 2, "length_penalty": 1.4},
    "banned": {"num_beams": 4, "bad_words_ids": [[7], [9, 11], [31, 5, 5]], "suppress_tokens": [8, 40, PAD]},
    "begin": {"num_beams": 4, "begin_suppress_tokens": [4, 5, 6, 7, 12, 13], "renormalize_logits": True},
    "forced": {"num_beams": 4, "forced_bos_token_id": 9, "forced_eos_token_id": EOS, "max_length": 9},
    "forced greedy": {"num_beams": 1, "forced_bos_token_id": 9, "forced_eos_token_id": EOS, "max_length": 7},
    "forced, begin": {"num_beams": 3, "forced_bos_token_id": 9, "begin_suppress_tokens": [5, 6, 10], "min_length": 6},
}

PLAIN = {"max_length": 21, "pad_token_id": PAD, "eos_token_id": EOS, "suppress_tokens": [PAD]}
"""What is asked for unless something else is. No model writes padding once it is trained."""


def generated(theirs: Any, source: Padded, **asked: Any) -> Any:
    """What transformers writes, with scores."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return theirs.generate(
            input_ids=source.values,
            attention_mask=source.keep.long(),
            return_dict_in_generate=True,
            output_scores=True,
            **PLAIN | {"do_sample": False} | asked,
        )


def searched(ours: Checkpoint, source: Padded, prefix: list[list[int]] | None = None, nbest: int = 1) -> Result:
    """What weft writes with the settings of the checkpoint."""
    return search(
        ours.model,
        ours.model.encode(source),
        start=torch.full((len(source),), ours.specials.start),
        source_lengths=source.lengths,
        eos=ours.specials.eos,
        settings=SearchSettings(**ours.search.model_dump(), nbest=nbest),
        prefix=prefix,
    )


def same(theirs: Any, result: Result) -> None:
    flat = [one for ranked in result.hypotheses for one in ranked]
    rows = [row[1:].tolist() for row in theirs.sequences]
    assert len(rows) == len(flat)
    for row, one in zip(rows, flat, strict=True):
        assert tuple(row[: len(one.tokens)]) == one.tokens
        assert set(row[len(one.tokens) :]) <= {PAD, EOS}
    if "sequences_scores" in theirs:
        scores = torch.tensor([one.score for one in flat])
        torch.testing.assert_close(scores, theirs.sequences_scores, rtol=1e-5, atol=1e-5)


EVERY_SETTING = ("marian", "t5", "m2m100")
SOME = ("greedy", "beam", "forced")
SPREADS = {"fsmt": 1.5}
"""Where the usual spread of weights would hardly let any output end."""


@pytest.fixture(scope="module", params=CASES)
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Any, Path]:
    """A family, its model in transformers, and the folder that it was saved in."""
    theirs = make(request.param, spread=SPREADS.get(request.param, 3.0))
    return request.param, theirs, save(theirs, tmp_path_factory.mktemp("checkpoint"))


def asked_for(folder: Path, theirs: Any, **settings: Any) -> Checkpoint:
    """The model of the folder, which asks to be searched so, as transformers would have it."""
    start = theirs.generation_config.decoder_start_token_id
    path = folder / "generation_config.json"
    path.write_text(json.dumps(PLAIN | {"decoder_start_token_id": start} | settings), encoding="utf-8")
    return read(folder)


def test_outputs_are_lively(pair: tuple[str, Any, Path]) -> None:
    """What the equalities below are worth: many tokens, ends at different steps, no draws."""
    _, theirs, _ = pair
    found = generated(theirs, pad(SOURCES, padding=PAD), num_beams=1)
    rows = [row[1:].tolist() for row in found.sequences]
    ends = [row.index(EOS) + 1 if EOS in row else len(row) for row in rows]
    written = [row[:end] for row, end in zip(rows, ends, strict=True)]
    assert len({token for row in written for token in row}) >= 8
    assert len(set(ends)) >= 3
    best = torch.stack(found.scores, 1).log_softmax(-1).topk(2).values
    gaps = [(best[row, :end, 0] - best[row, :end, 1]).min() for row, end in enumerate(ends)]
    assert min(gaps) > 1e-3


@pytest.mark.parametrize("settings", SETTINGS)
def test_what_is_written_is_equal(pair: tuple[str, Any, Path], settings: str) -> None:
    name, theirs, folder = pair
    if name not in EVERY_SETTING and settings not in SOME:
        pytest.skip("one family of each kind goes through all settings")
    ours, source = asked_for(folder, theirs, **SETTINGS[settings]), pad(SOURCES, padding=PAD)
    same(generated(theirs, source, **SETTINGS[settings]), searched(ours, source))


@pytest.mark.parametrize("settings", ["beam", "full", "never", "short", "no repeats"])
def test_all_that_is_kept_is_equal(pair: tuple[str, Any, Path], settings: str) -> None:
    name, theirs, folder = pair
    if name not in EVERY_SETTING:
        pytest.skip("one family of each kind goes through all settings")
    ours, source = asked_for(folder, theirs, **SETTINGS[settings]), pad(SOURCES, padding=PAD)
    same(generated(theirs, source, num_return_sequences=2, **SETTINGS[settings]), searched(ours, source, nbest=2))


@pytest.mark.parametrize("settings", ["greedy", "beam", "no repeats", "begin"])
def test_a_prefix_that_the_decoder_is_given_counts_nothing(pair: tuple[str, Any, Path], settings: str) -> None:
    name, theirs, folder = pair
    if name not in EVERY_SETTING:
        pytest.skip("one family of each kind goes through all settings")
    ours, source = asked_for(folder, theirs, **SETTINGS[settings]), pad(SOURCES, padding=PAD)
    begun = torch.tensor([[ours.specials.start, 11, 30]] * len(SOURCES))
    found = searched(ours, source, prefix=[[11, 30]] * len(SOURCES))
    same(generated(theirs, source, decoder_input_ids=begun, **SETTINGS[settings]), found)


def test_old_models_begin_with_what_their_configuration_says(pair: tuple[str, Any, Path]) -> None:
    _, theirs, folder = pair
    found = searched(asked_for(folder, theirs, forced_bos_token_id=9, num_beams=2), pad(SOURCES, padding=PAD))
    assert {one.tokens[0] for one in found.best} == {9}
    assert {one.token_log_probabilities[0] for one in found.best} == {0.0}
