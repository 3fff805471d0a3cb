"""Roots: the photo folders that the library indexes."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, delete, func, select, update

from .. import paths
from . import photo_rows, seals, settings, words
from .database import Database
from .dialect import of
from .models import Photo, Root
from .records import Disk, Mounted, RootRecord


class Roots:
    """The table of roots."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self, *, counted: bool = True) -> list[RootRecord]:
        """All roots, oldest first; if not `counted`, without their numbers of photos, which take time."""
        columns = (Root.id, Root.path, Root.mounts, Root.missing)
        with self._database.reading() as connection:
            if not counted:
                return [_record(row, 0, 0) for row in connection.execute(select(*columns).order_by(Root.id))]
            failed = func.count(Photo.error)
            rows = connection.execute(
                select(*columns, func.count(Photo.id) - failed, failed)
                .outerjoin(Photo, Photo.root_id == Root.id)
                .group_by(Root.id)
                .order_by(Root.id)
            )
            return [_record(row, row[4], row[5]) for row in rows]

    def add(self, path: bytes, absorbed: Sequence[RootRecord] = ()) -> RootRecord:
        """Make `path` a root; the `absorbed` roots below it become part of it, and their photos keep their ids."""
        with self._database.writing() as connection:
            connection.execute(of(connection).insert_or_ignore(Root).values(path=path, seal=seals.seal("root", path)))
            root_id = connection.execute(select(Root.id).where(Root.path == path)).scalar_one()
            for child in absorbed:
                _absorb(connection, child.id, root_id, paths.relative_to(child.path, path))
            settings.bump(connection)
        return next(root for root in self.all(counted=False) if root.id == root_id)

    def remove(self, root_id: int) -> None:
        """Drop a root and its photos. Their vectors stay until `vectors.prune`."""
        with self._database.writing() as connection:
            connection.execute(delete(Root).where(Root.id == root_id))
            settings.bump(connection)

    def record_scan(self, root_id: int, mounted: Mounted, missing: int = 0) -> None:
        """Record that a scan of the whole root was completed now, where the root was mounted then, and how many photos
        were kept though the scan did not see them.
        """
        values = {"scanned_at": photo_rows.now(), "mounts": _mounted_text(mounted), "missing": missing}
        self._update(root_id, values)

    def record_missing(self, root_id: int, missing: int) -> None:
        """Record how many photos of a root were kept though a scan did not see them."""
        self._update(root_id, {"missing": missing})

    def forget_disks_below(self, root_id: int, folder: bytes) -> None:
        """Forget the disks that were mounted in a folder of a root when it was last scanned."""
        mounted = next(root.mounted for root in self.all(counted=False) if root.id == root_id)
        if mounted:
            remaining = tuple(point for point in mounted.below if not paths.is_within(point, folder))
            self.record_scan(root_id, replace(mounted, below=remaining))

    def _update(self, root_id: int, values: dict[str, Any]) -> None:
        with self._database.writing() as connection:
            connection.execute(update(Root).where(Root.id == root_id).values(values))


def _absorb(connection: Connection, child_id: int, parent_id: int, prefix: bytes) -> None:
    rows = connection.execute(select(Photo.id, Photo.path).where(Photo.root_id == child_id)).all()
    for row in rows:
        values = {"root_id": parent_id, "path": paths.join(prefix, row.path)}
        # The parent may have the same file, from before it was excluded there: one row is enough. (Not REPLACE, which
        # fires no trigger.)
        connection.execute(delete(Photo).where(Photo.root_id == parent_id, Photo.path == values["path"]))
        connection.execute(update(Photo).where(Photo.id == row.id).values(values))
    words.write(connection, [row.id for row in rows])
    connection.execute(delete(Root).where(Root.id == child_id))


def _record(row: Any, photos: int, failed: int) -> RootRecord:
    return RootRecord(row.id, row.path, photos, failed, _mounted(row.mounts), row.missing or 0)


def _mounted_text(mounted: Mounted) -> str:
    """How a root is mounted, as the catalog writes it: ASCII, whatever bytes the names consist of."""
    names = [os.fsdecode(name) for name in (mounted.point, *mounted.below)]
    disks = {os.fsdecode(name): list(disk) for name, disk in mounted.disks.items()}
    top = {"point": names[0], "inode": mounted.inode, "volume": mounted.volume, "device": mounted.device}
    return json.dumps(top | {"below": names[1:], "disks": disks})


def _mounted(text: str | None) -> Mounted | None:
    """What `_mounted_text` wrote; older versions wrote neither `device` nor `disks`."""
    if text is None:
        return None
    values = json.loads(text)
    below = tuple(os.fsencode(name) for name in values["below"])
    disks = {os.fsencode(name): Disk(*disk) for name, disk in values.get("disks", {}).items()}
    point = os.fsencode(values["point"])
    return Mounted(point, values["inode"], values["volume"], below, values.get("device", 0), disks)
