"""Checkpoints of somebody else's as MODEL: every verb takes their folders, and names of the hub."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.cli.conftest import Weft
from tests.interop.texts import SOURCES, checkpoint
from tests.tiny import save_untrained

FEW_PAIRS = "the cat sat on a mat\tle monde\nthe dog\tle chat\na cat\tmat hello\n"
NLLB = ["--from", "en", "--to", "fr"]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("checkpoints")
    for name in ("nllb", "marian"):
        checkpoint(folder / name, name)
    return folder


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    (tmp_path / "pairs.tsv").write_text(FEW_PAIRS, encoding="utf-8")
    return tmp_path / "pairs.tsv"


@pytest.fixture(autouse=True)
def hub(folders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("weft.translating.opening.fetch", lambda name, pickle: folders / name.split("/")[1])


@pytest.mark.parametrize(("model", "way"), [("marian", []), ("nllb", NLLB)])
def test_every_verb_takes_a_folder_and_a_name_of_the_hub(
    weft: Weft, folders: Path, pairs: Path, tmp_path: Path, model: str, way: list[str]
) -> None:
    said = []
    for name in (folders / model, f"hf:org/{model}"):
        lines = [
            weft("align", "--model", name, *way, "--input", pairs, "--quiet"),
            weft("score", "--model", name, *way, "--pairs", pairs),
            weft("evaluate", "--model", name, *way, "--pairs", pairs, "--quiet"),
            weft("translate", SOURCES[0], "--model", name, *(way or ["--to", "fr"]), "--align", "--format", "json"),
        ]
        page = weft("inspect", SOURCES[0], "--model", name, *(way or ["--to", "fr"]), "--output", tmp_path / "x.html")
        assert [each.exit_code for each in (*lines, page)] == [0] * 5, [each.stderr for each in (*lines, page)]
        said.append([each.stdout for each in lines])
    assert said[0] == said[1]
    assert said[0][0].count("\n") == said[0][1].count("\n") == 3
    assert "<script" in (tmp_path / "x.html").read_text(encoding="utf-8")


def test_a_checkpoint_is_asked_by_its_own_names_of_languages_too(weft: Weft, folders: Path, pairs: Path) -> None:
    own = ["--from", "eng_Latn", "--to", "fra_Latn"]
    for verb, *rest in (["translate", SOURCES[0], "--format", "json"], ["align", "--input", pairs, "--quiet"]):
        plain, named = (weft(verb, *rest, "--model", folders / "nllb", *way) for way in (NLLB, own))
        assert plain.exit_code == 0
        assert plain.stdout == named.stdout


def test_a_head_is_found_and_kept(weft: Weft, folders: Path, pairs: Path) -> None:
    result = weft("align", "--tune", "--model", folders / "marian", "--input", pairs)
    assert result.exit_code == 0
    kept = folders / "marian" / "weft-alignment.json"
    assert result.stdout.startswith("layer ")
    assert result.stdout.endswith(f"on 3 pairs; kept in {kept}\n")
    assert result.stderr == "weft: found on 3 pairs; a few hundred would be surer\n"
    chosen = json.loads(kept.read_text(encoding="utf-8"))["alignment"]
    result = weft("align", "--tune", "--model", "hf:org/nllb", *NLLB, "--quiet", "--format", "json", input=FEW_PAIRS)
    found = json.loads(result.stdout)
    assert (result.exit_code, result.stderr, found["pairs"]) == (0, "", 3)
    assert Path(found["file"]).parent.name == "alignments"
    Path(found["file"]).unlink()
    by_rule = weft("align", "--model", folders / "marian", "--input", pairs).stdout
    kept.unlink()
    assert by_rule.count("\n") == 3
    assert chosen["heads"]


def test_a_taught_head_says_so(weft: Weft, tmp_path: Path) -> None:
    save_untrained(tmp_path / "taught", kind="transformer", alignment_head={"layer": 1, "head": 0})
    result = weft("align", "--tune", "--model", tmp_path / "taught", "--to", "fr", input=FEW_PAIRS)
    assert result.stdout == "layer 0, head 0, 1: was taught to align and keeps its place\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--tune", "--statistical"], "--tune goes with --model, got --statistical; leave one of them out"),
        (["--tune", "--model", "two", "--symmetrise", "union"], "--tune finds a head and writes no links, got --sym"),
        (
            ["--tune", "--model", "two", "--format", "html"],
            "--tune finds a head and writes no links, got --format html",
        ),
        (["--tune", "--model", "two"], "model two translates en-fr, en-es; say with from and to which languages"),
        (["--model", "hf:org/nllb", "--to", "fr"], "from must be given: this model needs it with the source"),
    ],
)
def test_what_cannot_be_is_said(weft: Weft, arguments: list[str], message: str) -> None:
    result = weft("align", *arguments, input=FEW_PAIRS)
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr
