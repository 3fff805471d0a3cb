"""The folders of the server's machine, for choosing one to index: names of folders, never of files."""

from __future__ import annotations

import os

from ...answers.folders import Folders, ServerFolder
from ...data import paths
from ...errors import UsageError
from ...indexer.run.places import check_folders
from . import limits


def listing(path: str) -> Folders:
    """The folders in `path`, without hidden ones; empty means the home folder. Raises FolderError, UsageError."""
    if path and not path.startswith("~") and not os.path.isabs(path):
        raise UsageError("The path does not begin at the root of the disk.", "Give the whole path of the folder.")
    (folder,) = check_folders([path or "~"])
    shown = os.fsdecode(folder)
    parent = os.path.dirname(shown)
    below = [ServerFolder(name=name, path=os.path.join(shown, name)) for name in _names(shown)]
    return Folders(path=shown, parent=parent if parent != shown else None, folders=below)


def _names(folder: str) -> list[str]:
    """Names that can be shown and sent back as they are."""
    with os.scandir(folder) as entries:
        names = [entry.name for entry in entries if not entry.name.startswith(".") and _is_folder(entry)]
    fit = [name for name in names if paths.display(os.fsencode(name)) == name]
    return sorted(fit, key=str.casefold)[: limits.MAX_FOLDERS]


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False
