"""`weft convert`: a model in another form, or in another place."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from weft.base.errors import ConfigError
from weft.cli.machine import no_numbers
from weft.cli.options import Shared
from weft.cli.status import note


class Form(StrEnum):
    """What a model can be written as."""

    weft = "weft"
    hf = "hf"
    ct2 = "ct2"


@dataclass(frozen=True, kw_only=True)
class Options:
    """What `weft convert` understands."""

    source: Annotated[str, typer.Argument(metavar="SOURCE", help="A name (see weft models), a folder or hf:ORG/NAME.")]
    target: Annotated[str, typer.Argument(metavar="TARGET", help="A new folder; or, for weft models, hf:ORG/NAME.")]
    to: Annotated[Form, typer.Option(help="weft's own, a folder for transformers, or one for CTranslate2.")] = Form.weft
    pickle: Annotated[bool, typer.Option("--pickle", help="Read .bin files too, taking nothing but tensors.")] = False
    ignore: Annotated[
        list[str] | None, typer.Option(metavar="FIELD", help="A field of a checkpoint's configuration to pass over.")
    ] = None


def convert(wanted: Options, shared: Shared) -> None:
    """Write a model in another form, whole or not at all; push it to the Hugging Face hub, or pull it from there."""
    from weft.store.names import HUB

    no_numbers(shared, "convert", "weights are converted as they are, and computed with as --dtype of other verbs says")
    if wanted.target.startswith(HUB):
        _push(wanted, shared)
    elif wanted.to is Form.weft:
        _bring(wanted)
    else:
        from weft import converting

        converting.convert(wanted.source, Path(wanted.target), to=wanted.to.value)


def _push(wanted: Options, shared: Shared) -> None:
    from weft import publishing

    if wanted.to is not Form.weft:
        raise ConfigError(f"a target on the hub wants --to weft, got {wanted.to.value}; convert to a folder first")
    address = publishing.push(wanted.source, wanted.target)
    if not shared.quiet:
        note(f"pushed to {address}")


def _bring(wanted: Options) -> None:
    """A checkpoint becomes a model of weft's; one of weft's own on the hub comes as it is."""
    from weft import converting, publishing
    from weft.interop import hub
    from weft.interop.checkpoint import is_checkpoint

    if hub.is_hub_name(wanted.source) and not is_checkpoint(hub.fetch(wanted.source, pickle=wanted.pickle)):
        publishing.pull(wanted.source, Path(wanted.target))
    else:
        converting.adopt(wanted.source, Path(wanted.target), pickle=wanted.pickle, ignore=wanted.ignore or ())
