import logging
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
from polyglance.data.catalog.catalog import Catalog
from polyglance.data.catalog.records import Content, Entry, FileStat
from polyglance.data.pictures.exif import Facts
from polyglance.data.vectors import snapshot
from polyglance.data.vectors.index import VectorIndex
from polyglance.data.vectors.index_files import save, save_if_stale, stale
from polyglance.data.vectors.snapshot import Snapshot, SnapshotInvalid

DIMENSION = 8
PRINT = "f" * 32


def rows(count, seed=0):
    drawn = np.random.default_rng(seed).normal(size=(count, DIMENSION)).astype(np.float32)
    return drawn / np.linalg.norm(drawn, axis=1, keepdims=True)


def put(catalog, start, vectors):
    keys = [number.to_bytes(32, "big") for number in range(start, start + len(vectors))]
    entries = [Entry(1, key.hex().encode(), FileStat(1, 1, 1), Content(key, 1, 1, "PNG", Facts())) for key in keys]
    catalog.changes.commit(entries, dict(zip(keys, vectors, strict=True)), 1)


def drop(catalog, number):
    photo = catalog.photos.known(1)[number.to_bytes(32, "big").hex().encode()]
    catalog.changes.remove([photo.photo_id])
    catalog.vectors.prune()


def new_catalog(folder):
    opened = Catalog(folder / "catalog.db", create=True)
    opened.encoders.add("test", PRINT, DIMENSION, "float32")
    opened.roots.add(b"/photos")
    return opened


@pytest.fixture
def catalog(tmp_path):
    with new_catalog(tmp_path / "library") as opened:
        put(opened, 0, rows(60))
        yield opened


@pytest.fixture
def folder(catalog):
    return catalog.folder / "snapshots"


@pytest.fixture
def file(catalog, folder):
    save(catalog, catalog.encoders.all()[0])
    return snapshot.path_of(folder, PRINT)


class CountingVectors:
    """The vectors of a catalog, counting those that are read."""

    def __init__(self, vectors):
        self.vectors, self.taken = vectors, 0

    def __getattr__(self, name):
        return getattr(self.vectors, name)

    def after(self, encoder_id, vector_id):
        for batch in self.vectors.after(encoder_id, vector_id):
            self.taken += len(batch.ids)
            yield batch


class CountingCatalog:
    """The catalog, counting the vectors that are read from it."""

    def __init__(self, catalog):
        self.catalog, self.vectors = catalog, CountingVectors(catalog.vectors)

    def __getattr__(self, name):
        return getattr(self.catalog, name)


def held_by(index):
    """Id -> bytes of the vector, of all that is held."""
    ids = index.state.ids
    return {key: vector.tobytes() for key, vector in zip(ids.tolist(), index.fetch(ids), strict=True)}


def opened(catalog):
    """(the index as a new process would have it, vectors it read from the catalog); checked against the catalog."""
    counting = CountingCatalog(catalog)
    index = VectorIndex(counting, 1, DIMENSION)
    index.follow()
    truth = {int(i): v.tobytes() for ids, _, vs in catalog.vectors.after(1, 0) for i, v in zip(ids, vs, strict=True)}
    assert held_by(index) == truth
    return index, counting.vectors.taken


def write_bytes(data):
    return lambda write: write(data)


def test_a_snapshot_comes_back_as_it_was_written(tmp_path):
    written = Snapshot(PRINT, 7, np.array([5, 9, 42]), np.arange(3, dtype=np.uint64))
    path = snapshot.path_of(tmp_path / "new", PRINT)
    snapshot.write(path, written, write_bytes(b"index"))
    with snapshot.opened(path, PRINT) as (said, file):
        assert (said.fingerprint, said.generation, said.ids.tolist()) == (PRINT, 7, [5, 9, 42])
        assert said.seals.tolist() == [0, 1, 2]
        assert file.read(5) == b"index"
    assert snapshot.peek(path) == written.header
    assert os.listdir(path.parent) == [path.name]


