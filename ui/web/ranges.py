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
        """The number of bytes."""
        return self.last - self.first + 1

    @property
    def content_range(self) -> str:
        """The header Content-Range."""
        return f"bytes {self.first}-{self.last}/{self.size}"


def parse(headers: Headers, size: int, etag: str) -> Span | None:
    """Return the part that a request asks for; None for the whole file. Raises Unsatisfiable.

    An invalid range is ignored, as is a range with an If-Range other than the file's `etag`: the whole file is sent.
    """
    header = headers.get("range")
    condition = headers.get("if-range")
    if header is None or (condition is not None and condition.strip() != etag):
        return None
    match = _RANGE.fullmatch(header.strip())
    if not match or not (match[1] or match[2]):
        return None
    if not match[1]:
        first, last = size - min(size, int(match[2])), size - 1
    else:
        first, last = int(match[1]), min(int(match[2]) if match[2] else size - 1, size - 1)
        if match[2] and int(match[2]) < int(match[1]):
            return None
    if first >= size:
        raise Unsatisfiable
    return Span(first, last, size)
