"""Listing the pictures of a root in object storage: what `scan` does for a folder."""

from __future__ import annotations

import os
from collections.abc import Mapping

from ...data import objects, paths
from ...data.addresses import without_odd_parts
from ...data.catalog.records import FileStat, Known
from ...data.pictures.images import EXTENSIONS
from .exclude import Exclusion
from .scan import Scan

NO_PATH = "cannot be read: its key has an empty part, '.', '..' or a control character (give the object another key)"


def scan_objects(root: bytes, below: bytes, *, exclusion: Exclusion, deep: bool, known: Mapping[bytes, Known]) -> Scan:
    """List the pictures below `root`, or below its folder `below`; if not `deep`, in that folder alone.

    An object whose size and ETag are those of a `known` photo has its stat: when it was written does not matter. One
    whose key is no path is unreadable.
    Raises FolderError if the storage cannot be listed.
    """
    result = Scan(empty=True)
    folders = set()
    for each in objects.listing(root):
        result.empty = False
        path = each.path
        if os.path.splitext(path)[1].lower() not in EXTENSIONS or not paths.is_within(path, below or path):
            continue
        folder = path.rpartition(b"/")[0]
        reached = path if each.is_readable else without_odd_parts(path)
        if (not deep and folder != below) or not exclusion.reaches(reached, folder=False):
            continue
        if not each.is_readable:
            result.unreadable[path] = NO_PATH
            continue
        if not each.size and path in result.files:  # the mark of a folder of that name, without its slash
            continue
        folders.add(folder)
        stat = FileStat(each.size, each.modified_ns, each.version)
        before = known[path].stat if path in known else None
        is_same = before is not None and (before.size, before.inode) == (stat.size, stat.inode)
        result.files[path] = before if before is not None and is_same else stat
    result.folders = len(folders)
    return result
