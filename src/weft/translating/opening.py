"""A model by whatever name it goes: weft's own, somebody else's checkpoint, or one of the hub."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import torch

from weft.base.errors import UnsupportedError
from weft.data.borrowed import BorrowedTokenizer
from weft.interop.checkpoint import CONFIG, GENERATION, is_checkpoint
from weft.interop.hub import fetch, is_hub_name
from weft.interop.read import describe, read
from weft.interop.tokenizers import read_tokenizer, source_language
from weft.models.config import ModelConfig
from weft.models.source import Text
from weft.store.config import ANY, LanguagePair, StoredConfig
from weft.store.folder import CARD, StoredModel, check_tokenizer, file_hash, fingerprint
from weft.store.folder import load as load_stored

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

    `pickle` allows a checkpoint's `.bin` files, `ignore` names fields of its configuration that shall not matter.
    Raises what `store.folder.load`, `interop.hub.fetch`, `interop.read.read` and `read_tokenizer` do.
    """
    place = fetch(str(model), pickle=pickle) if is_hub_name(model) else model
    if not is_checkpoint(Path(place).expanduser()):
        return load_stored(place, device=device, dtype=dtype)
    folder = Path(place).expanduser()
    about = describe(folder, ignore=ignore)
    _refuse_other_sources(about.shape, folder)
    tokenizer = read_tokenizer(folder, about)
    found = read(folder, dtype=dtype, pickle=pickle, ignore=ignore)
    config = StoredConfig(model=found.config, languages=_languages(tokenizer, folder), search=found.search)
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


def _refuse_other_sources(shape: ModelConfig, folder: Path) -> None:
    if shape.source != Text():
        raise UnsupportedError(
            f"{folder}: wanted a model that translates text, got one that reads a {shape.source.modality}; read it "
            "with weft.interop.read.read, and what it reads with weft.interop.processor"
        )


def _languages(tokenizer: BorrowedTokenizer, folder: Path) -> tuple[LanguagePair, ...]:
    """The directions that a checkpoint's tokenizer knows of; `*` where it need not know."""
    from_ = source_language(folder) or ANY
    return tuple(LanguagePair(from_=from_, to=to) for to in tokenizer.languages or (ANY,))
