"""Parts of a file over HTTP: one range a request (RFC 9110, section 14); several are answered with the whole file."""

from __future__ import annotations

import re
from dataclasses import dataclass

from starlette.datastructures import Headers

_RANGE = re.compile(r"bytes\s*=\s*(\d{0,19})\s*-\s*(\d{0,19})", re.IGNORECASE | re.ASCII)


class Unsatisfiable(Exception):
    """The range begins beyond the end of the file."""


@dataclass(frozen=True, slots=True)
class Span:
    """Bytes `first` to `last`, both included, of `size`."""

    first: int
    last: int
    size: int

    @property
    def length(self) -> int:
        """How many bytes that are."""
        return self.last - self.first + 1

    @property
    def content_range(self) -> str:
        """The header Content-Range."""
        return f"bytes {self.first}-{self.last}/{self.size}"


def asked(headers: Headers, size: int, etag: str) -> Span | None:
    """The part that a request asks for; None for the whole file. Raises Unsatisfiable.

    A range with an If-Range that is not the file's `etag` means the file as it is now, whole; so does one that is none.
    """
    header = headers.get("range")
    condition = headers.get("if-range")
    if header is None or (condition is not None and condition.strip() != etag):
        return None
    found = _RANGE.fullmatch(header.strip())
    if not found or not (found[1] or found[2]):
        return None
    if not found[1]:
        first, last = size - min(size, int(found[2])), size - 1
    else:
        first, last = int(found[1]), min(int(found[2]) if found[2] else size - 1, size - 1)
        if found[2] and int(found[2]) < int(found[1]):
            return None
    if first >= size:
        raise Unsatisfiable
    return Span(first, last, size)
