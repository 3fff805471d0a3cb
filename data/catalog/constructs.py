"""SQL that databases write in different ways, as elements of statements that each dialect module compiles.

So a statement is composed once, and a process may have catalogs of several kinds open. Conditions have no type:
SQLAlchemy would write "= 1" after those of the type Boolean, and MATCH cannot be compared.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from sqlalchemy import BigInteger, Dialect, Float, String, bindparam, column, table
from sqlalchemy.sql import roles
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator

from .dialect import by_name
from .expression import Expression

LARGEST_ID = 2**63 - 1

WORDS = table("words", *(column(name) for name in ("rowid", "name", "folder", "caption", "keyword")))
"""The index of words: tokens of a photo, with spaces between them, under the photo's id."""

WORDS_ID = WORDS.c.rowid


class ExpressionText(TypeDecorator[Expression]):
    """An expression as a parameter: the dialect writes it in the language of its index of words."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value: Expression | None, dialect: Dialect) -> str | None:
        """The expression's text."""
        return None if value is None else by_name(dialect.name).expression_text(value)


class IsMatch(FunctionElement[bool]):
    """The condition that a row of WORDS matches an expression: a parameter of this name."""

    inherit_cache = True

    def __init__(self, parameter: str = "expression") -> None:
        super().__init__(bindparam(parameter, type_=ExpressionText()))


class IdList(roles.InElementRole, FunctionElement[int]):
    """The right side of IN: any number of ids as one parameter, so that the statement is compiled once."""

    inherit_cache = True
    type = BigInteger()

    def __init__(self, parameter: str = "ids") -> None:
        super().__init__(bindparam(parameter, type_=String()))


def id_list_value(ids: Iterable[int]) -> str:
    """The value of the parameter of an `IdList`."""
    return json.dumps([int(number) for number in ids])


class Unindexed(FunctionElement[Any]):
    """An expression that no index serves: for a database that would choose one that leads through far more rows."""

    inherit_cache = True


class HasByte(FunctionElement[bool]):
    """Whether bytes contain a byte: HasByte(value, byte)."""

    inherit_cache = True


class Floor(FunctionElement[int]):
    """A positive number, rounded down."""

    inherit_cache = True
    type = BigInteger()


class DistanceKm(FunctionElement[float]):
    """The distance of two places on the sphere: latitude, longitude, latitude, longitude. See `sphere`."""

    inherit_cache = True
    type = Float()
