"""From schema to schema: with a backup first, all rows kept, and whatever happens in between."""

import contextlib
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time

import pytest
from polyglance.data import database, fulltext, migrations, seals, words
from polyglance.data.catalog import Catalog
from polyglance.data.filters import NOTHING
from polyglance.errors import LibraryError

OLD_COLUMNS = {
    "setting": "key, value",
    "root": "id, path, scanned_at",
    "encoder": "id, name, fingerprint, dimension, dtype",
    "photo": "id, root_id, path, size, mtime_ns, inode, content_hash, error, width, height, format, taken_at, camera,"
    " lens, latitude, longitude, caption, keywords, indexed_at",
    "vector": "id, encoder_id, content_hash, vector",
    "sqlite_sequence": "name, seq",
}


@pytest.fixture
def old(tmp_path, make_first_schema):
    return make_first_schema(tmp_path / "library" / "catalog.db")


def content(path):
    with contextlib.closing(sqlite3.connect(path)) as db:
        return {table: db.execute(f"SELECT {names} FROM {table}").fetchall() for table, names in OLD_COLUMNS.items()}


def version(path):
    with contextlib.closing(sqlite3.connect(path)) as db:
        return db.execute("SELECT version_num FROM alembic_version").fetchone()[0]


def test_every_row_is_kept_and_sealed(old):
    before = content(old)
    Catalog(old, create=True).close()
    assert content(old) == before
    assert version(old) == database.SCHEMA
    with contextlib.closing(sqlite3.connect(old)) as db:
        db.row_factory = sqlite3.Row
        for table in seals.SEALED:
            for row in db.execute(f"SELECT * FROM {table}"):
                assert row["seal"] == seals.of(table, dict(row))


def test_the_upgraded_catalog_answers(old):
    with Catalog(old, create=True) as catalog:
        assert (catalog.generation(), catalog.active_encoder().name, len(catalog.vector_ids(1))) == (12, "test", 50)
        assert catalog.photo(2).facts.caption == "雪山"
        assert [failed.error for failed in catalog.failures()] == ["is empty (0 bytes)"]
        assert sum(len(ids) for ids, _, _ in catalog.vectors_after(1, 0)) == 50


def test_the_photos_of_before_are_found_by_their_words(old):
    with Catalog(old, create=True) as catalog:
        assert len(catalog.word_hits(fulltext.match("雪山"), NOTHING, 1, 100)) == 50
        assert [photo for photo, _ in catalog.word_hits(fulltext.match("7"), NOTHING, 1, 100)] == [9]  # after bad.jpg
        assert catalog.word_hits(fulltext.match("bad"), NOTHING, 1, 100) == []


def test_the_backup_is_the_old_catalog_in_one_file(old):
    before = content(old)
    Catalog(old, create=True).close()
    backup = old.with_name("catalog.db.schema-0001.backup")
    assert version(backup) == "0001"
    assert content(backup) == before
    assert not [name for name in os.listdir(old.parent) if name.startswith((".catalog", backup.name + "-"))]


def test_rows_that_are_only_in_the_log_are_in_the_backup(old):
    with contextlib.closing(sqlite3.connect(old)) as writer:
        writer.execute("INSERT INTO root VALUES (2, ?, NULL)", (b"/late",))
        writer.commit()
        assert old.with_name("catalog.db-wal").stat().st_size > 0
        Catalog(old, create=True).close()
    assert (2, b"/late", None) in content(old.with_name("catalog.db.schema-0001.backup"))["root"]


def test_a_new_library_makes_no_backup(tmp_path):
    Catalog(tmp_path / "catalog.db", create=True).close()
    assert not list(tmp_path.glob("*.backup"))


def test_readers_do_not_migrate(old):
    with pytest.raises(LibraryError, match="is of an older version"):
        Catalog(old)
    assert version(old) == "0001"
    assert not list(old.parent.glob("*.backup"))


def test_a_damaged_catalog_is_not_migrated(old):
    with old.open("rb+") as file:
        file.seek(4096 * 9)
        file.write(b"\xff" * 4096)
    before = old.read_bytes()
    with pytest.raises(LibraryError, match="cannot be backed up first"):
        Catalog(old, create=True)
    assert old.read_bytes() == before
    assert not list(old.parent.glob("*backup*"))


def test_killed_at_any_time_the_upgrade_leaves_a_usable_catalog(tmp_path, make_first_schema):
    origin = make_first_schema(tmp_path / "origin" / "catalog.db", photos=6000)
    before = content(origin)
    code = "import sys; from pathlib import Path; from polyglance.data.catalog import Catalog\nprint(flush=True)\n"
    code += "Catalog(Path(sys.argv[1]), create=True)"
    seen = set()
    for attempt in range(10):
        path = tmp_path / str(attempt) / "catalog.db"
        path.parent.mkdir()
        shutil.copy(origin, path)
        process = subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE)
        process.stdout.readline()
        time.sleep(0.06 * attempt)
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        seen.add((version(path), (path.parent / "catalog.db.schema-0001.backup").exists()))
        assert content(path) == before
        with Catalog(path, create=True) as catalog:
            assert len(catalog.vector_ids(1)) == 6000
        assert not list(path.parent.glob(".*"))
    assert ("0001", False) in seen


@pytest.mark.parametrize(
    ("module", "name", "value"),
    [
        (seals, "SEALED", {**seals.SEALED, "setting": ("x",)}),  # in the last step of 0002
        (words, "SCHEMA", (*words.SCHEMA, "nonsense")),  # within 0003
    ],
)
def test_a_migration_that_fails_half_way_changes_nothing(old, monkeypatch, module, name, value):
    before = content(old)
    monkeypatch.setattr(module, name, value)
    with pytest.raises(LibraryError):
        Catalog(old, create=True)
    assert (version(old), content(old)) == ("0001", before)


def test_all_revisions_are_known():
    assert {"0001", database.SCHEMA} <= migrations.known()
