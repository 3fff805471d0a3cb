"""What lies on the disk: one walk over a root that opens no file."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field

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


def scan(root: bytes, below: bytes = b"") -> Scan:
    """Walk `root`, or only its folder `below`. Symbolic links are not followed, hidden entries are skipped.

    Raises FolderError if the folder itself is missing or cannot be listed.
    """
    result = Scan()
    start = os.path.join(root, below) if below else root
    try:
        folders = _list(start, below, result)
    except OSError as error:
        raise FolderError(
            f"{os.fsdecode(start)!r} cannot be read: {error.strerror}.", "Is the disk connected?"
        ) from error
    while folders:
        relative = folders.pop()
        try:
            folders += _list(os.path.join(root, relative), relative, result)
        except FileNotFoundError:
            continue
        except OSError:
            result.unreadable.append(relative)
    return result


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
