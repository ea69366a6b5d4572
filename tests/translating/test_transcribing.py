"""Sound in, text out: as transformers hears and writes, in a language that is given or heard."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.interop.borrowed import save, transformers
from tests.interop.media import BANDS, FRAMES, make
from tests.interop.texts import checkpoint
from tests.interop.tokenizer_folders import whisper as make_tokenizer

import weft
from weft.base.errors import ConfigError, DataError, ShapeError, UnsupportedError
from weft.translating.transcribing import Transcriber

HOP, RATE = 640, FRAMES * 640
SEED = 3
SIZE = 396


def sounds(count: int = 11) -> list[np.ndarray]:
    """Chirps and noise of several lengths."""
    lot = np.random.default_rng(5)
    found = []
    for number in range(count):
        time = np.arange(RATE * (number + 2) // (count + 2)) / RATE
        chirp = np.sin(2 * np.pi * (150 + 310 * number) * time * (1 + time))
        found.append((0.6 * chirp + 0.1 * lot.standard_normal(len(time))).astype(np.float32))
    return found


def whisper(folder: Path, *, seed: int = SEED, rate: int = RATE) -> Any:
    """A lively Whisper with tokenizer and front end, saved; it hears 26 frames, at most a second long."""
    folder.mkdir()
    make_tokenizer(folder)
    added = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))["added_tokens_decoder"]
    ids = {about["content"]: int(i) for i, about in added.items()}
    end = ids["<|endoftext|>"]
    special = {"pad_token_id": end, "bos_token_id": end, "eos_token_id": end}
    start = ids["<|startoftranscript|>"]
    theirs = make("whisper", seed, vocab_size=SIZE, **special, decoder_start_token_id=start, suppress_tokens=[])
    asked = {
        "lang_to_id": {name: ids[name] for name in ("<|en|>", "<|de|>", "<|fr|>")},
        "task_to_id": {name: ids[f"<|{name}|>"] for name in ("transcribe", "translate")},
        "no_timestamps_token_id": ids["<|notimestamps|>"],
        "suppress_tokens": [*range(5), *(i for i in ids.values() if i != end)],
        "begin_suppress_tokens": [end],
        "is_multilingual": True,
        "max_length": 31,
        "num_beams": 3,
        "no_repeat_ngram_size": 2,
        "_from_model_config": False,
    }
    for key, value in asked.items():
        setattr(theirs.generation_config, key, value)
    save(theirs, folder)
    transformers.WhisperFeatureExtractor(
        feature_size=BANDS, sampling_rate=rate, hop_length=-(-rate // FRAMES), chunk_length=1
    ).save_pretrained(folder)
    return theirs


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("sound") / "whisper"


@pytest.fixture(scope="module")
def theirs(folder: Path) -> Any:
    return whisper(folder)


@pytest.fixture(scope="module")
def ours(theirs: Any, folder: Path) -> Transcriber:
    return weft.transcriber(folder)


def written(theirs: Any, folder: Path, **asked: Any) -> list[str]:
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        hears = transformers.WhisperFeatureExtractor.from_pretrained(folder)
        reads = transformers.WhisperTokenizer.from_pretrained(folder)
        heard = hears(sounds(), sampling_rate=RATE, return_tensors="pt").input_features
        found = theirs.generate(heard, **asked)
    return [text.strip() for text in reads.batch_decode(found, skip_special_tokens=True)]


@pytest.mark.parametrize("beam", [1, 4])
@pytest.mark.parametrize("asked", [{"language": "de", "task": "transcribe"}, {"language": "en", "task": "translate"}])
def test_what_is_written_is_equal(
    beam: int, asked: dict[str, str], theirs: Any, ours: Transcriber, folder: Path
) -> None:
    wanted = written(theirs, folder, num_beams=beam, **asked)
    found = ours.transcribe(sounds(), beam=beam, **asked)
    assert [one.text for one in found] == wanted
    assert len(set(wanted)) >= 5
    assert {one.language for one in found} == {asked["language"]}
    assert ours.transcribe(sounds()[1], beam=beam, **asked).text == found[1].text


def test_the_language_is_heard_where_none_is_given(theirs: Any, ours: Transcriber, folder: Path) -> None:
    """And then it is as if the language had been named: transformers alone would forget the task."""
    found = ours.transcribe([torch.from_numpy(sound) for sound in sounds()])
    hears = transformers.WhisperFeatureExtractor.from_pretrained(folder)
    heard = theirs.detect_language(hears(sounds(), sampling_rate=RATE, return_tensors="pt").input_features)
    names = {number: name.strip("<|>") for name, number in theirs.generation_config.lang_to_id.items()}
    assert [one.language for one in found] == [names[number] for number in heard.tolist()]
    assert {one.language for one in found} <= set(ours.languages) == {"en", "de", "fr"}
    assert [one.text for one in found] == written(theirs, folder, language=[one.language for one in found])


def test_it_says_what_it_is(ours: Transcriber) -> None:
    assert repr(ours) == "<weft transcriber whisper: de, en, fr>"


@pytest.mark.parametrize(
    ("wave", "error", "message"),
    [
        (np.zeros(RATE + 1, np.float32), ShapeError, f"at most {RATE} of them .* cut it into pieces"),
        (np.zeros((2, 50), np.float32), ShapeError, r"a sound must be \[samples\] .*got \[2, 50\]; mix its channels"),
        (np.zeros(50, np.int16), DataError, "wanted samples between -1 and 1, got torch.int16; divide by"),
        (np.full(50, np.nan, np.float32), DataError, "got some that are no numbers; mend the sound"),
    ],
)
def test_what_is_no_sound_is_refused(ours: Transcriber, wave: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        ours.transcribe(wave)


def test_what_a_model_does_not_know_is_refused(ours: Transcriber, theirs: Any, folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="language must be one of de, en, fr, got 'xx'"):
        ours.transcribe(sounds()[0], language="xx")
    checkpoint(tmp_path / "t5", "t5")
    with pytest.raises(UnsupportedError, match="wanted a model that reads sound, got a t5; see"):
        weft.transcriber(tmp_path / "t5")
    with pytest.raises(ConfigError, match=r"wanted the folder of a checkpoint or hf:ORG/NAME, got none"):
        weft.transcriber(tmp_path)
    with pytest.raises(UnsupportedError, match=r"got one that reads a sound; open one of sound with weft\.transcriber"):
        weft.load(folder)
