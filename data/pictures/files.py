"""Opening and reading picture files without ever waiting on a pipe or a device.

`open_below` and `read_below` are for photos of a library. They follow no symbolic link below the root, because a file
or folder may be replaced by a link after the scan. `read_bytes` is for a file that the user names; it follows links.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import stat
from collections.abc import Iterator

from ...errors import PictureError
from .. import paths

_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)
_FOLDER = _FLAGS | _NO_LINK | getattr(os, "O_DIRECTORY", 0)

_OPENS_STEP_BY_STEP = os.open in os.supports_dir_fd and bool(_NO_LINK)

_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def read_bytes(path: bytes, *, max_bytes: int) -> bytes:
    """Return the bytes of the regular file at `path`; links are followed.

    Raises PictureError if it is missing, no regular file, empty, over `max_bytes`, or cannot be read.
    """
    try:
        with _closing(os.open(path, _FLAGS)) as descriptor:
            return _read(descriptor, max_bytes)
    except OSError as error:
        raise unreadable(error) from error


def read_below(root: bytes, relative: bytes, *, max_bytes: int) -> bytes:
    """Return the bytes of the regular file at `relative` below `root`, following no link on the way from `root`.

    Raises PictureError as `read_bytes` does, and if a link is in the way.
    """
    try:
        with _closing(open_below(root, relative)) as descriptor:
            return _read(descriptor, max_bytes)
    except OSError as error:
        raise unreadable(error) from error


def open_below(root: bytes, relative: bytes) -> int:
    """Open the file at `relative` below `root` for reading and return its descriptor; `root` itself may be a link.

    Raises PictureError if a link is in the way or the file cannot be opened.
    """
    try:
        return _walk(root, relative) if _OPENS_STEP_BY_STEP else _open_checked(root, relative)
    except OSError as error:
        if error.errno in {errno.ELOOP, errno.EMLINK}:  # EMLINK: FreeBSD
            raise PictureError("was replaced by a link", "Run 'polyglance index' again.") from error
        raise unreadable(error) from error


def content_hash(data: bytes) -> bytes:
    """Return the SHA-256 digest of a file's bytes, 32 bytes."""
    return hashlib.sha256(data).digest()


def unreadable(error: OSError) -> PictureError:
    """Return the PictureError that says why a file could not be read."""
    hint = ""
    if isinstance(error, IsADirectoryError):
        reason = "is not a regular file (a folder)"
    elif isinstance(error, FileNotFoundError):
        reason = "is no longer there"
    elif isinstance(error, PermissionError):
        reason, hint = "cannot be read: permission denied", "Give yourself read permission."
    elif error.errno == errno.ENXIO:  # a socket, or a device without hardware
        reason = "is not a regular file (a socket)"
    else:
        reason = f"cannot be read: {error.strerror or type(error).__name__}"
    return PictureError(reason, hint, may_pass=True)


def _walk(root: bytes, relative: bytes) -> int:
    """Open one folder after the other, each relative to the one before, so that no link on the way is followed."""
    *folders, name = relative.split(b"/")
    folder = os.open(root, _FLAGS | getattr(os, "O_DIRECTORY", 0))
    try:
        for part in folders:
            below = _open_folder(part, folder)
            os.close(folder)
            folder = below
        return os.open(name, _FLAGS | _NO_LINK, dir_fd=folder)
    finally:
        os.close(folder)


def _open_folder(name: bytes, parent: int) -> int:
    try:
        return os.open(name, _FOLDER, dir_fd=parent)
    except NotADirectoryError:
        # With O_DIRECTORY, a link in the place of a folder gives this error, not ELOOP.
        if stat.S_ISLNK(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode):
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP)) from None
        raise


def _open_checked(root: bytes, relative: bytes) -> int:
    """Open a file where folders cannot be opened (Windows): compare the open file with the file at the path."""
    path = paths.join(root, relative)
    if not paths.is_within(os.path.realpath(path), os.path.realpath(root)) or os.path.islink(path):
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
    descriptor = os.open(path, _FLAGS)
    if not os.path.samestat(os.fstat(descriptor), os.lstat(path)):
        os.close(descriptor)
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
    return descriptor


def _read(descriptor: int, max_bytes: int) -> bytes:
    info = os.fstat(descriptor)
    if not stat.S_ISREG(info.st_mode):
        kind = _KINDS.get(stat.S_IFMT(info.st_mode), "of an unknown kind")
        raise PictureError(f"is not a regular file ({kind})")
    if info.st_size > max_bytes:
        raise PictureError(
            f"is {info.st_size / 1e6:.6g} MB, over the limit of {max_bytes / 1e6:.6g} MB",
            hint="Raise POLYGLANCE_MAX_FILE_BYTES to read it.",
        )
    with os.fdopen(descriptor, "rb", closefd=False) as file:
        data = file.read(info.st_size)
    if not data:
        raise PictureError("is empty (0 bytes)")
    return data


@contextlib.contextmanager
def _closing(descriptor: int) -> Iterator[int]:
    try:
        yield descriptor
    finally:
        os.close(descriptor)
