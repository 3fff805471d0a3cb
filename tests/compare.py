"""What a library holds, read past the program, and whether two libraries are equal."""

import contextlib
import hashlib
import os
import sqlite3
import stat
import time
from pathlib import Path

import children

_FACTS = "width, height, format, taken_at, camera, lens, latitude, longitude, caption, keywords"


def rows(folder):
    """All that a catalog says of photos and vectors, but ids and times of indexing."""
    with contextlib.closing(sqlite3.connect(folder / "catalog.db")) as database:
        photos = database.execute(
            f"SELECT r.path, p.path, p.content_hash, p.error, p.size, p.mtime_ns, p.inode, {_FACTS}"
            " FROM photo p JOIN root r ON r.id = p.root_id ORDER BY 1, 2"
        ).fetchall()
        vectors = database.execute(
            "SELECT e.name, v.content_hash, v.vector FROM vector v JOIN encoder e ON e.id = v.encoder_id ORDER BY 1, 2"
        ).fetchall()
        settings = database.execute("SELECT key, value FROM setting WHERE key IN ('active_encoder', 'excluded')")
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert database.execute("PRAGMA foreign_key_check").fetchall() == []
        roots = database.execute("SELECT path, scanned_at IS NOT NULL, mounts FROM root ORDER BY path").fetchall()
        return {"photos": photos, "vectors": vectors, "settings": settings.fetchall(), "roots": roots}


def thumbnails(folder):
    """Name -> bytes of every file below the library's thumbnails, temporary ones too."""
    return {path.name: path.read_bytes() for path in (folder / "thumbnails").rglob("*") if path.is_file()}


def assert_sound(folder):
    """`polyglance check` finds nothing."""
    with children.opened(folder) as library:
        report = library.check(deep=True)
        assert not report.findings, report.findings


def assert_same(library, reference):
    """Two libraries of the same folders are equal, row by row, vector by vector, thumbnail by thumbnail."""
    found, wanted = rows(library), rows(reference)
    for name, expected in wanted.items():
        assert found[name] == expected, name
    assert thumbnails(library).keys() == thumbnails(reference).keys()
    assert thumbnails(library) == thumbnails(reference)
    assert_sound(library)


def until(condition, seconds=60.0):
    """Wait until something is so, and return it; how long it takes says nothing, on a machine that is busy.

    Asking takes processor time from what is waited for, so the pauses grow.
    """
    end, pause = time.monotonic() + seconds, 0.03
    while not (last := condition()):
        assert time.monotonic() < end, "it did not come to that in time"
        time.sleep(pause)
        pause = min(1.3 * pause, 0.25)
    return last


def count(log: Path):
    """How many pictures were encoded, by all processes that wrote into this log."""
    return log.stat().st_size if log.exists() else 0


PICTURES = (".png", ".jpg", ".jpeg", ".bmp")


def on_disk(*roots, excluded=lambda _path: False):
    """(root, path) -> (SHA-256, size, time, inode) of every picture, found without the program."""
    found = {}
    for root in map(os.fsencode, roots):
        for folder, folders, names in os.walk(root):
            folders[:] = [name for name in folders if not name.startswith(b".")]
            for name in names:
                path = os.path.join(folder, name)
                info = os.lstat(path)
                if name.startswith(b".") or not stat.S_ISREG(info.st_mode):
                    continue
                relative = path[len(root) + 1 :]
                if os.path.splitext(name)[1].lower() in map(os.fsencode, PICTURES) and not excluded(relative):
                    with open(path, "rb") as file:
                        digest = hashlib.sha256(file.read()).digest()
                    found[root, relative] = digest, info.st_size, info.st_mtime_ns, info.st_ino
    return found


def in_catalog(library):
    """The same of every photo that could be read, as the catalog has it."""
    return {
        (root, path): (content_hash, size, mtime, inode)
        for root, path, content_hash, error, size, mtime, inode, *_ in rows(library)["photos"]
        if error is None
    }


def ids(library):
    """(root, path) -> id of every photo."""
    with contextlib.closing(sqlite3.connect(library / "catalog.db")) as database:
        found = database.execute("SELECT r.path, p.path, p.id FROM photo p JOIN root r ON r.id = p.root_id")
        return {(root, path): photo_id for root, path, photo_id in found}


def assert_equals_disk(library, *roots, pruned=True, **more):
    """The catalog has exactly the pictures on the disk, with their bytes, and a vector and thumbnail of each.

    Nothing else either, if it is `pruned`, as an update of all roots leaves it.
    """
    disk, catalog = on_disk(*roots, **more), in_catalog(library)
    assert catalog.keys() == disk.keys(), sorted(catalog.keys() ^ disk.keys())[:9]
    assert catalog == disk
    contents = {content_hash for content_hash, *_ in disk.values()}
    vectors = {content_hash for _, content_hash, _ in rows(library)["vectors"]}
    assert contents <= vectors
    assert not pruned or contents == vectors, "vectors of no photo"
    assert contents <= {bytes.fromhex(name[:64]) for name in thumbnails(library)}
