"""Which folders become roots, and which lie within one."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from ...data import paths
from ...errors import FolderError
from ..disk.exclude import Exclusion
from ..disk.scan import identity, is_same, reaches
from .update import check_folder


def check_folders(folders: Sequence[str | bytes | os.PathLike[str] | os.PathLike[bytes]]) -> list[bytes]:
    """Return the folders' absolute paths. Raises FolderError if one is missing, is no folder, or cannot be listed."""
    wanted = [paths.absolute(folder) for folder in folders]
    for folder in wanted:
        check_folder(folder)
    return wanted


def refuse_library(folders: Sequence[bytes], library: bytes) -> None:
    """Raise FolderError if one of the folders is the library's own, or lies in it, by whatever path it is reached."""
    try:
        own = identity(library)
    except OSError:
        return  # it is not made yet: nothing lies in it
    for folder in folders:
        if any(is_same(each, own) for each in _and_above(os.path.realpath(folder))):
            raise FolderError(
                f"{paths.display(folder)} is the library's own folder, or lies in it.",
                "Index the folder your photos are in, or choose another --library.",
            )


def _and_above(folder: bytes) -> Iterator[bytes]:
    yield folder
    while (parent := os.path.dirname(folder)) != folder:
        yield parent
        folder = parent


def outermost(folders: Sequence[bytes], exclusion: Exclusion) -> list[bytes]:
    """Each folder once, without those that lie within another one."""
    kept: list[bytes] = []
    for folder in sorted(set(folders), key=len):
        if not any(covers(outer, folder, exclusion) for outer in kept):
            kept.append(folder)
    return kept


def covers(root: bytes, folder: bytes, exclusion: Exclusion) -> bool:
    """Whether a scan of `root` sees what is in `folder`; one that is excluded in it is a root of its own."""
    return paths.is_within(folder, root) and reaches(root, paths.relative_to(folder, root), exclusion)
