"""`weft translate`: one line in, one line out, whatever the line; what is done stays."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from weft.translating.translation import Hypothesis, Translation
from weft.translating.translator import Translator

ODD = [
    "The dog.",
    "",
    "  \t ",
    "👍🏽 👩‍👩‍👧",
    "مرحبا بالعالم",
    "a\tb",
    "bell\x07 esc\x1b[31m nul\x00",
    "x\u2028y\x0cz\x85",
    "é",
]


@pytest.fixture
def echo(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """A translator that answers each line with itself; the options of each call are kept."""
    calls: list[dict[str, Any]] = []

    def lines(self: Translator, lines: Iterable[str], **options: Any) -> Iterator[Translation]:
        calls.append(options)
        for line in lines:
            best = Hypothesis(line.upper(), -1.0, -2.0)
            yield Translation(best.text, -1.0, -2.0, source=line, from_="en", to="fr", hypotheses=(best,))

    monkeypatch.setattr(Translator, "translate_lines", lines)
    return calls


def test_each_text_is_one_input_and_options_arrive(weft: Any, echo: list[dict[str, Any]]) -> None:
    result = weft("translate", "a b", "c\nd\r", "--to", "fr", "--from", "en", "--beam", "3")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "A B\nC D \n", "")
    assert echo == [{"to": "fr", "from_": "en", "beam": 3, "nbest": 1, "align": False}]


def test_odd_lines_come_out_one_by_one(weft: Any) -> None:
    result = weft("translate", "--to", "fr", "--model", "two", input="\n".join(ODD) + "\r\n")
    assert result.exit_code == 0
    lines = result.stdout.split("\n")
    assert len(lines) == len(ODD) + 1
    assert lines[1:3] == ["", "  \t "]
    assert all(lines[3:-1])


@pytest.mark.parametrize("form", ["text", "json", "pharaoh"])
def test_every_format_of_lines_has_a_line_for_each(weft: Any, form: str) -> None:
    result = weft("translate", "--to", "fr", "--format", form, input="\n".join(ODD))
    assert result.exit_code == 0
    assert result.stdout.count("\n") == len(ODD)
    assert "\r" not in result.stdout


def test_a_megabyte_on_one_line(weft: Any) -> None:
    result = weft("translate", "--to", "fr", "--beam", "1", "--model", "two", input="The big red dog sleeps " * 44_000)
    assert result.exit_code == 0
    assert result.stdout.count("\n") == 1


def test_json_is_as_pinned(weft: Any) -> None:
    result = weft("translate", "Élan vital", "--to", "fr", "--align", "--nbest", "2")
    found = json.loads(result.stdout)
    assert result.stdout.count("\n") == 1
    assert "Élan" in result.stdout
    assert list(found) == [
        "source", "text", "from", "to", "score", "log_probability", "alignment", "unaligned", "words", "hypotheses"
    ]  # fmt: skip
    assert [word["target"] for word in found["words"]] == [rest["target"] for rest in found["unaligned"]]
    assert all(0 <= word["confidence"] <= 1 for word in found["words"])
    assert found["hypotheses"][0] == {key: found[key] for key in found["hypotheses"][0]}
    for rest in found["unaligned"]:
        links = sum(link["probability"] for link in found["alignment"] if link["target"] == rest["target"])
        assert links + rest["probability"] <= 1 + 1e-6


def test_without_align_json_has_no_links_and_text_is_the_default(weft: Any) -> None:
    found = json.loads(weft("translate", "The dog", "--to", "fr", "--format", "json").stdout)
    assert not {"alignment", "unaligned", "words", "hypotheses"} & found.keys()
    assert weft("translate", "The dog", "--to", "fr").stdout == found["text"] + "\n"
    assert weft("translate", "The dog", "--to", "fr", "--align", "--format", "text").stdout == found["text"] + "\n"


def test_align_alone_is_a_table_on_a_terminal(weft: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("weft.cli.translate_options.to_terminal", lambda: True)
    result = weft("translate", "The dog", "--to", "fr", "--align")
    assert "came from" in result.stdout
    assert "no word" in result.stdout
    assert "sure" in result.stdout


def test_pharaoh_ends_with_links_of_white_space_words(weft: Any) -> None:
    text, links = weft("translate", "The\tdog. ", "--to", "fr", "--format", "pharaoh").stdout[:-1].rsplit("\t", 1)
    plain = weft("translate", "The\tdog. ", "--to", "fr").stdout[:-1]
    assert text == plain
    pairs = [tuple(map(int, pair.split("-"))) for pair in links.split()]
    assert pairs
    assert all(i < 2 and j < len(text.split()) for i, j in pairs)


def test_nbest_text_has_exactly_n_lines(weft: Any, echo: list[dict[str, Any]]) -> None:
    assert weft("translate", "a", "b", "--to", "fr", "--nbest", "3").stdout == "A\n\n\nB\n\n\n"
    assert echo[0]["nbest"] == 3


def test_streamed_pieces_add_up_to_the_translation_and_its_links(weft: Any) -> None:
    texts = ["The dog.", "", "A cat. A dog."]
    whole = [
        json.loads(line)
        for line in weft("translate", *texts, "--to", "fr", "--align", "--format", "json").stdout.splitlines()
    ]
    pieces = [
        json.loads(line) for line in weft("translate", *texts, "--to", "fr", "--align", "--stream").stdout.splitlines()
    ]
    for number, wanted in enumerate(whole, start=1):
        mine = [piece for piece in pieces if piece["line"] == number]
        assert "".join(piece["text"] for piece in mine) == wanted["text"]
        found = [link for piece in mine for link in piece["alignment"]]
        assert [(one["source"], one["target"]) for one in found] == [
            (one["source"], one["target"]) for one in wanted["alignment"]
        ]


def test_streamed_text_is_the_translation(weft: Any) -> None:
    texts = ["The dog.", "", "A cat. A dog."]
    streamed = weft("translate", *texts, "--to", "fr", "--stream")
    assert streamed.stdout == weft("translate", *texts, "--to", "fr").stdout


def test_files_are_written_line_by_line_with_progress(weft: Any, tmp_path: Path) -> None:
    (tmp_path / "in").write_text("a\nb\n", encoding="utf-8")
    result = weft("translate", "--to", "fr", "--input", tmp_path / "in", "--output", tmp_path / "out")
    assert (result.exit_code, result.stdout) == (0, "")
    assert (tmp_path / "out").read_text(encoding="utf-8").count("\n") == 2
    assert result.stderr.startswith("weft: 2 lines in ")
    quiet = weft("translate", "--to", "fr", "--input", tmp_path / "in", "--output", tmp_path / "out", "--quiet")
    assert (quiet.exit_code, quiet.stderr) == (0, "")


@pytest.mark.parametrize(("form", "nbest"), [("text", 1), ("json", 2), ("pharaoh", 2)])
def test_stopped_and_resumed_is_as_if_never_stopped(
    weft: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str, nbest: int
) -> None:
    source, whole, parts = tmp_path / "in", tmp_path / "whole", tmp_path / "parts"
    source.write_text("".join(f"{text}\n" for text in ODD), encoding="utf-8")
    options = ["--to", "fr", "--input", source, "--format", form, "--nbest", str(nbest)]
    assert weft("translate", *options, "--output", whole).exit_code == 0
    real = Translator.translate_lines

    def stops(self: Translator, lines: Iterable[str], **rest: Any) -> Iterator[Translation]:
        for count, translation in enumerate(real(self, lines, **rest)):
            if count == 4:
                raise KeyboardInterrupt
            yield translation

    with monkeypatch.context() as patch:
        patch.setattr(Translator, "translate_lines", stops)
        result = weft("translate", *options, "--output", parts)
    assert result.exit_code == 130
    assert result.stderr == f"weft: stopped; what is done is in {parts}: the same command with --resume goes on\n"
    assert whole.read_bytes().startswith(parts.read_bytes())
    assert parts.read_bytes().count(b"\n") == 4 * (1 if form == "json" else nbest)
    with parts.open("ab") as file:
        file.write(b"\xc3half a line")
    assert weft("translate", *options, "--output", parts, "--resume").exit_code == 0
    assert parts.read_bytes() == whole.read_bytes()
    assert weft("translate", *options, "--output", parts, "--resume").exit_code == 0
    assert parts.read_bytes() == whole.read_bytes()


def test_resuming_with_another_input_is_refused(weft: Any, tmp_path: Path) -> None:
    (tmp_path / "in").write_text("a\n", encoding="utf-8")
    (tmp_path / "out").write_text("b\nc\n", encoding="utf-8")
    result = weft("translate", "--to", "fr", "--input", tmp_path / "in", "--output", tmp_path / "out", "--resume")
    assert result.exit_code == 2
    assert "wanted translations of the 1 lines" in result.stderr


def test_a_text_that_is_no_utf8_fails_alone(weft: Any) -> None:
    result = weft("translate", "a\udcff", "The dog", "--to", "fr")
    assert result.exit_code == 1
    assert result.stderr == "weft: TEXT 1: wanted UTF-8, got other bytes; convert it to UTF-8\n"
    assert result.stdout == weft("translate", "The dog", "--to", "fr").stdout
    alone = weft("translate", "a\udcff", "--to", "fr")
    assert (alone.exit_code, alone.stdout) == (2, "")


def test_a_bad_byte_is_named_with_its_line_and_what_was_there_before_it_is_not_lost(weft: Any, tmp_path: Path) -> None:
    (tmp_path / "in").write_bytes(b"ok\n\xff\n")
    result = weft("translate", "--to", "fr", "--input", tmp_path / "in")
    assert result.exit_code == 2
    assert f"{tmp_path / 'in'}:2: wanted UTF-8, got byte 0xff" in result.stderr
    assert result.stderr.count("\n") == 1


WRONG = {
    "unknown language": (["x", "--to", "de"], "there are en-es, en-fr, fr-es"),
    "language of a named model": (["x", "--to", "de", "--model", "two"], "model two translates en-fr, en-es"),
    "unclear source": (["x", "--to", "es", "--model", "both"], "choose one of en, fr"),
    "missing model": (["x", "--to", "fr", "--model", "tow"], "did you mean two?"),
    "hub model": (["x", "--to", "fr", "--model", "hf:a/b/c"], "wanted hf:ORG/NAME"),
    "missing input": (["--to", "fr", "--input", "/nowhere/x"], "/nowhere/x: wanted a readable file"),
    "output folder": (["x", "--to", "fr", "--output", "/nowhere/x"], "--output /nowhere/x: wanted a file to write"),
    "text and input": (["x", "--to", "fr", "--input", "y"], "either TEXT or --input"),
    "stream and links": (
        ["x", "--to", "fr", "--stream", "--align", "--format", "table"],
        "--stream writes one hypothesis",
    ),
    "resume without file": (["--to", "fr", "--resume"], "--resume goes on with the lines of --output"),
    "device": (["x", "--to", "fr", "--device", "abacus"], "--device wants a device"),
    "beam below nbest": (["x", "--to", "fr", "--beam", "1", "--nbest", "3"], "nbest"),
}


@pytest.mark.parametrize(("arguments", "message"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_said_in_one_line(weft: Any, arguments: list[str], message: str) -> None:
    result = weft("translate", *arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr
    assert result.stderr.startswith("weft: ")
    assert result.stderr.count("\n") == 1


def test_reading_and_writing_one_file_is_refused(weft: Any, tmp_path: Path) -> None:
    (tmp_path / "in").write_text("a\n", encoding="utf-8")
    result = weft("translate", "--to", "fr", "--input", tmp_path / "in", "--output", tmp_path / "in")
    assert result.exit_code == 2
    assert "is the file that is read" in result.stderr
    assert (tmp_path / "in").read_text(encoding="utf-8") == "a\n"


def test_an_error_before_any_work_leaves_an_old_output_alone(weft: Any, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("old\n", encoding="utf-8")
    assert weft("translate", "--to", "fr", "--input", tmp_path / "no", "--output", tmp_path / "out").exit_code == 2
    assert weft("translate", "x", "--to", "xx", "--output", tmp_path / "out").exit_code == 2
    assert (tmp_path / "out").read_text(encoding="utf-8") == "old\n"


@pytest.mark.parametrize("harm", ["weights", "truncated", "newer", "tokenizer"])
def test_a_damaged_model_is_one_message(weft: Any, home: Path, tmp_path: Path, harm: str) -> None:
    folder = tmp_path / "hurt"
    folder.mkdir()
    for path in (home / "two").iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    if harm == "weights":
        (folder / "model.safetensors").write_bytes(b"PK\x03\x04 another format")
    elif harm == "truncated":
        (folder / "model.safetensors").write_bytes((home / "two" / "model.safetensors").read_bytes()[:-100])
    elif harm == "tokenizer":
        (folder / "tokenizer.json").unlink()
    else:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        (folder / "config.json").write_text(json.dumps({**config, "format": 99}), encoding="utf-8")
    result = weft("translate", "x", "--to", "fr", "--model", folder)
    assert (result.exit_code, result.stdout) == (2, "")
    assert str(folder) in result.stderr
    assert result.stderr.count("\n") == 1
