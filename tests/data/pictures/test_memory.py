"""Memory: what a picture takes is known from its header, kept below the limit, or refused before it is allocated."""

from __future__ import annotations

import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from polyglance.data.pictures import memory
from polyglance.data.pictures.images import decode
from polyglance.errors import PictureError

DEFLATE, RAW, FLOAT = 8, 1, 3


def png(width: int, height: int, kind: int = 6, bits: int = 8, pixels: bytes = b"") -> bytes:
    """Return a PNG of that size and colour type (6: RGBA) which may hold no pixels."""
    data = b"\x89PNG\r\n\x1a\n"
    for name, body in (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, bits, kind, 0, 0, 0)),
        (b"IDAT", zlib.compress(pixels)),
        (b"IEND", b""),
    ):
        data += struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
    return data


def float_tiff(width: int, height: int, compression: int = DEFLATE, strips: int = 1) -> bytes:
    """Return a TIFF of 32-bit floats that holds no pixels."""
    tags = {
        256: (4, 1, width),
        257: (4, 1, height),
        258: (3, 1, 32),
        259: (3, 1, compression),
        262: (3, 1, 1),
        273: (4, strips, 8),
        277: (3, 1, 1),
        278: (4, 1, -(-height // strips)),
        279: (4, strips, 8),
        339: (3, 1, FLOAT),
    }
    entries = b"".join(struct.pack("<HHII", tag, *value) for tag, value in sorted(tags.items()))
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + bytes(4 + 8 * strips)


def jpeg(width: int, height: int, **save) -> bytes:
    """Return a JPEG that claims a size but holds few pixels."""
    data = bytearray(encoded(Image.new("RGB", (16, 16)), "JPEG", **save))
    frame = max(data.find(b"\xff\xc0"), data.find(b"\xff\xc2"))
    struct.pack_into(">HH", data, frame + 5, height, width)
    return bytes(data)


def one_component_a_scan(data: bytes) -> bytes:
    """Change the first scan's header so that two components are left for later scans."""
    at = data.index(b"\xff\xda")
    (length,) = struct.unpack_from(">H", data, at + 2)
    return data[:at] + b"\xff\xda\0\x08\1" + data[at + 5 : at + 7] + b"\0\x3f\0" + data[at + 2 + length :]


def encoded(image: Image.Image, kind: str, **save) -> bytes:
    buffer = BytesIO()
    image.save(buffer, kind, **save)
    return buffer.getvalue()


def refusal(data: bytes) -> str:
    with pytest.raises(PictureError) as caught:
        decode(data, side=224, max_pixels=300_000_000)
    return caught.value.message


@pytest.mark.parametrize(
    ("data", "megabytes"),
    [
        (float_tiff(1, 100_000_000), 1660),  # 4 bytes and the pointer to each row, and the strip
        (float_tiff(1, 300_000_000), 4860),
        (float_tiff(1, 100_000_000, RAW), 1260),
        (float_tiff(100_000_000, 1), 860),
        (png(1, 100_000_000), 1260),
        (png(100_000_000, 1), 2060),  # and two rows of 8 bytes a pixel
        (png(17_000, 17_000, kind=2), 1216),
        (jpeg(17_000, 17_000, progressive=True, subsampling=0), 1812),
        (one_component_a_scan(jpeg(17_000, 17_000, subsampling=0)), 1812),
    ],
    ids=[
        "tall",
        "very tall",
        "tall, raw",
        "wide",
        "tall PNG",
        "wide PNG",
        "colour PNG",
        "progressive",
        "several scans",
    ],
)
def test_what_would_take_too_much_is_refused_from_the_header(data, megabytes):
    assert len(data) < 10_000
    assert refusal(data) == f"needs {megabytes} MB of memory, over the limit of 600 MB"


def test_a_tiff_of_millions_of_strips_is_refused():
    assert "is stored in 300000 strips" in refusal(float_tiff(1, 300_000, RAW, strips=300_000))


def test_a_baseline_jpeg_of_any_size_is_decoded_at_reduced_size():
    picture = decode(jpeg(17_000, 17_000), side=224, max_pixels=300_000_000)
    assert (picture.width, picture.image.size) == (17_000, (532, 532))


PEAK = """
import sys
from polyglance.data.pictures.images import decode
def status(key):
    return next(int(line.split()[1]) * 1024 for line in open("/proc/self/status") if line.startswith(key))
data = open(sys.argv[1], "rb").read()
decode(open(sys.argv[2], "rb").read(), side=8, max_pixels=100)  # what is loaded once
open("/proc/self/clear_refs", "w").write("5")
before = status("VmRSS")
decode(data, side=int(sys.argv[3]), max_pixels=300_000_000)
print(status("VmHWM") - before)
"""


@pytest.fixture
def peak(tmp_path: Path) -> Callable[..., int]:
    """Return what decoding a file takes at most, in bytes, measured in a process of its own."""
    if not Path("/proc/self/clear_refs").exists():
        pytest.skip("needs Linux's account of memory")

    def measure(data: bytes, kind: str, side: int) -> int:
        (tmp_path / "picture").write_bytes(data)
        (tmp_path / "small").write_bytes(encoded(Image.new("RGB", (8, 8)), kind))
        command = [sys.executable, "-c", PEAK, str(tmp_path / "picture"), str(tmp_path / "small"), str(side)]
        return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)

    return measure


@pytest.mark.parametrize(
    ("kind", "data", "pixels", "side"),
    [
        ("PNG", lambda: png(1, 12_000_000, pixels=bytes([0, 9, 9, 9, 99]) * 12_000_000), 12_000_000, 224),
        ("PNG", lambda: encoded(Image.new("RGBA", (12_000_000, 1), (1, 2, 3, 99)), "PNG"), 12_000_000, 224),
        ("TIFF", lambda: encoded(Image.new("F", (3000, 3000), 0.5), "TIFF", compression="tiff_lzw"), 9_000_000, 224),
        ("TIFF", lambda: encoded(Image.new("I", (3000, 3000), 5), "TIFF"), 9_000_000, 2000),
        ("TIFF", lambda: encoded(Image.new("RGB", (4000, 3000)), "TIFF", tiffinfo={274: 6}), 12_000_000, 2000),
        ("WEBP", lambda: encoded(Image.new("RGBA", (4000, 3000), (1, 2, 3, 99)), "WEBP", method=0), 12_000_000, 2000),
    ],
    ids=["tall RGBA", "wide RGBA", "floats", "integers in full", "TIFF to be turned", "WebP in full"],
)
def test_decoding_takes_at_most_15_bytes_a_pixel(peak, kind, data, pixels, side):
    content = data()
    assert 0 < peak(content, kind, side) < 15 * pixels + 20_000_000


def test_an_honest_panorama_of_a_hundred_megapixels_is_decoded_below_the_limit(peak):
    rows = np.full((4000, 25_000, 3), 200, np.uint8)
    data = encoded(Image.fromarray(rows), "PNG", compress_level=1)
    assert 300_000_000 < peak(data, "PNG", 224) < memory.MAX_BYTES