def test_a_flipped_byte_is_found_wherever_it_is(file):
    good = file.read_bytes()
    footer = len(good) - snapshot.FOOTER.size
    for place in (*range(64), *range(64, footer, 17), *range(footer, len(good))):
        file.write_bytes(good[:place] + bytes([good[place] ^ 0x10]) + good[place + 1 :])
        with pytest.raises(SnapshotInvalid):
            snapshot.verify(file, PRINT)
    file.write_bytes(good)
    snapshot.verify(file, PRINT)


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda data: b"", "cut short"),
        (lambda data: data[:50], "cut short"),
        (lambda data: data[:-1], "cut short"),
        (lambda data: data[: len(data) // 2], "cut short"),
        (lambda data: data[-snapshot.FOOTER.size :], "cut short"),
        (lambda data: data + b"\0", "something was added"),
        (lambda data: b"x" * len(data), "no snapshot"),
        (lambda data: data[: -snapshot.FOOTER.size + 8] + b"\x63" + data[-snapshot.FOOTER.size + 9 :], "format 99"),
        (lambda data: data.replace(PRINT.encode(), b"e" * 32, 1), "another encoder"),
        (lambda data: data[:-1] + bytes([data[-1] ^ 1]), "checksum"),
    ],
)
def test_what_is_wrong_is_named(file, spoil, reason):
    file.write_bytes(spoil(file.read_bytes()))
    with pytest.raises(SnapshotInvalid, match=reason):
        snapshot.verify(file, PRINT)


@pytest.mark.parametrize("keep", [0, 10, 130, -1])
def test_a_damaged_snapshot_is_said_once_and_rebuilt_from_the_catalog(catalog, file, caplog, keep):
    file.write_bytes(file.read_bytes()[:keep])
    with caplog.at_level(logging.INFO, "polyglance"):
        assert opened(catalog)[1] == 60
    (record,) = caplog.records
    assert "cut short" in record.message


def test_a_missing_snapshot_is_nothing_to_speak_of(catalog, caplog):
    with caplog.at_level(logging.INFO, "polyglance"):
        assert opened(catalog)[1] == 60
    assert caplog.records == []


def test_a_folder_where_the_snapshot_should_be_harms_nothing(catalog, file):
    file.unlink()
    file.mkdir()
    assert opened(catalog)[1] == 60


def test_a_good_snapshot_saves_reading_the_catalog(catalog, file):
    index, read = opened(catalog)
    assert read == 0
    query = rows(1, seed=9)[0]
    fresh = VectorIndex(catalog, 1, DIMENSION)
    file.unlink()
    fresh.follow()
    assert np.array_equal(index.search(query, 60)[1], fresh.search(query, 60)[1])
    assert np.array_equal(index.sample(), fresh.sample())


def test_an_old_snapshot_is_brought_up_to_the_catalog(catalog, file):
    put(catalog, 60, rows(5, seed=3))
    drop(catalog, 7)
    drop(catalog, 62)
    index, read = opened(catalog)
    assert (index.count(), read) == (63, 4)
    put(catalog, 70, rows(2, seed=4))
    drop(catalog, 0)
    index.follow()
    assert index.count() == 64


def test_a_snapshot_of_a_later_catalog_than_the_restored_one_lends_no_wrong_vector(catalog, file, tmp_path):
    """The catalog is restored from a backup, and gives the ids that came after it to other vectors."""
    catalog.close()
    backup = tmp_path / "backup.db"
    shutil.copy(catalog.folder / "catalog.db", backup)
    put(catalog, 60, rows(10, seed=3))
    save(catalog, catalog.encoders.all()[0])
    catalog.close()
    shutil.copy(backup, catalog.folder / "catalog.db")
    assert opened(catalog)[1] == 0  # what both have is used, what came later is dropped
    put(catalog, 80, rows(12, seed=5))
    assert catalog.vectors.ids(1).tolist()[-1] == 72
    assert opened(catalog)[0].count() == 72


def test_a_vector_that_a_restored_catalog_has_again_is_found(catalog, file, tmp_path):
    catalog.close()
    shutil.copy(catalog.folder / "catalog.db", tmp_path / "backup.db")
    drop(catalog, 30)
    save(catalog, catalog.encoders.all()[0])
    catalog.close()
    shutil.copy(tmp_path / "backup.db", catalog.folder / "catalog.db")
    assert opened(catalog)[0].count() == 60


