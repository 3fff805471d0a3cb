"""Whether the library's other files fit the catalog: snapshots, thumbnails, leftovers and, in a deep check, the photos.

Other processes may write meanwhile: what looks wrong is compared with the catalog again before it counts.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from PIL import Image

from ... import atomic
from ...errors import PictureError
from .. import excluded, paths
from ..catalog import integrity, locks, own_data
from ..catalog.records import INODE_BITS, FileStat
from ..pictures import decoding
from ..pictures.files import content_hash, read_bytes
from ..vectors import snapshot
from .findings import Examination, Finding, found

TEMPORARY_AGE = 60.0
"""Seconds after which a temporary thumbnail is a leftover: a page being served writes them without the lock."""


UNREADABLE = "Check its permissions, and the disk."


def examine(look: Examination) -> list[Finding]:
    """All checks; with repair, files that are damaged caches or leftovers are removed."""
    findings = []
    for path, finding in (*snapshots(look), *leftovers(look), *orphaned_thumbnails(look)):
        if look.repair and finding.advice != UNREADABLE:
            path.unlink(missing_ok=True)
            finding = finding.mended()
        findings.append(finding)
    return [*findings, *lost_thumbnails(look), *(photos(look) if look.deep else ())]


def snapshots(look: Examination) -> Iterator[tuple[Path, Finding]]:
    """Snapshots are complete, and of an encoder of the library."""
    folder = look.folder / snapshot.FOLDER
    fingerprints = {snapshot.path_of(folder, each).name: each for each in integrity.fingerprints(look.db)}
    for path in sorted(folder.glob("*.faiss")):
        try:
            if path.name in fingerprints:
                snapshot.verify(path, fingerprints[path.name])
            else:
                yield path, found("snapshot-orphan", path.name)
        except FileNotFoundError:
            continue
        except snapshot.SnapshotInvalid as error:
            yield path, found("snapshot-damaged", path.name, f"the snapshot {path.name} cannot be used: {error}")
        except OSError as error:
            message = f"the snapshot {path.name} cannot be read: {error.strerror}"
            yield path, found("snapshot-damaged", path.name, message, UNREADABLE)


def leftovers(look: Examination) -> Iterator[tuple[Path, Finding]]:
    """Temporary files whose writer was killed."""
    if look.busy:
        return
    names = (excluded.FOLDER, own_data.FOLDER, snapshot.FOLDER)
    folders = [look.folder, *(look.folder / name for name in names)]
    if locks.is_being_indexed(look.folder):
        folders.pop()
    temporary = [path for folder in folders for path in sorted(folder.glob(f".*{atomic.SUFFIX}*"))]
    temporary += [path for path in look.thumbnails.folder.glob("*/*/.*") if _age(path) > TEMPORARY_AGE]
    for path in temporary:
        if path.exists():  # it may just have got its name
            yield path, found("leftover-file", path.name, f"{path.name} was left by a killed process")


def orphaned_thumbnails(look: Examination) -> Iterator[tuple[Path, Finding]]:
    """Thumbnails of contents that no photo has; a writer has its own in hand before the catalog knows of them."""
    existing = [path for path in look.thumbnails.folder.glob("*/*/*.jpg") if not path.name.startswith(".")]
    names = {key.hex() for key in integrity.contents(look.db)}
    for path in () if look.busy else sorted(existing):
        if path.stem not in names:
            yield path, found("thumbnail-orphan", path.name)


def lost_thumbnails(look: Examination) -> Iterator[Finding]:
    """Every photo has a thumbnail, which is not empty and, in a deep check, opens. It is made again from the photo."""
    suspects = [key for key in integrity.contents(look.db) if _state(look, key) != "good"]
    for key in integrity.contents(look.db).intersection(suspects) if suspects else ():
        state = _state(look, key)
        if state == "good":
            continue
        name = f"{key.hex()[:12]}…"
        finding = found(f"thumbnail-{state}", name, f"the thumbnail {name} is {state}")
        yield _made_again(look, key, finding) if look.repair else finding


def _state(look: Examination, key: bytes) -> str:
    path = look.thumbnails.path(key)
    try:
        if look.deep:
            with Image.open(path, formats=["JPEG"]) as image:
                image.load()
        return "good" if path.stat().st_size else "damaged"
    except FileNotFoundError:
        return "missing"
    except (OSError, SyntaxError, ValueError):  # what Pillow raises over damaged bytes
        return "damaged"


def _made_again(look: Examination, key: bytes, finding: Finding) -> Finding:
    look.thumbnails.remove(key)
    for root, path in integrity.places(look.db, key):
        try:
            content, picture = decoding.ON_DEMAND.read(
                root, path, look.options, should_decode=lambda content: content == key
            )
            if picture is not None:
                look.thumbnails.write(content, picture.jpeg)
                return finding.mended()
        except (OSError, PictureError):
            continue
    advice = "It is made again when its photo is there: connect the disk, or run 'polyglance index FOLDER'."
    return replace(finding, advice=advice)


def photos(look: Examination) -> Iterator[Finding]:
    """Read every photo's file, and compare its hash where its stat is the recorded one.

    Other bytes under the same size, time and inode: the disk lost some, or somebody hid a change.
    """
    for row in integrity.photos(look.db):
        path = paths.join(row["root"], row["path"])
        differs = _differs(look, path, row)
        look.steps(1)
        if differs is None:
            look.not_compared += 1
        elif not differs:
            look.compared += 1
        elif _differs(look, path, integrity.photo(look.db, row["id"])):
            message = f"{paths.display(path)} has other bytes than were indexed, under the same size and time"
            finding = found("content-changed", f"photo {row['id']}", message)
            if look.repair:
                integrity.forget_stat(look.db, "id", row["id"])
                advice = "If you did not change it, compare it with a backup. 'polyglance index' reads it again."
                finding = finding.mended(advice)
            yield finding


def _differs(look: Examination, path: bytes, row: Any) -> bool | None:
    """Whether the file has other bytes than were indexed; None if its stat is another, or it cannot be read."""
    try:
        before = _stat(path)
        if row is None or before != FileStat(row["size"], row["mtime_ns"], row["inode"]):
            return None
        data = read_bytes(path, max_bytes=look.options.max_bytes)
        return None if _stat(path) != before else content_hash(data) != row["content_hash"]
    except (OSError, PictureError):
        return None


def _stat(path: bytes) -> FileStat:
    info = os.lstat(path)
    return FileStat(info.st_size, info.st_mtime_ns, info.st_ino & INODE_BITS)


def _age(path: Path) -> float:
    try:
        return time.time() - path.stat().st_mtime
    except OSError:
        return 0.0
