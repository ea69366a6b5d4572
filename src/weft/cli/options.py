"""Options as dataclasses: a field is an option, a verb takes the whole, and typer sees the fields one by one."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, TypeVar, get_type_hints

import typer

from weft.cli.status import guarded

Wanted = TypeVar("Wanted")


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(f"weft {version('weft')}")
        raise typer.Exit


class Numbers(StrEnum):
    """What a model computes in; the names are those of `weft.load`."""

    float32 = "float32"
    bfloat16 = "bfloat16"
    float16 = "float16"
    int8 = "int8"


@dataclass(frozen=True, kw_only=True)
class Shared:
    """What every verb understands, and `weft` itself before the verb."""

    device: Annotated[str | None, typer.Option(metavar="NAME", help="Where to compute: cpu, cuda, cuda:1, mps ...")] = (
        None
    )
    dtype: Annotated[
        Numbers | None, typer.Option(help="Numbers of a model that is opened; int8: fast on a processor.")
    ] = None
    threads: Annotated[int | None, typer.Option(min=1, metavar="N", help="Processor threads to use.")] = None
    batch_tokens: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Source tokens that are worked on together.")
    ] = None
    seed: Annotated[
        int | None, typer.Option(min=0, metavar="N", help="Decides what is random: all of a training run.")
    ] = None
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress and no notes, only errors.")] = False
    debug: Annotated[bool, typer.Option("--debug", help="Show where an error came from.")] = False
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False

    def over(self, earlier: Shared | None) -> Shared:
        """These options, and where one was not given, what stood before the verb."""
        given = {name: value for name, value in vars(self).items() if value is not None and value is not False}
        return dataclasses.replace(earlier or Shared(), **given)


def before_verb(context: typer.Context, **values: Any) -> None:
    """Train encoder-decoder Transformers, translate with them, and see which word came from where."""
    context.obj = Shared(**values)


def verb(function: Callable[[Wanted, Shared], None]) -> Callable[..., None]:
    """A function for typer: its options are the fields of the first parameter's dataclass, and those of `Shared`.

    It runs guarded: whatever goes wrong ends in a message and one of the exit statuses.
    """
    first, _ = inspect.signature(function).parameters
    options = get_type_hints(function)[first]
    shared_names = [field.name for field in dataclasses.fields(Shared)]

    def command(context: typer.Context, **values: Any) -> None:
        shared = Shared(**{name: values.pop(name) for name in shared_names}).over(context.obj)
        with guarded(debug=shared.debug, quiet=shared.quiet):
            function(options(**values), shared)

    command.__name__, command.__doc__ = function.__name__, function.__doc__
    return with_options(command, options, Shared)


def with_options(command: Callable[..., None], *options: type) -> Callable[..., None]:
    """`command(context, **values)` with a signature in which every field of the dataclasses is a parameter."""
    context = inspect.Parameter("context", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context)
    parameters = [context, *(parameter for one in options for parameter in _parameters(one))]
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return command


def _parameters(options: Any) -> Iterator[inspect.Parameter]:
    hints = get_type_hints(options, include_extras=True)
    for field in dataclasses.fields(options):
        default = inspect.Parameter.empty if field.default is dataclasses.MISSING else field.default
        kind = inspect.Parameter.KEYWORD_ONLY
        yield inspect.Parameter(field.name, kind, default=default, annotation=hints[field.name])