def test_a_running_index_notices_a_restored_catalog(catalog, tmp_path):
    catalog.close()
    shutil.copy(catalog.folder / "catalog.db", tmp_path / "backup.db")
    put(catalog, 60, rows(10, seed=3))
    index = VectorIndex(catalog, 1, DIMENSION)
    index.follow()
    catalog.close()
    shutil.copy(tmp_path / "backup.db", catalog.folder / "catalog.db")
    put(catalog, 80, rows(12, seed=5))
    put(catalog, 99, rows(1, seed=6))
    index.follow()
    truth = {int(i): v.tobytes() for ids, _, vs in catalog.vectors.after(1, 0) for i, v in zip(ids, vs, strict=True)}
    assert held_by(index) == truth


def test_an_index_that_reads_an_older_moment_keeps_what_it_holds(catalog):
    index, other = VectorIndex(catalog, 1, DIMENSION), Catalog(catalog.folder / "catalog.db")
    with catalog.read_snapshot():
        index.follow()
        before = held_by(index)
        put(other, 60, rows(10, seed=3))
        index._catalog = other  # another thread's search makes it hold the new ones
        index.follow()
        newest = held_by(index)
        index._catalog = catalog
        index.follow()
        assert held_by(index) == newest != before
    index.follow()
    assert held_by(index) == newest
    other.close()


def test_a_restored_catalog_that_was_not_written_to_since_is_noticed(catalog, tmp_path):
    catalog.close()
    shutil.copy(catalog.folder / "catalog.db", tmp_path / "backup.db")
    index = VectorIndex(catalog, 1, DIMENSION)
    index.follow()
    before = held_by(index)
    put(catalog, 60, rows(10, seed=3))
    index.follow()
    assert held_by(index) != before
    catalog.close()
    shutil.copy(tmp_path / "backup.db", catalog.folder / "catalog.db")
    index.follow()
    assert held_by(index) == before


def test_a_catalog_that_was_restored_and_caught_up_meanwhile_is_no_older_moment(catalog, tmp_path):
    """Its ids are others' by now, though the newest generation is as high as before."""
    catalog.close()
    shutil.copy(catalog.folder / "catalog.db", tmp_path / "backup.db")
    put(catalog, 60, rows(10, seed=3))
    put(catalog, 70, rows(10, seed=4))
    index = VectorIndex(catalog, 1, DIMENSION)
    index.follow()
    held = index.generation
    catalog.close()
    shutil.copy(tmp_path / "backup.db", catalog.folder / "catalog.db")
    put(catalog, 80, rows(150, seed=5))
    with catalog.read_snapshot():
        assert catalog.generation() < held
        truth = {
            int(i): v.tobytes() for ids, _, vs in catalog.vectors.after(1, 0) for i, v in zip(ids, vs, strict=True)
        }
        with Catalog(catalog.folder / "catalog.db") as other:
            put(other, 500, rows(1, seed=6))
        assert catalog.newest_generation() >= held
        index.follow()
        assert held_by(index) == truth


def test_another_librarys_snapshot_lends_no_vector(catalog, tmp_path):
    with new_catalog(tmp_path / "other") as other:
        put(other, 500, rows(60, seed=8))
        save(other, other.encoders.all()[0])
        shutil.copytree(other.folder / "snapshots", catalog.folder / "snapshots")
    assert opened(catalog)[1] == 60


def test_it_is_written_when_one_in_a_hundred_changed(catalog, folder):
    record = catalog.encoders.all()[0]
    put(catalog, 100, rows(340, seed=1))
    assert save_if_stale(catalog, record)
    assert not save_if_stale(catalog, record)
    put(catalog, 500, rows(3, seed=2))
    assert stale(catalog, record) == 3
    assert not save_if_stale(catalog, record)
    drop(catalog, 100)
    drop(catalog, 101)
    assert stale(catalog, record) == 5
    assert save_if_stale(catalog, record)
    assert stale(catalog, record) == 0
    snapshot.path_of(folder, PRINT).write_bytes(b"")
    assert save_if_stale(catalog, record)


