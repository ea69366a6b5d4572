"""Equal outputs: greedy and beam search write what transformers writes, token by token, with equal scores."""

from __future__ import annotations

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
    "banned": {"num_beams": 4, "bad_words_ids": [[7], [9, 11], [31, 5, 5]], "suppress_tokens": [8, 40]},
    "begin": {"num_beams": 4, "begin_suppress_tokens": [4, 5, 6, 7, 12, 13], "renormalize_logits": True},
    "forced": {"num_beams": 4, "forced_bos_token_id": 9, "forced_eos_token_id": EOS, "max_length": 9},
    "forced greedy": {"num_beams": 1, "forced_bos_token_id": 9, "forced_eos_token_id": EOS, "max_length": 7},
    "forced, begin": {"num_beams": 3, "forced_bos_token_id": 9, "begin_suppress_tokens": [5, 6, 10], "min_length": 6},
}


def generated(theirs: Any, source: Padded, **asked: Any) -> Any:
    """What transformers writes, with scores."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return theirs.generate(
            input_ids=source.values,
            attention_mask=source.keep.long(),
            return_dict_in_generate=True,
            output_scores=True,
            **{"max_length": 21, "do_sample": False} | asked,
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


def same(theirs: Any, result: Result, *, start: int, prefix: int = 0, nbest: int = 1) -> None:
    flat = [one for ranked in result.hypotheses for one in ranked]
    rows = [row[1:].tolist() for row in theirs.sequences]
    assert len(rows) == len(flat) == nbest * len(result.hypotheses)
    for row, one in zip(rows, flat, strict=True):
        assert tuple(row[: len(one.tokens)]) == one.tokens
        assert set(row[len(one.tokens) :]) <= {PAD, EOS}
    if "sequences_scores" in theirs:
        scores = torch.tensor([one.score for one in flat])
        torch.testing.assert_close(scores, theirs.sequences_scores, rtol=0, atol=1e-5)


@pytest.mark.parametrize("settings", SETTINGS)
@pytest.mark.parametrize("case", CASES)
def test_what_is_written_is_equal(case: str, settings: str, tmp_path: Path) -> None:
    theirs = make(case)
    for key, value in {"max_length": 21, **SETTINGS[settings]}.items():
        setattr(theirs.generation_config, key, value)
    ours = read(save(theirs, tmp_path / "checkpoint"))
    source = pad(SOURCES, padding=PAD)
    wanted = generated(theirs, source, **SETTINGS[settings])
    same(wanted, searched(ours, source), start=ours.specials.start)
