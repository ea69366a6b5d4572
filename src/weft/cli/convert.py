"""`weft convert`: a model in another form, or in another place."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from weft.base.errors import ConfigError
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


def convert(wanted: Options, shared: Shared) -> None:
    """Write a model in another form, whole or not at all; push it to the Hugging Face hub, or pull it from there."""
    from weft.store.names import HUB

    if wanted.target.startswith(HUB):
        _push(wanted, shared)
    elif wanted.to is Form.weft:
        _pull(wanted)
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


def _pull(wanted: Options) -> None:
    from weft import publishing
    from weft.store import names

    if not wanted.source.startswith(names.HUB):
        raise ConfigError(
            f"--to weft wants hf:ORG/NAME to bring a model from, got {wanted.source}; "
            "for another form choose --to hf or ct2"
        )
    publishing.pull(wanted.source, Path(wanted.target))
