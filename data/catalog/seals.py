"""Seals: an 8-byte checksum of a catalog row's values, stored in the row, so that a changed bit is noticed.

A seal covers what cannot be read from the disk again cheaply. A photo's place and stat are left out: every scan
compares them with the disk. The encoding is unambiguous: each value is its type's letter, its length and its bytes.
"""

from __future__ import annotations

import hashlib
import struct
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
        b"".join(encoded(value) for value in values), digest_size=SIZE, person=table.encode()
    ).digest()


def seal_row(table: str, row: Any) -> bytes:
    """The seal of a row, an object or a dict, that has the SEALED columns."""
    if isinstance(row, dict):
        return seal(table, *(row[name] for name in SEALED[table]))
    return seal(table, *(getattr(row, name) for name in SEALED[table]))


def encoded(value: object) -> bytes:
    """A value of a row, unambiguously. Raises TypeError if no column can hold it."""
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
