"""Several processes, as on several machines, that index different roots of one library in PostgreSQL at a time."""

import contextlib
import json
import os
import re
import shutil
import signal
import threading
import time
from dataclasses import dataclass, replace
from pathlib import Path

import children
import colour_encoder
import pytest
from colour_encoder import picture
from polyglance import cli
from polyglance.data.catalog import locks
from polyglance.data.catalog.catalog import Catalog
from polyglance.encoders import registry
from polyglance.errors import LibraryBusy, LibraryError
from polyglance.indexer.disk.mounts import mounts
from polyglance.indexer.run.vanished import VanishedPhotos
from polyglance.library import labelling

pytestmark = pytest.mark.cluster

SLOW = {"COLOUR_SECONDS": "0.05"}

ROWS = {
    "roots": "SELECT path, missing FROM root",
    "photos": "SELECT root.path, photo.path, size, mtime_ns, inode, content_hash, error, width, height, format,"
    " taken_at, camera, lens, latitude, longitude, caption, keywords, photo.seal, hash_before"
    " FROM photo JOIN root ON root.id = root_id",
    "vectors": "SELECT fingerprint, content_hash, vector FROM vector JOIN encoder ON encoder.id = encoder_id",
    "words": "SELECT root.path, photo.path, words.name, words.folder, words.caption, words.keyword FROM words"
    " JOIN photo ON photo.id = words.rowid JOIN root ON root.id = root_id",
    "favourites": "SELECT content_hash FROM favourite",
    "labels": "SELECT kind, key, content_hash FROM label",
    "extents": "SELECT kind, basis FROM labelling",
    "settings": "SELECT key, value FROM setting WHERE key IN ('excluded', 'active_encoder')",
}


@pytest.fixture(autouse=True)
def tiny_encoder(monkeypatch):
    monkeypatch.setattr(registry, "create", colour_encoder.create)


@pytest.fixture
def url(new_catalog_url):
    return new_catalog_url("postgresql")


def draw_roots(folder):
    """Two folders with twelve pictures each, two of them in both."""
    for number in range(12):
        picture(folder / "a" / f"{number}.png", number)
        picture(folder / "b" / f"{number}.png", 1000 + number)
    for name in ("0.png", "1.png"):
        shutil.copy(folder / "a" / name, folder / "b" / f"copy {name}")
    return folder / "a", folder / "b"


@pytest.fixture
def roots(tmp_path):
    return draw_roots(tmp_path)


def change(roots):
    """Move files between the roots, edit, remove and add some; the same new picture comes to both."""
    first, second = roots
    for number in range(2, 5):
        os.rename(first / f"{number}.png", second / f"from a {number}.png")
        os.rename(second / f"{number}.png", first / f"from b {number}.png")
    os.rename(first / "10.png", first / "renamed.png")
    (second / "11.png").unlink()
    picture(first / "5.png", 500)
    for number in range(20):
        picture(first / f"new {number}.png", 2000 + number)
        picture(second / f"new {number}.png", 3000 + number)
    for root in roots:
        picture(root / "both.png", 4000)


def rows(library):
    """All rows of a catalog but keys, times of indexing, and generations."""
    with library.catalog.database.reading() as connection:
        return {
            name: sorted(map(repr, map(tuple, connection.exec_driver_sql(statement))))
            for name, statement in ROWS.items()
        }


def root_at(library, folder):
    """The root of a folder: which of several has which number is left open."""
    (root,) = [each for each in library.catalog.roots.all() if each.path == os.fsencode(folder)]
    return root


def sharing(library):
    """How many processes hold the writer lock together now."""
    statement = "SELECT count(*) FROM pg_locks WHERE classid = 1886322690 AND granted AND mode = 'ShareLock'"
    with library.catalog.database.reading() as connection:
        return connection.exec_driver_sql(statement).scalar()


def is_indexed(library, folder):
    """Whether a process indexes the root of this folder now."""
    database = library.catalog.database
    return database.dialect.lock_holder(database.beside, "root", root_at(library, folder).id) is not None


def until(condition, seconds=120):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


@dataclass(frozen=True)
class Changed:
    """A library of two roots whose files have changed since, and the rows that one indexer makes of them."""

    folder: Path
    url: str
    roots: tuple[Path, Path]
    expected: dict[str, list[str]]


