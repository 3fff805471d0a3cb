"""Files that appear complete or not at all: written under a temporary name, then renamed."""

from __future__ import annotations

import contextlib
import glob
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

SUFFIX = ".tmp"
"""Ending of temporary files; their names begin with a dot."""


@contextlib.contextmanager
def whole_file(target: Path, *, durable: bool = True) -> Iterator[Path]:
    """Yield a temporary path in the folder of `target`; what was written there becomes `target` at the end.

    A durable file is on the disk when this returns: file and folder are synced. It has one writer at a time, so the
    temporary files that a killed writer left are removed first. A file that is not durable is a cache: it costs no
    sync, and several processes may write it at the same time. On any error the temporary file is removed and `target`
    stays as it was. Raises OSError (disk full, no permission).
    """
    if durable:
        remove_leftovers(target)
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}{SUFFIX}")
    try:
        temporary.touch(exist_ok=False)  # with the permissions of the user's mask, unlike mkstemp's
        yield temporary
        if durable:
            fsync(temporary)
        temporary.replace(target)
        if durable:
            fsync_folder(target.parent)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise


def leftovers(target: Path) -> list[Path]:
    """Temporary files of `target` that a killed writer left behind, and what SQLite put beside them."""
    return [
        Path(name) for name in glob.glob(f"{glob.escape(str(target.parent))}/.{glob.escape(target.name)}.*{SUFFIX}*")
    ]


def remove_leftovers(target: Path) -> None:
    """Remove what a killed writer of `target` left behind."""
    for path in leftovers(target):
        with contextlib.suppress(OSError):
            path.unlink()


def fsync(path: Path) -> None:
    """Wait until a file's bytes are on the disk."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def fsync_folder(folder: Path) -> None:
    """Wait until the names in a folder are on the disk, where the system can do that."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
