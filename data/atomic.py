"""Files that appear whole and on the disk, or not at all: temporary name, fsync, rename, fsync of the folder."""

from __future__ import annotations

import contextlib
import glob
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

SUFFIX = ".tmp"


@contextlib.contextmanager
def whole_file(target: Path) -> Iterator[Path]:
    """Yield a temporary path in the folder of `target`; what was written there becomes `target` at the end.

    For one writer at a time (the library's writer lock): temporary files that a killed one left are removed first.
    On any error the temporary file goes and `target` stays as it was. Raises OSError (disk full, no permission).
    """
    remove_leftovers(target)
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}{SUFFIX}")
    try:
        temporary.touch(exist_ok=False)  # readable for whom the user's mask says, unlike mkstemp's
        yield temporary
        fsync(temporary)
        temporary.replace(target)
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
