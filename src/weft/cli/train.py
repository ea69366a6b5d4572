"""`weft train`: a recipe in, a run folder out; Ctrl-C saves and says how to go on."""

from __future__ import annotations

import logging
import os
import shlex
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from weft.cli.machine import device_of, no_numbers
from weft.cli.options import Shared
from weft.cli.status import INTERRUPTED, note

if TYPE_CHECKING:
    from weft.runs.recipe import Recipe


_SHOW_CURSOR = b"\x1b[?25h"


@dataclass(frozen=True, kw_only=True)
class Options:
    """What `weft train` understands."""

    recipe: Annotated[Path, typer.Argument(metavar="RECIPE.toml", help="What to train; copy one from recipes/.")]
    out: Annotated[Path, typer.Option(metavar="DIR", help="The run folder: log, checkpoints, best and last model.")]
    data: Annotated[Path, typer.Option(metavar="DIR", help="Where the files that the recipe names are.")] = Path()
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Change a key of the recipe, as in training.steps=100."),
    ] = None
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the latest checkpoint in --out.")] = False
    init: Annotated[
        str | None, typer.Option(metavar="MODEL", help="Start from this model's weights and tokenizer.")
    ] = None

    def resolved(self, shared: Shared) -> Recipe:
        """The recipe with all settings of the command line applied over it."""
        from weft.runs.recipe import read_recipe

        settings = list(self.settings or [])
        if shared.seed is not None:
            settings.append(f"seed={shared.seed}")
        if shared.batch_tokens is not None:
            settings.append(f"training.batch_tokens={shared.batch_tokens}")
        return read_recipe(self.recipe, settings)


def train(wanted: Options, shared: Shared) -> None:
    """Train the model of a recipe. Ctrl-C saves; --resume goes on as if nothing had happened."""
    no_numbers(shared, "train", "a recipe says it: --set training.precision=bfloat16")
    recipe = wanted.resolved(shared)
    device = device_of(shared)
    from weft.cli.train_progress import display
    from weft.runs.trainer import train as run

    quiet = shared.quiet or os.environ.get("RANK", "0") != "0"  # of several processes one speaks
    if not quiet:
        logging.getLogger("weft").setLevel(min(logging.INFO, logging.getLogger("weft").level))
    stopping = Stopping()
    with stopping.listening(), display(recipe.training, quiet=quiet) as report:

        def after_update(status: Any) -> None:
            stopping.can_wait = True
            report(status)

        try:
            run(
                recipe,
                wanted.out,
                data=wanted.data,
                resume=wanted.resume,
                init=wanted.init,
                device=device,
                report=after_update,
                stop=stopping.answer,
            )
        except KeyboardInterrupt:
            raise KeyboardInterrupt(
                _how_to_go_on(wanted, shared, "stopped before there was anything to save")
            ) from None
    if stopping.answered:
        raise KeyboardInterrupt(_how_to_go_on(wanted, shared, "stopped and saved"))
    if not quiet:
        note(f"done; the model is {wanted.out / 'last'}")


@dataclass
class Stopping:
    """Whether somebody asked to stop, by Ctrl-C or SIGTERM: the trainer then saves first; asked twice, it dies."""

    asked: bool = False
    can_wait: bool = False
    """True once there is something to save."""
    answered: bool = field(default=False, init=False)
    """True once the trainer was told."""

    def answer(self) -> bool:
        """For the trainer: True ends training after a checkpoint."""
        self.answered = self.answered or self.asked
        return self.asked

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Within the block signals only set a flag, once there is something to save."""
        watched = (signal.SIGINT, signal.SIGTERM)
        before = {number: signal.signal(number, self._hear) for number in watched}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _hear(self, number: int, frame: object) -> None:
        if not self.can_wait:
            raise KeyboardInterrupt
        # Written past Python's buffers, which this signal may have interrupted in the middle of a line.
        if self.asked:
            os.write(2, _SHOW_CURSOR if os.isatty(2) else b"")
            os._exit(INTERRUPTED)
        self.asked = True
        os.write(2, b"\nweft: saving after this update; once more ends it at once, without saving\n")


def _how_to_go_on(wanted: Options, shared: Shared, what: str) -> str:
    if not (wanted.out / "config.toml").exists():
        return f"{what}; the same command starts again"
    words = ["weft", "train", wanted.recipe, "--out", wanted.out, "--data", wanted.data]
    words += [word for setting in wanted.settings or [] for word in ("--set", setting)]
    options = {"--init": wanted.init, "--seed": shared.seed, "--batch-tokens": shared.batch_tokens}
    words += [word for name, value in options.items() if value is not None for word in (name, value)]
    return f"{what}; go on with: {shlex.join(str(word) for word in (*words, '--resume'))}"
