"""A translation and its alignment as a table for people: each target word, where it came from, and how sure it was."""

from __future__ import annotations

from collections.abc import Mapping

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from weft.alignment.link import Row, Span, WordAlignment, rows
from weft.cli.formats import one_line
from weft.translating.translation import Hypothesis, Translation

_BAR = 10
"""Cells of the bar that shows the best link."""


def show(console: Console, translation: Translation) -> None:
    """Prints the source and every hypothesis with its table."""
    hypotheses = translation.hypotheses or (translation,)
    console.print(Text(_visible(translation.source), style="dim"))
    for rank, hypothesis in enumerate(hypotheses, start=1):
        if len(hypotheses) > 1:
            console.print(Text(f"\n{rank}. score {hypothesis.score:.3f}", style="dim"))
        console.print(_drawn(hypothesis, translation.source, _shares(translation) if rank == 1 else {}))
    console.print()


def _shares(translation: Translation) -> dict[str, dict[Span, float]]:
    """Of several sources those that the input has, with the share of each in each word of the best hypothesis."""
    words = [word.target for word in translation.words or ()]
    found = (translation.sources or {}).items()
    return {name: dict(zip(words, one.shares, strict=True)) for name, one in found if one.present}


def _drawn(hypothesis: Hypothesis, source: str, shares: Mapping[str, Mapping[Span, float]]) -> RenderableType:
    alignment = WordAlignment(hypothesis.alignment or (), hypothesis.unaligned or ())
    title = Text(_visible(hypothesis.text), style="bold")
    found = rows(alignment, source, hypothesis.text)
    sure = {word.target: word.confidence for word in hypothesis.words or ()}
    return Group(title, Padding(_table(found, sure, shares), (1, 0, 0, 2))) if found else title


def _table(found: list[Row], sure: Mapping[Span, float], shares: Mapping[str, Mapping[Span, float]]) -> Table:
    """Words to the left, their sources best first, the mass on no word and, where they are known, the share of each of
    several sources and the model's confidence.

    A dash where the mass on no word rounds to nothing.
    """
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", show_edge=False)
    table.add_column("word", overflow="fold", max_width=24)
    table.add_column("came from", no_wrap=True)
    table.add_column("", overflow="fold")
    table.add_column("no word", justify="right", style="dim", no_wrap=True)
    for name in shares:
        table.add_column(_visible(name), justify="right", style="dim", no_wrap=True)
    if sure:
        table.add_column("sure", justify="right", style="dim", no_wrap=True)
    for row in found:
        read = [_percent(each[row.span]) if row.span in each else "" for each in shares.values()]
        confidence = [_percent(sure[row.span]) if row.span in sure else ""] if sure else []
        table.add_row(Text(_visible(row.target)), _bar(row), _sources(row), _percent(row.unaligned), *read, *confidence)
    return table


def _sources(row: Row) -> Text:
    text = Text()
    for place, (word, share) in enumerate(row.sources):
        text.append("  " if place else "")
        text.append(_visible(word), style="bold" if place == 0 else "")
        text.append(f"\u00a0{_percent(share)}", style="dim")
    return text


def _bar(row: Row) -> Text:
    share = row.sources[0][1] if row.sources else 0.0
    full = round(share * _BAR)
    return Text.assemble(("━" * full, "cyan"), ("─" * (_BAR - full), "dim"))


def _percent(share: float) -> str:
    return "–" if share < 0.0005 else "<1%" if share < 0.005 else f"{share * 100:.0f}%"


def _visible(text: str) -> str:
    """Text in which no control character can move the cursor: each is shown by its picture."""
    return "".join(_picture(character) for character in one_line(text))


def _picture(character: str) -> str:
    code = ord(character)
    if code < 0x20:
        return chr(0x2400 + code)
    return (
        "\N{SYMBOL FOR DELETE}" if code == 0x7F else "\N{REPLACEMENT CHARACTER}" if 0x80 <= code < 0xA0 else character
    )
