"""One test per corruption: it is named, mended, and after an index run the catalog is what it was."""

import json
import multiprocessing
import os
import re
import shutil
import sqlite3
import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from polyglance import library as libraries
from polyglance.config import Settings
from polyglance.data.catalog import locks, opening, seals
from polyglance.data.check import files as check_files
from polyglance.data.check import findings, salvage
from polyglance.data.check.findings import HARMLESS
from polyglance.data.vectors import snapshot
from polyglance.errors import LibraryBusy, LibraryError, LibraryMissing

INDEX_DIMENSION = 1011  # of lite


def check(small, **options):
    return libraries.check(small.folder, settings=Settings(encoder="lite"), **options)


def codes(report):
    return {finding.code for finding in report.findings}


def proved(small, code, *, original=None, index=True, deep=False):
    """The finding is named without repair, mended with it, and then the library is as it was."""
    named = check(small, deep=deep)
    assert code in codes(named), named.findings
    assert named.ok == (codes(named) <= HARMLESS)
    assert codes(check(small, deep=deep)) == codes(named), "a plain check changed something"
    mended = check(small, repair=True, deep=deep)
    assert code in codes(mended)
    assert mended.ok, mended.findings
    assert check(small, deep=deep).findings == []
    if index:
        small.index()
        assert check(small, deep=True).findings == []
        if original:
            assert small.state() == original
    return next(finding for finding in mended.findings if finding.code == code)


@pytest.fixture
def original(small_library_template):
    return small_library_template.state()


def test_a_good_library_is_clean(small_library):
    report = check(small_library, deep=True)
    assert (report.ok, report.findings, report.photos, report.vectors) == (True, [], 11, 10)
    assert (report.compared, report.not_compared) == (11, 0)


def test_a_missing_library_is_said_so(tmp_path):
    with pytest.raises(LibraryMissing, match="polyglance index"):
        libraries.check(tmp_path)


def sealed(table, values):
    """SQL that gives every row of a table these values and the seal that goes with them."""
    return values, table


FAVOURITE = "INSERT INTO favourite SELECT content_hash, '2026-01-01T00:00:00+00:00', {} FROM photo WHERE id = 3"
OF_FAILED = "INSERT INTO words (rowid, name) SELECT id, 'bad' FROM photo WHERE error IS NOT NULL"

