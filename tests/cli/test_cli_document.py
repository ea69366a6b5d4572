"""`weft translate --document`: one text of many lines, line by line or as a whole, left off and taken up again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from weft.translating.document import Document
from weft.translating.documents import translated_lines
from weft.translating.translation import Translation

TEXT = "The dog sleeps. A cat\n\nThe big red dog. The dog\n  \nA dog.\n"


@pytest.fixture
def book(tmp_path: Path) -> Path:
    path = tmp_path / "book"
    path.write_text(TEXT, encoding="utf-8")
    return path


def test_a_line_of_a_document_is_a_line(weft: Any, book: Path) -> None:
    result = weft("translate", "--document", "--to", "fr", "--input", book)
    assert result.exit_code == 0
    assert result.stdout == weft("translate", "--to", "fr", "--input", book).stdout
    assert result.stderr.startswith("weft: 5 lines in ")
    assert weft("translate", "--document", "--to", "fr", input=TEXT).stdout == result.stdout
    assert weft("translate", "--document", "--to", "fr", TEXT[:-1]).stdout == result.stdout


def test_links_of_a_document_point_into_all_of_it(weft: Any, book: Path) -> None:
    result = weft("translate", "--document", "--to", "fr", "--input", book, "--align", "--format", "json")
    found = json.loads(result.stdout)
    assert found["source"] == TEXT
    assert result.stdout.count("\n") == 1
    assert result.stderr.startswith("weft: 1 documents in ")
    assert max(link["source"][1] for link in found["alignment"]) > TEXT.index("A dog")
    assert max(one["target"][1] for one in found["unaligned"]) <= len(found["text"])


def test_a_whole_document_is_one_line(weft: Any, book: Path) -> None:
    result = weft("translate", "--document", "--whole", "--chunk", "12", "--to", "fr", "--input", book)
    assert (result.exit_code, result.stdout.count("\n")) == (0, 1)
    for attention in ("chunked", "pages", "top-k", "window"):
        other = weft("translate", "--document", "--whole", "--to", "fr", "--input", book, "--attention", attention)
        assert (other.exit_code, other.stdout.count("\n")) == (0, 1)


@pytest.mark.parametrize("more", [[], ["--context", "1"], ["--chunk", "20"], ["--nbest", "2"], ["--format", "pharaoh"]])
def test_stopped_and_resumed_is_as_if_never_stopped(
    weft: Any, book: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: list[str]
) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    options = ["--document", "--to", "fr", "--input", book, *more]
    assert weft("translate", *options, "--output", whole).exit_code == 0

    def stops(*arguments: Any, **rest: Any) -> Iterator[Translation]:
        for count, translation in enumerate(translated_lines(*arguments, **rest)):
            if count == 3:
                raise KeyboardInterrupt
            yield translation

    with monkeypatch.context() as patch:
        patch.setattr("weft.translating.document_translator.translated_lines", stops)
        result = weft("translate", *options, "--output", parts)
    assert result.exit_code == 130
    assert result.stderr.endswith(f"stopped; what is done is in {parts}: the same command with --resume goes on\n")
    assert whole.read_bytes().startswith(parts.read_bytes())
    for _ in range(2):
        assert weft("translate", *options, "--output", parts, "--resume").exit_code == 0
        assert parts.read_bytes() == whole.read_bytes()


def test_a_document_of_another_input_is_not_gone_on_with(weft: Any, book: Path, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("x\n" * 6, encoding="utf-8")
    result = weft("translate", "--document", "--to", "fr", "--input", book, "--output", tmp_path / "out", "--resume")
    assert result.exit_code == 2
    assert "wanted translations of the 5 lines" in result.stderr


@pytest.mark.parametrize("text", ["", "\n", "\n\n", "...\n"])
@pytest.mark.parametrize("more", [[], ["--whole"], ["--chunk", "9"], ["--context", "2"]])
def test_documents_without_a_word_stay_as_they_are(weft: Any, text: str, more: list[str]) -> None:
    result = weft("translate", "--document", "--to", "fr", *more, input=text)
    wanted = text.replace("\n", " ") + "\n" if "--whole" in more and text else text
    assert (result.exit_code, result.stdout) == (0, wanted)


WRONG = {
    "whole alone": (["x", "--whole"], "--whole is said of a document, got no --document; add it"),
    "context and chunk alone": (["x", "--chunk", "3", "--context", "1"], "--chunk, --context is said of a document"),
    "whole in context": (["x", "--document", "--whole", "--context", "1"], "and 0 where the whole is written at once"),
    "streams": (["x", "--document", "--stream"], "--document translates texts as they come to an end, got --stream"),
    "resumed at once": (
        ["--document", "--whole", "--resume", "--output", "y", "--input", "x"],
        "--resume goes on line by line, got a document that is written at once",
    ),
    "small chunks": (["x", "--document", "--chunk", "0"], "should be greater than or equal to 1"),
}


@pytest.mark.parametrize(("arguments", "message"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_said(weft: Any, arguments: list[str], message: str) -> None:
    result = weft("translate", "--to", "fr", *arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in " ".join(result.stderr.replace("│", " ").split())


def test_a_document_as_it_stands_is_what_the_command_asks_for() -> None:
    assert Document(whole=False, chunk=None, context=0) == Document()
