"""Whether the library's other files fit the catalog: snapshots, thumbnails, leftovers, and, deeply, the photos.

Other processes may write meanwhile: what looks wrong is asked of the catalog again before it counts.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from ...errors import PictureError
from .. import atomic, paths
from ..catalog import locks
from ..catalog.records import INODE_BITS, NEVER_SEEN, FileStat
from ..pictures import decoding
from ..pictures.decoding import Wish
from ..pictures.files import content_hash, read_bytes
from ..pictures.thumbnails import Thumbnails
from ..vectors import snapshot
from .findings import Finding, found

PART = ".part"
PART_AGE = 60.0
"""Seconds after which a temporary thumbnail is no one's any more: a page being served writes them without the lock."""


@dataclass(slots=True)
class Files:
    """The files under examination. `busy` if another process writes."""

    db: sqlite3.Connection
    folder: Path
    thumbnails: Thumbnails
    wish: Wish
    repair: bool
    busy: bool
    deep: bool
    steps: Callable[[int], None]
    compared: int = 0
    not_compared: int = 0

    def hashes(self) -> set[bytes]:
        """Content hashes of all photos that were read."""
        rows = self.db.execute("SELECT DISTINCT content_hash FROM photo WHERE content_hash IS NOT NULL")
        return {row[0] for row in rows if isinstance(row[0], bytes)}


def examine(files: Files) -> list[Finding]:
    """All checks."""
    checks = (snapshots, leftovers, lost_thumbnails, orphaned_thumbnails, *((photos,) if files.deep else ()))
    return [finding for check in checks for finding in check(files)]


def snapshots(files: Files) -> Iterator[Finding]:
    """Snapshots are whole, and of an encoder of the library; others are removed: they are only caches."""
    folder = files.folder / snapshot.FOLDER
    known = {str(row[0]) for row in files.db.execute("SELECT fingerprint FROM encoder")}
    names = {snapshot.path_of(folder, fingerprint).name: fingerprint for fingerprint in known}
    for path in sorted(folder.glob("*.faiss")):
        if path.name not in names:
            finding = found("snapshot-orphan", path.name)
        else:
            try:
                snapshot.verify(path, names[path.name])
            except FileNotFoundError:
                continue
            except snapshot.SnapshotInvalid as error:
                finding = found("snapshot-damaged", path.name, f"the snapshot {path.name} cannot be used: {error}")
            except OSError as error:
                said = f"the snapshot {path.name} cannot be read: {error.strerror}"
                yield found("snapshot-damaged", path.name, said, "Check its permissions, and the disk.")
                continue
            else:
                continue
        yield _removed(files, path, finding)


def leftovers(files: Files) -> Iterator[Finding]:
    """Temporary files whose writer was killed."""
    if files.busy:
        return
    beside = list(files.folder.glob(f".*{atomic.SUFFIX}"))
    written = list((files.folder / snapshot.FOLDER).glob(f".*{atomic.SUFFIX}"))
    if written and not locks.is_being_indexed(files.folder):
        beside += [path for path in written if path.exists()]  # one may just have got its name
    for path in sorted(beside):
        yield _removed(files, path, found("leftover-file", path.name, f"{path.name} was left by a killed process"))
    for path in files.thumbnails.folder.glob(f"*/*/.*{PART}"):
        if _age(path) > PART_AGE:
            yield _removed(files, path, found("leftover-file", path.name, f"{path.name} was left by a killed process"))


def lost_thumbnails(files: Files) -> Iterator[Finding]:
    """Every photo has a thumbnail, which is not empty and, deeply, opens. Mended from the photo if it is there."""
    suspects = [key for key in files.hashes() if _state(files, key) != "good"]
    still = files.hashes() if suspects else set()
    for key in suspects:
        state = _state(files, key)
        if key not in still or state == "good":
            continue
        name = f"{key.hex()[:12]}…"
        finding = found(f"thumbnail-{state}", name, f"the thumbnail {name} is {state}")
        if files.repair:
            files.thumbnails.remove(key)
            finding = _made_again(files, key, finding)
        yield finding


