"""`weft inspect`: one page on which a sentence and its translation show what came from where."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from weft.cli.machine import opened
from weft.cli.options import Shared
from weft.cli.output import line_writer
from weft.cli.status import note


@dataclass(frozen=True, kw_only=True)
class Options:
    """What `weft inspect` understands."""

    text: Annotated[str, typer.Argument(metavar="TEXT", help="What to translate and look at.")]
    to: Annotated[str, typer.Option(metavar="L", help="Target language, such as fr.")]
    output: Annotated[Path, typer.Option(metavar="F.html", help="The page: one file, needs nothing else.")]
    from_: Annotated[
        str | None, typer.Option("--from", metavar="L", help="Source language, if the model reads several.")
    ] = None
    model: Annotated[
        str | None, typer.Option(metavar="MODEL", help="A name (see weft models) or a folder; default: the first.")
    ] = None
    versus: Annotated[
        str | None,
        typer.Option(
            metavar="MODEL|READING",
            help="A second panel: another model, or how else to read the links: shifted, unshifted, norm-weighted, "
            "mutual, argmax, threshold, monotone, layer=N, heads=N+N, or any setting as key=value, parted by commas.",
        ),
    ] = None
    target: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Look at this translation instead of the model's own.")
    ] = None
    beam: Annotated[int | None, typer.Option(min=1, metavar="N", help="Beam width; default: the model's own.")] = None


def inspect(wanted: Options, shared: Shared) -> None:
    """Draw a sentence, its translation and every attention head on one page to open in a browser."""
    translator = opened(wanted.model, shared, to=wanted.to, from_=wanted.from_)
    from weft.translating import inspecting

    versus = wanted.versus
    page = inspecting.inspect(
        wanted.text,
        to=wanted.to,
        from_=wanted.from_,
        model=translator,
        versus=versus if versus is None or inspecting.is_reading(versus) else opened(versus, shared),
        target=wanted.target,
        beam=wanted.beam,
    )
    with line_writer(wanted.output, end="") as write:
        write(page.html)
    if not shared.quiet:
        note(f"wrote {wanted.output}; open it in a browser")
