"""Pictures opened: every kind of file and array as red, green and blue the right way up, and what is refused."""

from __future__ import annotations

import io
import logging
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from weft.base.errors import DataError, UnsupportedError
from weft.data.open_picture import ENOUGH, MOST_PIXELS, read_picture

PIL = pytest.importorskip("PIL.Image")


def colours(height: int = 5, width: int = 7) -> Any:
    """A picture in which no two pixels are alike."""
    values = np.arange(height * width * 3, dtype=np.uint8).reshape(height, width, 3)
    return PIL.fromarray(values * 2)


def saved(image: Any, **how: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, **{"format": "PNG", **how})
    return stream.getvalue()


def promised(width: int, height: int) -> bytes:
    """A PNG that says it is so large, and ends there."""
    data = bytearray(saved(colours()))
    data[16:24] = struct.pack(">II", width, height)
    data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
    return bytes(data)


def test_a_path_a_url_bytes_and_an_array_are_the_same_picture(tmp_path: Path) -> None:
    image = colours()
    path = tmp_path / "a picture.png"
    path.write_bytes(saved(image))
    wanted = np.asarray(image)
    for source in (path, str(path), path.as_uri(), path.read_bytes(), wanted, wanted / 255):
        got = read_picture(source)
        assert got.dtype == np.uint8
        assert np.array_equal(got, wanted)


def test_grey_palette_and_one_bit_pictures_become_three_channels() -> None:
    image = colours()
    for mode in ("L", "P", "1", "LA", "CMYK"):
        other = image.convert(mode)
        how = {"format": "TIFF"} if mode == "CMYK" else {}
        assert np.array_equal(read_picture(saved(other, **how)), np.asarray(other.convert("RGB"))), mode
    grey = np.asarray(image)[:, :, 0]
    assert np.array_equal(read_picture(grey), np.stack([grey] * 3, -1))
    assert np.array_equal(read_picture(grey[:, :, None]), np.stack([grey] * 3, -1))


def test_sixteen_bits_become_eight() -> None:
    wide = PIL.fromarray((np.arange(35, dtype=np.uint16) * 1800).reshape(5, 7))
    assert np.array_equal(read_picture(saved(wide))[:, :, 1], np.round(np.asarray(wide) / 257).astype(np.uint8))


@pytest.mark.parametrize("kind", ["alpha", "palette with a transparent colour"])
def test_what_is_transparent_is_white(kind: str) -> None:
    if kind == "alpha":
        image, how = PIL.new("RGBA", (7, 5), (10, 20, 30, 0)), {}
        image.putpixel((3, 2), (10, 20, 30, 255))
    else:
        image, how = PIL.new("P", (7, 5), 0), {"transparency": 0}
        image.putpalette([1, 2, 3, 10, 20, 30])
        image.putpixel((3, 2), 1)
    got = read_picture(saved(image, **how))
    assert got[2, 3].tolist() == [10, 20, 30]
    assert (np.delete(got.reshape(-1, 3), 2 * 7 + 3, axis=0) == 255).all()


def test_a_camera_that_was_held_sideways_is_heeded() -> None:
    image = colours()
    turned = PIL.Exif()
    turned[0x0112] = 6  # the top of the scene is at the right
    got = read_picture(saved(image, exif=turned))
    assert np.array_equal(got, np.rot90(np.asarray(image), -1))


def test_the_first_frame_of_an_animation_is_read_and_it_is_said(caplog: pytest.LogCaptureFixture) -> None:
    frames = [PIL.new("RGB", (7, 5), colour) for colour in ((200, 0, 0), (0, 200, 0), (0, 0, 200))]
    data = saved(frames[0], format="GIF", save_all=True, append_images=frames[1:])
    with caplog.at_level(logging.WARNING):
        got = read_picture(data, name="moving.gif")
    assert (got == (200, 0, 0)).all()
    assert "moving.gif: an animation of 3 frames; the first one is read" in caplog.text


def test_one_pixel_is_a_picture() -> None:
    assert read_picture(saved(PIL.new("RGB", (1, 1), (1, 2, 3)))).tolist() == [[[1, 2, 3]]]


def test_a_huge_jpeg_is_decoded_at_a_fraction_of_its_size() -> None:
    side = 8 * (ENOUGH + 6)
    data = saved(PIL.new("L", (side, side), 77), format="JPEG")
    assert side * side > MOST_PIXELS
    got = read_picture(data)
    assert got.shape == (side // 8, side // 8, 3)
    assert (got == 77).all()


def test_another_huge_picture_is_refused_before_it_is_decoded() -> None:
    header = promised(20_000, 20_000)
    with pytest.raises(DataError, match=r"huge.png: wanted at most 50,000,000 pixels, got 400,000,000; make the"):
        read_picture(header, name="huge.png")
    between = promised(8_000, 8_000)
    with pytest.raises(DataError, match=r"big.png: .*, got 8,000 x 8,000; make the picture smaller"):
        read_picture(between, name="big.png")


def test_what_is_no_whole_picture_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no.png: wanted a picture, got another kind of file; give a JPEG, PNG or the"):
        read_picture(b"not a picture at all", name="no.png")
    waves = np.random.default_rng(3).integers(0, 255, (97, 89, 3), np.uint8)
    cut = saved(PIL.fromarray(waves), format="JPEG")[:4000]
    with pytest.raises(
        DataError, match=r"cut.jpg: wanted a whole picture, got: .*truncated.*; check the path, or fetch"
    ):
        read_picture(cut, name="cut.jpg")
    with pytest.raises(DataError, match=r"bytes: wanted a whole picture, got: .*; "):
        read_picture(cut[:30])
    missing = tmp_path / "missing.png"
    with pytest.raises(DataError, match=r"missing.png: wanted a whole picture, got: No such file or directory; check"):
        read_picture(missing)


def test_a_url_of_another_machine_is_refused() -> None:
    for url in ("https://example.org/a.png", "file://elsewhere/a.png"):
        with pytest.raises(
            UnsupportedError, match="wanted a local picture, got the URL of another machine; download it"
        ):
            read_picture(url)


@pytest.mark.parametrize("shape", [(3,), (5, 7, 2), (2, 5, 7, 3), (0, 7, 3)])
def test_an_array_of_another_shape_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(DataError, match=r"array: a picture must be \[h w\].*, got \[.*\]; channels come last"):
        read_picture(np.zeros(shape, np.uint8))


def test_numbers_of_another_range_are_refused() -> None:
    with pytest.raises(DataError, match=r"wanted bytes, or fractions from 0 to 1, got float64 from 0.0 to 2.0; divide"):
        read_picture(np.array([[0.0, 2.0]]))
    with pytest.raises(DataError, match=r"got int64 from 0 to 9; divide by the largest value there can be"):
        read_picture(np.array([[0, 9]]))
