"""Model folders up and down: a folder stands in for the hub, and every answer that is none is told."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.interop.outward import make

import weft
from weft.base.errors import ConfigError, DataError, UnsupportedError
from weft.store.folder import FILES
from weft.store.verify import verify

huggingface_hub = pytest.importorskip("huggingface_hub")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A model of weft's own."""
    return make(tmp_path / "two")


@pytest.fixture
def there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of repositories in the place of the hub."""
    root = tmp_path / "hub"

    class Api:
        def __init__(self, token: str | None = None) -> None:
            self.token = token

        def create_repo(self, repo_id: str, *, private: bool | None, exist_ok: bool) -> None:
            if self.token == "readonly":
                raise huggingface_hub.errors.LocalTokenNotFoundError("this token may not write\nand more")
            (root / repo_id).mkdir(parents=True, exist_ok=exist_ok)

        def upload_folder(self, *, repo_id: str, folder_path: Path, allow_patterns: list[str], **_: Any) -> None:
            for name in allow_patterns:
                if (folder_path / name).exists():
                    shutil.copy(folder_path / name, root / repo_id / name)

    def snapshot_download(repo_id: str, **_: Any) -> str:
        if not (root / repo_id).is_dir():
            raise huggingface_hub.errors.LocalEntryNotFoundError("no such repository, and no network")
        return str(root / repo_id)

    monkeypatch.setattr(huggingface_hub, "HfApi", Api)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot_download)
    return root


def test_what_is_pushed_is_pulled(folder: Path, there: Path, tmp_path: Path) -> None:
    (folder / "notes.txt").write_text("not part of a model", encoding="utf-8")
    assert weft.push(folder, "hf:me/two") == "https://huggingface.co/me/two"
    assert {path.name for path in (there / "me" / "two").iterdir()} == FILES
    found = weft.pull("me/two", tmp_path / "mine")
    assert {path.name: path.read_bytes() for path in found.iterdir()} == {
        name: (folder / name).read_bytes() for name in FILES
    }
    assert verify(found).ok


def test_a_folder_that_is_not_whole_is_not_pushed(folder: Path, there: Path) -> None:
    (folder / "README.md").unlink()
    with pytest.raises(DataError, match=r"wanted a whole model folder to push, got card: .*wanted a card"):
        weft.push(folder, "me/two")
    assert not there.exists()


def test_the_hub_says_no(folder: Path, there: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"^hf:me/two: wanted to push .*got: this token may not write; log in with"):
        weft.push(folder, "me/two", token="readonly")
    with pytest.raises(DataError, match=r"hf:me/gone: .*no such repository, and no network"):
        weft.pull("hf:me/gone", tmp_path / "mine")
    assert not (tmp_path / "mine").exists()


def test_no_network_is_said_by_the_real_thing_too(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    with pytest.raises(ConfigError, match=r"hf:me/two: wanted to push a model, got: .*log in with"):
        weft.push(folder, "me/two", token="none")
    with pytest.raises(DataError, match=r"hf:me/two: wanted a model of the hub or its copy in the cache, got: "):
        weft.pull("me/two", tmp_path / "mine")
    with pytest.raises(ConfigError, match=r"wanted hf:ORG/NAME or .*got 'hf:a/b/c'"):
        weft.pull("hf:a/b/c", tmp_path / "mine")


def test_what_is_no_model_is_not_pulled(folder: Path, there: Path, tmp_path: Path) -> None:
    weft.push(folder, "me/two")
    (there / "me" / "two" / "model.safetensors").write_bytes(b"cut")
    with pytest.raises(DataError, match=r"me/two: wanted a whole model of weft's, got checksums: "):
        weft.pull("me/two", tmp_path / "mine")
    assert not (tmp_path / "mine").exists()
    with pytest.raises(ConfigError, match="wanted a new folder for me/two, got one that is there"):
        weft.pull("me/two", folder)


def test_without_the_package_it_says_how_to_get_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(UnsupportedError, match=r"wants the package huggingface_hub, .*pip install 'weft\[hf\]'"):
        weft.push(folder, "me/two")
