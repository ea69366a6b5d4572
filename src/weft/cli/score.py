"""`weft score`: how probable a model finds given translations."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import Annotated

import typer

from weft.cli.machine import direction, opened
from weft.cli.options import Shared
from weft.cli.sources import Columns, Pictures, pairs_of
from weft.cli.status import Problems

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
    source_columns: Columns = None
    images: Pictures = None


def score(wanted: Options, shared: Shared) -> None:
    """For each pair the log-probability of its target (natural logarithm) TAB the number of its tokens.

    A pair whose sources cannot be read has a blank line.
    """
    translator = opened(wanted.model, shared)
    from_, to = direction(translator, wanted.to, wanted.from_)
    problems = Problems()
    pairs = pairs_of(wanted.pairs, wanted.source_columns, wanted.images, translator.config.model.sources, problems)
    while window := list(islice(pairs, _WINDOW)):
        scores = iter(translator.score([pair for pair in window if pair[0] is not None], to=to, from_=from_))
        for source, _ in window:
            found = None if source is None else next(scores)
            print("" if found is None else f"{found.log_probability:.6f}\t{found.num_tokens}", flush=True)
    problems.end()
