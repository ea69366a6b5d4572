"""Names of the hub: from a cache without network, and refused with the reason."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from weft.base.errors import ConfigError, DataError, UnsupportedError
from weft.interop.hub import fetch, is_hub_name

REVISION = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The cache of `huggingface_hub`, with one model in it and no network behind it."""
    constants = pytest.importorskip("huggingface_hub.constants")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    model = tmp_path / "models--org--name"
    (model / "refs").mkdir(parents=True)
    (model / "refs" / "main").write_text(REVISION, encoding="utf-8")
    (model / "snapshots" / REVISION).mkdir(parents=True)
    for name in ("config.json", "model.safetensors"):
        (model / "snapshots" / REVISION / name).write_text("{}", encoding="utf-8")
    return model / "snapshots" / REVISION


@pytest.mark.parametrize("revision", ["", "@main", "@" + REVISION])
def test_what_is_in_the_cache_needs_no_network(cache: Path, revision: str) -> None:
    assert fetch("hf:org/name" + revision) == cache


def test_what_is_not_in_the_cache_is_refused_without_network(cache: Path) -> None:
    with pytest.raises(DataError, match=r"hf:org/other: wanted a model of the hub or its copy in the cache, got: \S+"):
        fetch("hf:org/other")


def test_a_model_of_pickles_alone_says_how_it_is_converted(cache: Path) -> None:
    (cache / "model.safetensors").rename(cache / "pytorch_model.bin")
    with pytest.raises(
        UnsupportedError, match=r"wanted weights in safetensors, got none; .*--pickle hf:org/name TARGET"
    ):
        fetch("hf:org/name")
    assert fetch("hf:org/name", pickle=True) == cache


def test_a_gated_model_is_refused_with_what_the_hub_says(monkeypatch: pytest.MonkeyPatch) -> None:
    hub = pytest.importorskip("huggingface_hub")

    def refuse(*_: object, **__: object) -> str:
        raise PermissionError("Access to model org/gated is restricted.\nAsk for it.")

    monkeypatch.setattr(hub, "snapshot_download", refuse)
    with pytest.raises(DataError, match=r"got: Access to model org/gated is restricted; .*log in for a gated model"):
        fetch("hf:org/gated")


@pytest.mark.parametrize("name", ["hf:", "hf:a/b/c", "hf:a b/c", "hf:org/name@"])
def test_what_cannot_be_a_name(name: str) -> None:
    with pytest.raises(ConfigError, match="wanted hf:ORG/NAME or hf:ORG/NAME@REVISION, got"):
        fetch(name)


def test_without_the_library_a_folder_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(UnsupportedError, match=r'pip install "weft\[hf\]"'):
        fetch("hf:org/name")


def test_names_of_the_hub_are_told_from_folders() -> None:
    assert is_hub_name("hf:org/name")
    assert not is_hub_name(Path("org/name"))
