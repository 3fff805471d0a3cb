"""Damage is named, own data comes back, and after repair and an index run the catalog is what it was."""

import json
import multiprocessing
import os
import re
import shutil
import signal
import threading
from pathlib import Path

import numpy as np
import pytest
from polyglance import library as libraries
from polyglance.config import Settings
from polyglance.data.catalog import locks, own_data, rebuild, seals
from polyglance.data.check import findings
from polyglance.data.check.findings import HARMLESS
from polyglance.data.vectors import snapshot
from polyglance.errors import LibraryBusy, LibraryError, LibraryMissing

INDEX_DIMENSION = 1011  # of lite


def check(small, **options):
    return libraries.check(small.folder, settings=Settings(encoder="lite"), **options)


def codes(report):
    return {finding.code for finding in report.findings}


def left(report):
    return [finding for finding in report.findings if not finding.repaired and not finding.is_harmless]


def proved(small, code, *, original=None, index=True, deep=False):
    """The finding is named without repair, mended with it, and then the library is as it was."""
    named = check(small, deep=deep)
    assert code in codes(named), named.findings
    assert named.ok == (codes(named) <= HARMLESS)
    assert codes(check(small, deep=deep)) == codes(named), "a plain check changed something"
    mended = check(small, repair=True, deep=deep)
    assert code in codes(mended)
    assert mended.ok, mended.findings
    assert codes(check(small, deep=deep)) <= {"vector-orphan"}
    if index:
        small.index()
        assert check(small, deep=True).findings == []
        if original:
            assert small.state() == original
    return next(finding for finding in mended.findings if finding.code == code)


@pytest.fixture
def original(small_library_template):
    return small_library_template.state()


@pytest.fixture
def own(small_library):
    """Mark two favourites and exclude a pattern; own data as it is then."""
    with small_library.open() as library:
        library.mark([3, 5])
        library.exclude(["*.tif"])
    return own_data_of(small_library)


def own_data_of(small):
    with small.open() as library:
        roots = [root.path for root in library.catalog.roots.all()]
        return roots, library.excluded(), library.active_encoder().name, small.ask("SELECT * FROM favourite ORDER BY 1")


def test_a_good_library_is_clean(small_library):
    report = check(small_library, deep=True)
    assert (report.ok, report.findings, report.photos, report.vectors) == (True, [], 11, 10)
    assert (report.compared, report.not_compared) == (11, 0)


def test_a_missing_library_is_said_so(tmp_path):
    with pytest.raises(LibraryMissing, match="polyglance index"):
        libraries.check(tmp_path)


# --- rows -------------------------------------------------------------------------------------------------------------

OF_FAILED = "INSERT INTO words (rowid, name) SELECT id, 'bad' FROM photo WHERE error IS NOT NULL"

