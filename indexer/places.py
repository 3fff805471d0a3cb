"""Which folders become roots, and which lie within one."""

from __future__ import annotations

import os
from collections.abc import Sequence

from ..data import paths
from .exclude import Exclusion
from .scan import reaches
from .update import check_folder


def check_folders(folders: Sequence[str | bytes | os.PathLike[str] | os.PathLike[bytes]]) -> list[bytes]:
    """Return the folders' absolute paths. Raises FolderError if one is missing, is no folder, or cannot be listed."""
    wanted = [paths.absolute(folder) for folder in folders]
    for folder in wanted:
        check_folder(folder)
    return wanted


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
