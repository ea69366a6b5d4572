"""The examples of docs/bring-your-model.md run as they stand there, on tiny models of each family."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from tests.interop import borrowed, texts
from tests.interop.test_media_search import set_up
from tests.translating.test_transcribing import whisper
from typer.testing import CliRunner

from weft.cli.app import app
from weft.store.reading import FILE_NAME

PAGE = (Path(__file__).parents[2] / "docs" / "bring-your-model.md").read_text(encoding="utf-8")
SECTIONS = [part.split("\n", 1) for part in PAGE.split("\n## ")[1:]]
EXAMPLES = [
    pytest.param(block, id=f"{title} {number}")
    for title, text in SECTIONS
    for number, block in enumerate(re.findall(r"```python\n(.*?)```", text, re.DOTALL))
]
COMMANDS = [line.split("  #")[0].strip() for line in re.findall(r"^weft .*", PAGE, re.MULTILINE)]
MODELS = {
    "opus-mt-en-fr": "marian",
    "opus-mt-en-mul": "marian, many targets",
    "bart-large-cnn": "bart",
    "pegasus-xsum": "pegasus",
    "mbart-large-en-ro": "mbart",
    "mbart-large-50-many-to-many-mmt": "mbart-50",
    "m2m100_418M": "m2m100",
    "nllb-200-distilled-600M": "nllb",
    "t5-small": "t5, asked in words",
    "flan-t5-small": "t5 v1.1, flan",
    "mt5-small": "mt5",
    "umt5-small": "umt5",
}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


@pytest.fixture(autouse=True)
def hub(place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hub of tiny models, made when they are asked for."""

    def fetch(name: str, *, pickle: bool = False) -> Path:
        folder = place / name.split("/")[1]
        if not folder.exists() and folder.name == "whisper-tiny":
            whisper(folder, rate=16_000)
        elif not folder.exists():
            texts.checkpoint(folder, MODELS[folder.name])
        return folder

    for module in ("translating.opening", "converting", "interop.hub"):
        monkeypatch.setattr(f"weft.{module}.fetch", fetch)
    monkeypatch.setenv("WEFT_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_examples(example: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if "wmt19" in example:
        borrowed.save(set_up(borrowed.make("fsmt"), max_length=9), tmp_path / "wmt19-en-de")
    exec(example, {})
    assert capsys.readouterr().out.strip()


def test_the_commands(place: Path, tiny_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "pairs.tsv").write_text("the cat sat\tle chat\na dog\tle chien\n", encoding="utf-8")
    assert len(COMMANDS) == 5
    for command in COMMANDS:
        words = [str(tiny_folder) if word == "en-fr" else word for word in shlex.split(command)[1:]]
        result = CliRunner().invoke(app, words)
        assert result.exit_code == 0, result.output
    assert not (place / "opus-mt-en-fr" / FILE_NAME).exists()
    made = {path.name for path in tmp_path.iterdir()}
    assert {"home", "models", "en-fr-hf", "en-fr-ct2"} <= made


def test_the_table_names_every_family() -> None:
    places = re.findall(r"^\| [^|]+ \| .*\(([#\w.-]+)\) \|$", PAGE, re.MULTILINE)
    titles = {"#" + re.sub(r"\W+", "-", title.lower()) for title, _ in SECTIONS}
    assert len(places) == 10
    assert set(places) - titles == {"captioning.md"}


def test_every_family_of_texts_has_an_example() -> None:
    shown = set(re.findall(r'"hf:[\w-]+/([\w-]+)"', PAGE)) - {"whisper-tiny"}
    assert shown == set(MODELS)
