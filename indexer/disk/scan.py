"""What lies on the disk: one walk over a root that opens no file."""

from __future__ import annotations

import errno
import os
import stat
from dataclasses import dataclass, field

from ...data import paths
from ...data.catalog.records import INODE_BITS, FileStat
from ...data.pictures.images import EXTENSIONS
from ...errors import FolderError
from .exclude import USUAL, Exclusion

Identity = tuple[int, int]
"""Device and inode: what tells one folder from another, by whatever path it is reached."""

GONE = (FileNotFoundError, NotADirectoryError)
LEFT = "what is in it was left as it was"


@dataclass(slots=True)
class Scan:
    """The pictures under one root by relative path, and what could not be listed."""

    files: dict[bytes, FileStat] = field(default_factory=dict)
    unreadable: dict[bytes, str] = field(default_factory=dict)
    """Folders that could not be listed, and files whose paths are too long, with reasons."""
    folders: int = 0
    """How many folders were listed."""
    empty: bool = True
    """True if the folder it began with holds no entry at all, as the mount point of an unplugged disk does."""


def reaches(root: bytes, below: bytes, exclusion: Exclusion, without: Identity | None = None) -> bool:
    """Tell if a scan of `root` comes to its folder `below`: on the way is no link, nothing excluded, not `without`."""
    path = root
    for name in below.split(b"/") if below else ():
        path = os.path.join(path, name)
        if os.path.islink(path) or is_same(path, without):
            return False
    return exclusion.reaches(below, folder=True)


def scan(
    root: bytes,
    below: bytes = b"",
    *,
    exclusion: Exclusion = USUAL,
    deep: bool = True,
    without: Identity | None = None,
) -> Scan:
    """Walk `root`, or only its folder `below`, or (not `deep`) only that folder itself; not the folder `without`.

    Symbolic links are not followed. Raises FolderError if the folder is missing, if the root cannot be listed, or if it
    is exchanged meanwhile (a disk unplugged: then nothing is known of what is below).
    """
    result = Scan()
    start = os.path.join(root, below) if below else root
    try:
        before = identity(start)
    except OSError as error:
        if not below or isinstance(error, GONE):
            raise _unlistable(start, error) from error
        return Scan(unreadable={below: _reason(error, LEFT)}, empty=False)
    if before == without:
        raise FolderError(
            f"{paths.display(start)} holds the library's own thumbnails.",
            f"Run 'polyglance forget {paths.display(root)}'.",
        )
    folders = [below]
    while folders:
        relative = folders.pop()
        path = os.path.join(root, relative) if relative else root
        if relative != below and is_same(path, without):
            continue
        try:
            inside = _list(path, relative, exclusion, result)
        except OSError as error:
            if not relative or (relative == below and isinstance(error, GONE)):
                raise _unlistable(start, error) from error
            if not isinstance(error, GONE):
                result.unreadable[relative] = _reason(error, LEFT)
        else:
            folders += inside if deep else ()
    if not is_same(start, before):
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


def identity(folder: bytes) -> Identity:
    """What tells a directory from every other. Raises OSError."""
    info = os.stat(folder)
    return info.st_dev, info.st_ino


def is_same(folder: bytes, other: Identity | None) -> bool:
    """Whether the folder is that one; not if it is gone or may not be asked."""
    try:
        return other is not None and identity(folder) == other
    except OSError:
        return False


def _unlistable(folder: bytes, error: OSError) -> FolderError:
    return FolderError(f"{paths.display(folder)} cannot be read: {error.strerror}.", "Is its disk connected?")


def _reason(error: OSError, more: str) -> str:
    """Why something cannot be read, in the words of `troubles.KINDS`."""
    if isinstance(error, PermissionError):
        return f"cannot be read: permission denied ({more})"
    if error.errno == errno.ENAMETOOLONG:
        return f"cannot be read: its path is longer than the system allows ({more})"
    return f"cannot be read: {error.strerror} ({more})"


def _list(folder: bytes, relative: bytes, exclusion: Exclusion, result: Scan) -> list[bytes]:
    """Put the pictures of one folder into `result`; return its subfolders. This is the loop that 100,000 files pay."""
    folders = []
    files = result.files
    prefix = relative + b"/" if relative else b""
    excludes, by_name = exclusion.excludes, exclusion.is_default
    with os.scandir(folder) as entries:
        result.folders += 1
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
            except OSError as error:
                if error.errno != errno.ENAMETOOLONG:
                    raise
                if by_name or not excludes(path, folder=False):
                    result.unreadable[path] = _reason(error, "move it to a folder that is not so deep")
                continue
            kind = stat.S_IFMT(found.st_mode)
            if kind == stat.S_IFDIR:
                if not excludes(path, folder=True):
                    folders.append(path)
            elif kind != stat.S_IFLNK and (by_name or not excludes(path, folder=False)):
                # Faster than FileStat(…), which goes through a Python function.
                files[path] = tuple.__new__(FileStat, (found.st_size, found.st_mtime_ns, found.st_ino & INODE_BITS))
    return folders
