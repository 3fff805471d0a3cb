"""Places to compare with the disk: whole roots, or folders inside them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ...data import objects, paths
from ...data.catalog.records import RootRecord
from ...errors import FolderError
from ..disk.exclude import Exclusion
from ..disk.scan import identity, is_same, reaches


@dataclass(frozen=True, slots=True)
class Place:
    """What to compare: a root, the folder `below` it (empty for all of it), and (`deep`) the folders in that one.

    Files that changed less than `settle_seconds` ago may still be written: the comparison leaves them as they were.
    """

    root: RootRecord
    below: bytes = b""
    deep: bool = True
    settle_seconds: float = 0.0

    @property
    def is_whole(self) -> bool:
        """Whether this is all of the root."""
        return self.deep and not self.below


def check_folder(folder: bytes) -> None:
    """Raise FolderError with what to do unless `folder` is a directory we may list."""
    if paths.is_url(folder):
        objects.check(folder)
        return
    name = paths.display(folder)
    if not os.path.lexists(folder):
        error = FolderError(f"There is no folder {name}.", "Check the spelling, or connect the disk it is on.")
        raise error.with_code("folder_missing", folder=name)
    if not os.path.isdir(folder):
        parent = paths.display(os.path.dirname(folder))
        error = FolderError(f"{name} is a file, not a folder.", f"Give the folder it is in: {parent}")
        raise error.with_code("folder_is_file", folder=name)
    if not os.access(folder, os.R_OK | os.X_OK):
        error = FolderError(f"The folder {name} may not be read by you.", "Change its permissions first.")
        raise error.with_code("folder_forbidden", folder=name)


def check_folders(folders: Sequence[str | bytes | os.PathLike[str] | os.PathLike[bytes]]) -> list[bytes]:
    """Return the folders' absolute paths. Raises FolderError if one is missing, is no folder, or cannot be listed."""
    absolute = [paths.absolute(folder) for folder in folders]
    for folder in absolute:
        check_folder(folder)
    return absolute


def refuse_library(folders: Sequence[bytes], library: bytes) -> None:
    """Raise FolderError if one of the folders is the library's own, or lies in it, by whatever path it is reached."""
    try:
        own = identity(library)
    except OSError:
        return  # the library does not exist yet: nothing lies in it
    for folder in folders:
        if paths.is_url(folder):
            continue
        if any(is_same(each, own) for each in _folder_and_parents(os.path.realpath(folder))):
            raise FolderError(
                f"{paths.display(folder)} is the library's own folder, or lies in it.",
                "Index the folder your photos are in, or choose another --library.",
            ).with_code("folder_of_library", folder=paths.display(folder))


def _folder_and_parents(folder: bytes) -> Iterator[bytes]:
    yield folder
    while (parent := os.path.dirname(folder)) != folder:
        yield parent
        folder = parent


def outermost(folders: Sequence[bytes], exclusion: Exclusion) -> list[bytes]:
    """Return each folder once, without those that a scan of another one covers."""
    kept: list[bytes] = []
    for folder in sorted(set(folders), key=len):
        if not any(covers(outer, folder, exclusion) for outer in kept):
            kept.append(folder)
    return kept


def covers(root: bytes, folder: bytes, exclusion: Exclusion) -> bool:
    """Whether a scan of `root` sees what is in `folder`; a folder excluded in it is a root of its own."""
    return paths.is_within(folder, root) and reaches(root, paths.relative_to(folder, root), exclusion)
