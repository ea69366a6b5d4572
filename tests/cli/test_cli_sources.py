"""`weft translate` with several sources: named texts, pictures, tables with blank cells; what does not fit is told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tests.tiny import tokenizer
from tests.translating.test_several import folder


@pytest.fixture(scope="module")
def fused(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of en, de and a picture; beside it two pictures and a table in which some are missing."""
    where = tmp_path_factory.mktemp("fused")
    folder(where / "model", tokenizer(), "concat")
    for number in range(2):
        pixels = np.random.default_rng(number).integers(0, 256, (9, 13, 3)).astype(np.uint8)
        Image.fromarray(pixels).save(where / f"{number}.png")
    rows = ["the dog.\tdog the.\t0.png", "the cat.\t\t1.png", "", "the dog.\tdog the.\t"]
    (where / "in.tsv").write_text("".join(row + "\n" for row in rows), encoding="utf-8")
    return where


def lines(result: Any) -> list[dict[str, Any]]:
    assert result.exit_code == 0, result.stderr
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_a_table_is_translated_line_by_line(weft: Any, fused: Path, tmp_path: Path) -> None:
    asked = ("translate", "--model", fused / "model", "--to", "fr", "--format", "json")
    found = lines(weft(*asked, "--input", fused / "in.tsv", "--source-columns", "en,de,picture", "--align"))
    assert [one["source"] for one in found] == ["the dog.", "the cat.", "", "the dog."]
    assert [one.get("sources", {}).get("picture", {}).get("present") for one in found] == [True, True, None, False]
    with_header = tmp_path / "header.tsv"
    with_header.write_text("en\tde\tpicture\n" + (fused / "in.tsv").read_text(encoding="utf-8"), encoding="utf-8")
    beside = ("--source-columns", "header", "--images", fused)
    again = lines(weft(*asked, "--input", with_header, *beside, "--align"))
    assert [one["text"] for one in again] == [one["text"] for one in found]
    [first] = lines(weft(*asked, "--source", "en=the dog.", "--source", "de=dog the.", "--image", fused / "0.png"))
    assert first["text"] == found[0]["text"]
    [second] = lines(weft(*asked, "the cat.", "--image", fused / "1.png"))
    assert second["text"] == found[1]["text"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("a", "--source", "en=b"), "--source makes up an input of its own, got TEXT or --input too"),
        (("--source", "the dog"), "--source wants NAME=TEXT, got 'the dog'; for instance"),
        (("--source", "en=a", "--source", "en=b"), "--source en was given twice; each source has one text"),
        (("--source", "end=a"), "this model has no source end; did you mean en?"),
        (("--source", "de=a"), "this model wants its source en for every input, got de; give it too"),
        (("--source-columns", "en"), "--source-columns names the columns of --input F, got no --input; give one"),
        (("a", "b", "--image", "x.png"), "--image wants one picture for each TEXT, got 1 for 2; give as many"),
        (("a", "--image", "x.png"), "x.png: wanted"),
        (("a", "--image", "x.png", "--stream"), "--stream reads one text, got several sources"),
        (("a", "--image", "x.png", "--model", "two"), "--image wants a model with one picture among its sources"),
    ],
)
def test_what_does_not_fit_is_refused(weft: Any, fused: Path, arguments: tuple[str, ...], message: str) -> None:
    model = () if "--model" in arguments else ("--model", fused / "model")
    result = weft("translate", "--to", "fr", *model, *arguments)
    assert result.exit_code == 2
    assert message in " ".join(result.stderr.split())


@pytest.mark.parametrize(
    ("line", "columns", "message"),
    [
        ("a\tb", "en,de,picture", "bad.tsv:1: wanted 3 columns parted by tabs, got 2; mend the line"),
        ("\tb\t", "en,de,picture", "bad.tsv:1: wanted the source en, got none; fill it in or drop the line"),
        ("a\tb\tc", "en,en,picture", "bad.tsv: wanted a name for each column, all different, got en, en, picture"),
        ("a\tb\tno.png", "en,de,picture", "no.png: wanted"),
    ],
)
def test_a_table_that_does_not_fit_is_refused(
    weft: Any, fused: Path, tmp_path: Path, line: str, columns: str, message: str
) -> None:
    (tmp_path / "bad.tsv").write_text(line + "\n", encoding="utf-8")
    result = weft(
        "translate",
        "--to",
        "fr",
        "--model",
        fused / "model",
        "--input",
        tmp_path / "bad.tsv",
        "--source-columns",
        columns,
    )
    assert result.exit_code == 2
    assert message in " ".join(result.stderr.split())