ROWS = {
    "photo-damaged: a caption": "UPDATE photo SET caption = 'wrong' WHERE id = 3",
    "photo-damaged: a hash": "UPDATE photo SET content_hash = zeroblob(32) WHERE id = 3",
    "photo-damaged: an error on a good one": "UPDATE photo SET error = 'x' WHERE id = 3",
    "photo-damaged: a seal of a number": "UPDATE photo SET seal = 7 WHERE id = 3",
    "photo-damaged: a path of text": "UPDATE photo SET path = 'x.png' WHERE id = 3",
    "photo-without-root": "UPDATE photo SET root_id = 77 WHERE id = 3",
    "photo-without-vector": "DELETE FROM vector WHERE id = 4",
    "vector-damaged: a value": "UPDATE vector SET vector = zeroblob(2022) WHERE id = 4",
    "vector-damaged: its length": "UPDATE vector SET vector = x'00' WHERE id = 4",
    "vector-damaged: its hash": "UPDATE vector SET content_hash = zeroblob(32) WHERE id = 4",
    "vector-damaged: a text": "UPDATE vector SET vector = 'text' WHERE id = 4",
    "vector-damaged: its seal": "UPDATE vector SET seal = NULL WHERE id = 4",
    "vector-without-encoder": "UPDATE vector SET encoder_id = 9 WHERE id = 4",
    "vector-orphan": "DELETE FROM photo WHERE content_hash = (SELECT content_hash FROM vector)",
    "words-disagree: a word": "UPDATE words SET name = 'wrong' WHERE rowid = 3",
    "words-disagree: a row less": "DELETE FROM words WHERE rowid = 3",
    "words-disagree: a row of a failed one": OF_FAILED,
    "words-disagree: no index": "DELETE FROM words_data WHERE id > 10",
    "words-disagree: no structure": "DELETE FROM words_data WHERE id = 10",
    "words-disagree: a length": "UPDATE words_docsize SET sz = x'09010000' WHERE id = 3",
    "words-disagree: another version": "UPDATE words_config SET v = 77",
    "setting-damaged: generation": "UPDATE setting SET value = '99' WHERE key = 'generation'",
    "setting-damaged: encoder": "UPDATE setting SET value = '7' WHERE key = 'active_encoder'",
    "setting-damaged: a key": "UPDATE setting SET key = 'xyzzy' WHERE key = 'active_encoder'",
    "active-encoder": "DELETE FROM setting WHERE key = 'active_encoder'",
    "encoder-damaged: a name": "UPDATE encoder SET name = 'xxxx'",
    "encoder-damaged: a dimension": "UPDATE encoder SET dimension = 7",
    "root-damaged": "UPDATE root SET path = x'2f2f2f2f'",
    "root-damaged: a text": "UPDATE root SET path = CAST(path AS TEXT)",
    "favourite-damaged: its content": "UPDATE favourite SET content_hash = zeroblob(32) WHERE rowid = 1",
    "favourite-damaged: its time": "UPDATE favourite SET marked_at = x'ffff'",
    "catalog-schema: no version": "DELETE FROM alembic_version",
    "catalog-schema: nonsense": "UPDATE alembic_version SET version_num = '00 2'",
    "catalog-schema: a version to come": "UPDATE alembic_version SET version_num = '0008'",
}


@pytest.mark.parametrize("name", ROWS)
def test_a_damaged_row_is_named_and_mended(small_library, own, original, name):
    small_library.damage(ROWS[name])
    proved(small_library, name.partition(":")[0], original=original)
    assert own_data_of(small_library) == own


@pytest.mark.parametrize(
    ("table", "advice"), [("favourite", "Mark it again"), ("root", "index FOLDER"), ("setting", "exclude PATTERN")]
)
def test_own_data_without_a_backup_is_removed_and_said(small_library, own, table, advice):
    shutil.rmtree(small_library.folder / own_data.FOLDER)
    small_library.damage(f"UPDATE {table} SET seal = x'00' WHERE rowid = (SELECT max(rowid) FROM {table})")
    report = check(small_library, repair=True)
    assert report.ok
    assert advice in next(finding.advice for finding in report.findings if finding.code == f"{table}-damaged")
    assert codes(check(small_library)) <= {"vector-orphan"}


def test_photos_whose_records_are_damaged_are_read_again_but_not_encoded(small_library, original):
    small_library.damage("UPDATE photo SET caption = 'x'")
    assert check(small_library, repair=True).ok
    assert small_library.index().tally.encoded == 0
    assert small_library.state() == original


@pytest.mark.parametrize(
    ("vector", "reason"),
    [
        (np.zeros(7, "<f2"), "numbers long"),
        (np.full(INDEX_DIMENSION, np.nan, "<f2"), "of length nan"),
        (np.full(INDEX_DIMENSION, 0.5, "<f2"), "of length 15.8"),
    ],
)
def test_a_vector_that_no_encoder_makes(small_library, original, vector, reason):
    ((encoder, key),) = small_library.ask("SELECT encoder_id, content_hash FROM vector WHERE id = 4")
    data = vector.tobytes()
    seal = seals.seal("vector", encoder, key, data)
    small_library.damage(f"UPDATE vector SET vector = x'{data.hex()}', seal = x'{seal.hex()}' WHERE id = 4")
    assert reason in proved(small_library, "vector-invalid", original=original).message


def test_one_of_two_encoders_must_be_chosen(small_library):
    seal = seals.seal("encoder", "old", "aa", 4, "float32").hex()
    small_library.damage(
        f"INSERT INTO encoder VALUES (5, 'old', 'aa', 4, 'float32', x'{seal}')",
        "DELETE FROM setting WHERE key = 'active_encoder'",
    )
    (finding,) = left(check(small_library, repair=True))
    assert finding.code == "active-encoder"
    assert "lite, old" in finding.advice


