"""PostgreSQL: all that the catalog does in the way of this one database, by the driver psycopg. See `dialect`.

One schema of a database holds one catalog: that of the connection's `search_path`. Readers see one moment
(REPEATABLE READ). Writers take one advisory lock at the start of each transaction, as SQLite's do, so that ids and
generations become visible in their order; see docs/adr/0041.

Locks that outlast a transaction belong to a connection. The server frees them when the connection ends, so every
transaction of their holder proves first that they are still held. A proxy that gives connections to other clients
between transactions (PgBouncer's transaction mode) cannot be used for them.
"""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import Connection, Engine, create_engine, event, exc, make_url, select, text
from sqlalchemy.dialects.postgresql import Insert, insert
from sqlalchemy.ext.compiler import compiles

from ...errors import LibraryBusy, LibraryError
from .best_match import Statistics, score
from .constructs import WORDS, WORDS_ID, DistanceKm, Floor, HasByte, IdList, IsMatch, Unindexed, id_list_value
from .dialect import LockHeld
from .expression import AllOf, AnyOf, Expression, Phrase, phrases
from .sphere import EARTH_KM
from .word_vectors import LETTERS, LONGEST_TOKEN, WORDS_SCHEMA

READ: dict[str, Any] = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
WRITE: dict[str, Any] = {"isolation_level": "READ COMMITTED", "immediate": True}

LOCK_TIMEOUT_MS = 10_000
BESIDE = 4
"""Connections beside the pool's that stay open."""
CONNECT_SECONDS = 10
ATTEMPTS_PER_SECOND = 20

# The first number of an advisory lock says what it is for, the second whose it is.
_LOCKS = {"write": 0x706F0001, "writer": 0x706F0002, "watch": 0x706F0003}
_OWN = "hashtext(current_schema())"

# --- engine -----------------------------------------------------------------------------------


def make_engine(path: Path, url: str = "", *, pooled: bool = True) -> Engine:
    """The engine over the database at `url`. A connection that the server closed is replaced before its next use."""
    arguments = {"connect_timeout": CONNECT_SECONDS, "application_name": _own_name(), "client_encoding": "utf8"}
    address = make_url(url)
    given = {key: value for key, value in arguments.items() if key not in address.query}
    sizes = {} if pooled else {"pool_size": BESIDE, "max_overflow": -1}
    engine = create_engine(address, connect_args=given, pool_pre_ping=True, **sizes)
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
    if connection.get_execution_options().get("immediate", False):
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCKS['write']}, {_OWN})")


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


# --- locks ------------------------------------------------------------------------------------

_HOLDER = text(
    "SELECT application_name, to_char(backend_start, 'YYYY-MM-DD HH24:MI:SS') FROM pg_locks JOIN pg_stat_activity"
    " USING (pid) WHERE locktype = 'advisory' AND granted AND database = (SELECT oid FROM pg_database"
    f" WHERE datname = current_database()) AND classid = :name AND objid = ({_OWN}::bigint & 4294967295)::oid"
)
_IS_HELD = text(
    "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND granted AND pid = :holder AND database = (SELECT oid FROM"
    f" pg_database WHERE datname = current_database()) AND classid = {_LOCKS['writer']}"
    f" AND objid = ({_OWN}::bigint & 4294967295)::oid"
)


@contextlib.contextmanager
def lock(engine: Engine, name: str, patience: float) -> Iterator[int | None]:
    """Hold an advisory lock by a connection of its own; gives the server's number of that connection.

    Once it is held, no transaction of an earlier holder is under way. Raises LockHeld.
    """
    pooled = engine.raw_connection()
    connection: Any = pooled.driver_connection
    pooled.detach()
    try:
        connection.autocommit = True
        # A holder's machine that is cut off is noticed; the server's default is two hours.
        for setting in ("keepalives_idle = 30", "keepalives_interval = 10", "keepalives_count = 3"):
            connection.execute(f"SET tcp_{setting}")
        _acquire(connection, name, patience)
        connection.execute(f"SELECT pg_advisory_lock({_LOCKS['write']}, {_OWN})")
        connection.execute(f"SELECT pg_advisory_unlock({_LOCKS['write']}, {_OWN})")
        yield connection.info.backend_pid
    finally:
        connection.close()


