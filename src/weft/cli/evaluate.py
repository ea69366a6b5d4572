"""`weft evaluate`: how good a model's translations of given pairs are."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from weft.base.errors import DataError
from weft.cli.machine import direction, opened
from weft.cli.options import Shared
from weft.cli.progress import counting
from weft.data.text import read_pairs

if TYPE_CHECKING:
    from weft.translator import Translator


class Tokenize(StrEnum):
    """sacreBLEU's tokenizers for BLEU."""

    mteval = "13a"
    none = "none"
    intl = "intl"


class Report(StrEnum):
    """How results are written."""

    text = "text"
    json = "json"


@dataclass(frozen=True, kw_only=True)
class Options:
    """What `weft evaluate` understands."""

    model: Annotated[str, typer.Option(metavar="MODEL", help="A name (see weft models) or a folder.")]
    pairs: Annotated[str, typer.Option(metavar="F.tsv", help="Source TAB reference (.gz, .xz too; - reads them).")]
    to: Annotated[str | None, typer.Option(metavar="L", help="Target language, if the model writes several.")] = None
    from_: Annotated[
        str | None, typer.Option("--from", metavar="L", help="Source language, if the model reads several.")
    ] = None
    beam: Annotated[int | None, typer.Option(min=1, metavar="N", help="Beam width; default: the model's own.")] = None
    lowercase: Annotated[bool, typer.Option("--lowercase", help="Do not tell capitals from small letters.")] = False
    tokenize: Annotated[Tokenize, typer.Option(help="How BLEU finds words.")] = Tokenize.mteval
    format: Annotated[Report, typer.Option(help="Lines for people, or one object.")] = Report.text


def evaluate(wanted: Options, shared: Shared) -> None:
    """BLEU and chrF of a model on pairs, with sacreBLEU's signatures."""
    translator = opened(wanted.model, shared)
    from_, to = direction(translator, wanted.to, wanted.from_)
    pairs = list(read_pairs(wanted.pairs))
    if not pairs:
        raise DataError(f"{wanted.pairs}: wanted pairs to score, got none; give lines of source TAB reference")
    translations = _translated(translator, [source for source, _ in pairs], to, from_, wanted, shared)
    found = {"pairs": len(pairs), **_scores(translations, [target for _, target in pairs], wanted)}
    if wanted.format is Report.json:
        print(json.dumps(found, ensure_ascii=False))
        return
    print(f"pairs  {len(pairs)}")
    for name, measure in (("BLEU", found["bleu"]), ("chrF", found["chrf"])):
        print(f"{name}   {measure['score']:.2f}  {measure['signature']}")


def _translated(
    translator: Translator, sources: list[str], to: str, from_: str, wanted: Options, shared: Shared
) -> list[str]:
    found = []
    with counting("lines", total=len(sources), quiet=shared.quiet) as advance:
        for translation in translator.translate_lines(sources, to=to, from_=from_, beam=wanted.beam):
            found.append(translation.text)
            advance()
    return found


def _scores(translations: list[str], references: list[str], wanted: Options) -> dict[str, Any]:
    from sacrebleu.metrics.bleu import BLEU
    from sacrebleu.metrics.chrf import CHRF

    metrics = {
        "bleu": BLEU(lowercase=wanted.lowercase, tokenize=wanted.tokenize.value),
        "chrf": CHRF(lowercase=wanted.lowercase),
    }
    return {
        name: {
            "score": metric.corpus_score(translations, [references]).score,
            "signature": str(metric.get_signature()),
        }
        for name, metric in metrics.items()
    }
