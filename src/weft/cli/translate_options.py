"""What `weft translate` understands, and what of it goes together."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from weft.base.errors import ConfigError
from weft.cli.formats import Format
from weft.cli.output import check_apart, to_terminal
from weft.cli.sources import Columns, Pictures

STDIN = "-"


@dataclass(frozen=True, kw_only=True)
class Options:
    """What `weft translate` understands."""

    texts: Annotated[list[str] | None, typer.Argument(metavar="TEXT", help="Each TEXT is one input.")] = None
    to: Annotated[str, typer.Option(metavar="L", help="Target language, such as fr.")]
    from_: Annotated[
        str | None, typer.Option("--from", metavar="L", help="Source language, if the model reads several.")
    ] = None
    model: Annotated[
        str | None,
        typer.Option(metavar="MODEL", help="A name (see weft models), a folder or hf:ORG/NAME; default: the first."),
    ] = None
    beam: Annotated[int | None, typer.Option(min=1, metavar="N", help="Beam width; default: the model's own.")] = None
    nbest: Annotated[int, typer.Option(min=1, metavar="N", help="The N best; as text N lines an input.")] = 1
    align: Annotated[bool, typer.Option("--align", help="Say which source words each target word came from.")] = False
    format: Annotated[
        Format | None,
        typer.Option(help="Default: text; with --align a table on a terminal, else json. pharaoh: text TAB i-j ..."),
    ] = None
    input: Annotated[
        str | None, typer.Option(metavar="F", help="Lines to translate (.gz, .xz too); default: standard input.")
    ] = None
    output: Annotated[
        Path | None, typer.Option(metavar="F", help="Write there, line by line; default: standard output.")
    ] = None
    resume: Annotated[bool, typer.Option("--resume", help="Go on with an --output that was left off.")] = False
    attention: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="How sources are read: dense, chunked, pages, top-k, top-k-shared, window or auto (dense or pages).",
        ),
    ] = None
    tolerance: Annotated[
        float | None,
        typer.Option(
            min=0, max=1, metavar="X", help="With pages or auto: the share of attention that may be left out."
        ),
    ] = None
    encoder_window: Annotated[
        int | None,
        typer.Option(min=0, metavar="N", help="The encoder sees N tokens before and after each alone: long sources."),
    ] = None
    document: Annotated[
        bool, typer.Option("--document", help="All lines are one text; each TEXT is one. Text comes line by line.")
    ] = False
    whole: Annotated[
        bool, typer.Option("--whole", help="Of a document: write once for all of it (models of documents, summaries).")
    ] = False
    chunk: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Of a document: read N tokens at once, not a sentence.")
    ] = None
    before: Annotated[
        int,
        typer.Option("--context", min=0, metavar="N", help="Of a document: N sentences before each are seen with it."),
    ] = 0
    stream: Annotated[bool, typer.Option("--stream", help="Show text (and links) as soon as it is certain.")] = False

    images: Annotated[
        list[str] | None, typer.Option("--image", metavar="F", help="The picture of a TEXT; as many as there are.")
    ] = None
    named: Annotated[
        list[str] | None, typer.Option("--source", metavar="NAME=TEXT", help="One input, of several named sources.")
    ] = None
    columns: Columns = None
    folder: Pictures = None

    @property
    def several(self) -> bool:
        """Whether inputs are given as several sources."""
        return bool(self.images or self.named or self.columns)

    @property
    def form(self) -> Format:
        """The format that was asked for, or the one that goes without saying."""
        if self.format is not None:
            return self.format
        if not self.align:
            return Format.text
        if self.stream:
            return Format.json
        return Format.table if self.output is None and to_terminal() else Format.json

    @property
    def source(self) -> str:
        """The file that lines are read from."""
        return self.input or STDIN

    def check(self) -> None:
        """Raises ConfigError for options that contradict each other."""
        if self.texts and self.input:
            raise ConfigError("translate wants either TEXT or --input, got both; leave one out")
        if self.named and (self.texts or self.input):
            raise ConfigError("--source makes up an input of its own, got TEXT or --input too; leave those out")
        if self.columns and not self.input:
            raise ConfigError("--source-columns names the columns of --input F, got no --input; give one")
        if self.stream and (self.nbest > 1 or self.form is not (Format.json if self.align else Format.text)):
            raise ConfigError(
                "--stream writes one hypothesis, as plain text or with --align as one JSON object a piece; "
                "leave out --nbest and other formats"
            )
        if self.resume and (self.output is None or self.texts or self.form is Format.table):
            raise ConfigError("--resume goes on with the lines of --output F; name it, with lines to read and no table")
        self._check_document()
        check_apart(self.source, self.output)

    def _check_document(self) -> None:
        told = {"--whole": self.whole, "--chunk": self.chunk, "--context": self.before}
        if any(told.values()) and not self.document:
            names = ", ".join(name for name, value in told.items() if value)
            raise ConfigError(f"{names} is said of a document, got no --document; add it")
        if self.document and (self.stream or self.several):
            raise ConfigError("--document translates texts as they come to an end, got --stream or several sources")
        if self.document and self.resume and (self.whole or self.form is Format.json):
            raise ConfigError(
                "--resume goes on line by line, got a document that is written at once, or as one JSON object; leave "
                "--resume out, or write --format text"
            )
