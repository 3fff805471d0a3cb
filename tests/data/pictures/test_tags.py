"""Tags: directories are bounded before Pillow loads them."""

from __future__ import annotations

import struct
import tracemalloc
from io import BytesIO

import pytest
from PIL import Image
from polyglance.data.pictures import exif, tags
from polyglance.data.pictures.images import decode
from polyglance.errors import PictureError

DESCRIPTION, XP_COMMENT, RATIONAL, UNDEFINED = 270, 0x9C9C, 5, 7


def encoded(kind: str, **save) -> bytes:
    buffer = BytesIO()
    Image.new("RGB", (40, 30)).save(buffer, kind, **save)
    return buffer.getvalue()


def block(size: int, entries: int, kind: int = UNDEFINED, unit: int = 1, value: int | None = None) -> bytes:
    """Return an EXIF block in which each entry says that its value is `value` of its `size` bytes, or nearly all."""
    count = (value or size - 100_000) // unit
    body = b"".join(struct.pack("<HHII", 1000 + tag, kind, count, 50_000) for tag in range(entries))
    return b"Exif\0\0" + (b"II*\0" + struct.pack("<IH", 8, entries) + body + bytes(4)).ljust(size, b"\1")


def decoded(data: bytes):
    return decode(data, side=32, max_pixels=1_000_000)


def allocated(data: bytes) -> int:
    """Return the most that Python's allocator held while the picture was decoded, in bytes."""
    decoded(encoded("JPEG"))
    tracemalloc.start()
    try:
        decoded(data)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("save", [{}, {"compression": "tiff_lzw"}, {"big_tiff": True}])
def test_long_texts_of_a_tiff_are_cut_before_they_are_decoded(save):
    data = encoded("TIFF", tiffinfo={DESCRIPTION: ("é" * 5_000_000).encode(), XP_COMMENT: b"x\0" * 5_000_000}, **save)
    assert decoded(data).facts.caption == "é" * exif.MAX_TEXT
    assert allocated(data) < len(data) * 1.2 + 2_000_000


def test_a_long_block_of_a_tiff_is_left_out_and_the_picture_stays():
    data = encoded("TIFF", tiffinfo={700: b"<x>" + b" " * 3_000_000, 34675: b"\1" * 6_000_000, DESCRIPTION: "here"})
    picture = decoded(data)
    assert (picture.facts.caption, picture.image.size) == ("here", (40, 30))


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
@pytest.mark.parametrize(("type_", "unit"), [(UNDEFINED, 1), (RATIONAL, 8)])
def test_values_that_overlap_are_not_loaded_again_and_again(kind, type_, unit):
    data = encoded(kind, exif=block(500_000, 800, type_, unit))  # 800 x 400 KB
    assert allocated(data) < 20_000_000


def test_an_exif_block_over_several_segments_of_a_jpeg_is_bounded():
    content = block(500_000, 800)[6:]
    parts = [b"Exif\0\0" + content[at : at + 65_000] for at in range(0, len(content), 65_000)]
    segments = b"".join(b"\xff\xe1" + struct.pack(">H", 2 + len(part)) + part for part in parts)
    plain = encoded("JPEG")
    assert allocated(plain[:2] + segments + plain[2:]) < 20_000_000


def test_an_avif_whose_metadata_would_take_too_much_is_refused():
    harmless = encoded("AVIF", exif=block(500_000, 800, value=8))
    data = harmless.replace(block(500_000, 800, value=8)[6:], block(500_000, 800)[6:])
    assert data != harmless
    with pytest.raises(PictureError, match="has metadata that needs 320 MB of memory"):
        decoded(data)


def test_what_is_within_the_bounds_is_the_very_same_bytes():
    data = encoded("TIFF", tiffinfo={DESCRIPTION: "x" * 60_000})
    assert tags.trim(data) is data


def test_a_directory_that_names_itself_ends():
    header = b"II*\0" + struct.pack("<IH", 8, 1)
    data = header + struct.pack("<HHII", 34665, 4, 1, 8) + bytes(4)
    assert tags.trim(data) is data


@pytest.mark.parametrize("order", ["<", ">"])
def test_a_cut_value_says_its_new_length(order):
    head = b"II*\0" if order == "<" else b"MM\0*"
    entries = struct.pack(order + "HHII", DESCRIPTION, 2, 100_000, 38) + struct.pack(
        order + "HHII", 700, 7, 2 << 20, 38
    )
    data = head + struct.pack(order + "IH", 8, 2) + entries + bytes(4) + b"x" * 100_000
    cut = tags.trim(data)
    assert struct.unpack_from(order + "I", cut, 14) == (tags.MAX_TAG_BYTES,)
    assert struct.unpack_from(order + "I", cut, 26) == (0,)
    assert len(cut) == len(data)
