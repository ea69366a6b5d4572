"""Pictures opened: a file, a URL that is a local path, bytes or an array, as red, green and blue the right way up."""

from __future__ import annotations

import io
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TypeAlias
from urllib.parse import urlsplit
from urllib.request import url2pathname

import numpy as np
from numpy.typing import NDArray

from weft.base.errors import DataError, UnsupportedError

if TYPE_CHECKING:
    from PIL.Image import Image

PictureLike: TypeAlias = "str | Path | bytes | NDArray[Any] | Image"

MOST_PIXELS = 50_000_000
"""The largest picture that is decoded whole: 150 MB of numbers."""
ENOUGH = 1024
"""Pixels of a side that a JPEG which is larger is decoded to, where its format can."""

JPEG = b"\xff\xd8\xff"
"""What the file of a JPEG begins with."""

_log = logging.getLogger(__name__)


def read_picture(source: PictureLike, *, name: str | None = None) -> NDArray[np.uint8]:
    """A picture as `[h w 3]`, red, green and blue from 0 to 255, turned as its EXIF orientation says.

    `source` is a path, a `file:` URL, the bytes of a file, a picture of pillow's, or an array: `[h w]` grey, `[h w 3]`
    or `[h w 4]`, whole numbers from 0 to 255 or fractions from 0 to 1. What is transparent becomes white. Of an
    animation the first frame is read, and the log says so. JPEGs that are far larger than any model reads are decoded
    at a fraction of their size; others of more than 50 million pixels are refused before they are decoded. Raises
    DataError that begins with `name` (by default the path).
    """
    if isinstance(source, np.ndarray):
        return _checked(source, name or "array")
    if not isinstance(source, str | Path | bytes):
        return _of_pillow(source, name or "picture")
    where = name or ("bytes" if isinstance(source, bytes) else str(source))
    with _told(where), _stream(source) as stream, _header_read(stream) as image:
        _shrink(image)
        return _decoded(image, where)


def _of_pillow(image: Any, where: str) -> NDArray[np.uint8]:
    if not isinstance(image, _pillow().Image):
        raise DataError(f"{where}: wanted a path, bytes, an array or a picture of pillow's, got {type(image).__name__}")
    with _told(where):
        return _decoded(image, where)


def from_array(picture: NDArray[np.uint8]) -> Image:
    """An array `[h w 3]` as pillow's picture."""
    return _pillow().fromarray(picture)


def to_array(image: Any) -> NDArray[np.uint8]:
    """pillow's picture as `[h w 3]`; what is transparent becomes white."""
    if "A" in image.getbands() or "transparency" in image.info:
        image = image.convert("RGBA")
        white = _pillow().new("RGBA", image.size, (255, 255, 255, 255))
        image = _pillow().alpha_composite(white, image)
    if image.mode.startswith("I;16") or image.mode in ("I", "F"):
        image = _pillow().fromarray(_from_wide(np.asarray(image)))
    return np.array(image.convert("RGB"))


@contextmanager
def _told(where: str) -> Iterator[None]:
    """Whatever goes wrong with a picture is a DataError that says which one it was."""
    pillow = _pillow()
    try:
        yield
    except pillow.UnidentifiedImageError as error:
        raise DataError(f"{where}: wanted a picture, got another kind of file; give a JPEG, PNG or the like") from error
    except (pillow.DecompressionBombError, pillow.DecompressionBombWarning) as error:
        count = next((f"{int(number):,}" for number in re.findall(r"\d+", str(error))), "more")
        raise DataError(
            f"{where}: wanted at most {MOST_PIXELS:,} pixels, got {count}; make the picture smaller"
        ) from error
    except OSError as error:
        reason = error.strerror or str(error)
        raise DataError(f"{where}: wanted a whole picture, got: {reason}; check the path, or fetch it again") from error
    except SyntaxError as error:  # what pillow raises for a broken header
        raise DataError(f"{where}: wanted a whole picture, got: {error}; fetch it again") from error


def _stream(source: str | Path | bytes) -> IO[bytes]:
    return io.BytesIO(source) if isinstance(source, bytes) else _local(str(source)).open("rb")


def _header_read(stream: IO[bytes]) -> Image:
    """The picture of a stream. A JPEG may be of any size: it need not be decoded whole."""
    from PIL.JpegImagePlugin import JpegImageFile

    jpeg = stream.read(len(JPEG)) == JPEG
    stream.seek(0)
    return JpegImageFile(stream) if jpeg else _pillow().open(stream)


def _decoded(image: Any, where: str) -> NDArray[np.uint8]:
    from PIL import ImageOps

    width, height = image.size
    if width * height > MOST_PIXELS:
        raise DataError(
            f"{where}: wanted at most {MOST_PIXELS:,} pixels, got {width:,} x {height:,}; make the picture smaller"
        )
    if getattr(image, "n_frames", 1) > 1:
        _log.warning("%s: an animation of %d frames; the first one is read", where, image.n_frames)
        image.seek(0)
    return to_array(ImageOps.exif_transpose(image))


def _shrink(image: Any) -> None:
    """A JPEG is decoded at a half, quarter or eighth of its size, as long as both sides stay above what is enough."""
    if image.format == "JPEG":
        image.draft(None, (ENOUGH, ENOUGH))


def _local(source: str) -> Path:
    """The path of a file, given as a path or a URL. Raises UnsupportedError for a URL of another machine."""
    parts = urlsplit(source)
    if len(parts.scheme) < 2:  # a drive letter is no scheme
        return Path(source).expanduser()
    if parts.scheme != "file" or parts.netloc not in ("", "localhost"):
        raise UnsupportedError(f"{source}: wanted a local picture, got the URL of another machine; download it first")
    return Path(url2pathname(parts.path))


def _checked(array: NDArray[Any], where: str) -> NDArray[np.uint8]:
    """An array of somebody's as `[h w 3]` of bytes."""
    if array.ndim not in (2, 3) or 0 in array.shape or (array.ndim == 3 and array.shape[2] not in (1, 3, 4)):
        raise DataError(
            f"{where}: a picture must be [h w], [h w 1], [h w 3] or [h w 4], got {list(array.shape)}; channels come "
            "last"
        )
    if array.dtype != np.uint8:
        array = _from_fractions(array, where)
    return to_array(_pillow().fromarray(array[:, :, 0] if array.shape[2:] == (1,) else array))


def _from_fractions(array: NDArray[Any], where: str) -> NDArray[np.uint8]:
    if array.dtype.kind != "f" or not (array.min() >= 0 and array.max() <= 1):
        raise DataError(
            f"{where}: wanted bytes, or fractions from 0 to 1, got {array.dtype} from {array.min()} to {array.max()}; "
            "divide by the largest value there can be"
        )
    return (array * 255).round().astype(np.uint8)


def _from_wide(grey: NDArray[Any]) -> NDArray[np.uint8]:
    """Grey of 16 bits or more as bytes: by its high byte if it needs more than one."""
    return (grey / 257 if grey.max() > 255 else grey).clip(0, 255).round().astype(np.uint8)


def _pillow() -> Any:
    try:
        import PIL.Image
    except ImportError as error:
        raise UnsupportedError('pictures want pillow, which is not installed: pip install "weft[image]"') from error
    return PIL.Image
