"""What is asked of the index of words, as a tree without SQL; each dialect writes it in its own language."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from ...languages import tokens
from .name_query import NameQuery
from .word_query import Units, WordQuery


@dataclass(frozen=True, slots=True)
class Phrase:
    """Tokens that follow one another in one column; the last of a prefix may go on. An empty `column` is any."""

    tokens: tuple[str, ...]
    is_prefix: bool = False
    column: str = ""


@dataclass(frozen=True, slots=True)
class AllOf:
    """A photo matches that matches all parts."""

    parts: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """A photo matches that matches one of the parts."""

    parts: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Without:
    """A photo matches that matches `included` and does not match `excluded`."""

    included: Expression
    excluded: Expression


Expression: TypeAlias = Phrase | AllOf | AnyOf | Without


def of_words(query: WordQuery, *, column: str = "") -> Expression | None:
    """The photos that a query is for, if need be by one column alone; None if it asks for no word."""
    included = _any_of(_all_units(units, column) for units in query.texts)
    excluded = _any_of(_all_units(units, column) for units in query.without)
    return Without(included, excluded) if included and excluded else included


def of_names(query: NameQuery) -> Expression:
    """The photos that a name may mean, and those in folders that it may mean."""
    columns = ("name", "folder") if query.may_be_folder else ("name",)
    named = _any_of(
        _all_of(_any_of(Phrase(phrase, unit.is_prefix, column) for phrase in unit.phrases) for unit in query.units)
        for column in columns
    )
    assert named is not None, "a name has units"
    return named


def of_beginning(units: Sequence[Sequence[str]]) -> Expression | None:
    """The names that have all units, the last of which may be a beginning; None if there is none."""
    last = len(units) - 1
    return _all_of(Phrase(tuple(unit), number == last, "name") for number, unit in enumerate(units))


def phrases(expression: Expression) -> list[Phrase]:
    """All phrases, in their order."""
    if isinstance(expression, Phrase):
        return [expression]
    if isinstance(expression, Without):
        return phrases(expression.included) + phrases(expression.excluded)
    return [phrase for part in expression.parts for phrase in phrases(part)]


def _all_units(units: Units, column: str) -> Expression | None:
    return _all_of(Phrase(unit, tokens.is_prefix(list(unit)), column) for unit in units)


def _all_of(parts: Iterable[Expression | None]) -> Expression | None:
    present = tuple(part for part in parts if part is not None)
    return AllOf(present) if len(present) > 1 else next(iter(present), None)


def _any_of(parts: Iterable[Expression | None]) -> Expression | None:
    present = tuple(part for part in parts if part is not None)
    return AnyOf(present) if len(present) > 1 else next(iter(present), None)
