"""`weft evaluate`: how good a model's translations of given pairs are, or an aligner's links between them."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from weft.base.errors import ConfigError, DataError
from weft.cli.machine import direction, opened
from weft.cli.options import Shared
from weft.cli.progress import counting
from weft.cli.sources import Columns, Pictures, pairs_of

if TYPE_CHECKING:
    from weft.translating.translator import Translator


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

    model: Annotated[
        str | None, typer.Option(metavar="MODEL", help="A name (see weft models), a folder or hf:ORG/NAME.")
    ] = None
    pairs: Annotated[
        str | None, typer.Option(metavar="F.tsv", help="Source TAB reference (.gz, .xz too; - reads them).")
    ] = None
    to: Annotated[str | None, typer.Option(metavar="L", help="Target language, if the model writes several.")] = None
    from_: Annotated[
        str | None, typer.Option("--from", metavar="L", help="Source language, if the model reads several.")
    ] = None
    beam: Annotated[int | None, typer.Option(min=1, metavar="N", help="Beam width; default: the model's own.")] = None
    lowercase: Annotated[bool, typer.Option("--lowercase", help="Do not tell capitals from small letters.")] = False
    tokenize: Annotated[Tokenize, typer.Option(help="How BLEU finds words.")] = Tokenize.mteval
    gold: Annotated[
        str | None, typer.Option(metavar="F.tsv", help="Source TAB target TAB links: i-j sure, i?j possible, from 0.")
    ] = None
    links: Annotated[
        str | None, typer.Option(metavar="F", help="Links to score: a line i-j ... for each line of --gold.")
    ] = None
    reverse_links: Annotated[
        str | None, typer.Option(metavar="F", help="Links of the other direction, i source and j target all the same.")
    ] = None
    symmetrise: Annotated[
        str | None, typer.Option(metavar="NAME", help="How to join the two directions; default: show every way.")
    ] = None
    source_columns: Columns = None
    images: Pictures = None
    format: Annotated[Report, typer.Option(help="Lines for people, or one object.")] = Report.text


_OF_LINKS = ("gold", "links", "reverse_links", "symmetrise")
_OF_TRANSLATIONS = ("model", "pairs", "to", "from_", "beam", "lowercase", "tokenize", "source_columns", "images")


def evaluate(wanted: Options, shared: Shared) -> None:
    """Score a model's translations (BLEU, chrF), or word links against gold ones (AER, precision, recall, F1)."""
    of_links, of_translations = _given(wanted, _OF_LINKS), _given(wanted, _OF_TRANSLATIONS)
    if of_links and of_translations:
        raise ConfigError(
            f"wanted links to score or translations, got {', '.join([*of_links, *of_translations])}; "
            f"leave out {of_links[0]} or {of_translations[0]}"
        )
    if of_links:
        _evaluate_links(wanted, shared)
    else:
        _evaluate_translations(wanted, shared)


def _given(wanted: Options, names: tuple[str, ...]) -> list[str]:
    """Those of the options that were given, as they are written."""
    defaults = {field.name: field.default for field in dataclasses.fields(wanted)}
    given = [name for name in names if getattr(wanted, name) != defaults[name]]
    return [f"--{name.strip('_').replace('_', '-')}" for name in given]


def _evaluate_links(wanted: Options, shared: Shared) -> None:
    from weft.cli.link_scores import Files, link_scores, show

    if wanted.gold is None or wanted.links is None:
        raise ConfigError(f"wanted --gold and --links, got {', '.join(_given(wanted, _OF_LINKS))}; give both")
    files = Files(wanted.gold, wanted.links, wanted.reverse_links)
    found = link_scores(files, wanted.symmetrise, seed=shared.seed or 0)
    if wanted.format is Report.json:
        print(json.dumps(found.to_json(), ensure_ascii=False))
    else:
        show(found)


def _evaluate_translations(wanted: Options, shared: Shared) -> None:
    if wanted.model is None or wanted.pairs is None:
        got = ", ".join(_given(wanted, _OF_TRANSLATIONS)) or "neither"
        raise ConfigError(f"wanted --model and --pairs (or --gold and --links), got {got}; give both")
    translator = opened(wanted.model, shared)
    from_, to = direction(translator, wanted.to, wanted.from_)
    pairs = list(pairs_of(wanted.pairs, wanted.source_columns, wanted.images, translator.config.model.sources))
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
    translator: Translator, sources: list[Any], to: str, from_: str, wanted: Options, shared: Shared
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
