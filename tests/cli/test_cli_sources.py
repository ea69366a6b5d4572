"""`weft translate` with several sources: named texts, pictures, tables with blank cells; what does not fit is told."""

from __future__ import annotations

import json
import shutil
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
        (
            "a\tb\tc",
            "en,dee,picture",
            "bad.tsv: this model has no source dee; did you mean de?",
        ),
        ("a\tb\tc", "en,target,de", "bad.tsv: this model has no source target; known are de, en, picture"),
        ("a\tb\tno.png", "en,de,picture", "bad.tsv:1: "),
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


BAD = ["the dog.\tdog the.\t0.png", "the cat.\t\tno.png", "\tdog the.\t", "the cat.\tcat the.", "the cat.\t\t1.png"]
COLUMNS = ("--source-columns", "en,de,picture")


@pytest.fixture
def bad(fused: Path, tmp_path: Path) -> Path:
    """A table of which the first and the last line are good."""
    (tmp_path / "bad.tsv").write_text("".join(row + "\n" for row in BAD), encoding="utf-8")
    return tmp_path / "bad.tsv"


def test_a_bad_line_is_told_and_the_rest_goes_on(weft: Any, fused: Path, bad: Path, tmp_path: Path) -> None:
    asked = ("translate", "--model", fused / "model", "--to", "fr", "--input", bad, *COLUMNS, "--images", fused)
    result = weft(*asked)
    assert result.exit_code == 1
    good = lines(weft(*asked[:5], "--input", fused / "in.tsv", *COLUMNS, "--format", "json"))
    assert result.stdout.splitlines() == [good[0]["text"], "", "", "", good[1]["text"]]
    said = " ".join(result.stderr.split())
    assert f"bad.tsv:2: {fused}/no.png: wanted" in said
    assert "bad.tsv:3: wanted the source en, got none; fill it in or drop the line" in said
    assert "bad.tsv:4: wanted 3 columns parted by tabs, got 2; mend the line" in said
    (tmp_path / "out.txt").write_text("\n".join(result.stdout.splitlines()[:4]) + "\n", encoding="utf-8")
    again = weft(*asked, "--output", tmp_path / "out.txt", "--resume")
    assert again.exit_code == 0  # what was done is not told again
    assert (tmp_path / "out.txt").read_text(encoding="utf-8") == result.stdout


def test_a_missing_picture_of_a_text_is_told_and_the_rest_goes_on(weft: Any, fused: Path) -> None:
    asked = ("translate", "--model", fused / "model", "--to", "fr", "a", "the cat.")
    result = weft(*asked, "--image", "no.png", "--image", fused / "1.png")
    assert result.exit_code == 1
    assert "TEXT 1: no.png: wanted" in " ".join(result.stderr.split())
    first, second = result.stdout.splitlines()
    assert (first, bool(second)) == ("", True)


def test_several_sources_are_streamed(weft: Any, fused: Path) -> None:
    asked = ("translate", "--model", fused / "model", "--to", "fr", "--input", fused / "in.tsv", *COLUMNS)
    assert weft(*asked, "--stream").stdout == weft(*asked).stdout
    pieces = lines(weft(*asked, "--stream", "--align"))
    texts = ["".join(one["text"] for one in pieces if one["line"] == number) for number in (1, 2, 3, 4)]
    assert texts == weft(*asked).stdout.splitlines()


def with_targets(fused: Path, where: Path, rows: list[str]) -> Path:
    """A table of which the second column is the target."""
    table = ["\t".join([row.split("\t")[0], "le chien.", *row.split("\t")[1:]]) for row in rows]
    where.write_text("".join(row + "\n" for row in table), encoding="utf-8")
    return where