ROWS = {
    "photo-damaged: a caption": ("photo-damaged", ["UPDATE photo SET caption = 'wrong' WHERE id = 3"]),
    "photo-damaged: a width": ("photo-damaged", ["UPDATE photo SET width = 65 WHERE id = 3"]),
    "photo-damaged: a hash": ("photo-damaged", ["UPDATE photo SET content_hash = zeroblob(32) WHERE id = 3"]),
    "photo-damaged: an error": ("photo-damaged", ["UPDATE photo SET error = 'x' WHERE error IS NOT NULL"]),
    "photo-damaged: an error on a good one": ("photo-damaged", ["UPDATE photo SET error = 'x' WHERE id = 3"]),
    "photo-damaged: no seal": ("photo-damaged", ["UPDATE photo SET seal = NULL WHERE id = 3"]),
    "photo-damaged: a seal of a number": ("photo-damaged", ["UPDATE photo SET seal = 7 WHERE id = 3"]),
    "photo-damaged: a text of bytes": ("photo-damaged", ["UPDATE photo SET format = x'ff' WHERE id = 3"]),
    "photo-damaged: a path of text": ("photo-damaged", ["UPDATE photo SET path = 'x.png' WHERE id = 3"]),
    "photo-damaged: a size of text": ("photo-damaged", ["UPDATE photo SET size = 'large' WHERE id = 3"]),
    "photo-without-root": ("photo-without-root", ["UPDATE photo SET root_id = 77 WHERE id = 3"]),
    "photo-without-vector": ("photo-without-vector", ["DELETE FROM vector WHERE id = 4"]),
    "vector-damaged: a value": ("vector-damaged", ["UPDATE vector SET vector = zeroblob(2022) WHERE id = 4"]),
    "vector-damaged: its length": ("vector-damaged", ["UPDATE vector SET vector = x'00' WHERE id = 4"]),
    "vector-damaged: its hash": ("vector-damaged", ["UPDATE vector SET content_hash = zeroblob(32) WHERE id = 4"]),
    "vector-damaged: a text": ("vector-damaged", ["UPDATE vector SET vector = 'text' WHERE id = 4"]),
    "vector-without-encoder": ("vector-without-encoder", ["UPDATE vector SET encoder_id = 9 WHERE id = 4"]),
    "favourite-damaged: its seal": ("favourite-damaged", [FAVOURITE.format("x'00'")]),
    "favourite-damaged: all": ("favourite-damaged", [FAVOURITE.format("NULL")]),
    "favourite-damaged: no content": ("favourite-damaged", ["INSERT INTO favourite VALUES (x'00', 'x', NULL)"]),
    "words-disagree: a word": ("words-disagree", ["UPDATE words SET name = 'wrong' WHERE rowid = 3"]),
    "words-disagree: a row less": ("words-disagree", ["DELETE FROM words WHERE rowid = 3"]),
    "words-disagree: a row more": ("words-disagree", ["INSERT INTO words (rowid, name) VALUES (99, 'x')"]),
    "words-disagree: a row of a failed one": ("words-disagree", [OF_FAILED]),
    "words-disagree: no content": ("words-disagree", ["DELETE FROM words_content"]),
    "words-disagree: other content": ("words-disagree", ["UPDATE words_content SET c1 = 'wrong' WHERE id = 3"]),
    "words-disagree: no index": ("words-disagree", ["DELETE FROM words_data WHERE id > 10"]),
    "words-disagree: no structure": ("words-disagree", ["DELETE FROM words_data WHERE id = 10"]),
    "words-disagree: no totals": ("words-disagree", ["UPDATE words_data SET block = x'' WHERE id = 1"]),
    "words-disagree: a length": ("words-disagree", ["UPDATE words_docsize SET sz = x'09010000' WHERE id = 3"]),
    "words-disagree: no version": ("words-disagree", ["DELETE FROM words_config"]),
    "words-disagree: another version": ("words-disagree", ["UPDATE words_config SET v = 77"]),
    "words-disagree: a path": ("words-disagree", ["UPDATE photo SET path = CAST('other.png' AS BLOB) WHERE id = 3"]),
    "vector-orphan": ("vector-orphan", ["DELETE FROM photo WHERE content_hash = (SELECT content_hash FROM vector)"]),
    "vector-ids: none": ("vector-ids", ["DELETE FROM sqlite_sequence"]),
    "vector-ids: behind": ("vector-ids", ["UPDATE sqlite_sequence SET seq = 3"]),
    "vector-ids: a text": ("vector-ids", ["UPDATE sqlite_sequence SET seq = 'x'"]),
    "setting-damaged: generation": ("setting-damaged", ["UPDATE setting SET value = '9' WHERE key = 'generation'"]),
    "setting-damaged: encoder": ("setting-damaged", ["UPDATE setting SET value = '7' WHERE key = 'active_encoder'"]),
    "setting-damaged: a key": ("setting-damaged", ["UPDATE setting SET key = 'xyzzy' WHERE key = 'active_encoder'"]),
    "setting-damaged: another": ("setting-damaged", ["INSERT INTO setting VALUES ('some', 'thing', NULL)"]),
    "generation": ("generation", ["DELETE FROM setting WHERE key = 'generation'"]),
    "active-encoder": ("active-encoder", ["DELETE FROM setting WHERE key = 'active_encoder'"]),
    "encoder-damaged: a name": ("encoder-damaged", ["UPDATE encoder SET name = 'lits'"]),
    "encoder-damaged: a dimension": ("encoder-damaged", ["UPDATE encoder SET dimension = 7"]),
    "encoder-damaged: a fingerprint": (
        "encoder-damaged",
        ["UPDATE encoder SET fingerprint = 'x' || substr(fingerprint, 2)"],
    ),
    "encoder-damaged: its seal": (
        "encoder-damaged",
        ["UPDATE encoder SET seal = CAST(x'00' || substr(seal, 2) AS BLOB)"],
    ),
    "root-damaged": ("root-damaged", ["UPDATE root SET path = CAST(x'2e' || substr(path, 2) AS BLOB)"]),
    "root-damaged: a text": ("root-damaged", ["UPDATE root SET path = CAST(path AS TEXT)"]),
    "root-damaged: its seal": ("root-damaged", ["UPDATE root SET seal = CAST(substr(seal, 1, 7) || x'00' AS BLOB)"]),
    "catalog-version: none": ("catalog-version", ["DELETE FROM alembic_version"]),
    "catalog-version: nonsense": ("catalog-version", ["UPDATE alembic_version SET version_num = '00 2'"]),
    "catalog-version: two": ("catalog-version", ["INSERT INTO alembic_version VALUES ('0001')"]),
}


