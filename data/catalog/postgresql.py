"""PostgreSQL: all that the catalog does in the way of this one database, by the driver psycopg. See `dialect`.

One schema of a database holds one catalog: that of the connection's `search_path`. Readers see one moment
(REPEATABLE READ). Writers take one advisory lock at the start of each transaction, as SQLite's do, so that ids and
generations become visible in their order; see docs/adr/0041. Locks that outlast a transaction are in
`postgresql_locks`, errors in `postgresql_errors`.
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url, select, text
from sqlalchemy.dialects.postgresql import Insert, insert
from sqlalchemy.ext.compiler import compiles

from ...errors import LibraryError
from .best_match import Statistics, score
from .constructs import WORDS, WORDS_ID, DistanceKm, Floor, HasByte, IdList, IsMatch, Unindexed, id_list_value
from .expression import AllOf, AnyOf, Expression, Phrase, phrases
from .postgresql_errors import ERRORS as ERRORS
from .postgresql_errors import hint as hint
from .postgresql_errors import is_damage as is_damage
from .postgresql_errors import is_full as is_full
from .postgresql_errors import is_unavailable as is_unavailable
from .postgresql_errors import reason as reason
from .postgresql_locks import WRITE_LOCK
from .postgresql_locks import lock_holder as lock_holder
from .postgresql_locks import lock_session as lock_session
from .postgresql_locks import require_held as require_held
from .postgresql_network import CONNECT_SECONDS, CUT_OFF, fail_together
from .sphere import EARTH_KM
from .word_vectors import LETTERS, LONGEST_TOKEN, WORDS_SCHEMA

READ: dict[str, Any] = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
WRITE: dict[str, Any] = {"isolation_level": "READ COMMITTED", "immediate": True}

LOCK_TIMEOUT_MS = 10_000
RUN_LOCK_TIMEOUT_MS = 3_600_000
"""A run waits for another one's transaction, however many rows that moves; what a person waits for does not."""
BESIDE = 4
"""Connections beside the pool's that stay open."""

# --- engine -----------------------------------------------------------------------------------


def make_engine(path: Path, url: str = "", *, pooled: bool = True) -> Engine:
    """The engine over the database at `url`. A connection that the server closed is replaced before its next use."""
    arguments = {"connect_timeout": CONNECT_SECONDS, "application_name": _own_name(), "client_encoding": "utf8"}
    arguments |= CUT_OFF
    address = make_url(url)
    given = {key: value for key, value in arguments.items() if key not in address.query}
    sizes = {} if pooled else {"pool_size": BESIDE, "max_overflow": -1}
    engine = create_engine(address, connect_args=given, pool_pre_ping=True, **sizes)
    fail_together(engine)
    event.listen(engine, "connect", _on_connect)
    event.listen(engine, "begin", _on_begin)
    return engine


def _own_name() -> str:
    """Who asks, in the server's list of sessions: a lock's holder is told by it. The server keeps 63 bytes."""
    command = next((word for word in sys.argv[1:] if word.isalpha()), "")
    host = socket.gethostname().encode("ascii", "replace").decode()[:24]
    return f"polyglance {command[:12]} (process {os.getpid()} on {host})".replace("  ", " ")


def _on_connect(connection: Any, _record: object) -> None:
    connection.execute(f"SET lock_timeout = {LOCK_TIMEOUT_MS}")
    connection.commit()


def _on_begin(connection: Connection) -> None:
    options = connection.get_execution_options()
    if options.get("immediate", False):
        patience = f"set_config('lock_timeout', '{RUN_LOCK_TIMEOUT_MS}', true), " if options.get("in_run") else ""
        connection.exec_driver_sql(f"SELECT {patience}pg_advisory_xact_lock({WRITE_LOCK})")


def display(path: Path, url: str) -> str:
    """The address without a password."""
    return make_url(url).set(query={}).render_as_string(hide_password=True)


def exists(path: Path, url: str) -> bool:
    """There may always be one."""
    return True


def object_names(connection: Connection) -> set[str]:
    """Names of all tables and views of the schema. Raises LibraryError if there is no schema."""
    statement = (
        "SELECT relname FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'v')"
    )
    names = {name for (name,) in connection.exec_driver_sql(statement)}
    if not names and connection.exec_driver_sql("SELECT current_schema()").scalar() is None:
        raise LibraryError("The database does not have the schema that the address names.", "Make it in the database.")
    return names


# --- statements -------------------------------------------------------------------------------


def insert_or_ignore(model: Any) -> Insert:
    """An INSERT that leaves rows as they are whose key exists."""
    return insert(model).on_conflict_do_nothing()


def upsert(model: Any, keys: Sequence[str], changes: Callable[[Any], Mapping[str, Any]]) -> Insert:
    """An INSERT that updates rows whose `keys` exist; `changes` gives the new values, from the inserted ones."""
    statement = insert(model)
    return statement.on_conflict_do_update(index_elements=keys, set_=dict(changes(statement.excluded)))


def last_id(connection: Connection, table: str) -> int:
    """The highest id that a table has given."""
    given = f"pg_sequence_last_value(pg_get_serial_sequence('{table}', 'id')::regclass)"
    statement = f"SELECT greatest({given}, (SELECT max(id) FROM {table}), 0)"
    return int(connection.exec_driver_sql(statement).scalar_one())


