"""Names under which photos are saved: names of files, never of paths, that every system can write."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterable

MAX_NAME_BYTES = 200
"""In UTF-8. File systems allow 255; a browser or an archive program may add something."""

_MAX_ENDING = 16
"""A longer ending, in characters, is no ending but a part of the name."""

_FORBIDDEN = re.compile(r'[<>:"/\\|?*]')
_JOINERS = "\u200c\u200d"
"""Letters of Persian and parts of emoji; the other format characters can hide how a name ends."""

_RESERVED = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³])\s*(\..*)?", re.IGNORECASE | re.DOTALL)
"""Names that Windows takes for devices, whatever their ending is."""


def safe_name(path: bytes) -> str:
    """Return the name of the file at `path`, as text without separators, control and bidirectional characters.

    Each such character becomes an underscore, as do bytes that are no UTF-8. The result is never empty, `.` or `..`,
    no device of Windows, and at most `MAX_NAME_BYTES` long.
    """
    text = unicodedata.normalize("NFC", os.path.basename(path).decode("utf-8", "replace"))
    printable = "".join("_" if _is_unsafe(character) else character for character in text)
    name = _FORBIDDEN.sub("_", printable).strip(" ").rstrip(". ") or "photo"
    return _shortened("_" + name if _RESERVED.fullmatch(name) else name)


class UniqueNames:
    """Makes names different from all before, also where upper and lower case are the same."""

    def __init__(self, used: Iterable[str] = ()) -> None:
        self._used = {_key(name) for name in used}
        self._last: dict[str, int] = {}
        """Key of a name -> the last number that it was given, so that many equal names take no longer than others."""

    def add(self, name: str) -> str:
        """Return `name`, with a number before its ending if it is used already."""
        number = self._last.get(_key(name), 1)
        unique = name
        while _key(unique) in self._used:
            number += 1
            unique = _shortened(name, f" ({number})")
        self._last[_key(name)] = number
        self._used.add(_key(unique))
        return unique


def _is_unsafe(character: str) -> bool:
    category = unicodedata.category(character)
    return character == "\ufffd" or (category[0] == "C" and character not in _JOINERS) or category in {"Zl", "Zp"}


def _key(name: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def _shortened(name: str, addition: str = "") -> str:
    """Return `name` with `addition` before its ending, its stem cut to what `MAX_NAME_BYTES` leave for it."""
    stem, ending = os.path.splitext(name)
    if len(ending) > _MAX_ENDING:
        stem, ending = name, ""
    room = MAX_NAME_BYTES - len((addition + ending).encode())
    return stem.encode()[:room].decode("utf-8", "ignore") + addition + ending
