"""What `weft translate --document` does otherwise: all lines are one text, of which each line comes as it is done."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from weft.base.errors import DataError
from weft.cli.formats import Format
from weft.cli.translate_options import Options

if TYPE_CHECKING:
    from weft.translating.translation import Translation
    from weft.translating.translator import Translator


def document_translations(
    translator: Translator, lines: Iterator[str], wanted: Options, *, done: int
) -> Iterator[Translation]:
    """A translation for each line, or for each document where it is written at once or as JSON or a table.

    The first `done` lines have been written before. Raises DataError if there are not so many.
    """
    from weft.translating.document import Document

    texts = list(lines)
    documents = texts if wanted.texts else ["".join(f"{line}\n" for line in texts)] if texts else []
    if done > len(texts):
        raise DataError(
            f"{wanted.output}: wanted translations of the {len(texts)} lines of {wanted.source}, got {done}; it is of "
            "another input: choose another --output or leave --resume out"
        )
    told = Document(whole=wanted.whole, chunk=wanted.chunk, context=wanted.before)
    align = wanted.align or wanted.form in (Format.pharaoh, Format.table)
    for text in documents:
        if wanted.form in (Format.json, Format.table):
            yield translator.translate(
                text,
                to=wanted.to,
                from_=wanted.from_,
                beam=wanted.beam,
                nbest=wanted.nbest,
                align=align,
                document=told,
            )
        else:
            yield from translator.translate_document(
                text,
                to=wanted.to,
                from_=wanted.from_,
                beam=wanted.beam,
                nbest=wanted.nbest,
                align=align,
                document=told,
                first_line=done,
            )