def continue_ids(connection: Connection, table: str, last: int = 0) -> None:
    """Let the sequence of ids go on above `last` and above the highest there is, or was."""
    sequence = f"pg_get_serial_sequence('{table}', 'id')"
    highest = f"greatest(nextval({sequence}), (SELECT coalesce(max(id), 0) FROM {table}), {last})"
    connection.exec_driver_sql(f"SELECT setval({sequence}, {highest})")


@compiles(IdList, "postgresql")
def _id_list(element: IdList, compiler: Any, **options: Any) -> str:
    value = compiler.process(element.clauses, **options)
    return f"(SELECT CAST(value AS bigint) FROM json_array_elements_text(CAST({value} AS json)) AS value)"


@compiles(Unindexed, "postgresql")
def _unindexed(element: Unindexed, compiler: Any, **options: Any) -> str:
    """The expression itself: the planner counts rows before it chooses an index."""
    return f"({compiler.process(element.clauses, **options)})"


@compiles(HasByte, "postgresql")
def _has_byte(element: HasByte, compiler: Any, **options: Any) -> str:
    value, byte = (compiler.process(clause, **options) for clause in element.clauses)
    return f"position({byte} IN {value}) > 0"


@compiles(Floor, "postgresql")
def _floor(element: Floor, compiler: Any, **options: Any) -> str:
    return f"CAST(floor({compiler.process(element.clauses, **options)}) AS bigint)"


@compiles(DistanceKm, "postgresql")
def _distance_km(element: DistanceKm, compiler: Any, **options: Any) -> str:
    """The haversine formula of `sphere.distance_km`. A product too small for a number is an error in PostgreSQL."""
    numbers = [f"CAST({compiler.process(clause, **options)} AS float8)" for clause in element.clauses]
    start_latitude, start, latitude, longitude = (
        f"(CASE WHEN abs({number}) < 1e-100 THEN 0 ELSE {number} END)" for number in numbers
    )
    half = (
        f"power(sin((radians({latitude}) - radians({start_latitude})) / 2), 2) + cos(radians({start_latitude}))"
        f" * cos(radians({latitude})) * power(sin(radians({longitude} - {start}) / 2), 2)"
    )
    return f"({2 * EARTH_KM} * asin(least(1.0, sqrt({half}))))"


# --- full text --------------------------------------------------------------------------------

_HITS = text(
    "SELECT (SELECT count(*) FROM words WHERE document @@ CAST(asked.phrase AS tsquery))"
    " FROM unnest(CAST(:phrases AS text[])) WITH ORDINALITY AS asked(phrase, place) ORDER BY asked.place"
)
_WORDS_BY_IDS = select(WORDS).where(WORDS_ID.in_(IdList()))
_SIZE = text("SELECT photos, tokens FROM words_size")


def words_schema() -> tuple[str, ...]:
    """The statements that make the index of words, empty."""
    return WORDS_SCHEMA


@compiles(IsMatch, "postgresql")
def _is_match(element: IsMatch, compiler: Any, **options: Any) -> str:
    return f"words.document @@ CAST({compiler.process(element.clauses, **options)} AS tsquery)"


def expression_text(expression: Expression) -> str:
    """A tsquery, which no parser of PostgreSQL changes: every token is quoted."""
    if isinstance(expression, Phrase):
        letter = LETTERS.get(expression.column, "")
        last = len(expression.tokens) - 1
        return " <-> ".join(
            _quoted(token) + _suffix(letter, is_prefix=expression.is_prefix and number == last)
            for number, token in enumerate(expression.tokens)
        )
    if isinstance(expression, AllOf | AnyOf):
        joint = " & " if isinstance(expression, AllOf) else " | "
        return joint.join(f"({expression_text(part)})" for part in expression.parts)
    return f"({expression_text(expression.included)}) & !({expression_text(expression.excluded)})"


def _quoted(token: str) -> str:
    return "'" + token[:LONGEST_TOKEN].replace("\\", "\\\\").replace("'", "''") + "'"


def _suffix(letter: str, *, is_prefix: bool) -> str:
    return f":{letter}{'*' if is_prefix else ''}" if letter or is_prefix else ""


def best_first(
    connection: Connection, statement: Any, expression: Expression, limit: int | None
) -> list[tuple[Any, ...]]:
    """The rows of a statement over WORDS, the best match first: FTS5's order, computed here.

    The statement is one that few photos match, so all of them are fetched.
    """
    cursor = connection.execute(statement.order_by(WORDS_ID), {"expression": expression}).cursor
    rows = list(cursor.fetchall()) if cursor is not None else []
    if len(rows) < 2:
        return rows
    photos, tokens = connection.execute(_SIZE).one()
    asked = [expression_text(phrase) for phrase in phrases(expression)]
    hits = connection.execute(_HITS, {"phrases": asked}).scalars().all()
    statistics = Statistics(photos, tokens, hits)
    matching = {"ids": id_list_value(row[0] for row in rows)}
    scores = {}
    for photo_id, *columns in connection.execute(_WORDS_BY_IDS, matching):
        document = {name: words.split() for name, words in zip(LETTERS, columns, strict=True)}
        scores[photo_id] = score(expression, document, statistics)
    return sorted(rows, key=lambda row: -scores[row[0]])[:limit]  # stable
