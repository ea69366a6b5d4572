"""Readers: what a line is, what a pair is, and what each error says."""

from __future__ import annotations

import gzip
import io
import lzma
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weft.base.errors import DataError
from weft.data.text import read_aligned, read_lines, read_pairs


def _file(folder: Path, content: bytes, name: str = "text.txt") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        (b"", []),
        (b"\n", [""]),
        (b"one\ntwo", ["one", "two"]),
        (b"one\r\n\r\ntwo\n", ["one", "", "two"]),
        ("a\u2028b\x0cc\x85d\x0be\u2029f\rg\n".encode(), ["a\u2028b\x0cc\x85d\x0be\u2029f\rg"]),
        (b"last\r", ["last\r"]),
        ("\ufeffone\n\ufefftwo\n".encode(), ["one", "\ufefftwo"]),
        (b" \t \n", [" \t "]),
        (b"nul \x00 here\n", ["nul \x00 here"]),
    ],
)
def test_lines_end_with_newline_alone(tmp_path: Path, content: bytes, lines: list[str]) -> None:
    assert list(read_lines(_file(tmp_path, content))) == lines


@pytest.mark.parametrize(("name", "pack"), [("t.gz", gzip.compress), ("t.xz", lzma.compress), ("t.tsv", bytes)])
def test_compressed_text_reads_like_plain_text(tmp_path: Path, name: str, pack: type[bytes]) -> None:
    path = _file(tmp_path, pack("é\tè\nü\tö\n".encode()), name)
    assert list(read_lines(path)) == ["é\tè", "ü\tö"]
    assert list(read_pairs(str(path))) == [("é", "è"), ("ü", "ö")]


def test_a_dash_is_standard_input_and_leaves_it_open(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.TextIOWrapper(io.BytesIO(b"un\ndeux\n"), encoding="ascii")
    monkeypatch.setattr(sys, "stdin", stream)
    assert list(read_lines("-")) == ["un", "deux"]
    assert not stream.buffer.closed


def test_reading_is_streamed(tmp_path: Path) -> None:
    lines = read_lines(_file(tmp_path, b"good\nbad \xff\n"))
    assert next(lines) == "good"


@given(lines=st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n\r\ufeff"))))
def test_what_was_written_is_read(tmp_path_factory: pytest.TempPathFactory, lines: list[str]) -> None:
    path = _file(tmp_path_factory.mktemp("lines"), "".join(line + "\n" for line in lines).encode())
    assert list(read_lines(path)) == lines


def test_a_bad_byte_is_named_with_file_and_line(tmp_path: Path) -> None:
    path = _file(tmp_path, b"good\nab\xe9 cd\n")
    with pytest.raises(DataError) as caught:
        list(read_lines(path))
    assert str(caught.value) == (
        f"{path}:2: wanted UTF-8, got byte 0xe9 at byte 3 of the line (invalid continuation byte); "
        "convert the file to UTF-8"
    )


@pytest.mark.parametrize("pack", [gzip.compress, lzma.compress])
def test_truncated_compression_is_named_with_file_and_line(tmp_path: Path, pack: type[bytes]) -> None:
    content = b"".join(b"line %d\n" % number for number in range(9973))
    path = _file(tmp_path, pack(content)[:-7], "t.gz" if pack is gzip.compress else "t.xz")
    with pytest.raises(DataError, match=r"t\.[gx]z:\d+: wanted whole compressed text, got: .*; fetch it again"):
        list(read_lines(path))


@pytest.mark.parametrize("name", ["t.gz", "t.xz"])
def test_what_is_not_compressed_at_all_is_an_error(tmp_path: Path, name: str) -> None:
    path = _file(tmp_path, b"plain text\n", name)
    with pytest.raises(DataError, match=r":1: wanted whole compressed text"):
        list(read_lines(path))


def test_a_missing_file_and_a_folder_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none\.txt: wanted a readable file, got: No such file or directory; check"):
        list(read_lines(tmp_path / "none.txt"))
    with pytest.raises(DataError, match=r"wanted a readable file, got: Is a directory; check the path"):
        list(read_lines(tmp_path))


def test_columns_choose_the_pair(tmp_path: Path) -> None:
    path = _file(tmp_path, b"en\tfr\tde\n")
    assert list(read_pairs(path)) == [("en", "fr")]
    assert list(read_pairs(path, columns=(2, 0))) == [("de", "en")]


def test_a_missing_column_is_named_with_file_and_line(tmp_path: Path) -> None:
    path = _file(tmp_path, b"en\tfr\nalone\n")
    with pytest.raises(DataError) as caught:
        list(read_pairs(path))
    assert str(caught.value) == (
        f"{path}:2: wanted at least 2 tab-separated columns, got 1; mend the line or choose other columns"
    )


def test_aligned_files_go_line_by_line(tmp_path: Path) -> None:
    source, target = _file(tmp_path, b"a\nb\n", "s"), _file(tmp_path, b"A\nB\n", "t")
    assert list(read_aligned(source, target)) == [("a", "A"), ("b", "B")]


@pytest.mark.parametrize("longer", ["source", "target"])
def test_unequal_lengths_name_the_longer_file(tmp_path: Path, longer: str) -> None:
    source = _file(tmp_path, b"a\nb\nc\n" if longer == "source" else b"a\nb\n", "source")
    target = _file(tmp_path, b"a\nb\nc\n" if longer == "target" else b"a\nb\n", "target")
    shorter = "target" if longer == "source" else "source"
    with pytest.raises(DataError) as caught:
        list(read_aligned(source, target))
    assert str(caught.value) == (
        f"{tmp_path / longer}:3: wanted 2 lines, as in {tmp_path / shorter}, got more; "
        "line i of one file must translate line i of the other"
    )
