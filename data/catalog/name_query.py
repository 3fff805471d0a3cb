"""A file's name or path that a query may be: which photos it names. A frozen value, no SQL.

`IMG_7003.jpg`, `img 7003`, `7003.jpg`, `IMG_70*`, `holiday/2019/IMG_7003.jpg`. The full-text index gives candidates,
and `match` decides over a photo's path. Names are compared by their tokens, folders by their folded names.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple, Self
from urllib.parse import unquote

from ...languages import tokens
from ...languages.fold import fold
from ..pictures.formats import ALL_EXTENSIONS

_PARTS = re.compile(r"\d+|\D+")
_HERE = re.compile(r"^(?:file://|~/|\.{1,2}/)+")


class NameUnit(NamedTuple):
    """A part of a name: one of these phrases of tokens has to be in it. The last token of a prefix may go on."""

    phrases: tuple[tuple[str, ...], ...]
    is_prefix: bool = False

    def is_in(self, document: list[str]) -> bool:
        """Whether a document's tokens have one of the phrases."""
        return any(_has(document, phrase, is_prefix=self.is_prefix) for phrase in self.phrases)


class NameMatch(NamedTuple):
    """How well a photo is named; smaller is better. `columns` are those of the full-text index that say so."""

    rank: tuple[int, bool, bool]
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NameQuery:
    """The parts of a text that looks like a file's name or path."""

    units: tuple[NameUnit, ...]
    """What the last part of the path has to have, without its extension."""
    stem: str
    """The last part, folded, with single spaces between its words."""
    suffix: str
    """Extension in lower case, without the dot; empty if the text has none."""
    folders: tuple[str, ...]
    """The folded names of the folders before the last part, the outermost first."""
    is_path: bool
    """Whether the text has a separator: then it may be a folder's path, too."""
    is_name: bool
    """Whether the last part alone looks like a file's name: it has an extension, a digit, `_` or `*`."""

    @classmethod
    def from_text(cls, text: str) -> Self | None:
        """The query that a text is; None if it does not look like a name or path."""
        address = unquote(text) if text.startswith("file://") else text
        path = _HERE.sub("", address.replace("\\", "/").strip())
        *folders, last = [part for part in path.split("/") if part.strip()] or [""]
        stem, dot, suffix = last.rpartition(".")
        has_suffix = bool(dot and stem) and (suffix.lower() in ALL_EXTENSIONS or suffix == "*")
        stem = stem if has_suffix else last
        units = tuple(_units(stem))
        is_name = has_suffix or any(character.isdigit() or character in "_*" for character in stem)
        if not units or not (is_name or "/" in path):
            return None
        suffix = suffix.lower() if has_suffix and suffix != "*" else ""
        parts = tuple(map(fold, folders))
        return cls(units, _plain(stem), suffix, parts, "/" in path, is_name)

    @property
    def may_be_folder(self) -> bool:
        """Whether the last part may name a folder."""
        return self.is_path and not self.suffix

    def match(self, path: bytes) -> NameMatch | None:
        """How the photo at an absolute path is named by the query; None if it is not."""
        *parents, name = path.decode("utf-8", "replace").replace(os.sep, "/").split("/")
        above = [fold(parent) for parent in parents]
        stem, _, suffix = name.rpartition(".")
        document = tokens.document_tokens(stem)
        if all(unit.is_in(document) for unit in self.units):
            known = _common_end(self.folders, above)
            if known or self.is_name:
                rank = (-known, bool(self.suffix) and suffix.lower() != self.suffix, _plain(stem) != self.stem)
                return NameMatch(rank, ("name", "folder") if known else ("name",))
        if self.may_be_folder and self._is_below(above):
            return NameMatch((1, False, False), ("folder",))
        return None

    def _is_below(self, above: list[str]) -> bool:
        """Whether the folders above a photo have those of the query, one after the other."""
        parts, folders = [_plain(part) for part in above], [*map(_plain, self.folders), self.stem]
        return any(parts[start : start + len(folders)] == folders for start in range(len(parts)))


def _units(stem: str) -> Iterator[NameUnit]:
    pieces = stem.split("*")
    for number, piece in enumerate(pieces):
        units = tokens.units(piece)
        goes_on = number < len(pieces) - 1 and piece[-1:].isalnum()
        for place, unit in enumerate(units):
            phrases = [tuple(unit)]
            parts = _PARTS.findall(unit[0]) if len(unit) == 1 else []
            if len(parts) > 1:  # IMG7003 for IMG_7003
                phrases.append(tuple(parts))
            is_last = goes_on and place == len(units) - 1
            yield NameUnit(tuple(phrases), is_last or tokens.is_prefix(unit))


def _has(document: list[str], phrase: tuple[str, ...], *, is_prefix: bool) -> bool:
    *first, last = phrase
    for start in range(len(document) - len(first)):
        token = document[start + len(first)]
        fits = token.startswith(last) if is_prefix else token == last
        if fits and document[start : start + len(first)] == first:
            return True
    return False


def _common_end(folders: tuple[str, ...], above: list[str]) -> int:
    """How many of the innermost folders are the same."""
    count = 0
    for own, other in zip(reversed(folders), reversed(above), strict=False):
        if _plain(own) != _plain(other):
            break
        count += 1
    return count


def _plain(text: str) -> str:
    return " ".join(tokens.words(fold(text)))
