"""Copying the library of an opened catalog to another place; the copy is opened by nobody until it is complete.

The first thing that is written to the copy is a mark that it is not complete, and the last is that the mark goes. In
between, every step can be repeated, so a copy that was stopped goes on where it was.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import delete, select

from ...errors import LibraryError, Stopped, UsageError
from ...progress import Progress, Tick
from ..catalog import locks, opening, settings
from ..catalog.catalog import Catalog
from ..catalog.database import Database, fetch
from ..catalog.models import Setting
from ..catalog.suggestions import INCOMPLETE
from . import files, rows

EMPTY_TARGET = "Choose an empty folder, and an empty database if the copy is in one."


@dataclass(frozen=True, slots=True)
class Plan:
    """What to copy, and where to: a folder, and the address of a database (empty: a file in the folder).

    `folders` are those of the library's folder whose files are copied; those of `durable` cannot be made again.
    """

    source: Catalog
    folder: Path
    url: str
    folders: tuple[str, ...]
    durable: tuple[str, ...]

    @property
    def catalog(self) -> Path:
        """The catalog's file, if it is one."""
        return self.folder / self.source.database.path.name


class Copied(NamedTuple):
    """What the copy has, proved equal to the library: content of each table by name, files, rows that were written."""

    tables: dict[str, rows.Content]
    files: files.Files
    written: int


def require_apart(source: Path, target: Path) -> None:
    """Raise UsageError if one of two folders is the other, or lies in it."""
    here, there = source.resolve(), target.resolve()
    if here == there:
        raise UsageError(f"{target} is the library's own folder.", "Name another folder with --to.")
    if here in there.parents or there in here.parents:
        raise UsageError(f"Of {source} and {target} one lies in the other.", "Name another folder with --to.")


def copy(plan: Plan, progress: Progress, should_stop: Callable[[], bool] = lambda: False) -> Copied:
    """Make the copy, or go on with it, and prove it; the caller holds the writer lock of the library.

    Raises UsageError if the target has another library; LibraryError, LibraryBusy, OSError; Stopped.
    """
    source = plan.source
    with _target(plan) as database:
        state = _State.read(database)
        _require_ours(plan, state)
        generation, is_new = source.generation(), state.is_empty or state.mark is not None
        steps = _Steps(progress, should_stop, rows.count(source.database) * (3 if is_new else 2))
        if is_new:
            steps.total += files.count(source.folder, plan.folders)
            return _fill(plan, database, state, generation, steps)
        tables = _verify(plan, database, steps)
        if tables is None:
            raise UsageError(f"The library at {_place(plan)} is an older or newer copy of this one.", EMPTY_TARGET)
        return Copied(tables, files.Files(0, 0), 0)


def _fill(plan: Plan, database: Database, state: _State, generation: int, steps: _Steps) -> Copied:
    source = plan.source
    if state.mark is not None and state.mark["generation"] != generation:
        rows.clear(database)  # the library has changed since: its rows may have got the paths of others
    mark = {"library": str(source.folder), "identity": source.settings.identity(), "generation": generation}
    with database.writing() as connection:
        settings.put(connection, INCOMPLETE, json.dumps(mark))
    written = sum(rows.make_equal(source.database, database, table, steps.more) for table in rows.TABLES)
    last = rows.last_ids(source.database)
    rows.continue_ids(database, last)
    copied = files.copy(source.folder, plan.folder, plan.folders, steps.more, plan.durable)
    tables = _verify(plan, database, steps)
    if source.generation() != generation:
        raise LibraryError("The library has changed while it was copied.", "Run the same command again to go on.")
    if tables is None:
        raise LibraryError("The copy is not equal to the library.", "Run the same command again to go on.")
    with database.writing() as connection:
        connection.execute(delete(Setting).where(Setting.key == INCOMPLETE))
    return Copied(tables, copied, written)


def _verify(plan: Plan, database: Database, steps: _Steps) -> dict[str, rows.Content] | None:
    """The content of each table, read again from both catalogs; None if they are not equal."""
    result = {}
    for table in rows.TABLES:
        content = rows.content(plan.source.database, table, steps.more)
        if content != rows.content(database, table, steps.more):
            return None
        result[table.name] = content
    given, needed = rows.last_ids(database)["vector"], rows.last_ids(plan.source.database)["vector"]
    return result if given >= needed else None


class _State(NamedTuple):
    """What the catalog at the target is: empty, a library, or a copy that is not complete, with its mark."""

    is_empty: bool
    identity: str | None
    mark: dict[str, Any] | None

    @classmethod
    def read(cls, database: Database) -> _State:
        with database.reading() as connection:
            values = dict(fetch(connection, select(Setting.key, Setting.value)))
        mark = values.get(INCOMPLETE)
        return cls(rows.count(database) == 0, values.get("identity"), None if mark is None else json.loads(mark))


@dataclass
class _Steps:
    """Reports progress, and ends the work if that was asked for."""

    progress: Progress
    should_stop: Callable[[], bool]
    total: int
    done: int = 0

    def more(self, number: int) -> None:
        if self.should_stop():
            raise Stopped
        self.done += number
        self.progress(Tick(min(self.done, self.total), self.total))


@contextlib.contextmanager
def _target(plan: Plan) -> Iterator[Database]:
    """The database of the copy, with the newest schema, and with its writer lock held."""
    with contextlib.closing(Database(plan.catalog, plan.url)) as database:
        _require_free(plan, database)
        plan.folder.mkdir(parents=True, exist_ok=True)
        with locks.writer_lock(plan.folder), database.locked("writer", locks.WRITTEN):
            opening.migrate(plan.catalog, plan.url)
            yield database


def _require_free(plan: Plan, database: Database) -> None:
    """Raise LibraryError if the target cannot be used at all; nothing has been written to it."""
    if plan.url and plan.catalog.exists():
        raise UsageError(f"{plan.folder} is the folder of another library: it has {plan.catalog.name}.", EMPTY_TARGET)
    exists = bool(plan.url) or plan.catalog.exists()
    if plan.url and database.holds_lock_of(plan.source.database):
        raise UsageError("The database of the copy is that of the library itself.", EMPTY_TARGET)
    schema = opening.read_schema(database) if exists else None
    if schema is not None and schema != opening.SCHEMA:
        raise UsageError(f"There is a library of an older version at {_place(plan)}.", EMPTY_TARGET)
    if schema is None:
        _require_empty(plan)


def _require_ours(plan: Plan, state: _State) -> None:
    """Raise UsageError if the target is neither empty nor a copy of the library."""
    identity = plan.source.settings.identity()
    if state.is_empty:
        _require_empty(plan)
    elif state.mark is not None and state.mark["identity"] != identity:
        message = f"At {_place(plan)} there is a copy of another library, {state.mark['library']}, not complete."
        raise UsageError(message, EMPTY_TARGET)
    elif state.mark is None and state.identity != identity:
        raise UsageError(f"There is another library at {_place(plan)}.", EMPTY_TARGET)


def _require_empty(plan: Plan) -> None:
    """Raise UsageError if the target's folder has anything but locks and a catalog that has just been made."""
    names = [path.name for path in plan.folder.iterdir()] if plan.folder.is_dir() else []
    others = [name for name in names if not name.endswith(".lock") and name != "writer.txt"]
    if any(not name.startswith(plan.catalog.name) for name in others):
        raise UsageError(f"The folder {plan.folder} is not empty.", EMPTY_TARGET)


def _place(plan: Plan) -> str:
    return str(Database(plan.catalog, plan.url)) if plan.url else str(plan.folder)