def orphaned_thumbnails(files: Files) -> Iterator[Finding]:
    """Thumbnails whose photo is gone; a writer has its own in hand before the catalog knows of them."""
    if files.busy:
        return
    there = [path for path in files.thumbnails.folder.glob("*/*/*.jpg") if not path.name.startswith(".")]
    wanted = {key.hex() for key in files.hashes()}
    for path in sorted(there):
        if path.stem not in wanted:
            yield _removed(files, path, found("thumbnail-orphan", path.name))


def photos(files: Files) -> Iterator[Finding]:
    """Read every photo's file, and compare its hash where its stat is the recorded one.

    Other bytes under the same size, time and inode: the disk lost some, or somebody hid a change.
    """
    statement = (
        "SELECT photo.id, root.path AS root, photo.path, size, mtime_ns, inode, content_hash FROM photo"
        " JOIN root ON root.id = root_id WHERE content_hash IS NOT NULL AND photo.id > ? ORDER BY photo.id LIMIT 500"
    )
    last = 0
    while rows := files.db.execute(statement, (last,)).fetchall():
        for row in rows:
            path = paths.join(row["root"], row["path"])
            if _differs(files, path, row) and _differs(files, path, _again(files, row)):
                shown = paths.display(path)
                message = f"{shown} has other bytes than were indexed, under the same size and time"
                finding = found("content-changed", f"photo {row['id']}", message)
                if files.repair:
                    statement_ = "UPDATE photo SET size = ?, mtime_ns = ?, inode = ? WHERE id = ?"
                    files.db.execute(statement_, (*NEVER_SEEN, row["id"]))
                    finding = finding.mended(
                        "If you did not change it, compare it with a backup. 'polyglance index' reads it again."
                    )
                yield finding
            files.steps(1)
        last = rows[-1]["id"]


def _again(files: Files, row: sqlite3.Row) -> sqlite3.Row | None:
    statement = "SELECT size, mtime_ns, inode, content_hash FROM photo WHERE id = ? AND path = ?"
    found_: sqlite3.Row | None = files.db.execute(statement, (row["id"], row["path"])).fetchone()
    return found_


def _differs(files: Files, path: bytes, row: sqlite3.Row | None) -> bool:
    """Whether the file is, by its stat, the one that was indexed, and its bytes are others."""
    recorded = FileStat(row["size"], row["mtime_ns"], row["inode"]) if row else NEVER_SEEN
    try:
        before = _stat(path)
        if row is None or before != recorded:
            raise PictureError("is another file now")
        data = read_bytes(path, max_bytes=files.wish.max_bytes)
        if _stat(path) != before:
            raise PictureError("changed while it was read")
    except (OSError, PictureError):
        files.not_compared += 1
        return False
    if content_hash(data) != row["content_hash"]:
        return True
    files.compared += 1
    return False


def _stat(path: bytes) -> FileStat:
    info = os.lstat(path)
    return FileStat(info.st_size, info.st_mtime_ns, info.st_ino & INODE_BITS)


def _state(files: Files, key: bytes) -> str:
    path = files.thumbnails.path(key)
    try:
        if path.stat().st_size == 0:
            return "damaged"
        if files.deep:
            with Image.open(path, formats=["JPEG"]) as image:
                image.load()
    except FileNotFoundError:
        return "missing"
    except (OSError, SyntaxError, ValueError):  # what Pillow raises over damaged bytes
        return "damaged"
    return "good"


def _made_again(files: Files, key: bytes, finding: Finding) -> Finding:
    statement = "SELECT root.path AS root, photo.path FROM photo JOIN root ON root.id = root_id WHERE content_hash = ?"
    for row in files.db.execute(statement, (key,)).fetchall():
        try:
            content, picture = decoding.ON_DEMAND.read(
                row["root"], row["path"], files.wish, is_wanted=lambda content: content == key
            )
            if picture is not None:
                files.thumbnails.write(content, picture.jpeg)
                return finding.mended()
        except (OSError, PictureError):
            continue
    advice = "It is made again when its photo is there: connect the disk, or run 'polyglance index FOLDER'."
    return found(finding.code, finding.subject, finding.message, advice)


def _removed(files: Files, path: Path, finding: Finding) -> Finding:
    if not files.repair:
        return finding
    path.unlink(missing_ok=True)
    return finding.mended()


def _age(path: Path) -> float:
    try:
        return time.time() - path.stat().st_mtime
    except OSError:
        return 0.0
