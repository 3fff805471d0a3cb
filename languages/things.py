"""Things that photos are grouped by, with their names in the nine languages: what `words/` names, each thing once.

A thing is an everyday word of `words.tsv`, a general word of several classes of `classes.tsv` ("dog"), or a class.
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ..config import LANGUAGES
from .fold import fold
from .vocabulary import rows

COMMON_SHARE = 0.8
"""A word of another language names a general thing if at least this share of the thing's classes have the word."""

OWN_SHARE = 0.5
"""And if at least this share of all classes that have the word are the thing's: "dog" is no name of spaniels."""


@dataclass(frozen=True, slots=True)
class Thing:
    """A kind of thing, known by its `key`: its English name."""

    key: str
    names: Mapping[str, tuple[str, ...]]
    """Language -> its names, the usual one first."""
    is_everyday: bool
    """Whether people use the word every day: "cat", not "Egyptian cat"."""

    def name(self, language: str) -> str:
        """The usual name in a language; in English if the language is none of the nine."""
        return self.names.get(language, self.names["en"])[0]


@functools.cache
def things() -> Mapping[str, Thing]:
    """All things by their keys; everyday words come first."""
    result: dict[str, Thing] = {}
    known: set[str] = set()
    for thing in (*_everyday_words(), *_general_words(), *_classes()):
        if fold(thing.key) not in known:
            known |= {fold(name) for name in thing.names["en"]}
            result[thing.key] = thing
    return result


def keys_of(text: str) -> tuple[str, ...]:
    """The keys of the things that a text names: the thing with this key, else those with this name in any language."""
    if text in things():
        return (text,)
    return _keys_by_name().get(fold(text), ())


@functools.cache
def _keys_by_name() -> Mapping[str, tuple[str, ...]]:
    """Folded name -> the things whose usual name it is, else those that have it."""
    usual: dict[str, list[str]] = {}
    other: dict[str, list[str]] = {}
    for thing in things().values():
        for names in thing.names.values():
            for name in names:
                keys = (usual if name == names[0] else other).setdefault(fold(name), [])
                if thing.key not in keys:
                    keys.append(thing.key)
    return {name: tuple(keys) for name, keys in (other | usual).items()}


def _everyday_words() -> Iterator[Thing]:
    for row in rows("words.tsv"):
        names = {language: _split(row[language]) for language in LANGUAGES}
        if all(names.values()):
            yield Thing(names["en"][0], names, is_everyday=True)


def _general_words() -> Iterator[Thing]:
    classes: dict[str, list[dict[str, str]]] = {}
    counts: Counter[tuple[str, str]] = Counter()
    for row in rows("classes.tsv"):
        for word in _split(row["everyday"], ","):
            classes.setdefault(word, []).append(row)
        counts.update((language, word) for language in LANGUAGES[1:] for word in set(_split(row[language])))
    for word, members in classes.items():
        names = {language: _common_words(members, language, counts) for language in LANGUAGES[1:]}
        if len(members) > 1 and all(names.values()):
            yield Thing(word, {"en": (word,), **names}, is_everyday=True)


def _common_words(
    members: Sequence[Mapping[str, str]], language: str, counts: Mapping[tuple[str, str], int]
) -> tuple[str, ...]:
    """The words that nearly all of these classes have and few others, the most frequent first."""
    own = Counter(word for row in members for word in dict.fromkeys(_split(row[language])))
    return tuple(
        word
        for word, count in own.most_common()
        if count >= COMMON_SHARE * len(members) and count >= OWN_SHARE * counts[language, word]
    )


def _classes() -> Iterator[Thing]:
    for row in rows("classes.tsv"):
        names = {language: _split(row[language])[:1] for language in LANGUAGES[1:]}
        if all(names.values()):
            lemmas = _split(row["lemmas"], ",")
            english = tuple(dict.fromkeys([row["name"], *lemmas]))
            yield Thing(row["name"], {"en": english, **names}, is_everyday=False)


def _split(cell: str, separator: str = ";") -> tuple[str, ...]:
    return tuple(word for part in cell.split(separator) if (word := part.strip()))