@pytest.fixture(scope="module")
def template(tmp_path_factory, new_catalog_url):
    """It is made once: each test has a copy of the library, and none changes the files."""
    base = tmp_path_factory.mktemp("changed")
    roots, url = draw_roots(base), new_catalog_url("postgresql")
    with (
        pytest.MonkeyPatch.context() as patch,
        contextlib.ExitStack() as stack,
    ):
        patch.setattr(registry, "create", colour_encoder.create)
        library = stack.enter_context(children.opened(base / "here", catalog=url))
        alone = stack.enter_context(children.opened(base / "one"))
        for each in (library, alone):
            each.index(roots)
            marked = [r.photo.id for r in each.search("type:png", 50) if r.path.endswith(("/3.png", "/5.png"))]
            each.mark(marked)
        change(roots)
        alone.index(roots)
        return Changed(base / "here", url, roots, rows(alone))


@pytest.fixture
def changed(tmp_path, template, postgresql):
    """(the library, opened here; what it is)"""
    shutil.copytree(template.folder, tmp_path / "here")
    url = postgresql.create(template.url.partition("?")[0].rpartition("/")[2])
    with children.opened(tmp_path / "here", catalog=url) as library:
        yield library, replace(template, folder=tmp_path / "here", url=url)


def start(place, root, **more):
    return children.start(children.index, place.folder, [root], catalog=place.url, environment=SLOW, **more)


def start_by_another_clock(place, root, seconds):
    work = children.index_by_another_clock
    return children.start(work, place.folder, [root], seconds, catalog=place.url, environment=SLOW)


def test_two_indexers_of_different_roots_with_different_clocks_make_what_one_makes(changed):
    library, place = changed
    expected = place.expected
    runs = [start_by_another_clock(place, root, off) for root, off in zip(place.roots, (0, 7200), strict=True)]
    until(lambda: sharing(library) == 2)
    for run in runs:
        run.join()
        assert run.exitcode == 0
    made = rows(library)
    unused = set(made["vectors"]) - set(expected["vectors"])
    assert 0 < len(unused) < 5  # of the pictures that were removed or edited: a run of all roots drops them
    judged_by_all = {"vectors": sorted(set(made["vectors"]) - unused)} | {
        name: expected[name] for name in ("labels", "extents")
    }
    assert made | judged_by_all == expected
    library.rescan()
    assert rows(library) == expected
    assert library.check(deep=True).findings == []


@pytest.mark.parametrize("commit", [4, *(pytest.param(commit, marks=pytest.mark.slow) for commit in (2, 6))])
def test_an_indexer_that_is_killed_beside_another_loses_and_doubles_nothing(changed, commit):
    library, place = changed
    killed = start(place, place.roots[0], crash=(str(place.folder), "commit", commit))
    other = start(place, place.roots[1])
    killed.join()
    assert killed.exitcode == -signal.SIGKILL
    assert locks.traces(place.folder)
    again = start(place, place.roots[0])
    for run in (other, again):
        run.join()
        assert run.exitcode == 0
    library.rescan()
    assert rows(library) == place.expected
    assert not locks.traces(place.folder)
    assert library.check(deep=True).findings == []


def test_a_server_that_restarts_under_two_indexers_loses_and_doubles_nothing(changed, postgresql):
    library, place = changed
    begun = library.generation()
    runs = [start(place, root) for root in place.roots]
    until(lambda: sharing(library) == 2 and library.generation() > begun)
    postgresql.stop()
    postgresql.start()
    for run in runs:
        run.join()  # it ends with an error, or had ended
    for root in place.roots:
        children.finish(children.index, place.folder, [root], catalog=place.url)
    library.rescan()
    assert rows(library) == place.expected
    assert library.check(deep=True).findings == []


