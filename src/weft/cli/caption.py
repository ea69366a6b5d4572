"""`weft caption`: pictures in, what they show out, one by one and in order."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from weft.base.errors import DataError
from weft.cli.evaluate import Report
from weft.cli.formats import one_line
from weft.cli.machine import opened
from weft.cli.options import Shared
from weft.cli.output import check_apart, check_place, line_writer
from weft.cli.picture_files import found_files
from weft.cli.progress import counting
from weft.cli.status import Problems, note

if TYPE_CHECKING:
    from weft.translating.caption import Caption
    from weft.translating.captioning import OpenedPicture
    from weft.translating.translator import Translator

_TOGETHER = 32  # pictures that are held at a time


@dataclass(frozen=True, kw_only=True)
class Options:
    """What `weft caption` understands."""

    images: Annotated[
        list[str], typer.Argument(metavar="IMAGE...", help="Pictures, folders (walked), patterns such as '*.png'.")
    ]
    model: Annotated[
        str | None,
        typer.Option(metavar="MODEL", help="A name (see weft models) or a folder; default: the first for pictures."),
    ] = None
    to: Annotated[str | None, typer.Option(metavar="L", help="Language, if the model writes several.")] = None
    beam: Annotated[int | None, typer.Option(min=1, metavar="N", help="Beam width; default: the model's own.")] = None
    nbest: Annotated[int, typer.Option(min=1, metavar="N", help="The N best; as text N lines a picture.")] = 1
    explain: Annotated[
        Path | None, typer.Option(metavar="F.html", help="A page that shows where the model looked for each word.")
    ] = None
    format: Annotated[
        Report,
        typer.Option(
            help="text: the caption; of more than one picture after its path and a tab. json: one object each."
        ),
    ] = Report.text


def caption(wanted: Options, shared: Shared) -> None:
    """Describe pictures in words: one line each."""
    files, problems = found_files(wanted.images), Problems()
    if wanted.explain:
        check_place(wanted.explain, option="--explain")
        for path in files.paths:
            check_apart(path, wanted.explain, option="--explain")
    for problem in files.problems:
        problems.say(problem)
    translator = _opened(wanted, shared)
    explained: list[Caption] = []
    with (
        line_writer(None) as write,
        counting("pictures", total=len(files.paths), quiet=shared.quiet or files.single, shares_screen=True) as advance,
    ):
        for found in _captions(translator, _readable(files.paths, problems), wanted):
            write("\n".join(_lines(found, wanted, alone=files.single)))
            explained += [found] if wanted.explain else []
            advance()
    if wanted.explain and explained:
        _write_page(wanted.explain, explained, translator.name, shared)
    problems.end()


def _opened(wanted: Options, shared: Shared) -> Translator:
    """The model, looked at before any picture is: one that reads none is told so."""
    from weft.store import names

    translator = opened(wanted.model or names.first("picture"), shared)
    translator.caption([])
    return translator


def _readable(paths: Iterable[str], problems: Problems) -> Iterator[OpenedPicture]:
    """The pictures one by one; what is wrong with the others is said."""
    from weft.translating.captioning import OpenedPicture

    for path in paths:
        try:
            picture = OpenedPicture.of(path)
        except DataError as error:
            problems.say(str(error))
        else:
            problems.good += 1
            yield picture


def _captions(translator: Translator, pictures: Iterator[OpenedPicture], wanted: Options) -> Iterator[Caption]:
    while batch := list(islice(pictures, _TOGETHER)):
        yield from translator.caption(
            batch, to=wanted.to, beam=wanted.beam, nbest=wanted.nbest, explain=wanted.explain is not None
        )


def _lines(found: Caption, wanted: Options, *, alone: bool) -> list[str]:
    if wanted.format is Report.json:
        return [json.dumps(found.to_json(), ensure_ascii=False)]
    texts = [one_line(hypothesis.text) for hypothesis in found.hypotheses]
    texts += [""] * (wanted.nbest - len(texts))
    return texts if alone else [f"{one_line(found.image)}\t{text}" for text in texts]


def _write_page(path: Path, captions: list[Caption], model: str, shared: Shared) -> None:
    from weft.translating.caption import captions_page

    page = captions_page(captions, note=model)
    with line_writer(path, end="", option="--explain") as write:
        write(page)
    if not shared.quiet:
        note(f"wrote {path}; open it in a browser")
