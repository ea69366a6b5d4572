"""`weft caption`: pictures in, captions out; what is no picture is said, and the rest goes on."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from tests.tiny_captioner import save_captioner, scenes

from weft.base.errors import DataError
from weft.cli.picture_files import found_files

Weft = Callable[..., Any]


@pytest.fixture(scope="session")
def seeing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a captioner."""
    return save_captioner(tmp_path_factory.mktemp("seeing") / "seeing")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """b.png, a.jpg and more/c.PNG, with things that are no pictures and one that is hidden."""
    place = tmp_path / "pictures"
    (place / "more").mkdir(parents=True)
    for name, pixels in zip(("b.png", "a.jpg", "more/c.PNG", ".hidden.png"), scenes(4), strict=True):
        Image.fromarray(pixels).save(place / name)
    (place / "notes.txt").write_text("no picture", encoding="utf-8")
    return place


def names(found: Any) -> list[str]:
    return [line.split("\t")[0] for line in found.stdout.splitlines()]


def test_one_picture_is_one_line(weft: Weft, seeing: Path, folder: Path) -> None:
    found = weft("caption", folder / "b.png", "--model", seeing)
    assert found.exit_code == 0
    assert len(found.stdout.splitlines()) == 1
    assert "\t" not in found.stdout
    assert found.stderr == ""


def test_folders_are_walked_in_order_and_patterns_are_resolved(weft: Weft, seeing: Path, folder: Path) -> None:
    found = weft("caption", folder, "--model", seeing)
    assert found.exit_code == 0
    assert names(found) == [str(folder / name) for name in ("a.jpg", "b.png", "more/c.PNG")]
    assert "3 pictures in" in found.stderr
    assert names(weft("caption", folder / "*.png", "--model", seeing)) == [str(folder / "b.png")]
    both = weft("caption", folder / "b.png", folder, folder / "**" / "*.PNG", "--model", seeing, "--quiet")
    assert names(both) == [str(folder / name) for name in ("b.png", "a.jpg", "more/c.PNG")], "each once"
    assert both.stderr == ""


def test_json_has_the_pinned_keys_and_equals_the_text(weft: Weft, seeing: Path, folder: Path) -> None:
    lines = weft("caption", folder, "--model", seeing, "--format", "json", "--nbest", "2").stdout.splitlines()
    found = [json.loads(line) for line in lines]
    assert [Path(one["image"]).name for one in found] == ["a.jpg", "b.png", "c.PNG"]
    assert {"image", "text", "score", "hypotheses"} <= found[0].keys()
    assert all(len(one["hypotheses"]) == 2 and one["hypotheses"][0]["text"] == one["text"] for one in found)
    plain = weft("caption", folder, "--model", seeing, "--nbest", "2").stdout.splitlines()
    assert len(plain) == 6
    assert plain[0] == f"{found[0]['image']}\t{' '.join(found[0]['text'].splitlines())}"


def test_what_is_no_picture_is_said_and_the_rest_goes_on(weft: Weft, seeing: Path, folder: Path) -> None:
    (folder / "broken.jpg").write_bytes((folder / "a.jpg").read_bytes()[:300])
    (folder / "text.png").write_text("no picture", encoding="utf-8")
    found = weft("caption", folder, folder / "gone.png", "--model", seeing)
    assert found.exit_code == 1
    assert [Path(name).name for name in names(found)] == ["a.jpg", "b.png", "c.PNG"]
    said = found.stderr
    assert f"{folder / 'gone.png'}: wanted a picture, got no such file; check the path" in said
    assert f"{folder / 'broken.jpg'}: wanted a whole picture" in said
    assert f"{folder / 'text.png'}: wanted a picture, got another kind of file" in said
    assert "Traceback" not in said


def test_where_nothing_is_a_picture_nothing_is_done(weft: Weft, seeing: Path, folder: Path) -> None:
    found = weft("caption", folder / "notes.txt", "--model", seeing)
    assert (found.exit_code, found.stdout) == (2, "")
    assert "notes.txt: wanted a picture, got another kind of file; give a JPEG, PNG or the like" in found.stderr
    gone = weft("caption", folder / "gone.png", "--model", seeing)
    assert (gone.exit_code, gone.stdout) == (2, "")
    assert "gone.png: wanted a picture, got no such file" in gone.stderr


def test_odd_pictures(weft: Weft, seeing: Path, tmp_path: Path) -> None:
    Image.new("RGB", (1, 1)).save(tmp_path / "a.png")
    frames = [Image.new("L", (30, 20), shade) for shade in (0, 255)]
    frames[0].save(tmp_path / "b.gif", save_all=True, append_images=frames[1:])
    Image.new("1", (20_000, 20_000)).save(tmp_path / "c.png")
    found = weft("caption", tmp_path, "--model", seeing)
    assert found.exit_code == 1
    assert [Path(name).name for name in names(found)] == ["a.png", "b.gif"]
    assert "b.gif: an animation of 2 frames; the first one is read" in found.stderr
    assert "c.png: wanted at most 50,000,000 pixels, got 400,000,000; make" in found.stderr


