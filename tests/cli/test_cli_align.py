"""`weft align`: one pair in, one line out, by a model or by statistics; what cannot be is said with its place."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from weft.aligning.aligned import Alignment
from weft.alignment.symmetrise import SYMMETRISATIONS

LEARN = ["the house\tla maison", "the book ||| le livre", "", "a book\tun livre", "a house\t", "the dog ||| le chien"]
LINKS = "0-0 1-1\n0-0 1-1\n\n0-0 1-1\n\n0-0 1-1\n"
MODEL = ["--model", "two", "--to", "fr"]
ODD = [
    "👍🏽 👩‍👩‍👧\té",
    "مرحبا بالعالم ||| สวัสดี",
    "bell\x07 nul\x00 ||| x\u2028y\x0cz\x85",
    "|||",
    "\u3000 ||| \u00a0",
    "a\t",
]


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    (tmp_path / "pairs.tsv").write_text("".join(f"{line}\n" for line in LEARN), encoding="utf-8")
    return tmp_path / "pairs.tsv"


def test_pairs_align_themselves(weft: Any, pairs: Path) -> None:
    result = weft("align", "--statistical", "--input", pairs)
    assert (result.exit_code, result.stdout) == (0, LINKS)
    assert result.stderr.startswith("weft: 10 passes over the text in ")
    assert "6 pairs in" in result.stderr
    quiet = weft("align", "--statistical", "--quiet", input=pairs.read_bytes())
    assert (quiet.exit_code, quiet.stdout, quiet.stderr) == (0, LINKS, "")


def test_what_was_learnt_is_kept_and_applied(weft: Any, pairs: Path, tmp_path: Path) -> None:
    saved, lexicon = tmp_path / "aligner", tmp_path / "lexicon.tsv"
    result = weft("align", "--statistical", "--save", saved, "--lexicon", lexicon, "--input", pairs)
    assert result.exit_code == 0
    again = weft("align", "--load", saved, "--lexicon", tmp_path / "again.tsv", "--input", pairs)
    assert (again.exit_code, again.stdout) == (0, LINKS)
    assert (tmp_path / "again.tsv").read_bytes() == lexicon.read_bytes()
    rows = [line.split("\t") for line in lexicon.read_text(encoding="utf-8").splitlines()]
    assert ["house", "maison"] in [row[:2] for row in rows]
    assert all(len(row) == 4 and 0 <= float(row[2]) <= 1 and 0 <= float(row[3]) <= 1 for row in rows)
    words = [row[0] for row in rows]
    assert words[0] == "the"  # the most frequent first
    assert [float(row[2]) for row in rows if row[0] == "the"] == sorted(
        (float(row[2]) for row in rows if row[0] == "the"), reverse=True
    )
    assert weft("align", "--load", saved, input="the мышь ||| la 鼠").stdout.startswith("0-0")


@pytest.mark.parametrize("way", ["--statistical", "--model"])
def test_odd_lines_come_out_one_by_one(weft: Any, way: str) -> None:
    options = MODEL if way == "--model" else [way]
    for words in ("given", "weft"):
        result = weft("align", *options, "--words", words, input="\n".join(ODD) + "\r\n")
        assert result.exit_code == 0
        lines = result.stdout.split("\n")
        assert len(lines) == len(ODD) + 1
        assert lines[3:] == ["", "", "", ""]


@pytest.mark.parametrize("way", ["--load", "--model"])
def test_a_thousand_words_a_side(weft: Any, pairs: Path, tmp_path: Path, way: str) -> None:
    line = " ".join(f"w{n % 7}" for n in range(1000)) + " ||| " + " ".join(f"x{n % 7}" for n in range(997))
    options = MODEL
    if way == "--load":
        assert weft("align", "--statistical", "--save", tmp_path / "aligner", "--input", pairs).exit_code == 0
        options = ["--load", str(tmp_path / "aligner")]
    result = weft("align", *options, "--quiet", input=f"{line}\nw1 ||| x1\n")
    assert result.exit_code == 0
    first, second, _ = result.stdout.split("\n")
    pairs = [tuple(map(int, link.split("-"))) for link in first.split()]
    assert pairs == sorted(set(pairs))
    assert all(i < 1000 and j < 997 for i, j in pairs)
    assert second in ("", "0-0")


def test_json_has_spans_probabilities_and_the_mass_on_no_word(weft: Any) -> None:
    for options in (MODEL, ["--statistical"]):
        result = weft("align", *options, "--format", "json", input="the dog\tl'été noir\n\tx\nthe dog\tle chien")
        found = [json.loads(line) for line in result.stdout.splitlines()]
        assert [list(one) for one in found] == [["source", "target", "alignment", "unaligned"]] * 3
        assert found[1]["unaligned"] == [{"target": [0, 1], "probability": 1.0}]
        assert "été" in result.stdout
        for one in found:
            for rest in one["unaligned"]:
                links = [link["probability"] for link in one["alignment"] if link["target"] == rest["target"]]
                assert sum(links) + rest["probability"] <= 1 + 1e-6


def test_a_page_shows_one_pair_closely_or_many(weft: Any, tmp_path: Path) -> None:
    one = weft("align", *MODEL, "--format", "html", "--output", tmp_path / "one.html", input="the dog\t<b>le</b>")
    assert one.exit_code == 0
    page = (tmp_path / "one.html").read_text(encoding="utf-8")
    assert "<script" in page
    assert "&lt;b&gt;" in page
    many = weft("align", *MODEL, "--format", "html", input="the dog\t<b>le</b>\n\nx\ty").stdout
    assert many.count("<section") == 3
    assert "default-src 'none'" in many
    assert not {"<b>", "<script", "http:", "https:"} & set(many.split())
    none = weft("align", *MODEL, "--format", "html", input="")
    assert (none.exit_code, none.stdout.count("<section")) == (0, 0)


def test_a_model_takes_switches(weft: Any) -> None:
    text = "the big dog\tle grand chien"
    assert weft("align", *MODEL, "--threshold", "1", "--decision", "threshold", input=text).stdout == "\n"
    best = weft("align", *MODEL, "--decision", "argmax", input=text).stdout.split()
    assert sorted(link.split("-")[1] for link in best) == ["0", "1", "2"]


def test_the_help_names_every_symmetrisation(weft: Any) -> None:
    text = "".join(weft("align", "--help").stdout.split())
    assert all(name in text for name in SYMMETRISATIONS)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "align wants one of --model MODEL, --statistical and --load DIR, got none; say how to align"),
        (["--statistical", "--model", "two"], "got --model and --statistical; say how to align"),
        (
            ["--statistical", "--reverse-model", "two"],
            "--reverse-model goes with --model, got --statistical; leave one",
        ),
        (["--load", "x", "--threshold", "0"], "--threshold goes with --model, got --load; leave one of them out"),
        ([*MODEL, "--save", "x"], "--save goes with --statistical, got --model; leave one of them out"),
        ([*MODEL, "--lexicon", "x"], "--lexicon is what the statistical aligner has learnt; give --statistical or"),
        ([*MODEL, "--resume"], "--resume goes on with the lines of --output F; name it, and no --format html"),
        (["--statistical", "--lexicon", "x", "--output", "x"], "--lexicon and --output are both x; give each a file"),
        (["--statistical", "--symmetrise", "grow-dia"], "got 'grow-dia'; did you mean grow-diag?"),
        ([*MODEL, "--symmetrise", "union"], "aligns forward alone: reverse is missing; give a reverse model"),
        (["--model", "two"], "model two translates en-fr, en-es; say with from and to which languages"),
        ([*MODEL, "--reverse-model", "two"], "wanted a reverse model that translates fr-en, got two, which translates"),
        (["--load", "nowhere"], "nowhere/config.json: wanted an aligner's configuration, got: No such file"),
        (["--model", "nobody"], "wanted a model that is there, got 'nobody'"),
        (
            ["--statistical", "--output", "no/such/folder"],
            "--output no/such/folder: wanted a file to write, got: No su",
        ),
    ],
)
def test_what_cannot_be_is_said_before_any_work(
    weft: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    result = weft("align", *arguments, input="the dog\tle chien")
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr
    assert not list(tmp_path.iterdir())


def test_an_aligner_replaces_nothing_else(weft: Any, pairs: Path) -> None:
    result = weft("align", "--statistical", "--input", pairs, "--save", pairs.parent)
    assert result.exit_code == 2
    assert f"{pairs.parent}: wanted a new folder or an aligner's, got one that holds pairs.tsv" in result.stderr
    assert "passes" not in result.stderr


def test_the_input_is_never_written_over(weft: Any, pairs: Path) -> None:
    for option in ("--output", "--lexicon"):
        result = weft("align", "--statistical", "--input", pairs, option, pairs)
        assert result.exit_code == 2
        assert f"{option} {pairs} is the file that is read" in result.stderr
    assert pairs.read_text(encoding="utf-8").splitlines() == LEARN


@pytest.mark.parametrize("way", ["--statistical", "--model"])
def test_bad_lines_have_file_and_line(weft: Any, tmp_path: Path, way: str) -> None:
    options = MODEL if way == "--model" else [way]
    (tmp_path / "in").write_bytes(b"the dog\tle chien\nno separator\n")
    result = weft("align", *options, "--input", tmp_path / "in", "--quiet")
    assert result.exit_code == 2
    assert f"{tmp_path}/in:2: wanted source TAB target, or source ||| target, got a line" in result.stderr
    assert result.stdout.count("\n") == (way == "--model")  # what stands before it is done, where it can be
    (tmp_path / "in").write_bytes(b"the dog\tle\n\xff\tx\n")
    assert f"{tmp_path}/in:2: wanted UTF-8" in weft("align", *options, "--input", tmp_path / "in").stderr
    missing = weft("align", *options, "--input", tmp_path / "none")
    assert (missing.exit_code, missing.stdout) == (2, "")
    nothing = weft("align", *options, input="\n|||\n")
    assert nothing.exit_code == (2 if way == "--statistical" else 0)


@pytest.mark.parametrize("way", ["--statistical", "--model"])
def test_stopped_and_resumed_is_as_if_never_stopped(
    weft: Any, pairs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    options = [*(MODEL if way == "--model" else [way]), "--input", pairs]
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    assert weft("align", *options, "--output", whole).exit_code == 0
    left = [3]

    def stops(self: Alignment) -> str:
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt
        return real(self)

    real = Alignment.pharaoh.fget
    assert real is not None
    with monkeypatch.context() as patched:
        patched.setattr(Alignment, "pharaoh", property(stops))
        stopped = weft("align", *options, "--output", parts)
    assert stopped.exit_code == 130
    assert f"what is done is in {parts}: the same command with --resume goes on" in stopped.stderr
    assert parts.read_text(encoding="utf-8").count("\n") == 3
    assert weft("align", *options, "--output", parts, "--resume").exit_code == 0
    assert parts.read_bytes() == whole.read_bytes()
    parts.write_text("0-0\n" * 7, encoding="utf-8")
    longer = weft("align", *options, "--output", parts, "--resume")
    assert longer.exit_code == 2
    assert f"{parts}: wanted links of the 6 pairs of {pairs}, got 7 lines; it is of another input" in longer.stderr