def test_snapshots_of_encoders_that_are_gone_are_removed(catalog, folder, file):
    old = snapshot.path_of(folder, "e" * 32)
    shutil.copy(file, old)
    save_if_stale(catalog, catalog.encoders.all()[0])
    assert (old.exists(), file.exists()) == (False, True)


def test_what_a_killed_writer_left_goes_with_the_next_write(catalog, folder, file):
    code = (
        "import os, signal, sys; from pathlib import Path; from polyglance import atomic\n"
        "with atomic.whole_file(Path(sys.argv[1])) as temporary:\n"
        "    temporary.write_bytes(b'half'); os.kill(os.getpid(), signal.SIGKILL)"
    )
    before = file.read_bytes()
    assert subprocess.run([sys.executable, "-c", code, str(file)], check=False).returncode == -signal.SIGKILL
    assert file.read_bytes() == before
    assert len(os.listdir(folder)) == 2
    put(catalog, 60, rows(5))
    assert save_if_stale(catalog, catalog.encoders.all()[0])
    assert os.listdir(folder) == [file.name]


def test_a_read_only_folder_is_no_obstacle_to_searching(catalog, tmp_path, as_nobody, opened_to_all, file):
    put(catalog, 60, rows(5))
    opened_to_all(tmp_path)
    code = (
        "import sys; from pathlib import Path; from polyglance.data.catalog.catalog import Catalog\n"
        "from polyglance.data.vectors.index import VectorIndex\n"
        "index = VectorIndex(Catalog(Path(sys.argv[1])), 1, 8); index.follow(); print(index.count())"
    )
    catalog.close()
    done = as_nobody(code, str(catalog.folder / "catalog.db"))
    assert done.stdout == "65\n", done.stderr


@pytest.fixture
def small_disk():
    """A file system of 1 MB."""
    place = Path(tempfile.mkdtemp(prefix="polyglance-small-"))
    mounted = shutil.which("mount") and subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)], capture_output=True, check=False
    )
    if not mounted or mounted.returncode:
        place.rmdir()
        pytest.skip("may not mount a small file system here")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)
    place.rmdir()


def test_a_full_disk_leaves_the_old_snapshot_and_nothing_else(small_disk):
    path = snapshot.path_of(small_disk, PRINT)
    snapshot.write(path, Snapshot(PRINT, 1, np.empty(0, np.int64), np.empty(0, np.uint64)), write_bytes(bytes(500_000)))
    with pytest.raises(OSError, match="No space left"):
        snapshot.write(
            path, Snapshot(PRINT, 2, np.empty(0, np.int64), np.empty(0, np.uint64)), write_bytes(bytes(900_000))
        )
    assert os.listdir(small_disk) == [path.name]
    with snapshot.opened(path, PRINT) as (said, _):
        assert said.generation == 1


def test_a_disk_that_fills_up_while_faiss_writes_is_said_as_such(catalog, small_disk):
    put(catalog, 1000, rows(4000, seed=2))
    (catalog.folder / "snapshots").symlink_to(small_disk)
    (small_disk / "filler").write_bytes(bytes(1_000_000))
    with pytest.raises(OSError, match="No space left"):
        save(catalog, catalog.encoders.all()[0])
    assert os.listdir(small_disk) == ["filler"]


def test_a_full_disk_leaves_a_catalog_that_needs_an_upgrade_as_it_is(small_disk, make_first_schema):
    from polyglance.errors import LibraryError

    path = make_first_schema(small_disk / "catalog.db", photos=700)
    before = path.read_bytes()
    assert len(before) > 350_000
    (small_disk / "filler").write_bytes(bytes(1_000_000 - len(before) - 200_000))
    with pytest.raises(LibraryError, match=r"cannot be backed up first: .*Nothing was changed") as caught:
        Catalog(path, create=True)
    assert "\n" not in str(caught.value)
    assert path.read_bytes() == before
    assert sorted(os.listdir(small_disk)) == ["catalog.db", "filler", "writer.lock"]
    (small_disk / "filler").unlink()
    assert sqlite3.connect(path).execute("SELECT count(*) FROM photo").fetchone() == (701,)
