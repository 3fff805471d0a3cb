"""Paths as exact bytes: text for terminals and pages, and containment.

A path's identity is its bytes: two names that look alike are two photos. On Windows the bytes are those of
`os.fsencode`, so every function below works there too.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

from ..errors import FolderError
from .addresses import is_url as is_url
from .addresses import normalise

_SEPARATORS = tuple(os.fsencode(separator) for separator in (os.sep, os.altsep) if separator)

_NAMED = {"\n": "\\n", "\t": "\\t", "\r": "\\r"}

# C0, DEL, C1, line and paragraph separators, bidirectional marks, overrides and isolates. In a file name they could
# break a line, control a terminal or show letters in another order.
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def _escape(match: re.Match[str]) -> str:
    character = match.group()
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"  # surrogateescape: an undecodable byte
    return _NAMED.get(character) or (f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}")


def display(path: bytes) -> str:
    r"""Return `path` as printable text that UTF-8 can always encode.

    Undecodable bytes and control characters become `\xNN` (`\n`, `\t`, `\r` by name), line separators and
    bidirectional controls `\uNNNN`. Everything else stays as it is, backslashes too: the text is for reading and
    cannot be turned back into a path.
    """
    # Not os.fsdecode: under LC_ALL=C it may decode as ASCII.
    return one_line(path.decode("utf-8", "surrogateescape"))


def one_line(text: str) -> str:
    """Return `text` with the characters escaped that could break its line, or control a terminal: see `display`."""
    return _UNSAFE.sub(_escape, text)


def absolute(path: str | bytes | os.PathLike[str] | os.PathLike[bytes]) -> bytes:
    """Return `path` absolute and normalised, `~` expanded, symbolic links kept, without a trailing slash.

    The address of a place in object storage is normalised too. Raises FolderError if the path is empty, holds a NUL
    byte, or is an address that cannot be a root.
    """
    try:
        raw = os.fsencode(path)
    except UnicodeEncodeError as error:
        raise FolderError("The path holds characters no file name can have.", "Check the path.") from error
    if not raw or b"\0" in raw:
        raise FolderError(
            "The path is empty." if not raw else "The path holds a NUL byte, which no file name can have.",
            "Name a folder.",
        )
    if is_url(raw):
        return normalise(raw)
    return os.path.abspath(os.path.expanduser(raw))


def _with_separator(folder: bytes) -> bytes:
    return folder if folder.endswith(_SEPARATORS) else folder + (b"/" if is_url(folder) else _SEPARATORS[0])


def is_within(child: bytes, parent: bytes) -> bool:
    """Whether `child` is `parent` or lies below it; both are `absolute` paths."""
    return child == parent or child.startswith(_with_separator(parent))


def relative_to(child: bytes, parent: bytes) -> bytes:
    """Return the path of `child` below `parent`; empty if they are the same folder.

    Raises ValueError if `child` is not within `parent`.
    """
    if not is_within(child, parent):
        raise ValueError(f"{display(child)} is not within {display(parent)}")
    return b"" if child == parent else child[len(_with_separator(parent)) :]


def join(root: bytes, relative: bytes) -> bytes:
    """Return the path of `relative` below `root`: the inverse of `relative_to`."""
    return _with_separator(root) + relative if relative else root


def upwards(relative: bytes) -> Iterator[bytes]:
    """Yield the folder `relative` to a root and its parents below the root."""
    while relative:
        yield relative
        relative = os.path.dirname(relative)
