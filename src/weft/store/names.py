"""What MODEL may be: the name of a model that is installed or ships with the package, or a folder."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from pathlib import Path

from platformdirs import user_data_path

from weft.base.errors import ConfigError, UnsupportedError
from weft.base.validate import nearest
from weft.store.atomic import settle
from weft.store.config import FILE_NAME, LanguagePair, StoredConfig, read_config

BUNDLED = Path(__file__).with_name("bundled")
HUB = "hf:"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Available:
    """A model that can be named, as `weft models` lists it."""

    name: str
    folder: Path
    languages: tuple[LanguagePair, ...]
    size_bytes: int
    """Of all files of the folder."""
    licence: str
    data: tuple[str, ...]
    scores: dict[str, float]
    reads: str
    """text, picture or sound."""

    def translates(self, to: str, from_: str | None = None) -> bool:
        """True if it writes `to` and reads text in `from_` (None: in whatever it reads)."""
        return self.reads == "text" and any(pair.to == to and from_ in (None, pair.from_) for pair in self.languages)


def home() -> Path:
    """The folder of installed models: the environment's WEFT_HOME, or the platform's place for data."""
    chosen = os.environ.get("WEFT_HOME")
    return Path(chosen).expanduser() if chosen else user_data_path("weft") / "models"


def find(model: str | Path) -> Path:
    """The folder of a model. A name of an installed model wins over that of a bundled one, and both over a folder.

    Raises ConfigError that names the models there are, or UnsupportedError for `hf:ORG/NAME`.
    """
    text = str(model)
    if text.startswith(HUB):
        raise UnsupportedError(
            f"{text}: wanted a weft model, got one of the Hugging Face hub; bring it here with `weft convert {text} "
            "TARGET` and name its folder"
        )
    named = _named().get(text) if isinstance(model, str) else None
    folder = named or Path(model).expanduser()
    settle(folder)
    if text and (folder / FILE_NAME).is_file():
        return folder
    raise ConfigError(f"wanted a model that is there, got {text!r}; {_there_are(text)}")


def available() -> list[Available]:
    """Every installed and bundled model, by name; one that cannot be read is left out with a warning in the log."""
    found = []
    for name, folder in sorted(_named().items()):
        try:
            found.append(_described(name, folder, read_config(folder)))
        except ConfigError as error:
            log.warning("model %s is left out: %s", name, error)
    return found


def default(to: str, from_: str | None = None) -> str:
    """The name of the first model that translates to `to` from `from_`; ConfigError names the directions there are."""
    models = available()
    for model in models:
        if model.translates(to, from_):
            return model.name
    texts = [model for model in models if model.reads == "text"]
    pairs = sorted({f"{pair.from_}-{pair.to}" for model in texts for pair in model.languages})
    raise ConfigError(
        f"wanted a model from {from_ or 'any language'} to {to}, got none; there are {', '.join(pairs) or 'none'}: "
        f"choose one of these, or name a folder as the model"
    )


def first(reads: str = "text") -> str:
    """The name of the first model that reads text, or pictures; ConfigError if there is none."""
    models = [model for model in available() if model.reads == reads]
    if not models:
        raise ConfigError(
            f"wanted a model that reads {reads}, got no name, and none is installed in {home()}; name a folder as the "
            "model, or train one"
        )
    return models[0].name


def _named() -> dict[str, Path]:
    places = [place for place in (BUNDLED, home()) if place.is_dir()]  # later ones win
    folders = [path for place in places for path in place.iterdir() if not path.name.startswith(".")]
    return {path.name: path for path in folders if (path / FILE_NAME).is_file()}


def _described(name: str, folder: Path, config: StoredConfig) -> Available:
    return Available(
        name=name,
        folder=folder,
        languages=config.languages,
        size_bytes=sum(path.stat().st_size for path in folder.iterdir()),
        licence=config.about.licence,
        data=config.about.data,
        scores=config.about.scores,
        reads=config.model.source.modality,
    )


def _there_are(text: str) -> str:
    names = sorted(_named())
    if not names:
        return f"no model is installed in {home()}: give a folder that holds a {FILE_NAME}"
    return f"{nearest(text, names)} (a folder that holds a {FILE_NAME} is a model too; `weft models` lists the rest)"