@pytest.mark.parametrize(("code", "damage"), ROWS.values(), ids=ROWS.keys())
def test_a_damaged_row_is_named_and_mended(small_library, original, code, damage):
    small_library.damage(*damage)
    proved(small_library, code, original=original)


@pytest.mark.parametrize("place", range(0, 200, 7))
def test_a_flipped_byte_of_the_index_of_words(small_library, original, place):
    (block,) = small_library.ask("SELECT block FROM words_data WHERE id > 10")[0]
    changed = block[: place % len(block)] + bytes([block[place % len(block)] ^ 2]) + block[place % len(block) + 1 :]
    small_library.damage(f"UPDATE words_data SET block = x'{changed.hex()}' WHERE id > 10")
    assert codes(check(small_library)) == {"words-disagree"}
    assert check(small_library, repair=True).ok
    assert check(small_library).findings == []


def test_favourites_and_words_survive_a_catalog_rebuilt_from_its_rows(small_library, original):
    with small_library.open() as library:
        library.catalog.favourites.mark([3, 5], favourite=True)
    overwrite(small_library.catalog, page_of(small_library, "sqlite_autoindex_photo_1"), bytes(4096))
    report = check(small_library, repair=True)
    assert report.ok
    assert "words-disagree" not in codes(report)
    assert marked(small_library) == [3, 5]
    assert small_library.ask("SELECT rowid FROM words WHERE words MATCH 'copy AND 3'") != []
    assert check(small_library).findings == []


def marked(small):
    statement = "SELECT min(id) FROM photo JOIN favourite USING (content_hash) GROUP BY content_hash ORDER BY 1"
    return [photo_id for (photo_id,) in small.ask(statement)]


def test_a_mark_damaged_beyond_telling_stays_as_long_as_it_names_a_content(small_library):
    with small_library.open() as library:
        library.catalog.favourites.mark([5], favourite=True)
    small_library.damage("UPDATE favourite SET marked_at = x'ffff', seal = x'00'")
    assert check(small_library, repair=True).ok
    assert check(small_library).findings == []
    assert marked(small_library) == [5]


def test_a_photo_whose_record_is_emptied_is_a_favourite_when_it_is_read_again(small_library):
    with small_library.open() as library:
        library.catalog.favourites.mark([5], favourite=True)
    small_library.damage("UPDATE photo SET width = 65 WHERE id = 5")
    assert check(small_library, repair=True).ok
    small_library.index()
    assert marked(small_library) == [5]


def test_words_that_could_not_be_told_for_a_damaged_folder_are_mended_with_it(small_library, original):
    small_library.damage(
        "UPDATE root SET path = CAST(substr(path, 1, length(path) - 1) || x'21' AS BLOB)",
        "DELETE FROM words WHERE rowid = 3",
    )
    proved(small_library, "root-damaged", original=original)


def test_one_changed_byte_of_a_favourite_is_told(small_library):
    with small_library.open() as library:
        library.catalog.favourites.mark([3], favourite=True)
    before = small_library.ask("SELECT * FROM favourite")
    small_library.damage("UPDATE favourite SET marked_at = 'x' || substr(marked_at, 2)")
    assert codes(check(small_library, repair=True)) == {"favourite-damaged"}
    assert small_library.ask("SELECT * FROM favourite") == before


def test_a_seal_that_is_damaged_itself_costs_no_encoding(small_library, original):
    small_library.damage(
        "UPDATE photo SET seal = CAST(substr(seal, 1, 7) || x'00' AS BLOB) WHERE id = 3",
        "UPDATE vector SET seal = CAST(substr(seal, 1, 7) || x'00' AS BLOB) WHERE id = 4",
    )
    assert codes(check(small_library)) == {"photo-damaged", "vector-damaged"}
    assert check(small_library, repair=True).ok
    assert small_library.state() == original
    assert small_library.index().tally.encoded == 0


