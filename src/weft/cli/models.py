"""`weft models`: what there is to translate with."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from weft.cli.evaluate import Report
from weft.cli.options import Shared

if TYPE_CHECKING:
    from weft.store.names import Available

_MEGABYTE = 1e6


@dataclass(frozen=True, kw_only=True)
class Options:
    """What `weft models` understands."""

    format: Annotated[Report, typer.Option(help="Lines for people, or a list of objects.")] = Report.text


def models(wanted: Options, shared: Shared) -> None:
    """List the models that ship or are installed (under WEFT_HOME)."""
    from weft.store import names

    found = names.available()
    if wanted.format is Report.json:
        print(json.dumps([_to_json(model) for model in found], ensure_ascii=False, indent=2))
    elif found:
        print("\n\n".join(_described(model) for model in found))
    else:
        print(f"no model is installed in {names.home()}")


def _to_json(model: Available) -> dict[str, Any]:
    return {
        "name": model.name,
        "languages": [{"from": pair.from_, "to": pair.to} for pair in model.languages],
        "size_bytes": model.size_bytes,
        "licence": model.licence,
        "data": list(model.data),
        "scores": model.scores,
    }


def _described(model: Available) -> str:
    pairs = ", ".join(f"{pair.from_} to {pair.to}" for pair in model.languages)
    lines = [f"{model.name}  {pairs}  {model.size_bytes / _MEGABYTE:.1f} MB  {model.licence or 'licence not stated'}"]
    lines += [f"  {name}  {value:.2f}" for name, value in model.scores.items()]
    lines += [f"  data: {name}" for name in model.data]
    return "\n".join(lines)
