"""From schema to schema: with a backup first, all rows kept, and whatever happens in between."""

import contextlib
import os
import shutil
import signal
import sqlite3
import subprocess
import sys

import children
import pytest
from polyglance.data.catalog import locks, migrations, opening, seals
from polyglance.data.catalog.catalog import Catalog
from polyglance.data.catalog.filters import NOTHING
from polyglance.data.catalog.word_query import WordQuery
from polyglance.errors import LibraryError
from sqlalchemy import Engine, event

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
    assert version(old) == opening.SCHEMA
    with contextlib.closing(sqlite3.connect(old)) as db:
        db.row_factory = sqlite3.Row
        for table in seals.SEALED:
            for row in db.execute(f"SELECT * FROM {table}"):
                assert row["seal"] == seals.seal_row(table, dict(row))


def test_the_upgraded_catalog_answers(old):
    with Catalog(old, create=True) as catalog:
        assert (catalog.generation(), catalog.encoders.active().name, len(catalog.vectors.ids(1))) == (12, "test", 50)
        assert catalog.photos.get(2).facts.caption == "雪山"
        assert [failed.error for failed in catalog.failures.all()] == ["is empty (0 bytes)"]
        assert sum(len(ids) for ids, _, _ in catalog.vectors.after(1, 0)) == 50


def test_the_photos_of_before_are_found_by_their_words(old):
    with Catalog(old, create=True) as catalog:
        assert len(catalog.words.search(WordQuery.from_texts(["雪山"]), NOTHING, 1, 100)) == 50
        assert [photo for photo, _ in catalog.words.search(WordQuery.from_texts(["7"]), NOTHING, 1, 100)] == [
            9
        ]  # after bad.jpg
        assert catalog.words.search(WordQuery.from_texts(["bad"]), NOTHING, 1, 100) == []


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


@pytest.mark.slow
def test_killed_before_any_step_the_upgrade_leaves_a_usable_catalog(tmp_path, make_first_schema):
    origin = make_first_schema(tmp_path / "origin" / "catalog.db", photos=500)
    before = content(origin)

    def copy(name):
        path = tmp_path / name / "catalog.db"
        path.parent.mkdir()
        return shutil.copy(origin, path)

    upgraded, log = copy("upgraded"), tmp_path / "steps"
    children.finish(children.write_steps, upgraded.parent, log, children.open_catalog, upgraded, tmp_path / "said")
    steps = log.read_text().splitlines()
    assert {"commit", "rename .catalog.db.schema-*"} <= {step.partition(".backup")[0] for step in steps}
    seen = set()
    for attempt, (step, number) in enumerate(children.moments(steps)):
        path = copy(str(attempt))
        crash = (path.parent, step, number)
        process = children.start(children.open_catalog, path, tmp_path / "said", crash=crash)
        process.join()
        assert process.exitcode == -signal.SIGKILL, (step, number)
        seen.add((version(path), (path.parent / "catalog.db.schema-0001.backup").exists()))
        assert content(path) == before
        with Catalog(path, create=True) as catalog:
            assert len(catalog.vectors.ids(1)) == 500
        assert not list(path.parent.glob(".*"))
    assert {("0001", False), ("0001", True)} <= seen


@pytest.mark.parametrize(
    "statement", ["CREATE INDEX vector_seal", "CREATE TRIGGER words_failed", "DROP TABLE favourite"]
)
def test_a_migration_that_fails_half_way_changes_nothing(old, statement):
    def fail(_connection, _cursor, sql, *_):
        if statement in sql:
            raise sqlite3.OperationalError("disk I/O error")

    before = content(old)
    event.listen(Engine, "before_cursor_execute", fail)
    try:
        with pytest.raises(LibraryError, match="disk I/O error"):
            Catalog(old, create=True)
    finally:
        event.remove(Engine, "before_cursor_execute", fail)
    assert (version(old), content(old)) == ("0001", before)


def test_all_revisions_are_known():
    assert {"0001", opening.SCHEMA} <= migrations.known()


