"""`weft align`: sentence pairs in, the links between their words out, one by one and in order."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from itertools import chain, islice
from typing import TYPE_CHECKING

from weft.base.errors import DataError
from weft.cli.align_options import STDIN, Options
from weft.cli.align_tuning import tune
from weft.cli.aligners import aligner_for
from weft.cli.alignment_forms import Form, pieces
from weft.cli.options import Shared
from weft.cli.output import count_lines, line_writer, whole_inputs
from weft.cli.progress import counting
from weft.cli.status import note

if TYPE_CHECKING:
    from weft.aligning.aligned import Alignment
    from weft.aligning.sentence_pairs import TextPair
    from weft.aligning.two_ways import Aligner


def align(wanted: Options, shared: Shared) -> None:
    """Link the words of sentence pairs: one pair in, one line of links out."""
    wanted.check()
    from weft.aligning.align import symmetrisation_for
    from weft.alignment.symmetrise import check_symmetrisation

    if wanted.symmetrise is not None:
        check_symmetrisation(wanted.symmetrise)
    _check_places(wanted)
    if wanted.source == STDIN and sys.stdin.isatty():
        note("reading pairs from the terminal; end with Ctrl-D")
    if wanted.tune:
        tune(_read(wanted), wanted, shared)
        return
    aligner, pairs = aligner_for(_read(wanted), wanted, shared)
    symmetrisation_for(aligner, wanted.symmetrise)  # raises before anything is written
    done = whole_inputs(wanted.output, 1) if wanted.resume and wanted.output else 0
    _skip(pairs, done, wanted)
    _write(_alignments(pairs, aligner, wanted), wanted, shared, done=done)


def _check_places(wanted: Options) -> None:
    """Raises ConfigError for what cannot be written, before hours of work."""
    from weft.store.aligner import check_place

    if wanted.save is not None:
        check_place(wanted.save)
    for path in wanted.outputs:
        with line_writer(path, append=True):
            pass


def _read(wanted: Options) -> Iterator[TextPair]:
    """The pairs of the input; the first is read at once, so that a file that is none is found out before any work."""
    from weft.aligning.sentence_pairs import read_text_pairs

    pairs = read_text_pairs(wanted.source)
    return chain(list(islice(pairs, 1)), pairs) if wanted.input else pairs


def _skip(pairs: Iterator[TextPair], done: int, wanted: Options) -> None:
    """Passes over pairs whose links are there; DataError if there are more lines of links than pairs."""
    skipped = sum(1 for _ in islice(pairs, done))
    if skipped < done:
        raise DataError(
            f"{wanted.output}: wanted links of the {skipped} pairs of {wanted.source}, got {done} lines; it is of "
            "another input: choose another --output or leave --resume out"
        )


def _alignments(pairs: Iterator[TextPair], aligner: Aligner, wanted: Options) -> Iterator[Alignment]:
    """In order; from a keyboard line by line, else as many together as go well."""
    from weft.aligning.align import aligned
    from weft.aligning.sentence_pairs import cut

    typed = wanted.source == STDIN and sys.stdin.isatty()
    for window in ([pair] for pair in pairs) if typed else [pairs]:
        yield from aligned(cut(window, wanted.words.value), aligner, symmetrise=wanted.symmetrise)


def _write(alignments: Iterator[Alignment], wanted: Options, shared: Shared, *, done: int) -> None:
    quiet = shared.quiet or wanted.input is None
    total = count_lines(wanted.source)
    try:
        with (
            line_writer(wanted.output, append=wanted.resume) as write,
            counting("pairs", total=total, done=done, quiet=quiet, shares_screen=wanted.output is None) as advance,
        ):
            for piece in pieces(_counted(alignments, advance), wanted.format):
                write(piece)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(_left_off(wanted)) from None


def _counted(alignments: Iterator[Alignment], advance: Callable[[], None]) -> Iterator[Alignment]:
    for alignment in alignments:
        yield alignment
        advance()


def _left_off(wanted: Options) -> str:
    if wanted.output is None:
        return "stopped"
    if wanted.format is Form.html:
        return f"stopped; {wanted.output} shows what is done"
    return f"stopped; what is done is in {wanted.output}: the same command with --resume goes on"
