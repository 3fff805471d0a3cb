"""Which files and folders are no part of a library: patterns in gitignore's syntax, compiled by pathspec."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence

import pathspec
from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern

from ...errors import UsageError

MAX_PATTERN = 1000
"""Longest pattern, in characters."""

DEFAULTS = (
    ".*",  # hidden, by the custom of Unix: ._* of macOS and .Trash* among them
    "@eaDir/",
    "\\#recycle/",
    "\\#snapshot/",
    "$RECYCLE.BIN/",
    "System Volume Information/",
    "lost+found/",
)
"""Files and folders of operating systems: excluded unless a pattern of the library includes them again."""

_SYSTEM_FOLDERS = frozenset(os.fsencode(line.strip("\\/")) for line in DEFAULTS[1:])


class Exclusion:
    """The patterns of one library: DEFAULTS, then its own. The last one that matches decides, as in gitignore.

    Raises UsageError if a pattern is invalid.
    """

    def __init__(self, patterns: Sequence[str] = ()) -> None:
        self.patterns = tuple(patterns)
        for pattern in patterns:
            check_pattern(pattern)
        self._spec = _compile([*DEFAULTS, *patterns]) if patterns else None

    @property
    def is_default(self) -> bool:
        """Whether the library has no patterns of its own: then the name alone decides, without the path."""
        return self._spec is None

    def excludes(self, relative: bytes, *, folder: bool) -> bool:
        """Whether the entry at this path below a root is excluded, provided that no folder above it is."""
        if self._spec is None:
            name = relative[relative.rfind(b"/") + 1 :]
            return name.startswith(b".") or (folder and name in _SYSTEM_FOLDERS)
        text = os.fsdecode(relative)
        return self._spec.match_file(text + "/" if folder else text)

    def reaches(self, relative: bytes, *, folder: bool) -> bool:
        """Whether a scan reaches the entry at this path: neither it nor a folder above it is excluded."""
        end = relative.find(b"/")
        while end != -1:
            if self.excludes(relative[:end], folder=True):
                return False
            end = relative.find(b"/", end + 1)
        return not relative or not self.excludes(relative, folder=folder)


_ANY_CHARACTERS = "[^/]*"
_LEADING_FOLDERS, _FOLDERS = "^(?:.+/)?", "(?:/.+)?"
"""Pathspec's regular expressions for `*` within a name, for a leading `**/` and for `/**/`."""

_BETWEEN_NAMES = re.compile(r"(?<!\[\^)/")


class _Pattern(GitIgnoreSpecPattern):
    """A pattern whose regular expression does not backtrack over wildcards.

    Each part between two wildcards is matched at the first possible position. This loses no match: the part has a fixed
    length (or consists of whole names), and the next wildcard can match the rest. A plain regular expression tries all
    positions, in time that grows with a power of the number of wildcards.
    """

    __slots__ = ()

    @classmethod
    def pattern_to_regex(cls, pattern):  # type: ignore[no-untyped-def]  # overloaded for str and bytes
        regex, include = super().pattern_to_regex(pattern)
        return (_without_backtracking(regex) if isinstance(regex, str) else regex), include


def _without_backtracking(regex: str) -> str:
    """Return a regular expression of pathspec with each part between two `**` in an atomic group."""
    start = _LEADING_FOLDERS if regex.startswith(_LEADING_FOLDERS) else ""
    *parts, last = (
        "/".join(map(_name_without_backtracking, _BETWEEN_NAMES.split(part)))
        for part in regex.removeprefix(start).split(_FOLDERS)
    )
    if not parts:
        return start + last
    lazy_start = "^(?:.+?/)??" if start else ""
    atomic = [f"(?>{lazy_start}{parts[0]}(?=/))", *(f"(?>(?:/.+?)??{part}(?=/))" for part in parts[1:])]
    return "".join(atomic) + _FOLDERS + last


def _name_without_backtracking(regex: str) -> str:
    """Return the regular expression of one name with each part between two `*` in an atomic group."""
    first, *inner = regex.split(_ANY_CHARACTERS)
    if not inner:
        return regex
    return first + "".join(f"(?>[^/]*?{part})" for part in inner[:-1]) + _ANY_CHARACTERS + inner[-1]


def _compile(patterns: Sequence[str]) -> pathspec.GitIgnoreSpec:
    return pathspec.GitIgnoreSpec.from_lines(_Pattern, patterns)


def check_pattern(pattern: str) -> None:
    """Raise UsageError unless `pattern` is one line that excludes or re-includes something."""
    if len(pattern) > MAX_PATTERN:
        raise UsageError(
            f"The pattern {pattern[:40]!r}… has {len(pattern)} characters.", f"At most {MAX_PATTERN} are read."
        )
    try:
        spec = _compile([pattern])
    except ValueError as error:
        raise UsageError(f"The pattern {pattern!r} cannot be understood.", "It is one line of a .gitignore.") from error
    if "\n" in pattern or not any(each.include is not None for each in spec.patterns):
        raise UsageError(f"The pattern {pattern!r} excludes nothing.", "It is one line of a .gitignore, as in drafts/")


USUAL = Exclusion()
"""The defaults alone."""
