import contextlib
import multiprocessing
import sqlite3
import threading

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from polyglance.data.catalog import locks, migrations, opening, sqlite
from polyglance.data.catalog.catalog import Catalog
from polyglance.data.catalog.database import Database
from polyglance.data.catalog.models import Base
from polyglance.errors import LibraryBusy, LibraryError, LibraryMissing
from sqlalchemy import QueuePool, create_engine


def test_missing_library_is_named_with_the_next_step(tmp_path):
    with pytest.raises(LibraryMissing, match="polyglance index"):
        opening.open_database(tmp_path / "catalog.db")
    assert not (tmp_path / "catalog.db").exists()


def test_migrations_build_exactly_the_models(tmp_path):
    catalog = opening.open_database(tmp_path / "catalog.db", create=True)

    def of_models(name, kind, parents):
        return kind != "table" or not name.startswith("words")  # the full-text index, which is no model

    with catalog.connect() as connection:
        context = MigrationContext.configure(connection, opts={"include_name": of_models})
        assert compare_metadata(context, Base.metadata) == []
    catalog.close()


def test_schema_constant_is_the_newest_migration():
    assert ScriptDirectory.from_config(migrations.config()).get_current_head() == opening.SCHEMA


def test_opening_twice_migrates_once(tmp_path):
    for _ in range(2):
        opening.open_database(tmp_path / "catalog.db", create=True).close()
    assert opening.open_database(tmp_path / "catalog.db").close() is None


@pytest.mark.parametrize(
    ("prepare", "message"),
    [
        (lambda db: db.execute("UPDATE alembic_version SET version_num = '9999'"), "newer polyglance"),
        (lambda db: db.execute("UPDATE alembic_version SET version_num = '0000'"), "older version"),
        (lambda db: db.execute("DROP TABLE alembic_version"), "not a polyglance catalog"),
    ],
)
def test_other_schemas_are_refused_with_advice(tmp_path, prepare, message):
    path = tmp_path / "catalog.db"
    opening.open_database(path, create=True).close()
    connection = sqlite3.connect(path)
    prepare(connection)
    connection.commit()
    connection.close()
    with pytest.raises(LibraryError, match=message):
        opening.open_database(path)


def test_a_file_that_is_no_database_is_refused_in_one_line(tmp_path):
    (tmp_path / "catalog.db").write_text("this is not SQLite, by a long way" * 100)
    with pytest.raises(LibraryError, match="cannot be opened: file is not a database") as caught:
        opening.open_database(tmp_path / "catalog.db")
    assert "\n" not in str(caught.value)


def test_writers_of_one_process_wait_for_each_other(tmp_path):
    catalog = opening.open_database(tmp_path / "catalog.db", create=True)

    def add(count):
        for _ in range(count):
            with catalog.writing() as connection:
                row = connection.exec_driver_sql("SELECT value FROM setting WHERE key = 'n'").first()
                value = str(int(row[0] if row else 0) + 1)
                connection.exec_driver_sql("INSERT OR REPLACE INTO setting (key, value) VALUES ('n', ?)", (value,))

    threads = [threading.Thread(target=add, args=(25,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with catalog.connect() as connection:
        assert connection.exec_driver_sql("SELECT value FROM setting WHERE key = 'n'").scalar() == "200"
    catalog.close()


def _hold(folder, ready, leave):
    with locks.writer_lock(folder):
        ready.set()
        leave.wait(30)


def test_second_writer_process_is_told_who_holds_the_lock(tmp_path):
    context = multiprocessing.get_context("spawn")
    ready, leave = context.Event(), context.Event()
    holder = context.Process(target=_hold, args=(tmp_path, ready, leave))
    holder.start()
    assert ready.wait(30)
    with pytest.raises(LibraryBusy, match=f"process {holder.pid}") as caught, locks.writer_lock(tmp_path):
        pass
    assert caught.value.exit_code == 4
    leave.set()
    holder.join()
    with locks.writer_lock(tmp_path):
        pass


def test_lock_of_a_killed_process_is_free(tmp_path):
    context = multiprocessing.get_context("spawn")
    ready, leave = context.Event(), context.Event()
    holder = context.Process(target=_hold, args=(tmp_path, ready, leave))
    holder.start()
    assert ready.wait(30)
    holder.kill()
    holder.join()
    with locks.writer_lock(tmp_path):
        pass


@pytest.fixture
def catalog(tmp_path):
    with Catalog(tmp_path / "catalog.db", create=True) as opened:
        yield opened


PHOTO_WITHOUT_ROOT = (
    "INSERT INTO photo (root_id, path, size, mtime_ns, inode, indexed_at) VALUES (7, CAST('a' AS BLOB), 1, 1, 1, '')"
)


@pytest.mark.parametrize(
    ("statement", "reason", "hint"),
    [
        (PHOTO_WITHOUT_ROOT, "FOREIGN KEY constraint failed", "try again"),
        ("INSERT INTO root (path) VALUES (NULL)", "NOT NULL constraint failed: root.path", "try again"),
        ("SELECT * FROM nowhere", "no such table: nowhere", "polyglance check"),
        ("SELECT abs(-9223372036854775808)", "integer overflow", "polyglance check"),
    ],
)
def test_what_is_no_damage_is_said_as_what_it_is(catalog, statement, reason, hint):
    with (
        pytest.raises(LibraryError, match="The catalog cannot be used") as caught,
        catalog._database.writing() as db,
    ):
        db.exec_driver_sql(statement)
    assert reason in caught.value.message
    assert hint in caught.value.hint
    assert "damaged" not in str(caught.value)
    assert "--repair" not in str(caught.value)


def test_a_lock_that_is_not_freed_is_said_as_what_it_is(tmp_path, monkeypatch):
    monkeypatch.setattr(sqlite, "BUSY_TIMEOUT_MS", 1)
    path = tmp_path / "catalog.db"
    with Catalog(path, create=True) as catalog, contextlib.closing(sqlite3.connect(path)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(LibraryError, match=r"cannot be used: database is locked\. Another process holds it"):
            catalog.settings.exclude(["x"])


@pytest.mark.parametrize("place", [0, 4096])
def test_a_damaged_file_is_called_damaged(tmp_path, place):
    path = tmp_path / "catalog.db"
    Catalog(path, create=True).close()
    with path.open("rb+") as file:
        file.seek(place + 8)
        file.write(b"\xff" * 4000)
    with pytest.raises(LibraryError, match="check --repair"):
        Catalog(path).roots()


def test_a_text_that_is_no_utf_8_is_damage(catalog):
    with pytest.raises(LibraryError, match="The catalog is damaged"), catalog._database.reading() as db:
        db.exec_driver_sql("SELECT CAST(x'FF' AS TEXT)").all()


def test_who_gets_no_connection_is_told_to_try_again(tmp_path, monkeypatch):
    engine = create_engine("sqlite://", poolclass=QueuePool, pool_size=1, max_overflow=0, pool_timeout=0.01)
    monkeypatch.setattr(sqlite, "make_engine", lambda _: engine)
    catalog = Database(tmp_path / "catalog.db")
    with catalog.connect(), pytest.raises(LibraryBusy, match="too much at once"), catalog.reading():
        pass
    catalog.close()
