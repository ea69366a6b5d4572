"""`weft score`: how probable a model finds given translations."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import Annotated

import typer

from weft.cli.machine import direction, opened
from weft.cli.options import Shared
from weft.data.text import read_pairs

_WINDOW = 256


@dataclass(frozen=True, kw_only=True)
class Options:
    """What `weft score` understands."""

    model: Annotated[str, typer.Option(metavar="MODEL", help="A name (see weft models), a folder or hf:ORG/NAME.")]
    pairs: Annotated[str, typer.Option(metavar="F.tsv", help="Source TAB target (.gz, .xz too; - reads them).")]
    to: Annotated[str | None, typer.Option(metavar="L", help="Target language, if the model writes several.")] = None
    from_: Annotated[
        str | None, typer.Option("--from", metavar="L", help="Source language, if the model reads several.")
    ] = None


def score(wanted: Options, shared: Shared) -> None:
    """For each pair the log-probability of its target (natural logarithm) TAB the number of its tokens."""
    translator = opened(wanted.model, shared)
    from_, to = direction(translator, wanted.to, wanted.from_)
    pairs = read_pairs(wanted.pairs)
    while window := list(islice(pairs, _WINDOW)):
        for found in translator.score(window, to=to, from_=from_):
            print(f"{found.log_probability:.6f}\t{found.num_tokens}", flush=True)
