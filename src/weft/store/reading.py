"""Where a model's alignment is read, kept beside a model whose own files are not ours to write, or under WEFT_HOME."""

from __future__ import annotations

import json
import logging
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from weft.alignment.settings import AlignmentSettings
from weft.base.errors import ConfigError
from weft.base.validate import validate
from weft.store.atomic import whole_file
from weft.store.names import home

FILE_NAME = "weft-alignment.json"
_FOLDER = "alignments"  # under WEFT_HOME, a file a model

log = logging.getLogger(__name__)


class Reading(BaseModel):
    """All of the file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    fingerprint: str
    """Of the model for which it was found."""
    alignment: AlignmentSettings


def keep_reading(folder: Path | None, fingerprint: str, settings: AlignmentSettings) -> Path:
    """Writes settings into a model's folder, or under WEFT_HOME if that is None or cannot be written; says where.

    Raises ConfigError if neither can be.
    """
    text = Reading(fingerprint=fingerprint, alignment=settings).model_dump_json(indent=2) + "\n"
    at_home = _at_home(fingerprint)
    places = [at_home] if folder is None else [folder / FILE_NAME, at_home]
    for place in places:
        try:
            _write(place, text)
        except OSError as error:
            log.debug("%s: %s", place, error)
            continue
        if place != at_home:
            forget_reading(fingerprint)
        return place
    raise ConfigError(
        f"wanted to keep where the alignment is read in {' or '.join(map(str, places))}, got no place that can be "
        "written; set WEFT_HOME to a folder of yours"
    )


def find_reading(folder: Path, fingerprint: str) -> AlignmentSettings | None:
    """What was kept for a model, in its folder or else under WEFT_HOME; None if nothing was, or for other weights.

    Raises ConfigError for a file that cannot be read.
    """
    for place in (folder / FILE_NAME, _at_home(fingerprint)):
        if place.is_file():
            found = _read(place)
            if found.fingerprint == fingerprint:
                return found.alignment
            log.warning("%s was found for other weights and is passed over; tune the model again", place)
    return None


def forget_reading(fingerprint: str) -> None:
    """Removes what was kept under WEFT_HOME: there is a newer one elsewhere."""
    _at_home(fingerprint).unlink(missing_ok=True)


def _at_home(fingerprint: str) -> Path:
    return home() / _FOLDER / f"{fingerprint}.json"


def _write(place: Path, text: str) -> None:
    if place.name != FILE_NAME:
        place.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(place) as part:
        part.write_text(text, encoding="utf-8")


def _read(place: Path) -> Reading:
    try:
        data = json.loads(place.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{place}: wanted where an alignment is read, got: {error}; tune the model again") from error
    return validate(Reading, data, where=str(place))
