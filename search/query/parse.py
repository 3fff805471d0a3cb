r"""What the user typed -> terms with weights, and filters; and back.

    sunset on the beach                          one text
    sunset + beach - people                      texts added and taken away: a sign between spaces, something after it
    2: sunset + 1: beach.jpg - 0.5: #1234        weights: a number and a colon before a term; pictures by file or id
    sunset after:2024-05 camera:"X100V"          filters: a name, a colon, and at once a value
    "Barcelona - Sagrada Familia" "re:zero"      what is in double quotes means itself (\" and \\ inside)

A sign that touches a letter (`C++`, `well-known`), other dashes, `16:9`, `Re:Zero` and a colon before a space are text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

from ...data.pictures.formats import ALL_EXTENSIONS
from ...errors import QueryError
from . import filters
from .filters import Filter
from .normalise import normalise

MAX_TERMS = 16

_WEIGHT = re.compile(r"(\d{1,3}(?:\.\d{1,3})?):", re.ASCII)
_FILTER = re.compile(r"([A-Za-z]{2,20}):(?!//)(?=\S)")
_PHOTO = re.compile(r"#(\d{1,19})", re.ASCII)
_URL = re.compile(r"https?://\S+", re.IGNORECASE)
_WORD = re.compile(r"\S+")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"(?=\s|$)')
_ESCAPED = re.compile(r"\\(.)")

QUOTE_HINT = 'A quoted text begins and ends with ", as in "salt - pepper".'


@dataclass(frozen=True, slots=True)
class Term:
    """Part of a combination. `kind` is `text`, `file` (a picture's path), `url` (a picture's) or `photo` (an id).

    A `picture` is one that came with the query; its value names it, and is another for other bytes.
    """

    kind: str
    value: str
    weight: float = 1.0
    """Negative for what is taken away; never 0."""


@dataclass(frozen=True, slots=True)
class Query:
    """What is asked for: `terms` (at least one of positive weight, or none at all) among what passes `filters`."""

    terms: tuple[Term, ...]
    filters: tuple[Filter, ...] = ()

    def __str__(self) -> str:
        """As it can be typed: parsing it gives the same query."""
        return " ".join([*_shown_terms(self.terms), *(_shown_filter(one) for one in self.filters)])


class _Piece(NamedTuple):
    """A word, or what was in quotes; or a filter."""

    text: str
    quoted: bool = False
    filter: Filter | None = None


def parse(text: str, max_chars: int, *, plain: bool = False, beside: tuple[Term, ...] = ()) -> Query:
    """Understand a query. `plain` takes all of it for one text; with terms `beside` those in it, it may be empty.

    Raises QueryError: it is empty, too long or no text; a quote is not closed; a filter is unknown or has no such
    value; there is nothing but what is to be taken away.
    """
    cleaned = normalise(text, max_chars) if text.strip() or not beside else ""
    if plain and cleaned:
        return _checked(Query((Term("text", cleaned), *beside)))
    pieces = list(_pieces(cleaned))
    asked = tuple(piece.filter for piece in pieces if piece.filter)
    for one in asked:
        filters.check(one)
    terms = tuple(_terms([piece for piece in pieces if not piece.filter]))
    return _checked(Query((*terms, *beside), asked))


def _checked(query: Query) -> Query:
    terms = query.terms
    if len(terms) > MAX_TERMS:
        raise QueryError(f"The query adds up {len(terms)} terms; the limit is {MAX_TERMS}.", "Use fewer.")
    if terms and all(term.weight < 0 for term in terms):
        raise QueryError("The query only says what not to show.", "Say what to show first, for example: beach - people")
    if not terms and not query.filters:
        raise QueryError("The query is empty.", "Say what the picture shows, for example: snowy mountains")
    return query


def _pieces(text: str) -> Iterator[_Piece]:
    at = 0
    while at < len(text):
        if text[at].isspace():
            at += 1
            continue
        named = _FILTER.match(text, at)
        if text[at] == '"':
            value, at = _quoted(text, at)
            yield _Piece(value, quoted=True)
        elif named and _is_filter_name(named[1]):
            value, at = _value(text, named.end())
            yield _Piece("", filter=Filter(named[1].lower(), value))
        else:
            found = _WORD.match(text, at)
            assert found is not None
            yield _Piece(found.group())
            at = found.end()


def _is_filter_name(name: str) -> bool:
    """Other words before a colon are names and titles (`Re:Zero`), unless they are written as a filter is."""
    return name.islower() or name.lower() in filters.NAMES


def _value(text: str, at: int) -> tuple[str, int]:
    if text[at] == '"':
        return _quoted(text, at)
    found = _WORD.match(text, at)
    assert found is not None
    return found.group(), found.end()


def _quoted(text: str, at: int) -> tuple[str, int]:
    found = _QUOTED.match(text, at)
    if not found:
        shown = text[at : at + 30]
        raise QueryError(f"A quote is not closed: {shown}", QUOTE_HINT)
    return " ".join(_ESCAPED.sub(r"\1", found[1]).split()), found.end()


def _terms(pieces: list[_Piece]) -> Iterator[Term]:
    """Terms between signs; a sign is one only if something follows it that is no sign."""
    groups: list[tuple[str, list[_Piece]]] = [("", [])]
    for position, piece in enumerate(pieces, start=1):
        is_sign = not piece.quoted and piece.text in {"+", "-"} and position < len(pieces)
        if is_sign and (groups[-1][1] or not groups[-1][0]):
            groups.append((piece.text, []))
        else:
            groups[-1][1].append(piece)
    if not groups[0][1]:
        groups.pop(0)
    for sign, group in groups:
        yield _term(sign, group, is_alone=len(groups) == 1 and not sign)


def _term(sign: str, pieces: list[_Piece], *, is_alone: bool) -> Term:
    weight = _WEIGHT.fullmatch(pieces[0].text) if len(pieces) > 1 and not pieces[0].quoted else None
    if weight:
        pieces = pieces[1:]
    value = " ".join(piece.text for piece in pieces if piece.text)
    if not value:
        raise QueryError('A part of the query is empty: "".', "Leave it out.")
    factor = float(weight[1]) if weight else 1.0
    if not factor:
        raise QueryError(f"The weight of {value[:40]} is 0.", "Leave it out, or give it another weight.")
    is_literal = any(piece.quoted for piece in pieces)
    kind, value = ("text", value) if is_literal else _kind(value, is_alone=is_alone and not weight)
    return Term(kind, value, -factor if sign == "-" else factor)


def _kind(value: str, *, is_alone: bool) -> tuple[str, str]:
    """A name such as `beach.jpg` that is the whole query asks for photos of that name; in a sum it is a picture."""
    if is_url(value):
        return "url", value
    if is_alone:
        return "text", value
    if found := _PHOTO.fullmatch(value):
        return "photo", str(int(found[1]))
    is_picture = value.lower().rpartition(".")[2] in ALL_EXTENSIONS and "." in value
    return ("file" if is_picture else "text"), value


def _shown_terms(terms: tuple[Term, ...]) -> Iterator[str]:
    for position, term in enumerate(terms):
        if term.weight < 0:
            yield "-"
        elif position:
            yield "+"
        is_alone = len(terms) == 1 and term.kind in {"photo", "file"}
        looks_weighted = term.kind == "file" and _WEIGHT.match(term.value)
        if abs(term.weight) != 1 or is_alone or looks_weighted:
            yield f"{abs(term.weight):g}:"
        if term.kind == "text":
            yield _shown_text(term.value)
        else:
            yield f"#{term.value}" if term.kind == "photo" else term.value


def _shown_text(value: str) -> str:
    """In quotes if it would not mean itself without them, alone and in a sum."""
    try:
        pieces = list(_pieces(value))
    except QueryError:
        return _quote(value)
    plain = [_Piece(word) for word in value.split()]
    words = {piece.text for piece in pieces}
    is_safe = (
        pieces == plain
        and not words & {"+", "-"}
        and not _WEIGHT.fullmatch(pieces[0].text)
        and _kind(value, is_alone=False) == ("text", value)
    )
    return value if is_safe else _quote(value)


def _shown_filter(one: Filter) -> str:
    is_safe = _WORD.fullmatch(one.value) and not one.value.startswith('"')
    return f"{one.name}:{one.value if is_safe else _quote(one.value)}"


def _quote(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def is_url(text: str) -> bool:
    """Whether a text is a web address and nothing else."""
    return _URL.fullmatch(text) is not None


def with_filters(query: Query, more: tuple[Filter, ...]) -> Query:
    """The query with these filters as well."""
    return replace(query, filters=query.filters + more) if more else query
