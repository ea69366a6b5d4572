"""`weft evaluate` and `weft score`: figures of given pairs, with signatures."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sacrebleu import corpus_bleu, corpus_chrf

import weft as package
from weft.translating.translation import Translation
from weft.translating.translator import Translator

PAIRS = [
    ("The big red dog sleeps .", "the Big red dog sleeps ."),
    ("It is hot in here today.", "It is hot in here now."),
]


@pytest.fixture
def echo(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every translation is its source."""

    def lines(self: Translator, lines: Iterable[str], **options: Any) -> Iterator[Translation]:
        return (Translation(line, 0.0, 0.0, source=line) for line in lines)

    monkeypatch.setattr(Translator, "translate_lines", lines)


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    path = tmp_path / "pairs.tsv.gz"
    with gzip.open(path, "wt", encoding="utf-8") as file:
        file.writelines(f"{source}\t{target}\n" for source, target in PAIRS)
    return path


@pytest.mark.usefixtures("echo")
@pytest.mark.parametrize(("lowercase", "tokenize"), [(False, "13a"), (True, "none"), (True, "intl")])
def test_scores_are_those_of_sacrebleu(weft: Any, pairs: Path, lowercase: bool, tokenize: str) -> None:
    options = ["--tokenize", tokenize, "--to", "fr"] + (["--lowercase"] if lowercase else [])
    result = weft("evaluate", "--model", "two", "--pairs", pairs, "--format", "json", *options)
    found = json.loads(result.stdout)
    sources, targets = [source for source, _ in PAIRS], [[target for _, target in PAIRS]]
    bleu = corpus_bleu(sources, targets, lowercase=lowercase, tokenize=tokenize).score
    chrf = corpus_chrf(sources, targets).score
    assert result.exit_code == 0
    assert list(found) == ["pairs", "bleu", "chrf"]
    assert found["pairs"] == 2
    assert found["bleu"]["score"] == pytest.approx(bleu, abs=1e-9)
    assert lowercase or found["chrf"]["score"] == pytest.approx(chrf, abs=1e-9)
    assert f"case:{'lc' if lowercase else 'mixed'}|eff:no|tok:{tokenize}|" in found["bleu"]["signature"]
    assert "nc:6|nw:0" in found["chrf"]["signature"]


def test_the_report_for_people_says_the_same(weft: Any, pairs: Path) -> None:
    options = ["evaluate", "--model", "two", "--pairs", pairs, "--to", "fr", "--quiet"]
    text, found = weft(*options).stdout, json.loads(weft(*options, "--format", "json").stdout)
    expected = [
        f"{name}   {found[key]['score']:.2f}  {found[key]['signature']}"
        for name, key in (("BLEU", "bleu"), ("chrF", "chrf"))
    ]
    assert text.splitlines() == ["pairs  2", *expected]


def test_scores_are_those_of_the_translator(weft: Any, pairs: Path, home: Path) -> None:
    result = weft("score", "--model", "both", "--from", "en", "--pairs", pairs)
    expected = package.load(home / "both").score(PAIRS, to="es", from_="en")
    found = [line.split("\t") for line in result.stdout.splitlines()]
    assert result.exit_code == 0
    assert [int(count) for _, count in found] == [score.num_tokens for score in expected]
    assert [float(value) for value, _ in found] == pytest.approx([one.log_probability for one in expected], abs=1e-4)


WRONG = {
    "several targets": (["--model", "two"], "model two writes es, fr; choose one with --to"),
    "several sources": (["--model", "both"], "choose one of en, fr"),
    "foreign source": (["--model", "both", "--from", "hi"], "model both translates en-es, fr-es, got --from hi"),
    "no model": (["--model", "none"], "wanted a model that is there, got 'none'"),
}


@pytest.mark.parametrize("verb", ["evaluate", "score"])
@pytest.mark.parametrize(("options", "message"), WRONG.values(), ids=WRONG)
def test_languages_that_are_not_clear_are_named(
    weft: Any, pairs: Path, verb: str, options: list[str], message: str
) -> None:
    result = weft(verb, "--pairs", pairs, *options)
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr


@pytest.mark.parametrize("verb", ["evaluate", "score"])
def test_a_line_without_two_columns_is_named(weft: Any, tmp_path: Path, verb: str) -> None:
    (tmp_path / "pairs.tsv").write_text("a\tb\nc\n", encoding="utf-8")
    result = weft(verb, "--model", "two", "--to", "fr", "--pairs", tmp_path / "pairs.tsv")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "pairs.tsv:2: wanted at least 2 tab-separated columns, got 1" in result.stderr


def test_no_pairs_have_no_score(weft: Any) -> None:
    result = weft("evaluate", "--model", "two", "--to", "fr", "--pairs", "-", input="")
    assert result.exit_code == 2
    assert "-: wanted pairs to score, got none" in result.stderr
    assert weft("score", "--model", "two", "--to", "fr", "--pairs", "-", input="").stdout == ""