def reseal(small, table, rowid, **values):
    """Change a row so that its seal holds: what only a bug, not a disk, would do."""
    names = seals.SEALED[table]
    row = dict(zip(names, small.ask(f"SELECT {', '.join(names)} FROM {table} WHERE id = {rowid}")[0], strict=True))
    row |= values
    with sqlite3.connect(small.catalog) as db:
        sets = ", ".join(f"{name} = ?" for name in (*names, "seal"))
        db.execute(f"UPDATE {table} SET {sets} WHERE id = ?", (*row.values(), seals.seal_row(table, row), rowid))
    db.close()


def test_a_photo_both_failed_and_read(small_library, original):
    reseal(small_library, "photo", 3, error="is truncated")
    proved(small_library, "photo-contradiction", original=original)


@pytest.mark.parametrize("missing", ["content_hash", "width", "height", "format"])
def test_a_photo_without_facts(small_library, original, missing):
    reseal(small_library, "photo", 3, **{missing: None})
    proved(small_library, "photo-without-facts", original=original)


def test_photos_of_the_same_bytes_that_disagree(small_library, original):
    ((copy,),) = small_library.ask("SELECT id FROM photo WHERE path = CAST('deep/copy of 3.png' AS BLOB)")
    reseal(small_library, "photo", copy, width=9)
    proved(small_library, "facts-disagree", original=original)


@pytest.mark.parametrize(
    ("vector", "what"),
    [
        (np.zeros(7, "<f2"), "numbers long"),
        (np.full(INDEX_DIMENSION, np.nan, "<f2"), "not finite"),
        (np.full(INDEX_DIMENSION, 0.5, "<f2"), "of length 15.8"),
        (np.zeros(INDEX_DIMENSION, "<f2"), "of length 0.000"),
    ],
)
def test_a_vector_that_no_encoder_makes(small_library, original, vector, what):
    reseal(small_library, "vector", 4, vector=vector.tobytes())
    assert what in proved(small_library, "vector-invalid", original=original).message


def test_a_damaged_encoder_that_does_not_answer_goes_with_its_vectors(small_library, original):
    small_library.damage(
        "INSERT INTO encoder VALUES (5, 'old', 'aa', 4, 'float32', x'0102030405060708')",
        "INSERT INTO vector SELECT NULL, 5, content_hash, x'0000', NULL FROM vector",
    )
    proved(small_library, "encoder-damaged", original=original)
    assert small_library.ask("SELECT count(*) FROM vector") == [(10,)]


def test_an_encoder_that_cannot_be_told_is_refused_with_advice(small_library):
    small_library.damage("UPDATE encoder SET name = 'xxxx'")
    report = check(small_library, repair=True)
    (finding,) = [finding for finding in report.findings if not finding.repaired]
    assert (finding.code, report.ok) == ("encoder-damaged", False)
    assert "polyglance reencode --encoder NAME" in finding.advice
    with small_library.open() as library:
        library.reencode("lite")
    assert small_library.index().tally.unchanged == 11


def test_a_folder_that_cannot_be_told_is_refused_with_advice(small_library):
    small_library.damage("UPDATE root SET path = x'2f2f2f2f'")
    (finding,) = [finding for finding in check(small_library, repair=True).findings if not finding.repaired]
    assert finding.code == "root-damaged"
    assert "polyglance forget //// " in finding.advice.replace("'", " ")


def test_one_of_two_encoders_must_be_chosen(small_library):
    small_library.damage(
        "INSERT INTO encoder VALUES (5, 'old', 'aa', 4, 'float32', NULL)",
        "DELETE FROM setting WHERE key = 'active_encoder'",
    )
    reseal(small_library, "encoder", 5)
    (finding,) = [finding for finding in check(small_library, repair=True).findings if not finding.repaired]
    assert finding.code == "active-encoder"
    assert "lite, old" in finding.advice


def test_what_waits_for_the_next_index_run_is_not_found_twice(small_library):
    small_library.damage("DELETE FROM vector WHERE id = 4")
    mended = check(small_library, repair=True)
    assert "polyglance index" in mended.findings[0].advice
    assert check(small_library).findings == []
    assert small_library.index().tally.encoded == 1


# --- the file --------------------------------------------------------------------------------------------------------


