"""What lies on the disk: one walk over a root that opens no file."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field

from ..data import paths
from ..data.images import EXTENSIONS
from ..data.records import INODE_BITS, FileStat
from ..errors import FolderError
from .exclude import USUAL, Exclusion


@dataclass(slots=True)
class Scan:
    """The pictures under one root by relative path, and the folders that could not be listed."""

    files: dict[bytes, FileStat] = field(default_factory=dict)
    unreadable: list[bytes] = field(default_factory=list)
    folders: int = 0
    """How many folders were listed."""
    empty: bool = True
    """True if the folder it began with holds no entry at all, as the mount point of an unplugged disk does."""


def reaches(root: bytes, below: bytes, exclusion: Exclusion) -> bool:
    """Tell if a scan of `root` comes to its folder `below`: nothing on the way is excluded, or a link."""
    path = root
    for name in below.split(b"/") if below else ():
        path = os.path.join(path, name)
        if os.path.islink(path):
            return False
    return exclusion.reaches(below, folder=True)


def scan(
    root: bytes, below: bytes = b"", *, exclusion: Exclusion = USUAL, deep: bool = True, without: bytes = b""
) -> Scan:
    """Walk `root`, or only its folder `below`, or (not `deep`) only that folder itself; not the absolute `without`.

    Symbolic links are not followed. Raises FolderError if the folder is missing, cannot be listed, or is exchanged
    meanwhile (a disk unplugged: then nothing is known of what is below).
    """
    result = Scan()
    start = os.path.join(root, below) if below else root
    try:
        before = identity(start)
        folders = _list(start, below, exclusion, result)
    except OSError as error:
        raise _unlistable(start, error) from error
    while folders and deep:
        relative = folders.pop()
        path = os.path.join(root, relative)
        if path == without:
            continue
        try:
            folders += _list(path, relative, exclusion, result)
        except FileNotFoundError:
            continue
        except OSError:
            result.unreadable.append(relative)
    try:
        same = identity(start) == before
    except OSError:
        same = False
    if not same:
        raise FolderError(
            f"{paths.display(start)} went away while it was scanned.", "Connect its disk and run this again."
        )
    return result


def is_empty(folder: bytes) -> bool:
    """Whether a folder holds no entry at all. Raises FolderError if it cannot be listed."""
    try:
        with os.scandir(folder) as entries:
            return next(entries, None) is None
    except OSError as error:
        raise _unlistable(folder, error) from error


def identity(folder: bytes) -> tuple[int, int]:
    """What tells one directory from another at the same path. Raises OSError."""
    found = os.stat(folder)
    return found.st_dev, found.st_ino


def _unlistable(folder: bytes, error: OSError) -> FolderError:
    return FolderError(f"{paths.display(folder)} cannot be read: {error.strerror}.", "Is its disk connected?")


def _list(folder: bytes, relative: bytes, exclusion: Exclusion, result: Scan) -> list[bytes]:
    """Put the pictures of one folder into `result`; return its subfolders. This is the loop that 100,000 files pay."""
    folders = []
    files = result.files
    prefix = relative + b"/" if relative else b""
    excludes, by_name = exclusion.excludes, exclusion.is_default
    result.folders += 1
    with os.scandir(folder) as entries:
        for entry in entries:
            result.empty = False
            name = entry.name
            if by_name and name[:1] == b".":
                continue
            path = prefix + name
            if name[name.rfind(b".") :].lower() not in EXTENSIONS:
                if entry.is_dir(follow_symlinks=False) and not excludes(path, folder=True):
                    folders.append(path)
                continue
            try:
                found = entry.stat(follow_symlinks=False)
            except FileNotFoundError:
                continue
            kind = stat.S_IFMT(found.st_mode)
            if kind == stat.S_IFDIR:
                if not excludes(path, folder=True):
                    folders.append(path)
            elif kind != stat.S_IFLNK and (by_name or not excludes(path, folder=False)):
                # Faster than FileStat(…), which goes through a Python function.
                files[path] = tuple.__new__(FileStat, (found.st_size, found.st_mtime_ns, found.st_ino & INODE_BITS))
    return folders
