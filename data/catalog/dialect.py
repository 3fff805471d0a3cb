"""The databases that a catalog can be kept in: what each does in its own way, chosen for each database by itself.

A dialect is a module, named as SQLAlchemy names the dialect. It also compiles the elements of `constructs`. Nothing
but this module imports one.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from sqlalchemy import Connection, Engine
from sqlalchemy.sql.dml import Insert

from .expression import Expression

if TYPE_CHECKING:
    from . import postgresql, sqlite


class LockSession(Protocol):
    """Takes locks that other machines see. It may take one several times, and frees it as often."""

    @property
    def holder(self) -> int | None:
        """Its number, for `Dialect.require_held`; None if no other machine can take a lock."""

    def acquire(self, name: str, number: int = 0, *, shared: bool = False, patience: float = 0) -> None:
        """Take a lock; wait for it up to `patience` seconds. Raises LockHeld.

        Once it is held, no transaction of an earlier holder is under way.
        """

    def release(self, name: str, number: int = 0, *, shared: bool = False) -> None:
        """Free a lock once."""


class Dialect(Protocol):
    """What a dialect provides. `path` is the catalog's file, in the library's folder; `url` a database elsewhere."""

    @property
    def READ(self) -> dict[str, Any]:  # noqa: N802
        """Options of a connection that reads one snapshot."""

    @property
    def WRITE(self) -> dict[str, Any]:  # noqa: N802
        """Options of a connection whose transactions take the write lock at once."""

    @property
    def ERRORS(self) -> tuple[type[Exception], ...]:  # noqa: N802
        """What is raised by statements: by SQLAlchemy, and by the driver where rows are read past it."""

    # --- the database ---

    def make_engine(self, path: Path, url: str = "", *, pooled: bool = True) -> Engine:
        """An engine that begins every transaction explicitly and enforces foreign keys.

        Without a pool it is for the few connections beside those of the pool.
        """

    def display(self, path: Path, url: str) -> str:
        """The catalog's name in messages, without a password."""

    def exists(self, path: Path, url: str) -> bool:
        """Whether there is, or may be, a catalog: opening it tells."""

    def object_names(self, connection: Connection) -> set[str]:
        """Names of what the database, or its schema, has; empty if nobody has begun to make a catalog."""

    def lock_session(self, engine: Engine) -> AbstractContextManager[LockSession]:
        """What takes locks that other machines see, and frees them at its end."""

    def lock_holder(self, engine: Engine, name: str, number: int = 0, *, exclusively: bool = False) -> str | None:
        """Who holds such a lock now, or who holds it `exclusively`; None if nobody does."""

    def require_held(self, connection: Connection, holder: int) -> None:
        """Raise LibraryBusy if the session `holder` does not hold the writer lock any longer."""

    # --- errors ---

    def is_damage(self, error: BaseException) -> bool:
        """Whether an error says that the database is not what was written."""

    def is_full(self, error: BaseException) -> bool:
        """Whether the database has no space left."""

    def is_unavailable(self, error: BaseException) -> bool:
        """Whether the database's server does not answer now."""

    def reason(self, error: BaseException) -> str:
        """What the driver says, on one line."""

    def hint(self, error: BaseException) -> str:
        """What to do about an error that is no damage."""

    # --- statements ---

    def insert_or_ignore(self, model: Any) -> Insert:
        """An INSERT that leaves rows as they are whose key exists."""

    def upsert(self, model: Any, keys: Sequence[str], changes: Callable[[Any], Mapping[str, Any]]) -> Insert:
        """An INSERT that updates rows whose `keys` exist; `changes` gives the new values, from the inserted ones."""

    def last_id(self, connection: Connection, table: str) -> int:
        """The highest id that a table has given, also to rows that are gone, as far as the database knows it."""

    def continue_ids(self, connection: Connection, table: str, last: int = 0) -> None:
        """Let new rows get ids above `last` and above those that were set explicitly."""

    def words_schema(self) -> tuple[str, ...]:
        """The statements that make the index of words, empty."""

    def expression_text(self, expression: Expression) -> str:
        """An expression in the language of the index of words."""

    def best_first(
        self, connection: Connection, statement: Any, expression: Expression, limit: int | None
    ) -> list[tuple[Any, ...]]:
        """The rows of a statement over WORDS with the parameter `expression`, the best match first.

        The first column is the photo's id, which decides between equals. The order is that of BM25 with WEIGHTS.
        """


class LockHeld(Exception):
    """Another process holds a lock; the message says which."""


WEIGHTS = {"name": 8.0, "folder": 2.0, "caption": 4.0, "keyword": 6.0}
"""What a word counts by its column: a file's own name says most, its folder least."""


def by_name(name: str) -> Dialect:
    """The dialect of this name."""
    module: Dialect = importlib.import_module(f".{name}", __package__)
    return module


def of(connection: Connection) -> Dialect:
    """The dialect of a connection."""
    return by_name(connection.dialect.name)


def for_url(url: str) -> Dialect:
    """The dialect of the database at an address; SQLite's if it is empty."""
    return by_name("postgresql" if url else "sqlite")


if TYPE_CHECKING:
    _MODULES: tuple[Dialect, ...] = (sqlite, postgresql)