def test_a_page_is_written_with_the_pictures_in_it(weft: Weft, seeing: Path, folder: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    found = weft("caption", folder, "--model", seeing, "--explain", page)
    assert found.exit_code == 0
    assert f"wrote {page}; open it in a browser" in found.stderr
    html = page.read_text("utf-8")
    assert html.count('<section class="picture"') == 3
    assert "data:image/" in html
    plain = weft("caption", folder, "--model", seeing)
    assert plain.stdout == found.stdout


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("b.png", "is the file that is read; choose another, or it would be lost"),
        ("more", "wanted a file to write, got: Is a directory; choose another"),
        ("gone/page.html", "wanted a file to write, got: No such file or directory; choose another"),
    ],
)
def test_a_page_that_cannot_be_written_is_told_before_any_work(
    weft: Weft, seeing: Path, folder: Path, place: str, message: str
) -> None:
    before = (folder / "b.png").read_bytes()
    found = weft("caption", folder, "--model", seeing, "--explain", folder / place)
    assert (found.exit_code, found.stdout) == (2, "")
    assert f"--explain {folder / place}" in found.stderr
    assert message in found.stderr
    assert (folder / "b.png").read_bytes() == before


def test_names_that_are_no_text(weft: Weft, seeing: Path, folder: Path, tmp_path: Path) -> None:
    odd = os.fsdecode(os.fsencode(folder) + b"/odd\xff.png")
    try:
        (folder / "b.png").rename(odd)
    except OSError:
        pytest.skip("this file system wants names to be UTF-8")
    found = weft("caption", folder, "--model", seeing, "--format", "json", "--explain", tmp_path / "page.html")
    assert found.exit_code == 0, found.stderr
    assert [json.loads(line)["image"] for line in found.stdout.splitlines()][1] == odd
    assert names(weft("caption", folder, "--model", seeing))[1] == f"{folder}/odd\\udcff.png"
    assert "odd\\udcff.png" in (tmp_path / "page.html").read_text("utf-8")


def test_a_folder_that_cannot_be_looked_into_is_said(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    walk = Path.iterdir

    def locked(place: Path) -> Iterator[Path]:
        if place.name == "more":
            raise PermissionError(13, "Permission denied", str(place))
        return walk(place)

    monkeypatch.setattr(Path, "iterdir", locked)
    found = found_files([str(folder)])
    assert [Path(path).name for path in found.paths] == ["a.jpg", "b.png"]
    assert found.problems == (
        f"{folder / 'more'}: wanted a folder of pictures, got: Permission denied; make it readable, or leave it out",
    )
    with pytest.raises(DataError, match="wanted a folder of pictures, got: Permission denied"):
        found_files([str(folder / "more")])


def test_models_that_read_something_else_say_what_to_do(weft: Weft, seeing: Path, folder: Path) -> None:
    found = weft("caption", folder, "--model", "two")
    assert (found.exit_code, found.stdout) == (2, "")
    assert (
        "model two reads text, not pictures; choose a model that reads pictures: train one, for instance"
        in found.stderr
    )
    none = weft("caption", folder)
    assert none.exit_code == 2
    assert "wanted a model that reads picture, got no name, and none is installed in" in none.stderr
    text = weft("translate", "a text", "--to", "en", "--model", seeing)
    assert (text.exit_code, text.stdout) == (2, "")
    assert (
        "model seeing reads a picture, not text; describe pictures with it: `weft caption IMAGE --model seeing`"
        in text.stderr
    )


def test_arguments_that_name_nothing(tmp_path: Path, folder: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="empty: wanted pictures, got a folder without any; name another"):
        found_files([str(tmp_path / "empty")])
    with pytest.raises(DataError, match=r"x\*\.png: wanted pictures, got a pattern that fits no file; check it"):
        found_files([str(tmp_path / "x*.png")])
    with pytest.raises(DataError, match=r"x.org/y.png: wanted a local picture, got the URL of another machine; down"):
        found_files(["https://x.org/y.png"])
    found = found_files([str(folder / "b.png"), str(tmp_path / "gone.png")])
    assert (found.paths, len(found.problems), found.single) == ((str(folder / "b.png"),), 1, False)
    assert found_files([(folder / "b.png").as_uri()]).single


def test_a_walk_does_not_go_in_circles(folder: Path) -> None:
    (folder / "more" / "up").symlink_to(folder)
    assert [Path(path).name for path in found_files([str(folder)]).paths] == ["a.jpg", "b.png", "c.PNG"]