def overwrite(path, place, data):
    with path.open("rb+") as file:
        file.seek(place)
        file.write(data)


def page_of(small, table):
    """Offset of the root page of a table or index."""
    return 4096 * (small.ask(f"SELECT rootpage FROM sqlite_master WHERE name = '{table}'")[0][0] - 1)


def kept(small):
    return sorted(path.name for path in small.folder.glob("*damaged*"))


@pytest.mark.parametrize("place", [0, 15, 16, 18, 19, 20, 21, 23, 28, 30, 31, 44, 52, 56, 59, 64])
def test_a_damaged_header(small_library, original, place):
    overwrite(small_library.catalog, place, b"\x7f")
    proved(small_library, "catalog-header", original=original)
    assert kept(small_library) == ["catalog.db.damaged-1"]


def test_a_damaged_statement_of_the_schema(small_library, original):
    data = small_library.catalog.read_bytes()
    place = data.index(b"CREATE TABLE photo")
    overwrite(small_library.catalog, place, b"CREXTE")
    proved(small_library, "catalog-schema", original=original)
    assert kept(small_library) == ["catalog.db.damaged-1"]


def test_a_type_changed_in_the_schema_is_no_damage_to_sqlite_but_to_us(small_library, original):
    data = small_library.catalog.read_bytes()
    overwrite(small_library.catalog, data.index(b"mtime_ns INTEGER") + 9, b"INTEGEQ")
    proved(small_library, "catalog-schema", original=original)


@pytest.mark.parametrize("index", ["photo_content_hash", "vector_seal", "sqlite_autoindex_photo_1"])
def test_a_damaged_index(small_library, original, index):
    column = {"photo_content_hash": "content_hash FROM photo", "vector_seal": "seal FROM vector"}.get(index)
    ((value,),) = small_library.ask(f"SELECT {column or 'path FROM photo'} WHERE id = 4")
    place = page_of(small_library, index)
    inside = small_library.catalog.read_bytes()[place : place + 4096].index(value)
    overwrite(small_library.catalog, place + inside, bytes([value[0] ^ 1]))
    proved(small_library, "catalog-index", original=original)
    assert kept(small_library) == []


@pytest.mark.parametrize("table", ["photo", "vector", "root", "setting", "encoder", "sqlite_autoindex_photo_1"])
def test_a_page_of_zeros(small_library, original, table):
    overwrite(small_library.catalog, page_of(small_library, table), bytes(4096))
    report = check(small_library)
    assert "catalog-structure" in codes(report)
    report = check(small_library, repair=True)
    assert "catalog-structure" in codes(report)
    assert kept(small_library) == ["catalog.db.damaged-1"]
    if report.ok:
        assert check(small_library).findings == []
        small_library.index()
        assert small_library.state() == original
    else:
        assert all(finding.advice for finding in report.findings if not finding.repaired)


