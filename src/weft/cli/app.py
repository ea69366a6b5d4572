"""The verbs of `weft`, each with a worked example."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import typer

from weft.cli.align import align
from weft.cli.caption import caption
from weft.cli.convert import convert
from weft.cli.evaluate import evaluate
from weft.cli.inspect import inspect
from weft.cli.models import models
from weft.cli.options import Shared, before_verb, verb, with_options
from weft.cli.score import score
from weft.cli.train import train
from weft.cli.translate import translate

# Plain help: rich would double the time until it is there.
app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog='Example: weft translate "The big red dog sleeps." --to fr --align',
)
app.callback()(with_options(before_verb, Shared))

_EXAMPLES: dict[Callable[[Any, Shared], None], str] = {
    translate: """
        weft translate "The big red dog sleeps." --to fr --align
        weft translate --to fr --input book.txt --output livre.txt
        weft translate --to fr --input book.txt --output livre.txt --resume
        cat lines.txt | weft translate --to fr --format json""",
    align: """
        weft align --statistical --input pairs.tsv --output links.txt
        weft align --statistical --save runs/aligner --lexicon words.tsv --input pairs.tsv --output links.txt
        weft align --load runs/aligner --input more.tsv --output links.txt
        weft align --model en-fr --input pairs.tsv --format json
        weft align --model hf:Helsinki-NLP/opus-mt-en-de --tune --input pairs.tsv
        weft align --model en-fr --reverse-model runs/fr-en/best --symmetrise grow-diag --input pairs.tsv
        echo "the red dog ||| le chien rouge" | weft align --model en-fr --format html --output dog.html""",
    evaluate: """
        weft evaluate --model en-fr --pairs test.tsv
        weft evaluate --model runs/en+de/last --pairs three.tsv --source-columns en,target,de
        weft evaluate --gold gold.tsv --links links.txt
        zcat test.tsv.gz | cut -f1,3 | weft evaluate --model runs/de/last --pairs -""",
    score: """
        weft score --model en-fr --pairs pairs.tsv
        weft score --model runs/en+de/last --pairs three.tsv --source-columns en,target,de""",
    train: """
        weft train recipes/multi30k-en-de.toml --out runs/de --data data
        weft train recipes/multi30k-en-de.toml --out runs/de --data data --resume
        weft train my.toml --out runs/mine --set training.steps=2000 --init runs/de/best""",
    caption: """
        weft caption photo.jpg
        weft caption pictures/ --explain page.html
        weft caption 'scans/*.png' more/ --model runs/captioner/best --nbest 3 --format json""",
    models: "weft models --format json",
    convert: """
        weft convert en-fr en-fr-hf --to hf
        weft convert en-fr en-fr-ct2 --to ct2
        weft convert runs/mine/best hf:me/mine
        weft convert hf:me/mine models/mine""",
    inspect: """
        weft inspect "The big red dog sleeps." --to fr --output dog.html
        weft inspect "The big red dog sleeps." --to fr --output dog.html --versus shifted,mutual""",
}
"""What each verb's help ends with."""

for _function, _example in _EXAMPLES.items():
    _lines = "\n".join(f"  {line.strip()}" for line in _example.strip().splitlines())
    app.command(epilog=f"Example:\n\n\b\n{_lines}")(verb(_function))
