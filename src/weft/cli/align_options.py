"""What `weft align` can be asked for, and which of it goes together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from weft.base.errors import ConfigError
from weft.cli.alignment_forms import Form
from weft.cli.output import check_apart

STDIN = "-"


class Words(StrEnum):
    """What a word is."""

    given = "given"
    weft = "weft"


class Decision(StrEnum):
    """Which shares of a model's attention are links."""

    best_and_threshold = "best_and_threshold"
    argmax = "argmax"
    threshold = "threshold"
    mutual = "mutual"
    monotone = "monotone"


@dataclass(frozen=True, kw_only=True)
class Options:
    """What `weft align` understands."""

    model: Annotated[
        str | None, typer.Option(metavar="MODEL", help="Align by a model that translates source to target.")
    ] = None
    reverse_model: Annotated[
        str | None, typer.Option(metavar="MODEL", help="With --model: one that translates target to source.")
    ] = None
    tune: Annotated[
        bool,
        typer.Option(
            "--tune", help="With --model: find by these pairs (a few hundred) which head aligns, and keep it for MODEL."
        ),
    ] = False
    statistical: Annotated[
        bool, typer.Option("--statistical", help="Learn from these very pairs; needs no model and no GPU.")
    ] = False
    save: Annotated[
        Path | None, typer.Option(metavar="DIR", help="With --statistical: keep what was learnt, for --load.")
    ] = None
    load: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Align by what --statistical --save has learnt before.")
    ] = None
    lexicon: Annotated[
        Path | None,
        typer.Option(metavar="F.tsv", help="Write word TAB word TAB p(target|source) TAB p(source|target)."),
    ] = None
    symmetrise: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="forward, reverse, intersection, union, grow-diag, grow-diag-or, grow-diag-final or "
            "grow-diag-final-and. Default: grow-diag; with a model for one direction: forward.",
        ),
    ] = None
    words: Annotated[
        Words, typer.Option(help="given: what stands between white space; weft: words by Unicode, elisions split.")
    ] = Words.given
    format: Annotated[
        Form, typer.Option(help="pharaoh: i-j ..., from 0; json: with spans and probabilities; html: a page.")
    ] = Form.pharaoh
    input: Annotated[
        str | None,
        typer.Option(
            metavar="F", help="Lines of source TAB target or source ||| target (.gz, .xz too); default: standard input."
        ),
    ] = None
    output: Annotated[
        Path | None, typer.Option(metavar="F", help="Write there, line by line; default: standard output.")
    ] = None
    resume: Annotated[bool, typer.Option("--resume", help="Go on with an --output that was left off.")] = False
    to: Annotated[str | None, typer.Option(metavar="L", help="Language of the targets, if MODEL writes several.")] = (
        None
    )
    from_: Annotated[
        str | None, typer.Option("--from", metavar="L", help="Language of the sources, if MODEL reads several.")
    ] = None
    decision: Annotated[
        Decision | None, typer.Option(help="How attention becomes links; default: as the model says.")
    ] = None
    threshold: Annotated[
        float | None, typer.Option(min=0, max=1, metavar="P", help="Least share of a link; default: as the model says.")
    ] = None

    @property
    def source(self) -> str:
        """The file that pairs are read from."""
        return self.input or STDIN

    @property
    def outputs(self) -> list[Path]:
        """The files that are written."""
        return [path for path in (self.output, self.lexicon) if path is not None]

    def check(self) -> None:
        """Raises ConfigError for options that contradict each other."""
        ways = {"--model": self.model, "--statistical": self.statistical or None, "--load": self.load}
        given = [name for name, value in ways.items() if value is not None]
        if len(given) != 1:
            raise ConfigError(
                f"align wants one of --model MODEL, --statistical and --load DIR, got {' and '.join(given) or 'none'}; "
                "say how to align"
            )
        of_model = {
            "--reverse-model": self.reverse_model,
            "--to": self.to,
            "--from": self.from_,
            "--decision": self.decision,
            "--threshold": self.threshold,
            "--tune": self.tune or None,
        }
        self._only_with("--model", of_model, given)
        self._only_with("--statistical", {"--save": self.save}, given)
        if self.tune:
            self._check_tuning()
        if self.lexicon is not None and self.model is not None:
            raise ConfigError(
                "--lexicon is what the statistical aligner has learnt; give --statistical or --load, not --model"
            )
        if self.resume and (self.output is None or self.format is Form.html):
            raise ConfigError("--resume goes on with the lines of --output F; name it, and no --format html")
        if self.lexicon is not None and self.lexicon == self.output:
            raise ConfigError(f"--lexicon and --output are both {self.output}; give each a file of its own")
        check_apart(self.source, self.output)
        check_apart(self.source, self.lexicon, option="--lexicon")

    def _check_tuning(self) -> None:
        links = {
            "--reverse-model": self.reverse_model,
            "--symmetrise": self.symmetrise,
            "--decision": self.decision,
            "--threshold": self.threshold,
            "--output": self.output,
        }
        wrong = [name for name, value in links.items() if value is not None]
        if self.format is Form.html:
            wrong.append("--format html")
        if wrong:
            raise ConfigError(f"--tune finds a head and writes no links, got {wrong[0]}; leave one of them out")

    def _only_with(self, way: str, options: Mapping[str, object], given: list[str]) -> None:
        wrong = [name for name, value in options.items() if value is not None]
        if wrong and given != [way]:
            raise ConfigError(f"{wrong[0]} goes with {way}, got {given[0]}; leave one of them out")
