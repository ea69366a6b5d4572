"""`weft translate`: texts or lines in, translations out, one by one and in order."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

from weft.base.errors import DataError
from weft.cli.documents import document_translations
from weft.cli.formats import Format, lines_of, num_lines, one_line
from weft.cli.machine import opened
from weft.cli.options import Shared
from weft.cli.output import count_lines, line_writer, whole_inputs
from weft.cli.progress import counting
from weft.cli.sources import Row, named_texts, rows_of, with_images
from weft.cli.sources import opened as read_row
from weft.cli.status import Problems, note
from weft.cli.translate_options import STDIN, Options
from weft.data.text import read_lines

if TYPE_CHECKING:
    from weft.translating.translation import Translation
    from weft.translating.translator import Translator


def translate(wanted: Options, shared: Shared) -> None:
    """Translate texts, or lines of a file: one line in, one line out."""
    wanted.check()
    inputs = None if wanted.several else _inputs(wanted)
    translator = opened(
        wanted.model,
        shared,
        to=wanted.to,
        from_=wanted.from_,
        attention=wanted.attention,
        tolerance=wanted.tolerance,
        encoder_window=wanted.encoder_window,
    )
    translator.pair(wanted.to, wanted.from_)
    inputs = inputs or Inputs(_several(wanted, translator))
    each = num_lines(wanted.form, wanted.nbest)
    done = whole_inputs(wanted.output, each) if wanted.resume and wanted.output else 0
    lines = inputs.lines
    if wanted.document:
        translations = document_translations(translator, lines, wanted, done=done)
    else:
        _skip(lines, done, wanted)
        if wanted.several:  # read after what is done is passed over, whose problems were said then
            lines = (read_row(row, inputs.problems) or {} for row in inputs.lines)
        translations = _translations(translator, lines, wanted)
    if wanted.form is Format.table:
        _show_tables(translations, wanted)
    elif wanted.stream:
        _stream(translator, lines, wanted)
    else:
        _write_lines(translations, wanted, shared, done=done)
    _say_what_was_read(translator, shared)
    inputs.problems.end()


def _say_what_was_read(translator: Translator, shared: Shared) -> None:
    """Where attention did not read everything: how much it left out, and how often it had to read everything."""
    tally = translator.tally
    if tally.rows and not shared.quiet:
        note(
            f"attention left out at most {tally.left_out:.2g} of a query's weight; "
            f"{tally.dense_rows} of {tally.rows} queries read every key"
        )


@dataclass(frozen=True)
class Inputs:
    """What is to be translated, and what was said of inputs that cannot be."""

    lines: Iterator[Any]
    """Texts, or sources by name."""
    problems: Problems = field(default_factory=Problems)


def _inputs(wanted: Options) -> Inputs:
    """The texts or lines of a request; DataError if no text at all is UTF-8."""
    if not wanted.texts:
        if wanted.source == STDIN and sys.stdin.isatty():
            note("reading lines from the terminal; end with Ctrl-D")
        return Inputs(_begun(read_lines(wanted.source)) if wanted.input else read_lines(STDIN))
    bad = [place for place, text in enumerate(wanted.texts, start=1) if not _is_text(text)]
    problems = [f"TEXT {place}: wanted UTF-8, got other bytes; convert it to UTF-8" for place in bad]
    if len(bad) == len(wanted.texts):
        raise DataError("; ".join(problems))
    found = Inputs(iter([text for text in wanted.texts if _is_text(text)]))
    for problem in problems:
        found.problems.say(problem)
    found.problems.good = len(wanted.texts) - len(bad)
    return found


def _several(wanted: Options, translator: Translator) -> Iterator[Row]:
    """Inputs of several sources, as the options give them."""
    sources, images = translator.config.model.sources, wanted.images or []
    if wanted.columns and wanted.input:
        return rows_of(wanted.input, wanted.columns, wanted.folder, sources)
    if wanted.named:
        return iter(named_texts(wanted.named, images, sources))
    return iter(with_images(wanted.texts or [], images, sources))


def _begun(lines: Iterator[str]) -> Iterator[str]:
    """The same lines, the first of them read: a file that cannot be read is found out before any work."""
    return chain(list(islice(lines, 1)), lines)


def _is_text(argument: str) -> bool:
    """False if the bytes of a command line argument were no UTF-8: Python then holds them as lone surrogates."""
    return not any("\ud800" <= character <= "\udfff" for character in argument)


def _skip(lines: Iterator[Any], done: int, wanted: Options) -> None:
    """Passes over inputs whose translations are there; DataError if there are more translations than inputs."""
    skipped = sum(1 for _ in islice(lines, done))
    if skipped < done:
        raise DataError(
            f"{wanted.output}: wanted translations of the {skipped} lines of {wanted.source}, got {done}; "
            "it is of another input: choose another --output or leave --resume out"
        )


def _translations(translator: Translator, lines: Iterable[Any], wanted: Options) -> Iterator[Translation]:
    """In order; from a keyboard line by line, else as many together as go well."""
    typed = not wanted.texts and not wanted.several and wanted.source == STDIN and sys.stdin.isatty()
    for window in ([line] for line in lines) if typed else [lines]:
        yield from translator.translate_lines(
            window,
            to=wanted.to,
            from_=wanted.from_,
            beam=wanted.beam,
            nbest=wanted.nbest,
            align=wanted.align or wanted.form in (Format.pharaoh, Format.table),
        )


def _write_lines(translations: Iterator[Translation], wanted: Options, shared: Shared, *, done: int) -> None:
    at_once = wanted.document and (wanted.whole or wanted.form is Format.json)
    total = None if wanted.texts or wanted.named else 1 if at_once else count_lines(wanted.source)
    quiet = shared.quiet or wanted.input is None
    try:
        with (
            line_writer(wanted.output, append=wanted.resume) as write,
            counting(
                "documents" if at_once else "lines",
                total=total,
                done=done,
                quiet=quiet,
                shares_screen=wanted.output is None,
            ) as advance,
        ):
            for translation in translations:
                write("\n".join(lines_of(translation, wanted.form, nbest=wanted.nbest)))
                advance()
    except KeyboardInterrupt:
        raise KeyboardInterrupt(_left_off(wanted)) from None


def _left_off(wanted: Options) -> str:
    if wanted.output is None or wanted.texts:
        return "stopped"
    return f"stopped; what is done is in {wanted.output}: the same command with --resume goes on"


def _stream(translator: Translator, lines: Iterable[Any], wanted: Options) -> None:
    """Writes pieces as they become certain."""
    with line_writer(wanted.output, append=wanted.resume, end="") as write:
        for number, line in enumerate(lines, start=1):
            if wanted.align:
                for piece in translator.stream(line, to=wanted.to, from_=wanted.from_, beam=wanted.beam, align=True):
                    write(json.dumps({"line": number, **piece.to_json()}, ensure_ascii=False) + "\n")
            else:
                for text in translator.stream(line, to=wanted.to, from_=wanted.from_, beam=wanted.beam):
                    write(one_line(text))
                write("\n")


def _show_tables(translations: Iterator[Translation], wanted: Options) -> None:
    from rich.console import Console

    from weft.cli.table import show

    with line_writer(wanted.output) as write:
        for translation in translations:
            console = Console(highlight=False, force_terminal=None if wanted.output is None else False)
            with console.capture() as captured:
                show(console, translation)
            write("\n".join(line.rstrip() for line in captured.get().splitlines()))
