"""What people look at: the table, progress, durations."""

from __future__ import annotations

import io
import re
import time

import pytest
from rich.console import Console

from weft.alignment.confidence import Word
from weft.alignment.link import Link, Unaligned
from weft.cli.progress import counting, duration
from weft.cli.table import show
from weft.cli.train_progress import News, line
from weft.runs.status import Status
from weft.translating.source_report import SourceReport
from weft.translating.translation import Hypothesis, Translation

LINKS = (Link((4, 7), (3, 8), 0.875), Link((0, 3), (3, 8), 0.1), Link((0, 3), (0, 2), 0.004))
UNALIGNED = (Unaligned((0, 2), 0.996), Unaligned((3, 8), 0.0))


def shown(translation: Translation, *, width: int = 80, color: bool = False) -> str:
    console = Console(file=io.StringIO(), width=width, force_terminal=color, highlight=False)
    show(console, translation)
    assert isinstance(console.file, io.StringIO)
    return "\n".join(text.rstrip() for text in console.file.getvalue().splitlines())


def test_a_table_has_each_word_with_sources_best_first_and_its_share_on_no_word() -> None:
    table = shown(Translation("le chien", -1.0, -2.0, LINKS, UNALIGNED, source="The dog", from_="en", to="fr"))
    assert table == (
        "The dog\n"
        "le chien\n"
        "\n"
        "  word   came from                     no word\n"
        "  le     ──────────  The\u00a0<1%              100%\n"
        "  chien  ━━━━━━━━━─  dog\u00a088%  The\u00a010%        –\n"
    )


def test_a_table_says_how_sure_the_model_was_where_that_is_known() -> None:
    words = (Word((0, 2), 0.5), Word((3, 8), 0.971))
    table = shown(Translation("le chien", -1.0, -2.0, LINKS, UNALIGNED, words, source="The dog", from_="en", to="fr"))
    assert [line.split()[-1] for line in table.splitlines()[3:6]] == ["sure", "50%", "97%"]


def test_a_table_says_what_was_read_of_each_source_that_is_there() -> None:
    words = (Word((0, 2), 0.5), Word((3, 8), 0.971))
    reports = {
        "en": SourceReport("The dog", True, (0.75, 0.2), "attention"),
        "de": SourceReport(None, False, (0.0, 0.0), "attention"),
        "picture": SourceReport("dog.png", True, (0.25, 0.8), "attention"),
    }
    table = shown(Translation("le chien", -1.0, -2.0, LINKS, UNALIGNED, words, source="The dog", sources=reports))
    assert [line.split()[-4:] for line in table.splitlines()[3:6]] == [
        ["word", "en", "picture", "sure"],
        ["100%", "75%", "25%", "50%"],
        ["–", "20%", "80%", "97%"],
    ]


def test_a_table_keeps_to_the_screen_and_colours_only_there() -> None:
    words = [f"word{number:02d}" for number in range(40)]
    text = " ".join(words)
    spans = [match.span() for match in re.finditer(r"\S+", text)]
    links = tuple(Link(source, spans[0], 1 / 40) for source in spans)
    rest = tuple(Unaligned(span, 0.0) for span in spans)
    table = shown(Translation(text, -1.0, -2.0, links, rest, source=text))
    assert max(map(len, table.splitlines())) <= 80
    assert all(f"{word}\u00a0" in table for word in words)
    assert "\x1b" not in table
    assert "\x1b[" in shown(Translation(text, -1.0, -2.0, links, rest, source=text), color=True)


def test_no_text_can_move_the_cursor() -> None:
    evil = "a\x1b[2J\x07\x7f\x9b\nb"
    rest = (Unaligned((0, len(evil)), 1.0),)
    table = shown(Translation(evil, -1.0, -2.0, (), rest, source=evil))
    assert "a␛[2J␇␡\N{REPLACEMENT CHARACTER} b" in table
    assert not set("\x1b\x07\x7f\x9b") & set(table)


def test_each_hypothesis_has_its_table_and_its_score() -> None:
    first, second = Hypothesis("le", -0.5, -1.0, (), UNALIGNED[:1]), Hypothesis("la", -0.75, -1.5, (), UNALIGNED[:1])
    table = shown(Translation("le", -0.5, -1.0, (), UNALIGNED[:1], source="the", hypotheses=(first, second)))
    assert "1. score -0.500\nle\n" in table
    assert "2. score -0.750\nla\n" in table


def test_a_blank_text_has_no_table() -> None:
    assert shown(Translation("", 0.0, 0.0, (), (), source="")) == "\n\n"


def test_plain_progress_says_how_far_and_how_long(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter([0.0, 4.0, 11.0, 15.0, 30.0])
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))
    with counting("lines", total=1000, done=500) as advance:
        for _ in range(3):
            advance()
    assert capsys.readouterr().err == "weft: 502 of 1,000 lines, 46 min left\nweft: 503 lines in 30 s\n"


def test_progress_is_silent_where_it_is_not_wanted(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with counting("lines", quiet=True) as advance:
        advance()
    monkeypatch.setattr("weft.cli.progress.to_terminal", lambda: True)
    with counting("lines", shares_screen=True) as advance:
        advance()
    assert capsys.readouterr().err == ""


def test_progress_moves_on_a_terminal(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    with counting("lines", total=2) as advance:
        advance()
        advance()
    assert "2/2" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.04, "0.0 s"),
        (9.94, "9.9 s"),
        (42, "42 s"),
        (91, "2 min"),
        (3599, "1 h 00 min"),
        (11100, "3 h 05 min"),
        (187300, "2 d 4 h"),
    ],
)
def test_durations(seconds: float, said: str) -> None:
    assert duration(seconds) == said


def test_a_training_line_fits_and_scores_are_news_once(capsys: pytest.CaptureFixture[str]) -> None:
    status = Status(100_000, 200_000, 3.2154, 2.5e-4, 123_456.0, 187_300.0, {"loss": 2.0, "bleu": 31.25})
    assert line(status) == "100000/200000, loss 3.215, 123.5k tokens/s, lr 2.5e-04, 2 d 4 h left"
    assert len(line(status)) < 70
    news = News()
    news.tell(status)
    news.tell(status)
    assert capsys.readouterr().err == "weft: dev: loss 2.00, bleu 31.25\n"