def test_rows_of_a_lost_page_are_counted_and_come_back_with_the_next_run(small_library, original):
    leaf = small_library.catalog.read_bytes().rindex(small_library.ask("SELECT vector FROM vector WHERE id = 4")[0][0])
    overwrite(small_library.catalog, leaf // 4096 * 4096, bytes(4096))
    assert codes(check(small_library)) >= {"catalog-structure"}
    report = check(small_library, repair=True)
    assert report.ok
    assert check(small_library).findings == []
    (finding,) = [finding for finding in report.findings if finding.code == "rows-lost"]
    small_library.index()
    assert small_library.state() == original
    assert re.search(r"of 12 files and [89] vectors were saved; rows lost: [12] of vector", finding.message)


def test_a_row_whose_seal_is_broken_is_not_saved_and_the_others_are(small_library):
    small_library.damage("UPDATE photo SET caption = 'x' WHERE id = 3", "UPDATE vector SET vector = x'00' WHERE id = 4")
    saved = salvage.rebuild(small_library.catalog)
    assert saved == {
        "setting": (3, 3),
        "root": (1, 1),
        "encoder": (1, 1),
        "photo": (11, 12),
        "vector": (9, 10),
        "favourite": (0, 0),
    }
    assert small_library.ask("SELECT seq FROM sqlite_sequence WHERE name = 'vector'") == [(10,)]


def test_a_reader_that_is_open_while_the_catalog_is_rebuilt_goes_on(small_library, original):
    with small_library.open() as reader:
        before = reader.search("blue").results
        overwrite(small_library.catalog, page_of(small_library, "sqlite_autoindex_photo_1"), bytes(4096))
        assert check(small_library, repair=True).ok
        assert [result.path for result in reader.search("blue").results] == [result.path for result in before]


def test_an_open_library_repairs_itself(small_library, original):
    with small_library.open() as library:
        assert library.search("blue").results
        overwrite(small_library.catalog, page_of(small_library, "sqlite_autoindex_photo_1"), bytes(4096))
        assert library.check(repair=True).ok
        assert library.check().findings == []
        assert len(library.search("blue", collapse=False).results) == 11


@pytest.mark.parametrize("data", [b"", b"x" * 100, b"SQLite format 3\0" + b"x" * 5000, bytes(20_000)])
def test_a_file_that_is_beyond_repair_is_refused_with_advice(small_library, data):
    small_library.catalog.write_bytes(data)
    for repair in (False, True):
        report = check(small_library, repair=repair)
        assert not report.ok
        left = [finding for finding in report.findings if not finding.repaired]
        assert left
        assert all(finding.advice for finding in left)


def test_half_a_catalog_keeps_what_is_in_that_half(small_library, original):
    data = small_library.catalog.read_bytes()
    small_library.catalog.write_bytes(data[: len(data) // 2 // 4096 * 4096])
    assert not check(small_library).ok
    report = check(small_library, repair=True)
    if report.ok:
        small_library.index()
        assert small_library.state() == original


def test_the_damaged_files_are_numbered(small_library):
    for _ in range(2):
        overwrite(small_library.catalog, 0, b"x")
        check(small_library, repair=True)
    assert kept(small_library) == ["catalog.db.damaged-1", "catalog.db.damaged-2"]


def test_an_older_schema_is_named_and_upgraded_by_repair(tmp_path, make_first_schema):
    path = make_first_schema(tmp_path / "catalog.db")
    (finding,) = libraries.check(tmp_path).findings
    assert (finding.code, "older version" in finding.message) == ("catalog-version", True)
    report = libraries.check(tmp_path, repair=True)
    assert [found.code for found in report.findings if not found.code.startswith("thumbnail")] == []
    assert path.with_name("catalog.db.schema-0001.backup").exists()


def test_a_damaged_catalog_of_an_older_schema_is_rebuilt_in_the_new_one(tmp_path, make_first_schema):
    path = make_first_schema(tmp_path / "catalog.db")
    with sqlite3.connect(path) as db:
        ((page,),) = db.execute("SELECT rootpage FROM sqlite_master WHERE name = 'sqlite_autoindex_photo_1'")
    db.close()
    overwrite(path, 4096 * (page - 1), bytes(4096))
    with pytest.raises(LibraryError, match="polyglance check --repair"):
        opening.open_engine(path, create=True)
    report = libraries.check(tmp_path, repair=True)
    assert "catalog-structure" in codes(report)
    assert (report.photos, report.vectors) == (50, 50)
    opening.open_engine(path).dispose()


def test_a_newer_schema_is_left_alone(small_library):
    small_library.damage("UPDATE alembic_version SET version_num = '9999'")
    before = small_library.catalog.read_bytes()
    report = check(small_library, repair=True)
    assert [(finding.code, finding.repaired) for finding in report.findings] == [("catalog-version", False)]
    assert "Upgrade polyglance" in report.findings[0].advice
    assert small_library.catalog.read_bytes() == before


# --- other files -----------------------------------------------------------------------------------------------------


def snapshot_of(small):
    (path,) = (small.folder / "snapshots").glob("*.faiss")
    return path


def thumbnail_of(small, number=0):
    return sorted((small.folder / "thumbnails").glob("*/*/*.jpg"))[number]


@pytest.mark.parametrize(
    "spoil", [lambda data: data[:-5], lambda data: data[:200] + b"x" + data[201:], lambda data: b""]
)
def test_a_damaged_snapshot(small_library, original, spoil):
    path = snapshot_of(small_library)
    good = path.read_bytes()
    path.write_bytes(spoil(good))
    proved(small_library, "snapshot-damaged", original=original, index=False)
    snapshot.verify(path, small_library.ask("SELECT fingerprint FROM encoder")[0][0])  # written again by the repair


def test_a_snapshot_of_no_encoder(small_library, original):
    stray = shutil.copy(snapshot_of(small_library), snapshot_of(small_library).with_name("00.faiss"))
    proved(small_library, "snapshot-orphan", original=original)
    assert not os.path.exists(stray)


def test_a_missing_thumbnail(small_library, original):
    path = thumbnail_of(small_library)
    before = path.read_bytes()
    path.unlink()
    proved(small_library, "thumbnail-missing", original=original)
    assert path.read_bytes() == before


def test_an_empty_thumbnail(small_library, original):
    thumbnail_of(small_library).write_bytes(b"")
    proved(small_library, "thumbnail-damaged", original=original)


def test_a_damaged_thumbnail_is_seen_by_a_deep_check(small_library, original):
    path = thumbnail_of(small_library)
    before = path.read_bytes()
    path.write_bytes(before[: len(before) // 2])
    assert check(small_library).findings == []
    proved(small_library, "thumbnail-damaged", original=original, deep=True)
    assert path.read_bytes() == before


def test_a_thumbnail_of_no_photo(small_library, original):
    stray = small_library.folder / "thumbnails" / "00" / "00" / f"{'00' * 32}.jpg"
    stray.parent.mkdir(parents=True)
    shutil.copy(thumbnail_of(small_library), stray)
    proved(small_library, "thumbnail-orphan", original=original)
    assert not stray.exists()


@pytest.mark.parametrize("name", [".catalog.db.schema-0001.backup.abc.tmp", "snapshots/.ab.faiss.xyz.tmp", "thumbnail"])
def test_a_file_that_a_killed_process_left(small_library, original, name):
    path = small_library.folder / name if name != "thumbnail" else thumbnail_of(small_library).with_name(".a.part")
    path.write_bytes(b"half")
    os.utime(path, (1, 1))
    proved(small_library, "leftover-file", original=original)
    assert not path.exists()


def test_a_thumbnail_being_written_now_is_left_alone(small_library):
    path = thumbnail_of(small_library).with_name(".new.part")
    path.write_bytes(b"half")
    assert check(small_library, repair=True).findings == []
    assert path.exists()


@pytest.fixture
def own_photos(tmp_path, small_library_template):
    """A library whose photos the test may change."""
    small = type(small_library_template)(tmp_path / "own" / "library", tmp_path / "own" / "photos")
    shutil.copytree(small_library_template.photos, small.photos)
    small.index()
    return small


def rot(path):
    """Change a byte of a file, and nothing that a scan would see."""
    info = path.stat()
    data = bytearray(path.read_bytes())
    data[-20] ^= 0xFF
    with path.open("rb+") as file:
        file.write(data)
    os.utime(path, ns=(info.st_atime_ns, info.st_mtime_ns))


def test_a_file_that_rotted_on_the_disk(own_photos):
    rot(own_photos.photos / "5.png")
    assert check(own_photos).findings == []
    named = check(own_photos, deep=True)
    assert codes(named) == {"content-changed"}
    assert "5.png has other bytes" in named.findings[0].message
    assert (named.compared, named.not_compared) == (10, 0)
    assert check(own_photos, deep=True, repair=True).ok
    own_photos.index()
    assert check(own_photos, deep=True).findings == []


def test_files_that_are_gone_or_changed_since_are_no_corruption(own_photos):
    (own_photos.photos / "1.png").unlink()
    os.utime(own_photos.photos / "2.png")
    report = check(own_photos, deep=True)
    assert (report.findings, report.compared, report.not_compared) == ([], 9, 2)
    shutil.rmtree(own_photos.photos)
    report = check(own_photos, deep=True)
    assert (report.findings, report.compared, report.not_compared) == ([], 0, 11)


def test_a_thumbnail_that_cannot_be_made_again_says_what_it_needs(own_photos):
    thumbnail_of(own_photos).unlink()
    own_photos.photos.rename(own_photos.photos.with_name("unplugged"))
    report = check(own_photos, repair=True)
    assert [(finding.code, finding.repaired) for finding in report.findings] == [("thumbnail-missing", False)]
    assert "connect the disk" in report.findings[0].advice


# --- beside others ---------------------------------------------------------------------------------------------------


def test_repairing_needs_the_lock_and_looking_does_not(small_library):
    with locks.writer_lock(small_library.folder):
        with pytest.raises(LibraryBusy):
            check(small_library, repair=True)
        assert check(small_library).findings == []


def test_what_a_writer_has_in_hand_is_no_finding(small_library):
    small_library.damage("DELETE FROM photo WHERE content_hash = (SELECT content_hash FROM vector WHERE id = 4)")
    (small_library.folder / "snapshots" / ".ab.faiss.xyz.tmp").write_bytes(b"half")
    with locks.writer_lock(small_library.folder):
        assert check(small_library).findings == []
    assert codes(check(small_library)) == {"vector-orphan", "thumbnail-orphan", "leftover-file"}


def test_a_check_beside_a_writer_at_work_finds_nothing(own_photos):
    from libraries import draw

    for number in range(20, 60):
        draw(own_photos.photos / f"{number}.png", number)
    writer = threading.Thread(target=own_photos.index)
    writer.start()
    reports = []
    while writer.is_alive():
        reports.append(check(own_photos))
    writer.join()
    assert [report.findings for report in reports if report.findings] == []
    assert len(reports) > 1
    assert check(own_photos).photos == 51


def _stop_in_the_middle(folder, steps):
    """Repair, and die without a word after some steps of the rebuilding."""
    count = iter(range(steps))
    from polyglance.data.check import salvage

    def copy(*arguments, _copy=salvage._copy):
        if next(count, None) is None:
            os.kill(os.getpid(), 9)
        return _copy(*arguments)

    salvage._copy = copy
    libraries.check(Path(folder), repair=True)


@pytest.mark.parametrize("steps", [0, 2, 4])
def test_killed_while_rebuilding_the_next_repair_does_it(small_library, original, steps):
    overwrite(small_library.catalog, page_of(small_library, "sqlite_autoindex_photo_1"), bytes(4096))
    process = multiprocessing.get_context("fork").Process(
        target=_stop_in_the_middle, args=(small_library.folder, steps)
    )
    process.start()
    process.join()
    assert process.exitcode == -9
    assert "leftover-file" in codes(check(small_library)) or "catalog-structure" in codes(check(small_library))
    assert check(small_library, repair=True).ok
    assert check(small_library).findings == []
    assert small_library.state() == original
    assert not list(small_library.folder.glob(".catalog*"))


def test_a_full_disk_refuses_the_rebuilding_and_leaves_all_as_it_was(small_library, monkeypatch):
    overwrite(small_library.catalog, page_of(small_library, "sqlite_autoindex_photo_1"), bytes(4096))
    before = small_library.catalog.read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shutil, "copyfile", full)
    report = check(small_library, repair=True)
    assert not report.ok
    assert any("No space left" in finding.message for finding in report.findings)
    assert small_library.catalog.read_bytes() == before


def test_a_library_of_another_user_can_be_checked(small_library, as_nobody, opened_to_all):
    opened_to_all(small_library.folder)
    code = (
        "import sys, json; from polyglance.cli import run\nsys.exit(run(['check', '--json', '--library', sys.argv[1]]))"
    )
    done = as_nobody(code, str(small_library.folder))
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout)["ok"]


# --- the table of codes ----------------------------------------------------------------------------------------------

ROOT = Path(findings.__file__).parents[2]


def test_the_page_about_check_names_every_code():
    rows = re.findall(r"^\| `([a-z-]+)` \| (.+?) \| (.+?) \|$", (ROOT / "docs" / "check.md").read_text(), re.M)
    assert {code: meaning for code, meaning, _ in rows} == findings.CODES


def test_every_code_is_used_and_none_is_made_up():
    sources = "".join(path.read_text() for path in (ROOT / "data" / "check").glob("*.py"))
    used = set(re.findall(r'found\(\s*f?"([a-z{}_-]+)"', sources)) | {"catalog-structure", "catalog-index"}
    for table in ("setting", "root", "encoder"):
        used |= {f"{table}-damaged"}
    used |= {"thumbnail-missing", "thumbnail-damaged"}
    assert {code for code in used if "{" not in code} == set(findings.CODES)


def test_thumbnails_open_as_jpeg(small_library):
    with Image.open(thumbnail_of(small_library)) as image:
        assert image.format == "JPEG"
    assert check_files.PART == ".part"