def test_a_second_indexer_of_a_root_is_told_who_indexes_it(tmp_path, url, roots, monkeypatch):
    monkeypatch.setattr(locks, "PATIENCE_SECONDS", 0.1)
    with children.opened(tmp_path / "here", catalog=url) as library:
        library.index(roots)
        for number in range(30):
            picture(roots[0] / f"more {number}.png", 600 + number)
        environment = {"COLOUR_SECONDS": "60"}
        run = children.start(children.index, tmp_path / "there", roots[:1], catalog=url, environment=environment)
        until(lambda: is_indexed(library, roots[0]))
        told = rf"The folder .*/a is being indexed by polyglance.*\(process {run.pid} on .*\) since 20"
        for work in (lambda: library.index([roots[0]]), lambda: library.index([roots[0] / "below"])):
            (roots[0] / "below").mkdir(exist_ok=True)
            with pytest.raises(LibraryBusy, match=told):
                work()
        with pytest.raises(LibraryBusy, match=told):
            library.index([tmp_path])  # it would absorb the root
        assert library.index([roots[1]]).tally.unchanged == 14
        for work in (lambda: library.exclude(["x"]), lambda: library.forget(roots[1])):
            with pytest.raises(LibraryBusy, match=rf"is being written to by polyglance.*process {run.pid} on"):
                work()
        (photo, *_) = library.search("type:png", 1)
        library.mark([photo.photo.id])  # a moment, beside the run
        assert run.is_alive()
        run.kill()
        run.join()
        assert library.index([roots[0]]).tally.added == 30  # the server has freed its locks


def test_index_without_a_folder_leaves_out_what_another_process_indexes(tmp_path, url, roots, monkeypatch, capsys):
    monkeypatch.setattr(locks, "PATIENCE_SECONDS", 0.1)
    for name, value in {"CATALOG": url, "LIBRARY": tmp_path / "here", "ENCODER": "colour"}.items():
        monkeypatch.setenv(f"POLYGLANCE_{name}", str(value))
    assert cli.run(["index", *map(str, roots)]) == 0
    for root in roots:
        for number in range(30):
            picture(root / f"more {number}.png", 600 + number)
    environment = {"COLOUR_SECONDS": "60"}
    run = children.start(children.index, tmp_path / "there", roots[:1], catalog=url, environment=environment)
    with children.opened(tmp_path / "here", catalog=url) as library:
        until(lambda: sharing(library) == 1)
        capsys.readouterr()
        assert cli.run(["--json", "index"]) == 3
        told = capsys.readouterr()
        report = json.loads(told.out)
        assert (report["added"], report["unchanged"]) == (30, 14)
        (busy,) = report["busy"]
        assert re.search(
            rf"The folder .*/a is being indexed by .*\(process {run.pid} on .*\) since 20", busy["message"]
        )
        assert [line for line in told.err.splitlines() if "is being indexed" in line] == [
            f"{busy['message']} It was left out of this run."
        ]
        with pytest.raises(LibraryBusy, match=r"/a is being indexed"):
            library.rescan(root_at(library, roots[0]).id)
        run.kill()
        run.join()
    assert cli.run(["index"]) == 0
    with children.opened(tmp_path / "here", catalog=url) as library:
        assert library.status().photos == 26 + 60


def test_a_photo_of_a_root_that_another_process_indexes_is_not_moved_away(tmp_path, url, roots):
    """Its own run may be about to find it, or to remove it."""
    with (
        children.opened(tmp_path / "here", catalog=url) as here,
        children.opened(tmp_path / "there", catalog=url) as there,
    ):
        here.index(roots)
        first = root_at(here, roots[0])
        os.rename(roots[0] / "7.png", roots[1] / "moved.png")
        with there.catalog.run_locks.sharing():
            there.catalog.run_locks.hold([first])
            assert here.index([roots[1]]).tally.added == 1
            assert here.catalog.photos.at(first.id, b"7.png")
        os.rename(roots[0] / "8.png", roots[1] / "moved too.png")
        report = here.index([roots[1]])
        assert (report.tally.moved, report.tally.encoded) == (1, 0)
        there.index([roots[0]])  # what was borrowed is free again
        assert here.index([roots[0]]).tally.removed == 0


def test_a_photo_that_another_run_has_changed_meanwhile_is_not_moved(tmp_path, url, roots):
    with children.opened(tmp_path / "here", catalog=url) as library:
        shutil.copy(roots[0] / "7.png", roots[0] / "again.png")
        library.index(roots)
        catalog, root = library.catalog, root_at(library, roots[0])
        ids = [catalog.photos.at(root.id, name) for name in (b"7.png", b"again.png")]
        (content,) = set(catalog.photos.hashes(ids).values())
        for name in ("7.png", "again.png"):
            (roots[0] / name).unlink()
        vanished = VanishedPhotos(catalog, [], {}, mounts())
        claimed = vanished.claim(content)
        assert claimed in ids
        catalog.changes.remove([photo_id for photo_id in ids if photo_id != claimed])  # as another run does
        assert vanished.claim(content) is None


