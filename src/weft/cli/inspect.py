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
        str | None,
        typer.Option(metavar="MODEL", help="A name (see weft models), a folder or hf:ORG/NAME; default: the first."),
    ] = None
    versus: Annotated[
        str | None,
        typer.Option(
            metavar="MODEL|ALIGNER|READING",
            help="A second panel: another model, the folder of a statistical aligner, or how else to read the links: "
            "shifted, unshifted, norm-weighted, mutual, argmax, threshold, monotone, layer=N, heads=N+N, or any "
            "setting as key=value, parted by commas.",
        ),
    ] = None
    target: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Look at this translation instead of the model's own.")
    ] = None
    beam: Annotated[int | None, typer.Option(min=1, metavar="N", help="Beam width; default: the model's own.")] = None


def inspect(wanted: Options, shared: Shared) -> None:
    """Draw a sentence, its translation and every attention head on one page to open in a browser."""
    translator = opened(wanted.model, shared, to=wanted.to, from_=wanted.from_)
    from weft.aligning import inspecting
    from weft.store.aligner import is_aligner

    versus = wanted.versus
    known = versus is None or inspecting.is_reading(versus) or is_aligner(Path(versus))
    page = inspecting.inspect(
        wanted.text,
        to=wanted.to,
        from_=wanted.from_,
        model=translator,
        versus=versus if versus is None or known else opened(versus, shared),
        target=wanted.target,
        beam=wanted.beam,
    )
    with line_writer(wanted.output, end="") as write:
        write(page.html)
    if not shared.quiet:
        note(f"wrote {wanted.output}; open it in a browser")
