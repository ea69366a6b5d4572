from __future__ import annotations

import os
import subprocess
import sys
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from weft.store.atomic import settle, whole_file, whole_folder


def cut_off(writing: AbstractContextManager[Path], error: BaseException) -> None:
    """Writes one file, then fails."""
    with writing as part:
        (part / "b" if part.is_dir() else part).write_text("ne", encoding="utf-8")
        raise error


def test_a_file_appears_only_when_it_is_whole(tmp_path: Path) -> None:
    target = tmp_path / "state"
    with whole_file(target) as part:
        part.write_text("one", encoding="utf-8")
        assert not target.exists()
    assert target.read_text(encoding="utf-8") == "one"


def test_a_failed_file_leaves_the_old_one(tmp_path: Path) -> None:
    target = tmp_path / "state"
    target.write_text("old", encoding="utf-8")
    with pytest.raises(OSError, match="full"):
        cut_off(whole_file(target), OSError("full"))
    assert target.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_folder_is_replaced_whole(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "model"
    for content in ("one", "two"):
        with whole_folder(target) as part:
            (part / f"{content}.txt").write_text(content, encoding="utf-8")
    assert [path.name for path in target.iterdir()] == ["two.txt"]
    assert list(target.parent.iterdir()) == [target]


def test_an_interrupted_folder_leaves_the_old_one(tmp_path: Path) -> None:
    target = tmp_path / "model"
    with whole_folder(target) as part:
        (part / "a").touch()
    with pytest.raises(KeyboardInterrupt):
        cut_off(whole_folder(target), KeyboardInterrupt())
    assert [path.name for path in target.iterdir()] == ["a"]
    assert list(tmp_path.iterdir()) == [target]


def test_a_rename_that_fails_brings_the_old_one_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target, rename = tmp_path / "model", os.rename

    def refuse_new(source: Path, destination: Path) -> None:
        if source.name.endswith(".part"):
            raise OSError("cross-device")
        rename(source, destination)

    with whole_folder(target) as part:
        (part / "a").touch()
    monkeypatch.setattr(os, "rename", refuse_new)
    with pytest.raises(OSError, match="cross-device"), whole_folder(target):
        pass
    assert [path.name for path in target.iterdir()] == ["a"]


def test_a_swap_cut_off_by_a_kill_is_undone(tmp_path: Path) -> None:
    """Killed between the two renames: the old folder is brought back, and what was written later is swept away."""
    target = tmp_path / "model"
    program = (
        "import os, pathlib, signal, sys\n"
        "from weft.store.atomic import whole_folder\n"
        "target, rename = pathlib.Path(sys.argv[1]), os.rename\n"
        "with whole_folder(target) as part: (part / 'a').touch()\n"
        "def killed(source, destination):\n"
        "    if source.name.endswith('.part'): os.kill(os.getpid(), signal.SIGKILL)\n"
        "    rename(source, destination)\n"
        "os.rename = killed\n"
        "with whole_folder(target) as part: (part / 'b').touch()\n"
    )
    done = subprocess.run([sys.executable, "-c", program, str(target)], check=False, timeout=60)
    assert done.returncode == -9
    assert not target.exists()
    settle(target)
    assert [path.name for path in target.iterdir()] == ["a"]
    with whole_folder(target) as part:
        assert not list(part.iterdir())
        (part / "c").touch()
    assert [path.name for path in target.iterdir()] == ["c"]
    assert list(tmp_path.iterdir()) == [target]


def test_settling_what_is_well_does_nothing(tmp_path: Path) -> None:
    settle(tmp_path / "nothing")
    assert not list(tmp_path.iterdir())


def test_a_link_to_a_folder_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    with whole_folder(tmp_path / "link") as part:
        (part / "a").touch()
    assert (tmp_path / "link").is_symlink()
    assert [path.name for path in (tmp_path / "real").iterdir()] == ["a"]
