"""A model by whatever name it goes: weft's own, somebody else's checkpoint, or one of the hub."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import torch

from weft.alignment.settings import AlignmentSettings
from weft.base.errors import ConfigError, UnsupportedError
from weft.data.text_tokenizer import TextTokenizer
from weft.interop.checkpoint import CONFIG, GENERATION, is_checkpoint
from weft.interop.hub import fetch, is_hub_name
from weft.interop.out_tokenizer import own_languages, read_own
from weft.interop.processor import read_picture
from weft.interop.read import describe, read
from weft.interop.tokenizers import read_tokenizer, source_language
from weft.models.config import ModelConfig
from weft.models.source import Picture, Sound
from weft.store.config import ANY, LanguagePair, StoredConfig, write_config
from weft.store.folder import CARD, StoredModel, check_tokenizer, file_hash, fingerprint
from weft.store.folder import load as load_stored
from weft.store.names import BUNDLED
from weft.store.reading import find_reading, forget_reading, keep_reading

PICTURE = "picture"
"""The language that pictures are in."""
_WEIGHTS = (".safetensors", ".bin")


def open_model(
    model: str | Path,
    *,
    device: torch.device | str | None = None,
    dtype: torch.dtype = torch.float32,
    pickle: bool = False,
    ignore: Iterable[str] = (),
) -> StoredModel:
    """The model of a name, of a folder of weft's or of transformers, or of `hf:ORG/NAME` of either kind.

    Its alignment is read as `keep_alignment` said last. `pickle` allows a checkpoint's `.bin` files, `ignore` names
    fields of its configuration that shall not matter.
    Raises what `store.folder.load`, `interop.hub.fetch`, `interop.read.read` and `read_tokenizer` do.
    """
    place = fetch(str(model), pickle=pickle) if is_hub_name(model) else model
    folder = Path(place).expanduser()
    if is_checkpoint(folder):
        _refuse_sound(describe(folder, ignore=ignore).shape, folder)
        stored = _adopted(folder, device=device, dtype=dtype, pickle=pickle, ignore=ignore)
    else:
        stored = load_stored(place, device=device, dtype=dtype)
    reading = find_reading(stored.folder, stored.fingerprint)
    return stored if reading is None else _read_by(stored, reading)


def open_checkpoint(
    model: str | Path, *, device: torch.device | str | None = None, dtype: torch.dtype = torch.float32
) -> StoredModel:
    """A checkpoint that reads whatever it reads, sound too, with the tokenizer of what it writes.

    Raises what `open_model` does, and ConfigError for a folder that is no checkpoint.
    """
    folder = fetch(str(model)) if is_hub_name(model) else Path(model).expanduser()
    if not is_checkpoint(folder):
        raise ConfigError(f"{model}: wanted the folder of a checkpoint or hf:ORG/NAME, got none; give one of these")
    return _adopted(folder, device=device, dtype=dtype, pickle=False, ignore=())


def keep_alignment(model: str | Path, stored: StoredModel, settings: AlignmentSettings) -> Path:
    """Writes where the alignment of a model is read, so that opening it finds it again, and says into which file.

    That is its own `config.json`; for a checkpoint, a file of weft's beside its files; for what ships, lies in a cache
    or cannot be written, one under WEFT_HOME. Raises ConfigError if nothing can be written.
    """
    folder = stored.folder
    lent = is_hub_name(model) or folder.parent == BUNDLED
    if lent or is_checkpoint(folder):
        return keep_reading(None if lent else folder, stored.fingerprint, settings)
    try:
        write_config(folder, _read_by(stored, settings).config)
    except OSError:
        return keep_reading(None, stored.fingerprint, settings)
    forget_reading(stored.fingerprint)
    return folder / CONFIG


def _read_by(stored: StoredModel, settings: AlignmentSettings) -> StoredModel:
    return replace(stored, config=stored.config.model_copy(update={"alignment": settings}))


def _adopted(
    folder: Path, *, device: torch.device | str | None, dtype: torch.dtype, pickle: bool, ignore: Iterable[str]
) -> StoredModel:
    """The model of a checkpoint with the tokenizer beside it; weft's own, if it is a model that left and comes back."""
    about = describe(folder, ignore=ignore)
    own, sees = read_own(folder), isinstance(about.shape.source, Picture)
    tokenizer = own or read_tokenizer(folder, about)
    from_ = PICTURE if sees else source_language(folder) or ANY
    found = read(folder, dtype=dtype, pickle=pickle, ignore=ignore)
    config = StoredConfig(
        model=found.config,
        languages=_languages(tokenizer, from_) if own is None else own_languages(folder),
        pixels=read_picture(folder) if sees else None,
        search=found.search,
    )
    check_tokenizer(folder, tokenizer, config)
    files = [path for path in folder.iterdir() if path.suffix in _WEIGHTS or path.name in (CONFIG, GENERATION)]
    hashes = {path.name: file_hash(path) for path in files} | {"tokenizer": tokenizer.fingerprint}
    card = folder / CARD
    return StoredModel(
        model=found.model.to(device or "cpu"),
        tokenizer=tokenizer,
        config=config,
        card=card.read_text(encoding="utf-8") if card.exists() else "",
        folder=folder,
        fingerprint=fingerprint(found.config, hashes),
    )


def _refuse_sound(shape: ModelConfig, folder: Path) -> None:
    if isinstance(shape.source, Sound):
        raise UnsupportedError(
            f"{folder}: wanted a model that reads text or pictures, got one that reads a sound; open one of sound with "
            "weft.transcriber"
        )


def _languages(tokenizer: TextTokenizer, from_: str) -> tuple[LanguagePair, ...]:
    """The directions that a checkpoint's tokenizer knows of; `*` where it need not know."""
    return tuple(LanguagePair(from_=from_, to=to) for to in tokenizer.languages or (ANY,))
