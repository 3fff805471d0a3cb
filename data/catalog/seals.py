"""Seals: an 8-byte checksum of a catalog row's values, stored in the row, so that a changed bit is noticed.

A seal covers what cannot be read from the disk again cheaply. A photo's place and stat are left out: every scan
compares them with the disk. The encoding is unambiguous: each value is its type's letter, its length and its bytes.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator
from typing import Any

SIZE = 8
"""Bytes of a seal (BLAKE2b): a damaged row passes once in 2**64."""

PHOTO = (
    "content_hash",
    "error",
    "width",
    "height",
    "format",
    "taken_at",
    "camera",
    "lens",
    "latitude",
    "longitude",
    "caption",
    "keywords",
)
"""The columns of a photo row that its seal covers, in this order."""

VECTOR = ("encoder_id", "content_hash", "vector")
ENCODER = ("name", "fingerprint", "dimension", "dtype")
ROOT = ("path",)
SETTING = ("key", "value")
FAVOURITE = ("content_hash", "marked_at")

SEALED: dict[str, tuple[str, ...]] = {
    "photo": PHOTO,
    "vector": VECTOR,
    "encoder": ENCODER,
    "root": ROOT,
    "setting": SETTING,
    "favourite": FAVOURITE,
}
"""Table -> the columns its seals cover."""


def seal(table: str, *values: object) -> bytes:
    """The seal of a row of `table`, from the values of its SEALED columns as the driver returns them."""
    return hashlib.blake2b(
        b"".join(_encoded(value) for value in values), digest_size=SIZE, person=table.encode()
    ).digest()


def seal_row(table: str, row: Any) -> bytes:
    """The seal of a row, an object or a dict, that has the SEALED columns."""
    if isinstance(row, dict):
        return seal(table, *(row[name] for name in SEALED[table]))
    return seal(table, *(getattr(row, name) for name in SEALED[table]))


def differs_in_one_byte(one: bytes, other: object) -> bool:
    """Whether a stored seal is the right one but for its type or one byte: then it was damaged, not what it seals."""
    if isinstance(other, str):
        other = other.encode("utf-8", "surrogateescape")
    if not isinstance(other, bytes) or len(other) != len(one):
        return False
    return sum(a != b for a, b in zip(one, other, strict=True)) <= 1


def corrected(table: str, values: tuple[Any, ...], stored: object) -> tuple[Any, ...] | None:
    """The values that `stored` seals, if one changed byte of a text, or text for bytes, makes them so; None if not.

    Tries them all: 255 for each byte, about 0.1 s for a row of 200 bytes. By chance one fits once in 2**48.
    """
    for position, value in enumerate(values):
        for candidate in _variants(value):
            attempt = (*values[:position], candidate, *values[position + 1 :])
            if seal(table, *attempt) == stored:
                return attempt
    return None


def _variants(value: object) -> Iterator[object]:
    if not isinstance(value, str | bytes):
        return
    data = value.encode("utf-8", "surrogateescape") if isinstance(value, str) else value
    yield data if isinstance(value, str) else data.decode("utf-8", "surrogateescape")
    for place in range(len(data)):
        for byte in range(256):
            changed = data[:place] + bytes([byte]) + data[place + 1 :]
            yield changed.decode("utf-8", "surrogateescape") if isinstance(value, str) else changed


def _encoded(value: object) -> bytes:
    if value is None:
        return b"N"
    if isinstance(value, int):
        letter, data = b"I", b"%d" % value
    elif isinstance(value, float):
        letter, data = b"F", struct.pack("<d", value)
    elif isinstance(value, str):
        letter, data = b"S", value.encode("utf-8", "surrogateescape")
    elif isinstance(value, bytes):
        letter, data = b"B", value
    else:
        raise TypeError(f"a catalog holds no {type(value).__name__}")
    return letter + struct.pack("<Q", len(data)) + data
