"""Listing the pictures below a root: one walk that opens no file."""

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
"""Device and inode of a folder: the same for every path that leads to it."""

GONE = (FileNotFoundError, NotADirectoryError)
FOLDER_KEPT = "what is in it was left as it was"


@dataclass(slots=True)
class Scan:
    """The pictures under one root by relative path, and what could not be listed."""

    files: dict[bytes, FileStat] = field(default_factory=dict)
    unreadable: dict[bytes, str] = field(default_factory=dict)
    """Folders that could not be listed, and files whose paths are too long, with reasons."""
    folders: int = 0
    """How many folders were listed."""
    empty: bool = True
    """Whether the first folder holds no entry at all, like the mount point of an unplugged disk."""


def reaches(root: bytes, below: bytes, exclusion: Exclusion, without: Identity | None = None) -> bool:
    """Whether a scan of `root` reaches its folder `below`: no link, no exclusion and not `without` is on the way."""
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
    """List the pictures below `root`, or below its folder `below`; if not `deep`, in that folder alone.

    Symbolic links are not followed, and the folder `without` is skipped. Raises FolderError if the folder is missing,
    if the root cannot be listed, or if another folder takes its place during the scan (its disk was unplugged).
    """
    result = Scan()
    start = os.path.join(root, below) if below else root
    try:
        before = identity(start)
    except OSError as error:
        if not below or isinstance(error, GONE):
            raise _unlistable(start, error) from error
        return Scan(unreadable={below: _reason(error, FOLDER_KEPT)}, empty=False)
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
            subfolders = _list_folder(path, relative, exclusion, result)
        except OSError as error:
            if not relative or (relative == below and isinstance(error, GONE)):
                raise _unlistable(start, error) from error
            if not isinstance(error, GONE):
                result.unreadable[relative] = _reason(error, FOLDER_KEPT)
        else:
            folders += subfolders if deep else ()
    if not is_same(start, before):
        raise FolderError(
            f"{paths.display(start)} went away while it was scanned.", "Connect its disk and run this again."
        ).with_code("folder_gone", folder=paths.display(start))
    return result


def is_empty(folder: bytes) -> bool:
    """Whether a folder holds no entry at all. Raises FolderError if it cannot be listed."""
    try:
        with os.scandir(folder) as entries:
            return next(entries, None) is None
    except OSError as error:
        raise _unlistable(folder, error) from error


def identity(folder: bytes) -> Identity:
    """Return device and inode of a folder. Raises OSError."""
    info = os.stat(folder)
    return info.st_dev, info.st_ino


def is_same(folder: bytes, other: Identity | None) -> bool:
    """Whether the path leads to the folder `other`; False if it does not exist or may not be read."""
    try:
        return other is not None and identity(folder) == other
    except OSError:
        return False


def _unlistable(folder: bytes, error: OSError) -> FolderError:
    return FolderError(f"{paths.display(folder)} cannot be read: {error.strerror}.", "Is its disk connected?")


def _reason(error: OSError, consequence: str) -> str:
    """Return why something cannot be read, in the words that `failures.KINDS` recognises."""
    if isinstance(error, PermissionError):
        return f"cannot be read: permission denied ({consequence})"
    if error.errno == errno.ENAMETOOLONG:
        return f"cannot be read: its path is longer than the system allows ({consequence})"
    return f"cannot be read: {error.strerror} ({consequence})"


def _list_folder(folder: bytes, relative: bytes, exclusion: Exclusion, result: Scan) -> list[bytes]:
    """Put the pictures of one folder into `result`; return its subfolders. This loop runs for every file of a root."""
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
                info = entry.stat(follow_symlinks=False)
            except FileNotFoundError:
                continue
            except OSError as error:
                if error.errno != errno.ENAMETOOLONG:
                    raise
                if by_name or not excludes(path, folder=False):
                    result.unreadable[path] = _reason(error, "move it to a folder that is not so deep")
                continue
            kind = stat.S_IFMT(info.st_mode)
            if kind == stat.S_IFDIR:
                if not excludes(path, folder=True):
                    folders.append(path)
            elif kind != stat.S_IFLNK and (by_name or not excludes(path, folder=False)):
                # Faster than FileStat(…), which goes through a Python function.
                files[path] = tuple.__new__(FileStat, (info.st_size, info.st_mtime_ns, info.st_ino & INODE_BITS))
    return folders
