"""Front ends of checkpoints: read from the files that transformers saves, and old ones."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import pytest
from tests.interop.borrowed import transformers

from weft.base.errors import ConfigError
from weft.data.audio import LogMel
from weft.data.pixels import Pixels
from weft.interop.processor import read_picture, read_sound


def saved(kind: str, folder: Path, **asked: Any) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        getattr(transformers, kind)(**asked).save_pretrained(folder)
    return folder


def written(folder: Path, name: str = "preprocessor_config.json", **values: Any) -> Path:
    (folder / name).write_text(json.dumps(values), encoding="utf-8")
    return folder


def test_what_transformers_saves_of_sound(tmp_path: Path) -> None:
    folder = saved("WhisperFeatureExtractor", tmp_path, feature_size=17, chunk_length=3, n_fft=200, hop_length=80)
    assert read_sound(folder) == LogMel(bands=17, seconds=3, window=200, hop=80)


def test_what_transformers_saves_of_pictures(tmp_path: Path) -> None:
    folder = saved("ViTImageProcessorPil", tmp_path / "vit", size={"height": 31, "width": 37}, do_normalize=False)
    assert read_picture(folder) == Pixels(size=(31, 37), mean=None, deviation=None)
    folder = saved("DeiTImageProcessorPil", tmp_path / "deit", image_mean=[0.1, 0.2, 0.3], image_std=[0.4, 0.5, 0.6])
    assert read_picture(folder) == Pixels(
        size=(256, 256), resample=3, crop=(224, 224), mean=(0.1, 0.2, 0.3), deviation=(0.4, 0.5, 0.6)
    )


def test_old_files_give_one_number_for_both_sides(tmp_path: Path) -> None:
    folder = written(tmp_path, feature_extractor_type="ViTFeatureExtractor", do_resize=True, size=384, resample=2)
    assert read_picture(folder) == Pixels(size=(384, 384))


def test_new_files_say_it_of_one_part(tmp_path: Path) -> None:
    folder = written(tmp_path, "processor_config.json", feature_extractor={"feature_size": 5}, processor_class="X")
    assert read_sound(folder) == LogMel(bands=5)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"dither": 0.1}, "dither: .* got 0.1"),
        ({"padding_value": -1.0}, "padding_value: .* got -1.0"),
        ({"do_normalize": True}, "do_normalize: .* got True"),
        ({"hop": 3}, "unknown key hop; "),
    ],
)
def test_sound_that_weft_cannot_hear_is_refused(tmp_path: Path, values: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=f"preprocessor_config.json: {message}"):
        read_sound(written(tmp_path, **values))


@pytest.mark.parametrize(
    ("values", "message"),
    [({"size": {"shortest_edge": 3}}, "size: "), ({"do_pad": True}, "do_pad: .* got True")],
)
def test_pictures_that_weft_cannot_see_are_refused(tmp_path: Path, values: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=f"preprocessor_config.json: {message}"):
        read_picture(written(tmp_path, **values))


def test_a_folder_without_such_a_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"preprocessor_config.json: wanted a file of a checkpoint, got: No such"):
        read_sound(tmp_path)