def test_two_processes_make_a_library_together(tmp_path, postgresql, roots):
    url = postgresql.create()  # not even a schema
    place = tmp_path / "there"
    runs = [children.start(children.index, place, [root], catalog=url, environment=SLOW) for root in roots]
    for run in runs:
        run.join()
        assert run.exitcode == 0
    with children.opened(tmp_path / "there", catalog=url) as made, children.opened(tmp_path / "one") as alone:
        alone.index(roots)
        assert rows(made) == rows(alone)


def test_a_run_waits_for_a_long_transaction_of_another_and_a_mark_does_not(tmp_path, url, roots, monkeypatch):
    monkeypatch.setattr("polyglance.data.catalog.postgresql.LOCK_TIMEOUT_MS", 100)
    with (
        children.opened(tmp_path / "here", catalog=url) as here,
        children.opened(tmp_path / "there", catalog=url) as there,
        contextlib.ExitStack() as long,
    ):
        here.index(roots)
        with there.catalog.database.writing(), pytest.raises(LibraryError, match="lock timeout"):
            here.catalog.settings.exclude(["refused"])
        with here.catalog.run_locks.sharing():
            long.enter_context(there.catalog.database.writing())
            ending = threading.Timer(1, long.close)
            ending.start()
            here.catalog.settings.exclude(["later"])
            ending.join()
        assert here.excluded() == ["later"]


def test_vectors_are_dropped_only_by_a_run_that_is_alone(tmp_path, url, roots):
    """Another run may have read that a vector is there, and have commited nothing yet that needs it."""
    with (
        children.opened(tmp_path / "here", catalog=url) as here,
        children.opened(tmp_path / "there", catalog=url) as there,
    ):
        here.index(roots)
        (roots[0] / "9.png").unlink()
        with there.catalog.run_locks.sharing():
            here.index(roots)
            assert here.catalog.vectors.count(1) == 24
        here.index(roots)
        assert here.catalog.vectors.count(1) == 23


def test_two_processes_make_labels_in_turn(tmp_path, url, roots, monkeypatch):
    with (
        children.opened(tmp_path / "here", catalog=url) as here,
        children.opened(tmp_path / "there", catalog=url) as there,
    ):
        here.index(roots)
        inside, most = [], []
        monkeypatch.setattr(
            labelling,
            "_label_places",
            lambda *_: (inside.append(1), most.append(len(inside)), time.sleep(0.2), inside.pop(), True)[-1],
        )

        def run(library):
            with library.catalog.run_locks.sharing():
                labelling.label(library._parts)

        threads = [threading.Thread(target=run, args=(library,)) for library in (here, there)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert most == [1, 1]


def test_keys_become_visible_in_their_order_whoever_writes(tmp_path, url):
    """What follows by "keys above the last", in memory or in Milvus, misses nothing."""
    with contextlib.ExitStack() as stack:
        catalogs = [
            stack.enter_context(Catalog(tmp_path / str(number) / "catalog.db", url, create=True)) for number in range(4)
        ]
        encoder = catalogs[0].encoders.add("test", "f" * 32, 4, "float32")
        vector, over = colour_encoder.ColourEncoder().encode_texts(["red"])[0], threading.Event()

        def write(number):
            for count in range(30):
                key = (1000 * number + count).to_bytes(32, "big")
                catalogs[number].vectors.add({key: vector}, encoder.id)

        threads = [threading.Thread(target=write, args=(number,)) for number in range(3)]
        seen, last = [], 0
        for thread in threads:
            thread.start()
        while not over.is_set():
            if not any(thread.is_alive() for thread in threads):
                over.set()
            for batch in catalogs[3].vectors.after(encoder.id, last):
                seen += batch.ids.tolist()
                last = seen[-1]
        assert len(seen) == 90


def test_an_embedded_library_has_one_writer(tmp_path, roots):
    with children.opened(tmp_path / "library") as one, children.opened(tmp_path / "library") as other:
        one.index([roots[0]])
        with one.catalog.writer_lock(), pytest.raises(LibraryBusy, match="is being written to by process"):
            other.index([roots[1]])