def test_pairs_of_several_sources_are_scored(weft: Any, fused: Path, tmp_path: Path) -> None:
    import weft as package

    pairs = with_targets(fused, tmp_path / "pairs.tsv", BAD)
    columns = ("--source-columns", "en,target,de,picture", "--images", fused)
    result = weft("score", "--model", fused / "model", "--pairs", pairs, *columns)
    assert result.exit_code == 1
    first, *blank, last = result.stdout.splitlines()
    assert blank == ["", "", ""]
    model = package.load(fused / "model")
    given = [
        {"en": "the dog.", "de": "dog the.", "picture": fused / "0.png"},
        {"en": "the cat.", "picture": fused / "1.png"},
    ]
    for line, one in zip((first, last), given, strict=True):
        [wanted] = model.score([(one, "le chien.")], to="fr")
        assert float(line.split("\t")[0]) == pytest.approx(wanted.log_probability, abs=1e-3)
        assert int(line.split("\t")[1]) == wanted.num_tokens
    assert "pairs.tsv:4: wanted 4 columns parted by tabs, got 3" in " ".join(result.stderr.split())
    one = weft("score", "--model", fused / "model", "--pairs", "-", input="the dog.\tle chien.\n")
    assert float(one.stdout.split("\t")[0]) == pytest.approx(
        model.score([("the dog.", "le chien.")], to="fr")[0].log_probability, abs=1e-3
    )


def test_translations_of_several_sources_are_evaluated(weft: Any, fused: Path, tmp_path: Path) -> None:
    asked = ("evaluate", "--model", fused / "model", "--format", "json", "--images", fused)
    columns = ("--source-columns", "en,target,de,picture")
    good = with_targets(fused, tmp_path / "good.tsv", [BAD[0], BAD[4]])
    [found] = lines(weft(*asked, *columns, "--pairs", good))
    assert found["pairs"] == 2
    assert found["chrf"]["score"] >= 0
    worse = weft(*asked, *columns, "--pairs", with_targets(fused, tmp_path / "bad.tsv", BAD))
    assert worse.exit_code == 2  # a score of some of the pairs is none of all
    assert "bad.tsv:2: " in worse.stderr
    nameless = weft(*asked, "--source-columns", "en,,de,picture", "--pairs", good)
    assert nameless.exit_code == 2
    assert "wanted a column target among those named, got en, de, picture; name it too" in " ".join(
        nameless.stderr.split()
    )
    empty = weft(*asked, "--source-columns", "target,en", "--pairs", "-", input="le chien.\t\n")
    assert "-:1: wanted one of the sources en, de, picture, got none; fill one in or drop the line" in " ".join(
        empty.stderr.split()
    )


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (
            ("inspect", "the dog.", "--to", "fr", "--output", "page.html"),
            "this model reads several sources (en, de, picture), whose links",
        ),
        (
            ("inspect", "the dog.", "--to", "fr", "--output", "page.html", "--target", "le chien."),
            "translate or score with align",
        ),
        (
            ("align", "--input", "pairs.tsv"),
            "this model reads several sources (en, de, picture), whose links come with",
        ),
    ],
)
def test_what_looks_at_one_source_says_so(
    weft: Any, fused: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: tuple[str, ...], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("pairs.tsv").write_text("the dog.\tle chien.\n", encoding="utf-8")
    result = weft(*asked, "--model", fused / "model")
    assert result.exit_code == 2
    assert message in " ".join(result.stderr.split())


@pytest.mark.parametrize(("form", "there"), [("hf", "transformers"), ("ct2", "ctranslate2")])
def test_a_model_of_several_sources_cannot_leave(weft: Any, fused: Path, tmp_path: Path, form: str, there: str) -> None:
    result = weft("convert", fused / "model", tmp_path / "out", "--to", form)
    assert result.exit_code == 2
    assert f"{there} has no model of several sources (en, de, picture); train one of another shape" in " ".join(
        result.stderr.split()
    )


def test_where_the_links_of_several_sources_are_read_is_found_by_their_first_text(
    weft: Any, fused: Path, tmp_path: Path
) -> None:
    shutil.copytree(fused / "model", tmp_path / "model")
    (tmp_path / "pairs.tsv").write_text("the red dog sleeps.\tle chien rouge dort.\n" * 3, encoding="utf-8")
    result = weft("align", "--tune", "--model", tmp_path / "model", "--input", tmp_path / "pairs.tsv")
    assert result.exit_code == 0, result.stderr
    kept = json.loads((tmp_path / "model" / "config.json").read_text(encoding="utf-8"))["alignment"]
    assert kept["layer"] in (0, 1)
    asked = (
        "translate",
        "--model",
        tmp_path / "model",
        "--to",
        "fr",
        "--source",
        "en=the dog.",
        "--source",
        "de=dog the.",
    )
    [found] = lines(weft(*asked, "--align", "--format", "json"))
    assert {"alignment", "text"} <= found["sources"]["de"].keys()
