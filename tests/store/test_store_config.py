from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from weft.base.errors import ConfigError
from weft.store.config import StoredConfig, read_config


def edited(folder: Path, change: Callable[[dict[str, Any]], None]) -> Path:
    path = folder / "config.json"
    data = json.loads(path.read_text(encoding="utf-8"))
    change(data)
    path.write_text(json.dumps(data), encoding="utf-8")
    return folder


def test_config_survives_a_round_trip_through_json(config: StoredConfig) -> None:
    text = config.to_json()
    assert StoredConfig.model_validate_json(text) == config
    data = json.loads(text)
    assert data["languages"] == [{"from": "en", "to": "fr"}, {"from": "en", "to": "es"}]
    assert data["model"]["width"] == 22


def test_a_newer_format_names_the_weft_that_wrote_it(folder: Path) -> None:
    edited(folder, lambda data: data.update(format=2, weft="3.1.4", sparkle=True))
    with pytest.raises(ConfigError, match=r"format 2 was written by weft 3\.1\.4, and this is weft .*; update weft"):
        read_config(folder)


def test_an_unknown_key_names_the_nearest_and_its_place(folder: Path) -> None:
    edited(folder, lambda data: data["model"].update(widht=23))
    with pytest.raises(ConfigError, match=r"config\.json: unknown key model\.widht; did you mean width\?"):
        read_config(folder)


def test_an_unknown_key_in_a_list_is_found(folder: Path) -> None:
    edited(folder, lambda data: data["languages"][1].update(form="en"))
    with pytest.raises(ConfigError, match=r"unknown key languages\.1\.form; did you mean from\?"):
        read_config(folder)


def test_an_impossible_value_is_named(folder: Path) -> None:
    edited(folder, lambda data: data["model"].update(dropout=1.5))
    with pytest.raises(ConfigError, match=r"model\.dropout: input should be less than 1, got 1\.5; change it"):
        read_config(folder)


@pytest.mark.parametrize("content", ["{}", "[]", '{"format": "1"}'])
def test_json_that_is_no_weft_configuration(tmp_path: Path, content: str) -> None:
    (tmp_path / "config.json").write_text(content, encoding="utf-8")
    with pytest.raises(
        ConfigError, match='wanted a weft configuration with a "format" number, got none; is this a weft'
    ):
        read_config(tmp_path)


def test_a_file_that_is_no_json(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_bytes(b"\xff{")
    with pytest.raises(ConfigError, match=r"config\.json: wanted JSON, got: .*; fetch or save the model again"):
        read_config(tmp_path)


def test_no_file_at_all(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"wanted a model's configuration, got: No such file.*; name a model folder"):
        read_config(tmp_path)


def test_listing_models_imports_nothing_heavy() -> None:
    program = "import sys, weft.store.names; print([m for m in ('torch', 'tokenizers', 'numpy') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"
