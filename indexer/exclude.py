"""Which files and folders are no part of a library: patterns in gitignore's syntax, understood by pathspec."""

from __future__ import annotations

import os
from collections.abc import Sequence

import pathspec

from ..errors import UsageError

DEFAULTS = (
    ".*",  # hidden, by the custom of Unix: ._* of macOS and .Trash* among them
    "@eaDir/",
    "\\#recycle/",
    "\\#snapshot/",
    "$RECYCLE.BIN/",
    "System Volume Information/",
    "lost+found/",
)
"""Excluded unless a pattern of the library's own says otherwise: what systems keep for themselves."""

_SYSTEM_FOLDERS = frozenset(os.fsencode(line.strip("\\/")) for line in DEFAULTS[1:])


class Exclusion:
    """The patterns of one library: DEFAULTS, then its own, of which the last that fits decides, as in gitignore.

    Raises UsageError if one cannot be understood.
    """

    def __init__(self, patterns: Sequence[str] = ()) -> None:
        self.patterns = tuple(patterns)
        for pattern in patterns:
            check(pattern)
        self._spec = pathspec.GitIgnoreSpec.from_lines([*DEFAULTS, *patterns]) if patterns else None

    @property
    def is_default(self) -> bool:
        """Whether the library has no patterns of its own: then a name alone decides."""
        return self._spec is None

    def excludes(self, relative: bytes, *, folder: bool) -> bool:
        """Whether the entry at this path below a root is out, seen by itself: the folders above it are in."""
        if self._spec is None:
            name = relative[relative.rfind(b"/") + 1 :]
            return name.startswith(b".") or (folder and name in _SYSTEM_FOLDERS)
        text = os.fsdecode(relative)
        return self._spec.match_file(text + "/" if folder else text)

    def reaches(self, relative: bytes, *, folder: bool) -> bool:
        """Whether a scan comes to the entry at this path: neither it nor a folder above it is out."""
        end = relative.find(b"/")
        while end != -1:
            if self.excludes(relative[:end], folder=True):
                return False
            end = relative.find(b"/", end + 1)
        return not relative or not self.excludes(relative, folder=folder)


def check(pattern: str) -> None:
    """Raise UsageError unless `pattern` is one line that excludes or re-includes something."""
    try:
        spec = pathspec.GitIgnoreSpec.from_lines([pattern])
    except ValueError as error:
        raise UsageError(f"The pattern {pattern!r} cannot be understood.", "It is one line of a .gitignore.") from error
    if "\n" in pattern or not any(each.include is not None for each in spec.patterns):
        raise UsageError(f"The pattern {pattern!r} excludes nothing.", "It is one line of a .gitignore, as in drafts/")


USUAL = Exclusion()
"""The defaults alone."""