OPENING = """
import logging, sys
from pathlib import Path
from polyglance.data.catalog import locks
from polyglance.data.catalog.catalog import Catalog
logging.basicConfig(format="%(message)s")
sys.stdin.readline()
with Catalog(Path(sys.argv[1]), create=True) as catalog:
    print(len(catalog.vectors.ids(1)))
"""


def open_at_once(path, count):
    """Open a catalog in so many processes at the same moment; return (what they said, what went wrong)."""
    together = children.context.Barrier(count)
    said = [path.with_name(f"said {number}") for number in range(count)]
    processes = [children.start(children.open_catalog, path, file, together) for file in said]
    for process in processes:
        process.join()
    texts = [file.read_text().splitlines()[-1] for file in said]  # before it some say for whom they wait
    return texts, [text for process, text in zip(processes, texts, strict=True) if process.exitcode]


def test_of_processes_that_open_an_older_library_at_once_one_migrates_and_all_find_it_done(tmp_path, make_first_schema):
    path = make_first_schema(tmp_path / "catalog.db", photos=3000)
    before = content(path)
    assert open_at_once(path, 4) == (["3000"] * 4, [])
    assert (version(path), content(path)) == (opening.SCHEMA, before)
    backup = path.with_name("catalog.db.schema-0001.backup")
    assert (version(backup), content(backup)) == ("0001", before)
    assert sorted(each.name for each in path.parent.glob("*backup*")) == [backup.name]


def test_of_processes_that_make_a_library_at_once_none_fails(tmp_path):
    assert open_at_once(tmp_path / "catalog.db", 4) == (["0"] * 4, [])


def test_who_needs_an_upgrade_waits_for_the_writer_and_says_for_whom(old):
    code = OPENING.replace("sys.stdin.readline()", "locks.PATIENCE_SECONDS = 0.1")
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-c", code, str(old)], **pipes) as waiting:
        with locks.writer_lock(old.parent):
            said = waiting.stderr.readline()
            before = version(old)
        out, error = waiting.communicate(timeout=60)
    assert f"is being written to by process {os.getpid()}" in said
    assert "Waiting for that" in said
    assert before == "0001"
    assert (out.strip(), error, waiting.returncode) == ("50", "", 0)


def test_who_waits_goes_on_when_the_upgrade_is_there_though_the_writer_goes_on_too(old, make_first_schema, monkeypatch):
    monkeypatch.setattr(locks, "PATIENCE_SECONDS", 0.1)
    with locks.writer_lock(old.parent):
        opening.migrate(old)
        with Catalog(old, create=True) as catalog:
            assert len(catalog.vectors.ids(1)) == 50


def test_an_upgrade_leaves_the_traces_of_a_killed_writer_to_the_next_one(old):
    old.with_name("writer.txt").write_text("process 1 since yesterday")
    Catalog(old, create=True).close()
    with locks.writer_lock(old.parent) as after_a_kill:
        assert after_a_kill


def test_a_backup_of_another_schema_than_it_is_called_is_not_made(old):
    earlier = opening.backup(old, "0001").read_bytes()
    with contextlib.closing(sqlite3.connect(old)) as db:
        db.execute("UPDATE alembic_version SET version_num = '0002'")
        db.commit()
    with pytest.raises(LibraryError, match="cannot be backed up first: it is of schema 0002"):
        opening.backup(old, "0001")
    assert old.with_name("catalog.db.schema-0001.backup").read_bytes() == earlier


def test_an_older_library_that_may_only_be_read_is_refused_in_one_line(old, as_nobody, opened_to_all):
    with contextlib.closing(sqlite3.connect(old)) as db:
        db.execute("PRAGMA journal_mode=DELETE")
    opened_to_all(old.parent)
    code = "import sys; from pathlib import Path; from polyglance.data.catalog.catalog import Catalog\n"
    code += "try: Catalog(Path(sys.argv[1]), create=True)\n"
    code += "except Exception as error: print(type(error).__name__, error)"
    said = as_nobody(code, str(old)).stdout
    assert said.startswith(f"LibraryError The library {old.parent} cannot be written to: Permission denied.")