# --- the file ---------------------------------------------------------------------------------------------------------


def overwrite(path, place, data):
    with path.open("rb+") as file:
        file.seek(place)
        file.write(data)


def page_of(small, table):
    """Offset of the root page of a table or index."""
    return 4096 * (small.ask(f"SELECT rootpage FROM sqlite_master WHERE name = '{table}'")[0][0] - 1)


def blank_page(small, table):
    overwrite(small.catalog, page_of(small, table), bytes(4096))


def kept(small):
    return sorted(path.name for path in small.folder.glob("*damaged*"))


def in_schema(old, new):
    def damage(small):
        overwrite(small.catalog, small.catalog.read_bytes().index(old), new)

    return damage


FILES = {
    **{f"a page of {table}": lambda small, table=table: blank_page(small, table) for table in rebuild.TABLES},
    "a page of an index": lambda small: blank_page(small, "sqlite_autoindex_photo_1"),
    "the header": lambda small: overwrite(small.catalog, 0, bytes(100)),
    "one byte of the header": lambda small: overwrite(small.catalog, 16, b"\x7f"),
    "a statement of the schema": in_schema(b"CREATE TABLE photo", b"CREXTE"),
    "a column of the schema": in_schema(b"caption VARCHAR", b"captiom"),
    "a trigger of the schema": in_schema(b"rowid = old.id", b"rowid = new"),
    "half of the file": lambda small: os.truncate(small.catalog, small.catalog.stat().st_size // 2),
    "a few bytes left": lambda small: os.truncate(small.catalog, 5000),
    "another file": lambda small: small.catalog.write_bytes(b"no database at all " * 300),
    "an empty file": lambda small: small.catalog.write_bytes(b""),
}


@pytest.mark.parametrize("name", FILES)
def test_a_damaged_file_is_kept_and_rebuilt_with_all_own_data(small_library, own, original, name):
    FILES[name](small_library)
    assert left(check(small_library))
    assert kept(small_library) == []
    report = check(small_library, repair=True)
    assert report.ok, report.findings
    assert kept(small_library) == ["catalog.db.damaged-1"]
    assert codes(check(small_library)) <= {"vector-orphan", "thumbnail-orphan"}
    assert own_data_of(small_library) == own
    small_library.index()
    assert check(small_library).findings == []
    assert small_library.state() == original
    assert own_data_of(small_library) == own


def test_a_missing_catalog_is_restored_from_the_backup_and_never_made_empty(small_library, own, original):
    small_library.catalog.unlink()
    with pytest.raises(LibraryError, match="check --repair"):
        small_library.open()
    assert codes(check(small_library)) == {"catalog-missing"}
    assert codes(check(small_library, repair=True)) >= {"catalog-missing", "rows-lost"}
    assert own_data_of(small_library) == own
    small_library.index()
    assert (small_library.state(), own_data_of(small_library)) == (original, own)


def test_damage_to_photos_costs_no_encoding_and_damage_to_vectors_no_ids(small_library):
    ids = "SELECT id, path FROM photo WHERE path < CAST('4' AS BLOB) ORDER BY id"
    before = small_library.ask(ids)
    blank_page(small_library, "photo")
    assert check(small_library, repair=True).ok
    assert small_library.index().tally.encoded == 0
    before = small_library.ask(ids)
    blank_page(small_library, "vector")
    assert check(small_library, repair=True).ok
    assert small_library.index().tally.encoded == 10
    assert small_library.ask(ids) == before


def test_rows_on_both_sides_of_a_damaged_page_are_saved(small_library, original):
    page = small_library.catalog.read_bytes().index(small_library.ask("SELECT vector FROM vector WHERE id = 5")[0][0])
    overwrite(small_library.catalog, page // 4096 * 4096, bytes(4096))
    report = check(small_library, repair=True)
    (finding,) = [finding for finding in report.findings if finding.code == "rows-lost"]
    assert re.search(r"folders 1, favourites 0, records of files 12, vectors [78]$", finding.message)
    assert small_library.index().tally.encoded in {2, 3}
    assert small_library.state() == original


@pytest.mark.parametrize("table", ["sqlite_autoindex_photo_1", "photo"])
def test_a_library_that_is_open_goes_on_after_the_repair(small_library, table):
    with small_library.open() as reader:
        assert reader.search("blue").results
        blank_page(small_library, table)
        assert reader.check(repair=True).ok
        reader.index([small_library.photos])
        assert reader.check().findings == []
        assert len(reader.search("blue", collapse=False).results) == 11


def test_a_file_of_which_nothing_can_be_saved_is_refused_with_advice(small_library):
    shutil.rmtree(small_library.folder / own_data.FOLDER)
    small_library.catalog.write_bytes(b"x" * 9000)
    for repair in (False, True):
        (finding,) = left(check(small_library, repair=repair))
        assert finding.advice
    assert small_library.catalog.read_bytes() == b"x" * 9000


def test_an_older_schema_is_named_and_upgraded_by_repair(tmp_path, make_first_schema):
    path = make_first_schema(tmp_path / "catalog.db")
    (finding,) = libraries.check(tmp_path).findings
    assert (finding.code, "older version" in finding.message) == ("catalog-version", True)
    report = libraries.check(tmp_path, repair=True)
    assert codes(report) == {"catalog-version", "thumbnail-missing"}
    assert path.with_name("catalog.db.schema-0001.backup").exists()


def test_a_newer_schema_is_left_alone(small_library):
    small_library.damage("UPDATE alembic_version SET version_num = '9999'", "ALTER TABLE photo ADD COLUMN new TEXT")
    before = small_library.catalog.read_bytes()
    report = check(small_library, repair=True)
    assert [(finding.code, finding.repaired) for finding in report.findings] == [("catalog-version", False)]
    assert "Upgrade polyglance" in report.findings[0].advice
    assert small_library.catalog.read_bytes() == before


def _killed_at(folder, function, count):
    """Repair, and die without a word when `function` of `rebuild` is called for the `count`-th time."""
    calls = iter(range(count))
    call = getattr(rebuild, function)

    def counted(*arguments):
        if next(calls, None) is None:
            os.kill(os.getpid(), signal.SIGKILL)
        return call(*arguments)

    setattr(rebuild, function, counted)
    libraries.check(Path(folder), repair=True)


@pytest.mark.parametrize(("function", "count"), [("_copy", 0), ("_copy", 4), ("_install", 0)])
@pytest.mark.parametrize("damage", ["a page of an index", "the header"])
def test_killed_while_rebuilding_the_next_repair_does_it(small_library, own, original, function, count, damage):
    FILES[damage](small_library)
    arguments = (small_library.folder, function, count)
    process = multiprocessing.get_context("fork").Process(target=_killed_at, args=arguments)
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert check(small_library, repair=True).ok
    assert not list(small_library.folder.glob(".catalog*"))
    small_library.index()
    assert (small_library.state(), own_data_of(small_library)) == (original, own)


def test_a_full_disk_refuses_the_rebuilding_and_leaves_all_as_it_was(small_library, monkeypatch):
    blank_page(small_library, "photo")
    before = small_library.catalog.read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shutil, "copyfile", full)
    (finding,) = left(check(small_library, repair=True))
    assert "No space left" in finding.message
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

    for number in range(20, 40):
        draw(own_photos.photos / f"{number}.png", number)
    writer = threading.Thread(target=own_photos.index)
    writer.start()
    reports = []
    while writer.is_alive():
        reports.append(check(own_photos))
    writer.join()
    assert [report.findings for report in reports if report.findings] == []
    assert len(reports) > 1
    assert check(own_photos).photos == 31


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
    sources = "".join(
        path.read_text() for path in (*ROOT.glob("data/check/*.py"), ROOT / "data/catalog/plain_sqlite.py")
    )
    used = set(re.findall(r'(?:found|Problem)\(\s*"([a-z-]+)"', sources))
    used |= {f"{table}-damaged" for table in own_data.COLUMNS} | {"thumbnail-missing", "thumbnail-damaged"}
    assert used | {"photo-without-root", "vector-without-encoder"} == set(findings.CODES)
