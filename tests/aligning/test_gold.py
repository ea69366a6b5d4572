"""Gold pairs and links side by side, from files that are right and files that are not."""

from __future__ import annotations

import gzip
import logging
import re
from pathlib import Path

import pytest

from weft.aligning.gold import GoldPair, read_gold, read_with_links
from weft.alignment.pairs import Gold
from weft.base.errors import DataError

RIGHT = "the red dog\tle chien rouge\t0-0 1-2 2?1\na  b\tc\t\n\t\t\n \td\t\n"


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_pairs_come_with_their_links_and_numbers_of_words(tmp_path: Path) -> None:
    found = list(read_gold(write(tmp_path / "gold.tsv", RIGHT.replace("\n", "\r\n", 1))))
    sure, nothing = frozenset({(0, 0), (1, 2)}), frozenset[tuple[int, int]]()
    none = Gold(nothing, nothing)
    assert found == [
        GoldPair("the red dog", "le chien rouge", Gold(sure, sure | {(2, 1)}), 3, 3),
        GoldPair("a  b", "c", none, 2, 1),
        GoldPair("", "", none, 0, 0),
        GoldPair(" ", "d", none, 0, 1),
    ]


def test_further_columns_and_packed_files_are_read(tmp_path: Path) -> None:
    with gzip.open(tmp_path / "gold.tsv.gz", "wt", encoding="utf-8") as file:
        file.write(RIGHT.replace("\n", "\tmore\n"))
    assert list(read_gold(tmp_path / "gold.tsv.gz")) == list(read_gold(write(tmp_path / "gold.tsv", RIGHT)))


def test_every_links_file_gives_a_line_a_pair(tmp_path: Path) -> None:
    gold = write(tmp_path / "gold.tsv", RIGHT)
    first, second = write(tmp_path / "first", "0-0 2-2\n1-0\n\n\n"), write(tmp_path / "second", "\n\n\n")
    with second.open("ab") as file:
        file.write(b"\r\n")
    found = list(read_with_links(gold, first, second))
    assert [pair for pair, _ in found] == list(read_gold(gold))
    assert [links for _, links in found] == [[{(0, 0), (2, 2)}, set()], [{(1, 0)}, set()], [set()] * 2, [set()] * 2]


def test_a_thousand_words_are_not_too_many(tmp_path: Path) -> None:
    line = " ".join(f"{n}-{n}" for n in range(1009))
    gold = write(tmp_path / "gold.tsv", f"{'a ' * 1009}\t{'b ' * 1009}\t{line}\n")
    ((pair, (links,)),) = read_with_links(gold, write(tmp_path / "links", f"{line}\n"))
    assert (pair.num_source, pair.num_target, len(links)) == (1009, 1009, 1009)
    assert links == pair.gold.sure


@pytest.mark.parametrize("text", ["a \u3000 b", "a\u00a0b c"])
def test_words_are_counted_as_the_most_generous_reader_does(tmp_path: Path, text: str) -> None:
    (pair,) = read_gold(write(tmp_path / "gold.tsv", f"{text}\ta\t2-0\n"))
    assert pair.num_source == 3


WRONG = {
    "no separator": ("a b ||| c d ||| 0-0", "gold.tsv:2: wanted source TAB target TAB links, got 1 of these columns;"),
    "no links column": ("a b\tc d", "gold.tsv:2: wanted source TAB target TAB links, got 2 of these columns; mend the"),
    "blank": ("", "gold.tsv:2: wanted source TAB target TAB links, got 1 of these columns;"),
    "malformed": ("a b\tc d\t0-0 1", "gold.tsv:2: wanted links i-j (sure) or i?j (possible)"),
    "out of range": ("a b\tc d\t0-0 2?1", "gold.tsv:2: wanted links between 2 source and 2 target words, got 2-1;"),
    "empty side": ("\tc d\t0-0", "gold.tsv:2: wanted links between 0 source and 2 target words, got 0-0;"),
}


@pytest.mark.parametrize(("line", "message"), WRONG.values(), ids=WRONG)
def test_wrong_gold_lines_are_named(tmp_path: Path, line: str, message: str) -> None:
    gold = write(tmp_path / "gold.tsv", f"a\tb\t0-0\n{line}\na\tb\t0-0\n")
    with pytest.raises(DataError, match=re.escape(message)):
        list(read_gold(gold))


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("0-0 0?0", "links:2: wanted links i-j of a source and a target word"),
        ("le chien\t0-0", "got 'le'; mend the line"),
        ("2-0", "links:2: wanted links between 2 source and 1 target words, got 2-0; count words from 0"),
    ],
)
def test_wrong_lines_of_links_are_named(tmp_path: Path, line: str, message: str) -> None:
    gold = write(tmp_path / "gold.tsv", RIGHT)
    with pytest.raises(DataError, match=re.escape(message)):
        list(read_with_links(gold, write(tmp_path / "links", f"0-0\n{line}\n\n\n")))


@pytest.mark.parametrize("num_first", [3, 4, 5])
@pytest.mark.parametrize("num_second", [2, 7])
def test_the_file_that_is_too_long_is_named(tmp_path: Path, num_first: int, num_second: int) -> None:
    counts = {"gold.tsv": 4, "first": num_first, "second": num_second}
    gold = write(tmp_path / "gold.tsv", RIGHT)
    files = [write(tmp_path / name, "\n" * counts[name]) for name in ("first", "second")]
    shortest = min(counts.values())
    short = next(name for name, count in counts.items() if count == shortest)
    long = next(name for name, count in counts.items() if count > shortest)
    message = (
        f"{tmp_path / long}:{shortest + 1}: wanted {shortest} lines, as in {tmp_path / short}, got more; line i of "
    )
    with pytest.raises(DataError, match=re.escape(message) + "the links must belong to pair i of the gold"):
        list(read_with_links(gold, *files))


def test_links_given_twice_are_told_once_a_file(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    gold = write(tmp_path / "gold.tsv", "a b\tc\t0-0\na b\tc\t0-0 1-0 1-0\na b\tc\t0-0 0-0\n")
    links = write(tmp_path / "links", "0-0 1-0 0-0\n1-0 1-0\n\n")
    with caplog.at_level(logging.WARNING, logger="weft"):
        found = list(read_with_links(gold, links))
    assert [(len(pair.gold.sure), len(given)) for pair, (given,) in found] == [(1, 2), (2, 1), (1, 0)]
    assert sorted(caplog.messages) == [
        f"{gold}:2: link 1-0 is given twice, it counts once; further such lines go untold",
        f"{links}:1: link 0-0 is given twice, it counts once; further such lines go untold",
    ]
