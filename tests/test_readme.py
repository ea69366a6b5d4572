"""What the README shows works as printed."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from weft.data.scene_pictures import picture
from weft.data.scenes import scene

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = [
    line
    for block in re.findall(r"^```\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
    for line in block.splitlines()
    if line.startswith("weft ") and "train" not in line
]
COMMANDS += [line.split("&& ", 1)[1] for line in README.splitlines() if line.startswith("pip install . && weft")]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with the files that the README's examples read."""
    (tmp_path / "letters.txt").write_text("Dear Anna,\n\nI am in Paris.\n", encoding="utf-8")
    (tmp_path / "pairs.tsv").write_text("I am tired.\tJe suis fatigué.\nThank you.\tMerci.\n", encoding="utf-8")
    (tmp_path / "gold.tsv").write_text("the cat\tle chat\t0-0 1-1\na dog\tun chien\t0?0 1-1\n", encoding="utf-8")
    (tmp_path / "links.txt").write_text("0-0 1-1\n1-1\n", encoding="utf-8")
    Image.fromarray(picture(scene(7, 3), side=256)).save(tmp_path / "scene.png")
    return tmp_path


def run(arguments: list[str], place: Path) -> str:
    done = subprocess.run(
        [sys.executable, *arguments], cwd=place, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_there_are_commands_to_try() -> None:
    assert len(COMMANDS) >= 8


@pytest.mark.parametrize("command", COMMANDS)
def test_the_commands(command: str, place: Path) -> None:
    said = run(["-m", *shlex.split(command)], place)
    written = [place / name for name in ("lettres.txt", "page.html")]
    assert said or any(path.exists() and path.stat().st_size for path in written)


def test_the_python_examples(place: Path) -> None:
    script = "\n".join(re.findall(r"^```python\n(.*?)^```", README, re.DOTALL | re.MULTILINE))
    said = run(["-c", script], place)
    assert "children enfants" in said
    assert "garden jardin" in said


def test_the_figures_are_those_of_the_files() -> None:
    run([str(ROOT / "benchmarks" / "figures.py"), "--check"], ROOT)


def test_the_recipe_and_the_documents_are_there() -> None:
    for path in re.findall(r"\]\(([\w./-]+)\)", README) + re.findall(r"recipes/[\w-]+\.toml", README):
        assert (ROOT / path).exists(), path
