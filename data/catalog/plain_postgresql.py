"""A plain connection to a catalog in PostgreSQL for the statements of `integrity`, and what is checked only there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from sqlalchemy import Connection

from .integrity import SPARE_IDS

_KEYS: dict[str, tuple[str, Any]] = {"setting": ("key", ""), "favourite": ("content_hash", b"")}


class Row(tuple[Any, ...]):
    """A row with its values by name and by number."""

    names: dict[str, int]

    def __getitem__(self, name: Any) -> Any:
        return super().__getitem__(self.names[name] if isinstance(name, str) else name)


class PostgresqlConnection:
    """Statements with `?` for values, inside the transaction of `connection`."""

    CASCADES: ClassVar[bool] = True
    HASH_BEFORE: ClassVar[str] = "coalesce(content_hash, hash_before)"
    OR_IGNORE: ClassVar[tuple[str, str]] = ("", "ON CONFLICT DO NOTHING")
    VECTOR_IDS: ClassVar[tuple[str, ...]] = (
        "SELECT setval(pg_get_serial_sequence('vector', 'id'),"
        f" (SELECT coalesce(max(id), 0) + {SPARE_IDS} FROM vector))",
    )

    def __init__(self, connection: Connection) -> None:
        self._driver: Any = connection.connection.driver_connection

    def key(self, table: str) -> tuple[str, Any]:
        """The column that rows are read and deleted by, and a value below all of it."""
        return _KEYS.get(table, ("id", -1))

    def execute(self, statement: str, values: Any = (), /) -> Any:
        """Execute a statement; gives a cursor."""
        return self._cursor().execute(statement.replace("?", "%s"), tuple(values))

    def executemany(self, statement: str, values: Any, /) -> Any:
        """Execute a statement for each of several rows of values; gives a cursor."""
        cursor = self._cursor()
        cursor.executemany(statement.replace("?", "%s"), values)
        return cursor

    def _cursor(self) -> Any:
        return self._driver.cursor(row_factory=_rows)


def _rows(cursor: Any) -> Callable[[Sequence[Any]], Row]:
    names = {column.name: number for number, column in enumerate(cursor.description or ())}

    def make(values: Sequence[Any]) -> Row:
        row = Row(values)
        row.names = names
        return row

    return make


def schema_problem(connection: Connection) -> str:
    """How the tables differ from the models; empty if they do not."""
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    from .models import Base

    names = {table.name for table in Base.metadata.sorted_tables}

    def belongs(name: str | None, kind: str, _parents: Any) -> bool:
        return kind != "table" or name in names

    context = MigrationContext.configure(connection, opts={"include_name": belongs})
    differences = compare_metadata(context, Base.metadata)
    functions = {"words_document", "words_added", "words_dropped", "words_failed"}
    existing = connection.exec_driver_sql(
        "SELECT proname FROM pg_proc WHERE pronamespace = current_schema()::regnamespace"
    ).scalars()
    if missing := sorted(functions - set(existing)):
        return f"the function {missing[0]} is missing"
    return str(differences[0])[:200].replace("\n", " ") if differences else ""


def count_words(connection: Connection) -> None:
    """Count the words of all photos again."""
    connection.exec_driver_sql(
        "UPDATE words_size SET (photos, tokens) = (SELECT count(*), coalesce(sum(words.tokens), 0) FROM words)"
    )


def words_problem(connection: Connection) -> str:
    """What is wrong with what PostgreSQL keeps of the words beside their texts; empty if nothing is."""
    differs = "document IS DISTINCT FROM words_document(name, folder, caption, keyword)"
    if connection.exec_driver_sql(f"SELECT 1 FROM words WHERE {differs} LIMIT 1").first():
        return "the index of words does not have the words of its texts"
    sums = "SELECT count(*), coalesce(sum(tokens), 0) FROM words"
    if (
        connection.exec_driver_sql(sums).one()
        != connection.exec_driver_sql("SELECT photos, tokens FROM words_size").one()
    ):
        return "the numbers of words are not those of the photos"
    return ""
