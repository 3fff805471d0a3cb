"""Backups of own data: when they are written, what they hold, and what keeps damage out of them."""

import logging
import sqlite3

import pytest
from polyglance.data.catalog import integrity, own_data, plain_sqlite


@pytest.fixture
def library(small_library):
    with small_library.open() as opened:
        yield opened


def names(small):
    return [path.name for path in own_data.copies(small.catalog)]


def test_a_backup_is_written_when_own_data_has_changed_and_the_newest_stay(small_library, library):
    before = names(small_library)
    library.rescan()
    assert names(small_library) == before
    for photo_id in (2, 3, 5, 6):
        library.mark([photo_id])
    library.mark([5])
    assert names(small_library) == [f"own-data-{int(before[0][9:-3]) + n:09}.db" for n in (4, 3, 2)]
    assert len(own_data.newest(small_library.catalog)["favourite"]) == 4


def test_a_mark_beside_a_run_of_the_same_process_is_backed_up_at_once(small_library, library):
    marked = []

    def mark(_tick):
        marked.append(library.mark([5]))
        assert len(own_data.newest(small_library.catalog)["favourite"]) == 1

    library.reencode("lite")
    small_library.damage("UPDATE photo SET mtime_ns = 1")
    library.index([small_library.photos], progress=mark)
    assert marked


def test_damaged_own_data_is_not_backed_up(small_library, library, caplog):
    library.mark([3])
    before = names(small_library)
    small_library.damage("UPDATE favourite SET marked_at = 'x'")
    library.mark([5])
    assert names(small_library) == before
    assert "were not backed up: the catalog is damaged" in caplog.text


def test_rows_that_a_damaged_page_hides_are_not_lost_from_the_backup(small_library, library):
    for photo_id in (2, 3, 5, 6):
        library.mark([photo_id])
    before = names(small_library)
    library.close()
    ((page,),) = small_library.ask("SELECT rootpage FROM sqlite_master WHERE name = 'favourite'")
    with small_library.catalog.open("rb+") as file:
        file.seek(4096 * (page - 1) + 3)  # the number of cells
        file.write(b"\0\1")
    assert len(small_library.ask("SELECT * FROM favourite NOT INDEXED")) == 1
    own_data.back_up(small_library.catalog)
    assert names(small_library) == before


def test_a_damaged_backup_is_named_replaced_and_passed_over(small_library, library):
    library.mark([5])
    newest, *_ = own_data.copies(small_library.catalog)
    newest.write_bytes(b"no database")
    assert own_data.newest(small_library.catalog)["root"] != []
    assert [finding.code for finding in library.check().findings] == ["backup-damaged"]
    assert library.check(repair=True).ok
    assert library.check().findings == []
    assert len(own_data.newest(small_library.catalog)["favourite"]) == 1


def test_a_disk_without_space_for_the_backup_is_a_warning(small_library, library, caplog, monkeypatch):
    def full(*_arguments, **_more):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(own_data.atomic, "whole_file", full)
    with caplog.at_level(logging.WARNING):
        assert library.mark([5]) == [5]
    assert "favourites were not backed up: No space left on device." in caplog.text


def test_a_restored_root_keeps_its_id_or_gets_another_if_that_is_taken(small_library, library):
    rows = own_data.newest(small_library.catalog)
    library.close()
    with plain_sqlite.connect(small_library.catalog) as db:
        db.row_factory = sqlite3.Row
        db.execute("DELETE FROM root")
        assert own_data.restore(db, "root", rows) == 1
        assert [tuple(row) for row in db.execute("SELECT id, path FROM root")] == [tuple(rows["root"][0])[:2]]
        db.execute("UPDATE root SET path = CAST('/other' AS BLOB)")
        assert own_data.restore(db, "root", rows) == 1
        assert len(db.execute("SELECT id FROM root").fetchall()) == 2
    db.close()
    assert integrity.is_sealed("root", rows["root"][0])