def _acquire(connection: Any, name: str, patience: float) -> None:
    end = time.monotonic() + patience
    while not connection.execute(f"SELECT pg_try_advisory_lock({_LOCKS[name]}, {_OWN})").fetchone()[0]:
        if time.monotonic() >= end:
            row = connection.execute(_HOLDER.text.replace(":name", "%s"), (_LOCKS[name],)).fetchone()
            raise LockHeld(_described(row) or "another process")
        time.sleep(1 / ATTEMPTS_PER_SECOND)


def lock_holder(engine: Engine, name: str) -> str | None:
    """Who holds an advisory lock now; None if nobody does."""
    with engine.connect() as connection:
        return _described(connection.execute(_HOLDER, {"name": _LOCKS[name]}).first())


def _described(row: Any) -> str | None:
    if row is None:
        return None
    name, since = row
    return f"{name or 'another process'} since {since}" if since else name or "another process"


def require_held(connection: Connection, holder: int) -> None:
    """Raise LibraryBusy if the connection that held the writer lock has ended: another process may be writing."""
    if connection.execute(_IS_HELD, {"holder": holder}).first() is None:
        raise LibraryBusy("The writer lock was lost: the database ended its connection.", "Run the same command again.")


# --- errors -----------------------------------------------------------------------------------

ERRORS: tuple[type[Exception], ...] = (exc.DatabaseError, exc.InterfaceError, psycopg.Error)

_TRY_AGAIN = "Nothing was changed. What it is about was changed or removed meanwhile: try again."
_HINTS = {
    "08": "Is the server running? Try again in a moment.",
    "23": _TRY_AGAIN,
    "25006": "The server only answers reads: name the primary server in POLYGLANCE_CATALOG.",
    "28": "Check user and password in POLYGLANCE_CATALOG, or ~/.pgpass.",
    "3D000": "Make it with 'createdb', or check its name in POLYGLANCE_CATALOG.",
    "3F000": "Make the schema that the address's search_path names.",
    "40": "Nothing was changed: another process changed the same. Try again.",
    "42501": "Let the user of POLYGLANCE_CATALOG own the database, or grant it all rights on its schema.",
    "53100": "Free some space on the server's disk, then run the same command to go on.",
    "53300": "Too many programs use the server: raise its max_connections, or end some, then try again.",
    "53": "The server is short of memory or other means; end other programs, then try again.",
    "55P03": "Another process holds it; try again.",
    "57P": "The server is being stopped or started. Try again in a moment; what was committed is kept.",
    "58": "The server's disk fails or was taken away; check its log.",
}
"""How an SQLSTATE begins -> the next step, where nothing is damaged."""
_REFUSED = {
    "password authentication failed": "28",
    "no password supplied": "28",
    "no pg_hba.conf entry": "28",
    "role ": "28",
    "database ": "3D000",
    "remaining connection slots": "53300",
    "too many clients": "53300",
    "starting up": "57P",
    "shutting down": "57P",
    "terminating connection": "57P",
    "consuming input failed": "08",
    "server closed the connection": "57P",
}
"""What a refused or broken connection says, for which the driver has no SQLSTATE -> how it would begin."""
_OTHER_HINT = "Run it again with --debug to see where; 'polyglance check' tells whether the catalog is whole."


def is_damage(error: BaseException) -> bool:
    """Whether the server says that its files are not what was written."""
    return _state(error).startswith("XX00")


def is_full(error: BaseException) -> bool:
    """Whether the server's disk has no space."""
    return _state(error) == "53100"


def reason(error: BaseException) -> str:
    """The first line of what the driver says."""
    lines = [line.strip() for line in str(_driver_error(error)).splitlines()]
    message = next((line for line in lines if line), type(error).__name__)
    return message.removeprefix("connection failed: ").rstrip(".")


def hint(error: BaseException) -> str:
    """What to do about an error that is no damage."""
    state = _state(error)
    return next((_HINTS[state[:length]] for length in (5, 3, 2) if state[:length] in _HINTS), _OTHER_HINT)


def _state(error: BaseException) -> str:
    driver = _driver_error(error)
    state = getattr(driver, "sqlstate", None)
    if state:
        return str(state)
    message = str(driver)
    known = next((state for text_, state in _REFUSED.items() if text_ in message), "")
    return known or ("08" if isinstance(driver, psycopg.OperationalError) else "")


def _driver_error(error: BaseException) -> BaseException:
    driver: BaseException = getattr(error, "orig", None) or error
    return driver


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
