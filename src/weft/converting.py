"""A model from one form to another: a source that is read, a target that appears whole or not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from weft.base.errors import ConfigError, DataError
from weft.interop.checkpoint import CONFIG, is_checkpoint, read_json
from weft.interop.ctranslate2_folder import write_ctranslate2
from weft.interop.hub import fetch, is_hub_name
from weft.interop.write import write
from weft.store.atomic import whole_folder
from weft.store.folder import StoredModel, save
from weft.translating.opening import open_model

WRITERS: dict[str, Callable[[StoredModel, Path], None]] = {"hf": write, "ct2": write_ctranslate2}
"""Forms that a weft model leaves in, to what fills an empty folder with it."""


def convert(source: str | Path, target: Path, *, to: str) -> None:
    """Writes the model of a folder or a name to a new folder, in the form `to`: whole or not at all.

    A checkpoint that weft wrote is a model of its own; another cannot leave, its tokenizer is none of weft's.

    Raises ConfigError if the target is taken, DataError if it cannot be written (a full disk), and what reading the
    source and writing the form raise, before anything is written.
    """
    if to not in WRITERS:
        raise ConfigError(f"to must be one of {', '.join(WRITERS)}, got {to!r}; choose one of these")
    check_free(target)
    stored = open_model(source)
    try:
        with whole_folder(target) as part:
            WRITERS[to](stored, part)
    except OSError as error:
        raise DataError(
            f"{target}: wanted to write a model, got: {error}; make room or choose another place"
        ) from error


def adopt(source: str | Path, target: Path, *, pickle: bool = False, ignore: Iterable[str] = ()) -> None:
    """Writes a checkpoint, of a folder or of `hf:ORG/NAME`, as a model folder of weft's: whole or not at all.

    `pickle` allows its `.bin` files, `ignore` names fields of its configuration that shall not matter. Raises
    ConfigError if the target is taken or the source is a model of weft's already, and what opening it raises.
    """
    check_free(target)
    folder = fetch(str(source), pickle=pickle) if is_hub_name(source) else Path(source).expanduser()
    if not is_checkpoint(folder):
        if (folder / CONFIG).is_file():
            read_json(folder / CONFIG)  # one that is damaged is told so
        raise ConfigError(f"{source}: wanted a checkpoint, got none; a model of weft's leaves with --to hf or --to ct2")
    stored = open_model(folder, pickle=pickle, ignore=ignore)
    card = stored.card or f"# {target.name}\n\nConverted from {source}; its licence is that of the checkpoint.\n"
    save(target, stored.model, stored.tokenizer, stored.config, card)


def check_free(target: Path) -> None:
    """Raises ConfigError unless nothing stands there yet, or an empty folder."""
    if target.exists() and not (target.is_dir() and not any(target.iterdir())):
        raise ConfigError(f"{target}: wanted a new or empty folder, got one that is taken; choose another name")
