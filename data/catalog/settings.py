"""Facts about the whole library: generation, exclusion patterns, and which encoder is active.

Functions with a `connection` work inside the caller's transaction; each method is a transaction of its own.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence

from sqlalchemy import Connection, select

from . import seals
from .database import Database, damaged
from .dialect import of
from .models import Setting


class LibrarySettings:
    """The table of settings."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def generation(self) -> int:
        """How many changes were committed since the library was created."""
        return _number(self.get("generation"))

    def newest_generation(self) -> int:
        """The generation that was committed last, also while this thread reads an older snapshot."""
        with self._database.reading_newest() as connection:
            return _number(read_generation(connection))

    def removed(self) -> int:
        """The generation in which vectors were removed the last time; 0 if none ever were."""
        return _number(self.get("removed"))

    def identity(self) -> str:
        """What tells this catalog from others: a name given once, which its backups and copies share."""
        if (identity := self.get("identity")) is not None:
            return identity
        name = secrets.token_hex(6)
        values = {"key": "identity", "value": name, "seal": seals.seal("setting", "identity", name)}
        with self._database.writing() as connection:
            connection.execute(
                of(connection).insert_or_ignore(Setting), [values]
            )  # another process may have been first
            return connection.execute(select(Setting.value).where(Setting.key == "identity")).scalar_one()

    def excluded(self) -> list[str]:
        """The library's own exclusion patterns, in order."""
        return [str(pattern) for pattern in json.loads(self.get("excluded") or "[]")]

    def exclude(self, patterns: Sequence[str]) -> None:
        """Replace the library's exclusion patterns."""
        with self._database.writing() as connection:
            put(connection, "excluded", json.dumps(list(patterns)))
            bump(connection)

    def get(self, key: str) -> str | None:
        """The value of a setting; None if it was never set. Raises LibraryError if it is not what was written."""
        with self._database.reading() as connection:
            row = connection.execute(select(Setting.key, Setting.value, Setting.seal).where(Setting.key == key)).first()
        if row is not None and seals.seal_row("setting", row) != row.seal:
            raise damaged(f"the setting {key} is not what was written")
        return row.value if row else None


def put(connection: Connection, key: str, value: str) -> None:
    """Set a setting."""
    values = {"value": value, "seal": seals.seal("setting", key, value)}
    connection.execute(of(connection).upsert(Setting, ["key"], lambda _: values).values(key=key, **values))


def bump(connection: Connection) -> None:
    """Raise the generation: every transaction that changes what searches give does so once."""
    put(connection, "generation", str(_number(read_generation(connection)) + 1))


def bump_labels(connection: Connection) -> None:
    """Raise the generation, and remember it as that of the labels: who has read them need not read them again."""
    bump(connection)
    put(connection, "labels", read_generation(connection))


def read_labels_generation(connection: Connection) -> str:
    """The generation in which labels were made or dropped the last time."""
    row = connection.execute(select(Setting.value).where(Setting.key == "labels")).first()
    return row.value if row else ""


def read_generation(connection: Connection) -> str:
    """The generation as it is stored."""
    row = connection.execute(select(Setting.value).where(Setting.key == "generation")).first()
    return row.value if row else "0"


def _number(generation: str | None) -> int:
    if generation is None:
        return 0
    if not generation.isdecimal():
        raise damaged("the generation is no number")
    return int(generation)
