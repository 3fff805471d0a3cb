"""A check of HEIC files before pi_heif reads them."""

from __future__ import annotations

import re

from ...errors import PictureError

# An `infe` box up to the item's type: length, name, version and flags, item (2 bytes, from version 3 on 4), protection.
_ITEM_ENTRY = re.compile(rb"(....)infe(?:[\x00-\x02]...|[^\x00-\x02].....)....", re.DOTALL)


def check_items(data: bytes) -> None:
    """Raise PictureError if an item of a HEIC file has a type or a name that is no text.

    pi_heif 1.4 turns both into strings without checking for errors, and crashes the process.
    """
    meta = _find_box(data, b"meta")
    for match in _ITEM_ENTRY.finditer(meta):
        length = int.from_bytes(match.group(1), "big")
        try:
            meta[match.end() : match.start() + max(length, 20)].decode("utf-8")
        except UnicodeDecodeError as error:
            raise PictureError("is truncated or damaged: an item's type is no text") from error


def _find_box(data: bytes, name: bytes) -> bytes:
    """Return the first top-level box of that name, or nothing."""
    at = 0
    while at + 8 <= len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        if length == 1:
            length = int.from_bytes(data[at + 8 : at + 16], "big")
        length = length or len(data)  # 0: up to the end
        if data[at + 4 : at + 8] == name:
            return data[at : at + length]
        at += max(length, 8)
    return b""
