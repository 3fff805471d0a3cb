"""Camera raw: said plainly without the extra; with it, the camera's preview or a quick development."""

from __future__ import annotations

import importlib.util
import struct
from io import BytesIO

import numpy as np
import pytest
from PIL import Image
from polyglance.data.pictures.images import decode
from polyglance.errors import PictureError

WIDTH, HEIGHT, PREVIEW = 640, 480, (320, 240)
BYTE, ASCII, SHORT, LONG, RATIONAL, SIGNED_RATIONAL = 1, 2, 3, 4, 5, 10

needs_rawpy = pytest.mark.skipif(not importlib.util.find_spec("rawpy"), reason="needs the extra `raw`")


def directory(at: int, tags: dict[int, tuple[int, int, bytes]]) -> bytes:
    """Assemble a TIFF directory that starts at byte `at`: tag -> (type, count, little-endian bytes)."""
    outside = at + 2 + 12 * len(tags) + 4
    entries, extra = struct.pack("<H", len(tags)), b""
    for tag, (kind, count, raw) in sorted(tags.items()):
        if len(raw) > 4:
            extra += raw + bytes(len(raw) % 2)
            raw = struct.pack("<I", outside + len(extra) - len(raw) - len(raw) % 2)
        entries += struct.pack("<HHI", tag, kind, count) + raw.ljust(4, b"\0")
    return entries + bytes(4) + extra


def number(value: int, kind: int = LONG) -> tuple[int, int, bytes]:
    return kind, 1, struct.pack("<I" if kind == LONG else "<H", value)


def dng(orientation: int = 6, preview: bytes | None = None) -> bytes:
    """Return a small DNG: a red JPEG preview, an uncompressed grey ramp on the sensor, and Nikon's name."""
    if preview is None:
        buffer = BytesIO()
        Image.new("RGB", PREVIEW, "red").save(buffer, "JPEG")
        preview = buffer.getvalue()
    sensor = np.tile(np.linspace(1000, 60000, WIDTH), (HEIGHT, 1)).astype("<u2").tobytes()

    def first(sub: int, pixels: int) -> bytes:
        identity = struct.pack("<18i", *(part for i in range(9) for part in (i % 4 == 0, 1)))
        tags = {
            254: number(1),
            256: number(PREVIEW[0]),
            257: number(PREVIEW[1]),
            258: (SHORT, 3, struct.pack("<3H", 8, 8, 8)),
            259: number(7, SHORT),
            262: number(6, SHORT),
            271: (ASCII, 6, b"Nikon\0"),
            272: (ASCII, 4, b"X10\0"),
            273: number(pixels),
            274: number(orientation, SHORT),
            277: number(3, SHORT),
            278: number(PREVIEW[1]),
            279: number(len(preview)),
            306: (ASCII, 20, b"2024:05:01 12:34:56\0"),
            330: number(sub),
            50706: (BYTE, 4, bytes([1, 4, 0, 0])),
            50708: (ASCII, 10, b"Nikon X10\0"),
            50721: (SIGNED_RATIONAL, 9, identity),
            50728: (RATIONAL, 3, struct.pack("<6I", 1, 1, 1, 1, 1, 1)),
            50778: number(21, SHORT),
        }
        return directory(8, tags)

    def second(at: int, pixels: int) -> bytes:
        tags = {
            254: number(0),
            256: number(WIDTH),
            257: number(HEIGHT),
            258: number(16, SHORT),
            259: number(1, SHORT),
            262: number(32803, SHORT),
            273: number(pixels),
            277: number(1, SHORT),
            278: number(HEIGHT),
            279: number(len(sensor)),
            33421: (SHORT, 2, struct.pack("<2H", 2, 2)),
            33422: (BYTE, 4, bytes([0, 1, 1, 2])),
            50717: number(65535),
        }
        return directory(at, tags)

    sub = 8 + len(first(0, 0))
    small = sub + len(second(sub, 0))
    preview += bytes(len(preview) % 2)
    return b"II*\0\x08\0\0\0" + first(sub, small) + second(sub, small + len(preview)) + preview + sensor


def test_a_raw_file_without_the_extra_says_what_to_install(monkeypatch):
    monkeypatch.setattr("polyglance.data.pictures.raw.find_spec", lambda name: None)
    with pytest.raises(PictureError, match="is a camera raw picture") as caught:
        decode(dng(), side=100, max_pixels=1_000_000)
    assert "pip install 'polyglance[raw]'" in caught.value.hint


@needs_rawpy
@pytest.mark.parametrize(("orientation", "size"), [(1, (320, 240)), (3, (320, 240)), (6, (240, 320)), (8, (240, 320))])
def test_the_cameras_preview_serves_and_is_turned_upright(orientation, size):
    picture = decode(dng(orientation), side=100, max_pixels=1_000_000)
    assert (picture.format, picture.image.size) == ("RAW", size)
    assert (picture.width, picture.height) == (size[0] * 2, size[1] * 2)
    assert picture.image.getpixel((9, 9))[0] > 250
    assert picture.image.getpixel((9, 9))[1] < 5
    assert (picture.facts.camera, picture.facts.taken_at) == ("Nikon X10", "2024-05-01T12:34:56")


@needs_rawpy
@pytest.mark.parametrize("orientation", [1, 6])
def test_a_preview_too_small_gives_way_to_the_sensor(orientation):
    picture = decode(dng(orientation), side=300, max_pixels=1_000_000)
    dark = picture.image.getpixel((5, 5))
    light = picture.image.getpixel((picture.image.width - 5, picture.image.height - 5))
    assert min(light) > max(dark) + 50
    assert (picture.width > picture.height) is (orientation == 1)
    assert (picture.image.width > picture.image.height) is (orientation == 1)


@needs_rawpy
def test_the_sensors_pixels_count_for_the_limit():
    with pytest.raises(PictureError, match="640 x 480 pixels"):
        decode(dng(), side=100, max_pixels=WIDTH * HEIGHT - 1)


@needs_rawpy
@pytest.mark.parametrize("length", [100, 400])
def test_a_truncated_raw_file_is_refused(length):
    with pytest.raises(PictureError, match=r"^is truncated or damaged: [^']*$"):
        decode(dng()[:length], side=100, max_pixels=1_000_000)
