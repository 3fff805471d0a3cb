"""Formats: told apart by their bytes, not their names."""

from __future__ import annotations

import struct

import pytest
from polyglance.data.pictures.sniffing import sniff_format
from polyglance.errors import PictureError


def box(major: bytes, *compatible: bytes) -> bytes:
    body = b"ftyp" + major + bytes(4) + b"".join(compatible)
    return struct.pack(">I", len(body) + 4) + body + bytes(16)


def tiff(order: str, **tags: int) -> bytes:
    """Return the start of a TIFF whose first directory has these numeric tags, `t254=1` for tag 254."""
    entries = [struct.pack(order + "HHII", int(name[1:]), 4, 1, value) for name, value in tags.items()]
    magic = b"II*\0" if order == "<" else b"MM\0*"
    return magic + struct.pack(order + "IH", 8, len(entries)) + b"".join(entries) + bytes(4)


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"\xff\xd8\xff\xe0", "JPEG"),
        (b"\x89PNG\r\n\x1a\n", "PNG"),
        (b"GIF87a", "GIF"),
        (b"GIF89a", "GIF"),
        (b"RIFF\x10\0\0\0WEBPVP8 ", "WEBP"),
        (b"BM" + bytes(20), "BMP"),
        (struct.pack("<I", 40) + bytes(40), "DIB"),
        (box(b"avif", b"mif1"), "AVIF"),
        (box(b"mif1", b"miaf", b"avif"), "AVIF"),
        (box(b"heic", b"mif1"), "HEIF"),
        (box(b"mif1", b"heic"), "HEIF"),
        (box(b"crx ", b"isom"), "RAW"),
        (b"FUJIFILMCCD-RAW 0201", "RAW"),
        (b"IIRO\x08\0\0\0", "RAW"),
        (b"IIU\0\x08\0\0\0", "RAW"),
        (b"II*\0\x10\0\0\0CR\x02\0", "RAW"),
        (tiff("<", t254=0, t256=10), "TIFF"),
        (tiff("<", t254=0, t330=99), "TIFF"),
        (tiff("<", t254=1, t330=99), "RAW"),
        (tiff(">", t254=1, t330=99), "RAW"),
        (tiff("<", t254=0, t50706=1), "RAW"),
        (tiff(">", t262=32803), "RAW"),
        (tiff("<", t262=2), "TIFF"),
        (b"II*\0", "TIFF"),
        (b"MM\0*\xff\xff\xff\xff", "TIFF"),
        (b"II+\0\x08\0\0\0", "TIFF"),
    ],
)
def test_each_format_is_known_by_its_first_bytes(data, name):
    assert sniff_format(data) == name


@pytest.mark.parametrize("data", [b"", b"B", b"RIFF\x10\0\0\0WAVE", box(b"isom", b"mp42"), b"\x28\0\0\0"])
def test_anything_else_is_refused(data):
    with pytest.raises(PictureError, match="is not a picture polyglance can read"):
        sniff_format(data)


def test_a_huge_first_box_is_not_walked_in_full():
    assert sniff_format(b"\xff\xff\xff\xffftypheic" + bytes(8)) == "HEIF"
