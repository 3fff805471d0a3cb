"""Suggestions while typing: things, places, folders, cameras, lenses and file names of one library.

Every one leads to at least one photo. What does not change with the typed text is computed once for each generation.
"""

from __future__ import annotations

import bisect
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

from ..config import LANGUAGES
from ..data import paths
from ..data.places import gazetteer
from ..languages import tokens
from ..languages.chinese import simplified
from ..languages.fold import CONCEPTS, fold
from ..languages.things import things
from ..search.query.filters import Filter
from ..search.query.parse import Query, Term
from .holdings import Holdings, holdings
from .parts import Parts

Kind: TypeAlias = Literal["thing", "place", "folder", "camera", "lens", "file"]
KINDS: Sequence[Kind] = ("thing", "place", "folder", "camera", "lens", "file")
"""In the order in which they are suggested."""

MAX_CHARS = 100
"""A longer text is no beginning of a name."""

_BREAK = re.compile(r"[\W_]+")


class Suggestion(NamedTuple):
    """A search that leads somewhere: `query` is its text, or `filter` narrows to it."""

    kind: Kind
    text: str
    photos: int
    query: str | None
    filter: Filter | None


class _Name(NamedTuple):
    """One name of what is suggested, in a language; of no language if that is empty."""

    language: str
    text: str
    folded: str


@dataclass(frozen=True, slots=True)
class _Entry:
    """What is suggested under any of its names."""

    kind: Kind
    photos: int
    filter: Filter
    names: tuple[_Name, ...]


class _Match(NamedTuple):
    """A name that matches what was typed."""

    entry: int
    is_inside: bool
    """Whether it matches further in than at its beginning."""
    name: _Name


class _Index:
    """The names of all entries, by the beginnings of their words."""

    def __init__(self, entries: Sequence[_Entry]) -> None:
        self.entries = entries
        self._words: list[tuple[str, int, bool, _Name]] = []
        self._joined: list[tuple[int, _Name]] = []
        for number, entry in enumerate(entries):
            for name in entry.names:
                self._words.append((name.folded, number, False, name))
                breaks = (match.end() for match in _BREAK.finditer(name.folded))
                self._words += [(name.folded[start:], number, True, name) for start in breaks if start]
                if tokens.has_ideographs(name.folded):
                    self._joined.append((number, name))
        self._words.sort(key=lambda word: word[0])

    def matches(self, typed: str) -> Iterator[_Match]:
        """The names with a word that begins like the folded text; any part of them, in Chinese and Japanese."""
        if tokens.has_ideographs(typed):
            for number, name in self._joined:
                if typed in name.folded:
                    yield _Match(number, not name.folded.startswith(typed), name)
            return
        for place in range(bisect.bisect_left(self._words, typed, key=lambda word: word[0]), len(self._words)):
            word, number, is_inside, name = self._words[place]
            if not word.startswith(typed):
                return
            yield _Match(number, is_inside, name)


def suggest(parts: Parts, text: str, language: str, count: int) -> list[Suggestion]:
    """Up to `count` suggestions for what was typed so far, by kind, then by number of photos.

    Names of things and places match in all nine languages; that of `language` is shown if it matches.
    """
    typed = _fold(text)
    if not typed or len(text) > MAX_CHARS:
        return []
    index = _index(parts)
    best: dict[int, _Match] = {}
    for match in index.matches(typed):
        known = best.get(match.entry)
        if known is None or _preference(match, language) < _preference(known, language):
            best[match.entry] = match
    ordered = sorted(best.values(), key=lambda match: _order(index.entries[match.entry], match, language))
    suggestions = [_suggestion(index.entries[match.entry], match.name) for match in ordered]
    return _mix([*suggestions, *_files(parts, text, count)], count)


def _mix(suggestions: Sequence[Suggestion], count: int) -> list[Suggestion]:
    """The first `count`, but at most half of them of one kind while there are others; kinds stay together."""
    most, number_of_kind = (count + 1) // 2, Counter[Kind]()
    first: list[Suggestion] = []
    rest: list[Suggestion] = []
    for suggestion in suggestions:
        number_of_kind[suggestion.kind] += 1
        (first if number_of_kind[suggestion.kind] <= most else rest).append(suggestion)
    return sorted([*first, *rest][:count], key=lambda suggestion: KINDS.index(suggestion.kind))


def _preference(match: _Match, language: str) -> tuple[bool, bool]:
    """The lower, the better is a name of the same entry."""
    return match.name.language != language, match.is_inside


def _order(entry: _Entry, match: _Match, language: str) -> tuple[int, bool, bool, int, str]:
    is_foreign = match.name.language not in {language, ""}
    return KINDS.index(entry.kind), is_foreign, match.is_inside, -entry.photos, match.name.text


def _suggestion(entry: _Entry, name: _Name) -> Suggestion:
    return Suggestion(entry.kind, name.text, entry.photos, None, entry.filter)


def _index(parts: Parts) -> _Index:
    held = holdings(parts)
    return parts.cache.get("suggestions", held, lambda: _Index(list(_make_entries(held))))


def _make_entries(held: Holdings) -> Iterator[_Entry]:
    known = things()
    for key, photos in held.all_things.items():
        names = [(code, name) for code in LANGUAGES for name in known[key].names[code]]
        yield _entry("thing", photos, Filter("thing", key), names)
    for group in (*held.places, *held.countries):
        place = gazetteer.place(group.key)
        if place and not (place.is_country and group in held.places):
            names = [*((code, place.name(code)) for code in LANGUAGES), ("", place.local_name)]
            yield _entry("place", group.photos, Filter("place", group.key), names)
    for folder in held.folders:
        yield _entry("folder", folder.photos, Filter("in", folder.text), [("", folder.name)])
    for group in held.cameras:
        yield _entry("camera", group.photos, Filter("camera", group.key), [("", group.key)])
    for group in held.lenses:
        yield _entry("lens", group.photos, Filter("lens", group.key), [("", group.key)])


def _entry(kind: Kind, photos: int, filter_: Filter, names: Sequence[tuple[str, str]]) -> _Entry:
    made = dict.fromkeys(_Name(language, text, _fold(text)) for language, text in names if text)
    return _Entry(kind, photos, filter_, tuple(made))


def _fold(text: str) -> str:
    return simplified(fold(" ".join(text.split()), CONCEPTS))


def _files(parts: Parts, text: str, count: int) -> list[Suggestion]:
    """Names of files that have all words of the text, the last of which may be a beginning."""
    if count <= 0:
        return []
    stem, _, suffix = text.strip().rpartition(".")
    names = parts.catalog.browsing.names(stem if stem and suffix.isalnum() else text, count)
    shown = [paths.display(name) for name in names]
    return [Suggestion("file", name, 1, str(Query((Term("text", name),))), None) for name in shown]
