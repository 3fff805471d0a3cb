"""What lies on the disk: one walk over a root that opens no file."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field

from ..data import paths
from ..data.images import EXTENSIONS
from ..data.records import FileStat
from ..errors import FolderError

SKIPPED_FOLDERS = frozenset({b"@eaDir", b"#recycle", b"$RECYCLE.BIN", b"System Volume Information", b"lost+found"})
"""Folders that systems keep for themselves; hidden ones (a leading dot) are skipped as well."""

INODE_BITS = (1 << 63) - 1  # SQLite integers are signed; some file systems use all 64 bits


@dataclass(slots=True)
class Scan:
    """The pictures under one root by relative path, and the folders that could not be listed."""

    files: dict[bytes, FileStat] = field(default_factory=dict)
    unreadable: list[bytes] = field(default_factory=list)
    empty: bool = True
    """True if the root holds no entry at all, as the mount point of an unplugged disk does."""


def reaches(root: bytes, below: bytes) -> bool:
    """Tell if a scan of `root` comes to its folder `below`: nothing on the way is hidden, a system's, or a link."""
    path = root
    for name in below.split(b"/") if below else ():
        path = os.path.join(path, name)
        if name.startswith(b".") or name in SKIPPED_FOLDERS or os.path.islink(path):
            return False
    return True


def scan(root: bytes, below: bytes = b"", skipped: bytes = b"") -> Scan:
    """Walk `root`, or only its folder `below`, but not the folder `skipped` (an absolute path).

    Symbolic links are not followed, hidden entries are skipped. Raises FolderError if the folder itself is missing,
    cannot be listed, or is exchanged meanwhile (a disk unplugged: then nothing is known of what is below).
    """
    result = Scan()
    start = os.path.join(root, below) if below else root
    try:
        before = _identity(start)
        folders = _list(start, below, result)
    except OSError as error:
        raise FolderError(
            f"{paths.display(start)} cannot be read: {error.strerror}.", "Is its disk connected?"
        ) from error
    while folders:
        relative = folders.pop()
        if os.path.join(root, relative) == skipped:
            continue
        try:
            folders += _list(os.path.join(root, relative), relative, result)
        except FileNotFoundError:
            continue
        except OSError:
            result.unreadable.append(relative)
    try:
        same = _identity(start) == before
    except OSError:
        same = False
    if not same:
        raise FolderError(
            f"{paths.display(start)} went away while it was scanned.", "Connect its disk and run this again."
        )
    return result


def _identity(folder: bytes) -> tuple[int, int]:
    found = os.stat(folder)
    return found.st_dev, found.st_ino


def _list(folder: bytes, relative: bytes, result: Scan) -> list[bytes]:
    """Put the pictures of one folder into `result`; return its subfolders."""
    folders = []
    prefix = relative + b"/" if relative else b""
    with os.scandir(folder) as entries:
        for entry in entries:
            result.empty = False
            name = entry.name
            if name.startswith(b"."):
                continue
            if name[name.rfind(b".") :].lower() not in EXTENSIONS:
                if entry.is_dir(follow_symlinks=False) and name not in SKIPPED_FOLDERS:
                    folders.append(prefix + name)
                continue
            try:
                found = entry.stat(follow_symlinks=False)
            except FileNotFoundError:
                continue
            if stat.S_ISDIR(found.st_mode):
                folders.append(prefix + name)
            elif not stat.S_ISLNK(found.st_mode):
                inode = found.st_ino & INODE_BITS
                result.files[prefix + name] = FileStat(found.st_size, found.st_mtime_ns, inode)
    return folders
