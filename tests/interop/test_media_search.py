"""Equal outputs of sound and picture models, with the tokens that Whisper writes before the text."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from tests.interop.borrowed import EOS, VOCABULARY, save
from tests.interop.media import CASES, START, drawn, make, source
from tests.interop.test_search import same

from weft.base.errors import ConfigError, UnsupportedError
from weft.generation.hypothesis import Result
from weft.generation.search import search
from weft.generation.settings import SearchSettings
from weft.interop.generation import GenerationFields
from weft.interop.read import Checkpoint, read
from weft.interop.whisper import WhisperGeneration, heard, prompt

NUM_SOURCES = 11
LONGEST = 31
NO_TIMESTAMPS = VOCABULARY - 1
"""Transformers takes every id behind it for a timestamp."""
SETTINGS: dict[str, dict[str, Any]] = {
    "greedy": {"num_beams": 1},
    "beam": {"num_beams": 4},
    "beam, never": {"num_beams": 4, "early_stopping": "never", "length_penalty": 0.6, "no_repeat_ngram_size": 3},
}
LANGUAGES = {"lang_to_id": {"<|en|>": 20, "<|de|>": 21, "<|fr|>": 22, "<|sw|>": 25}, "is_multilingual": True}
SPOKEN: dict[str, Any] = {
    **LANGUAGES,
    "task_to_id": {"transcribe": 23, "translate": 24},
    "no_timestamps_token_id": NO_TIMESTAMPS,
}


def set_up(theirs: Any, **asked: Any) -> Any:
    """The model with these generation settings, which then are its own and not its configuration's."""
    for key, value in {"max_length": LONGEST, "_from_model_config": False, **asked}.items():
        setattr(theirs.generation_config, key, value)
    return theirs


def given(theirs: Any) -> torch.Tensor:
    torch.manual_seed(3)
    return drawn(theirs, NUM_SOURCES)


def generated(theirs: Any, sources: torch.Tensor, **asked: Any) -> Any:
    return theirs.generate(
        **{theirs.main_input_name: sources}, return_dict_in_generate=True, output_scores=True, do_sample=False, **asked
    )


def searched(theirs: Any, ours: Checkpoint, sources: torch.Tensor, prefix: list[tuple[int, ...]] | None) -> Result:
    read = source(theirs, sources)
    return search(
        ours.model,
        ours.model.encode(read),
        start=torch.full((len(read),), ours.specials.start),
        source_lengths=read.lengths,
        eos=ours.specials.eos,
        settings=SearchSettings(**ours.search.model_dump()),
        prefix=prefix,
    )


@pytest.mark.parametrize("settings", SETTINGS)
@pytest.mark.parametrize("case", CASES)
def test_what_is_written_is_equal(case: str, settings: str, tmp_path: Path) -> None:
    theirs = set_up(make(case), **SETTINGS[settings])
    ours = read(save(theirs, tmp_path / "checkpoint"))
    sources = given(theirs)
    same(generated(theirs, sources), searched(theirs, ours, sources, None))


@pytest.mark.parametrize("case", CASES)
def test_what_is_written_is_lively(case: str, tmp_path: Path) -> None:
    theirs = set_up(make(case))
    ours = read(save(theirs, tmp_path / "checkpoint"))
    rows = [found[0].tokens for found in searched(theirs, ours, given(theirs), None).hypotheses]
    assert len({token for row in rows for token in row}) >= 8
    assert len({len(row) for row in rows if row[-1] == EOS}) >= 3


@pytest.mark.parametrize("beams", [1, 4])
def test_forced_tokens_stand_before_the_text(beams: int, tmp_path: Path) -> None:
    theirs = set_up(
        make("whisper"), forced_decoder_ids=[[1, 10], [2, 11]], no_timestamps_token_id=NO_TIMESTAMPS, num_beams=beams
    )
    ours = read(save(theirs, tmp_path / "checkpoint"))
    sources = given(theirs)
    assert prompt(ours.generation) == (10, 11, NO_TIMESTAMPS)
    result = searched(theirs, ours, sources, [(10, 11, NO_TIMESTAMPS)] * NUM_SOURCES)
    same(generated(theirs, sources), result)


@pytest.mark.parametrize("task", ["transcribe", "translate"])
def test_language_and_task_stand_before_the_text(task: str, tmp_path: Path) -> None:
    theirs = set_up(make("whisper"), **SPOKEN, num_beams=4)
    ours = read(save(theirs, tmp_path / "checkpoint"))
    sources = given(theirs)
    before = prompt(ours.generation, language="de", task=task)
    assert before == (21, SPOKEN["task_to_id"][task], NO_TIMESTAMPS)
    wanted = generated(theirs, sources, language="de", task=task)
    same(wanted, searched(theirs, ours, sources, [before] * NUM_SOURCES))


def test_the_language_that_is_heard_is_equal(tmp_path: Path) -> None:
    theirs = set_up(make("whisper"), **SPOKEN)
    ours = read(save(theirs, tmp_path / "checkpoint"))
    sources = given(theirs)
    assert isinstance(ours.generation, WhisperGeneration)
    found = heard(ours.model, ours.model.encode(source(theirs, sources)), ours.generation, start=START)
    assert [SPOKEN["lang_to_id"][f"<|{name}|>"] for name in found] == theirs.detect_language(sources).tolist()
    assert len(set(found)) > 1
    prefix = [prompt(ours.generation, language=name, task="translate") for name in found]
    same(generated(theirs, sources, task="translate"), searched(theirs, ours, sources, prefix))


def test_a_prompt_follows_settings_where_nothing_is_asked() -> None:
    both = WhisperGeneration(**SPOKEN, language="fr", task="translate")
    assert prompt(both) == (22, 24, NO_TIMESTAMPS)
    assert prompt(both, language="en", task="transcribe") == (20, 23, NO_TIMESTAMPS)
    assert prompt(WhisperGeneration(**SPOKEN, forced_decoder_ids=[(1, None), (2, 24)]), language="en") == (
        20,
        24,
        NO_TIMESTAMPS,
    )
    assert prompt(WhisperGeneration()) == ()
    assert prompt(WhisperGeneration(forced_decoder_ids=[(1, 12)], no_timestamps_token_id=12)) == (12,)


@pytest.mark.parametrize(
    ("asked", "how", "message"),
    [
        (SPOKEN, {}, "language wanted, got none; give one of en, de, fr, sw, or find it"),
        (SPOKEN, {"language": "xx"}, "language must be one of en, de, fr, sw, got 'xx'"),
        (SPOKEN, {"language": "en", "task": "sing"}, "task must be one of transcribe, translate, got 'sing'"),
        ({}, {"language": "en"}, "language 'en' wants a multilingual model"),
    ],
)
def test_prompts_that_a_model_does_not_know_are_refused(
    asked: dict[str, Any], how: dict[str, str], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        prompt(WhisperGeneration(**asked), **how)


def test_models_of_text_have_no_prompt() -> None:
    with pytest.raises(UnsupportedError, match="wanted the generation settings of a Whisper model, got others"):
        prompt(GenerationFields())
