"""A picture as the bytes of a file that browsers show."""

from __future__ import annotations

import io

from weft.data.image import Image, resized
from weft.data.open_picture import from_array

LONGEST = 960
"""Pixels of the longer side of what is shown."""
_DRAWN = 150_000  # bytes up to which a picture is kept to the last bit, as drawings are small


def encoded(picture: Image, *, longest: int = LONGEST) -> tuple[bytes, str]:
    """The bytes of a PNG, or of a JPEG where that would be large, and its media type; at most `longest` a side."""
    height, width = picture.shape[:2]
    factor = min(1.0, longest / max(height, width))
    image = from_array(resized(picture, (max(1, round(height * factor)), max(1, round(width * factor)))))
    png = io.BytesIO()
    image.save(png, "png", optimize=True)
    if png.tell() <= _DRAWN:
        return png.getvalue(), "image/png"
    jpeg = io.BytesIO()
    image.save(jpeg, "jpeg", quality=88)
    return jpeg.getvalue(), "image/jpeg"
