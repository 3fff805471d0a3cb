r"""The query language: from typed text to weighted terms and filters, and back to text.

    sunset on the beach                          one text
    sunset + beach - people                      texts added and subtracted: a sign between spaces, followed by a term
    2: sunset + 1: beach.jpg - 0.5: #1234        weights: a number and a colon before a term; pictures by file or id
    #1234                                        that photo, then the nearest
    sunset after:2024-05 camera:"X100V"          filters: a name, a colon, and a value without a space between
    "Barcelona - Sagrada Familia" "re:zero"      text in double quotes is taken literally (\" and \\ are escapes)

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
    """One weighted part of a query, of one of these kinds:

    `text`, `file` (value: a picture's path), `url` (a picture's address), `photo` (a photo's id: those like it),
    `itself` (a photo's id: that photo, then those like it), and `picture`: one that was sent with the query; its value
    depends on its bytes.
    """

    kind: str
    value: str
    weight: float = 1.0
    """Negative if the term is subtracted; never 0."""


@dataclass(frozen=True, slots=True)
class Query:
    """A parsed query: `terms` (none, or at least one of positive weight) and the `filters` that photos must pass."""

    terms: tuple[Term, ...]
    filters: tuple[Filter, ...] = ()

    def __str__(self) -> str:
        """The query as text that can be typed; parsing it gives the same query."""
        return " ".join([*_format_terms(self.terms), *map(_format_filter, self.filters)])


class _Piece(NamedTuple):
    """A word, a quoted text, or a filter."""

    text: str
    quoted: bool = False
    filter: Filter | None = None


def parse(text: str, max_chars: int, *, plain: bool = False, beside: tuple[Term, ...] = ()) -> Query:
    """Parse a query. If `plain`, the whole text is one term. The terms `beside` are added; then `text` may be empty.

    Raises QueryError if the query is empty, too long or not valid text, a quote is not closed, a filter or its value
    is unknown, or all terms are subtracted.
    """
    cleaned = normalise(text, max_chars) if text.strip() or not beside else ""
    if plain and cleaned:
        return _check(Query((Term("text", cleaned), *beside)))
    pieces = list(_read_pieces(cleaned))
    parsed_filters = tuple(piece.filter for piece in pieces if piece.filter)
    for filter_ in parsed_filters:
        filters.check(filter_)
    terms = tuple(_make_terms([piece for piece in pieces if not piece.filter]))
    return _check(Query((*terms, *beside), parsed_filters))


def _check(query: Query) -> Query:
    terms = query.terms
    if len(terms) > MAX_TERMS:
        error = QueryError(f"The query adds up {len(terms)} terms; the limit is {MAX_TERMS}.", "Use fewer.")
        raise error.with_code("terms", limit=str(MAX_TERMS))
    if terms and all(term.weight < 0 for term in terms):
        error = QueryError(
            "The query only says what not to show.", "Say what to show first, for example: beach - people"
        )
        raise error.with_code("subtracts_only")
    if not terms and not query.filters:
        error = QueryError("The query is empty.", "Say what the picture shows, for example: snowy mountains")
        raise error.with_code("empty")
    return query


def _read_pieces(text: str) -> Iterator[_Piece]:
    position = 0
    while position < len(text):
        if text[position].isspace():
            position += 1
            continue
        filter_name = _FILTER.match(text, position)
        if text[position] == '"':
            value, position = _read_quoted(text, position)
            yield _Piece(value, quoted=True)
        elif filter_name and _is_filter_name(filter_name[1]):
            value, position = _read_value(text, filter_name.end())
            yield _Piece("", filter=Filter(filter_name[1].lower(), value))
        else:
            word = _WORD.match(text, position)
            assert word is not None
            yield _Piece(word.group())
            position = word.end()


def _is_filter_name(name: str) -> bool:
    """Whether a word before a colon names a filter: it is all lower case, or a known name. `Re:Zero` is a title."""
    return name.islower() or name.lower() in filters.NAMES


def _read_value(text: str, position: int) -> tuple[str, int]:
    if text[position] == '"':
        return _read_quoted(text, position)
    word = _WORD.match(text, position)
    assert word is not None
    return word.group(), word.end()


def _read_quoted(text: str, position: int) -> tuple[str, int]:
    match = _QUOTED.match(text, position)
    if not match:
        excerpt = text[position : position + 30]
        raise QueryError(f"A quote is not closed: {excerpt}", QUOTE_HINT).with_code("quote", text=excerpt)
    return " ".join(_ESCAPED.sub(r"\1", match[1]).split()), match.end()


def _make_terms(pieces: list[_Piece]) -> Iterator[Term]:
    """Make a term of the pieces between two signs. `+` or `-` is a sign only if a piece that is no sign follows."""
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
        yield _make_term(sign, group, is_alone=len(groups) == 1 and not sign)


def _make_term(sign: str, pieces: list[_Piece], *, is_alone: bool) -> Term:
    weight = _WEIGHT.fullmatch(pieces[0].text) if len(pieces) > 1 and not pieces[0].quoted else None
    if weight:
        pieces = pieces[1:]
    value = " ".join(piece.text for piece in pieces if piece.text)
    if not value:
        raise QueryError('A part of the query is empty: "".', "Leave it out.").with_code("empty_part")
    factor = float(weight[1]) if weight else 1.0
    if not factor:
        error = QueryError(f"The weight of {value[:40]} is 0.", "Leave it out, or give it another weight.")
        raise error.with_code("weight", text=value[:40])
    has_quotes = any(piece.quoted for piece in pieces)
    kind, value = ("text", value) if has_quotes else _kind_of(value, is_alone=is_alone and not weight)
    return Term(kind, value, -factor if sign == "-" else factor)


def _kind_of(value: str, *, is_alone: bool) -> tuple[str, str]:
    """(Kind, value) of a term. `beach.jpg` is a picture in a sum, but text (a name to find) as the whole query."""
    if is_url(value):
        return "url", value
    if photo := _PHOTO.fullmatch(value):
        return ("itself" if is_alone else "photo"), str(int(photo[1]))
    if is_alone:
        return "text", value
    is_picture = value.lower().rpartition(".")[2] in ALL_EXTENSIONS and "." in value
    return ("file" if is_picture else "text"), value


def _format_terms(terms: tuple[Term, ...]) -> Iterator[str]:
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
            yield _format_text(term.value)
        else:
            yield f"#{term.value}" if term.kind in {"photo", "itself"} else term.value


def _format_text(value: str) -> str:
    """The text, in quotes if it would be parsed as anything else without them, alone or in a sum."""
    try:
        pieces = list(_read_pieces(value))
    except QueryError:
        return _quote(value)
    plain = [_Piece(word) for word in value.split()]
    words = {piece.text for piece in pieces}
    is_safe = (
        pieces == plain
        and not words & {"+", "-"}
        and not _WEIGHT.fullmatch(pieces[0].text)
        and _kind_of(value, is_alone=False) == ("text", value)
    )
    return value if is_safe else _quote(value)


def _format_filter(filter_: Filter) -> str:
    is_safe = _WORD.fullmatch(filter_.value) and not filter_.value.startswith('"')
    return f"{filter_.name}:{filter_.value if is_safe else _quote(filter_.value)}"


def _quote(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def is_url(text: str) -> bool:
    """Whether a text is a web address and nothing else."""
    return _URL.fullmatch(text) is not None


def with_filters(query: Query, more: tuple[Filter, ...]) -> Query:
    """The query with these filters as well."""
    return replace(query, filters=query.filters + more) if more else query
