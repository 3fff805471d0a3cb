import contextlib
import sqlite3
import threading

import pytest
from polyglance.data.catalog import opening, sqlite
from polyglance.data.catalog.catalog import Catalog
from polyglance.data.catalog.database import Database
from polyglance.errors import LibraryBusy, LibraryError
from sqlalchemy import QueuePool, create_engine


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
    monkeypatch.setattr(sqlite, "make_engine", lambda *_: engine)
    catalog = Database(tmp_path / "catalog.db")
    with catalog.connect(), pytest.raises(LibraryBusy, match="too much at once"), catalog.reading():
        pass
    catalog.close()
