"""The folders of the server's machine, for choosing one to index: names of folders, never of files."""

from __future__ import annotations

import os

from ...answers.folders import Folders, ServerFolder
from ...data import paths
from ...errors import UsageError
from ...indexer.run.places import check_folders
from . import limits


def list_folders(path: str) -> Folders:
    """The folders in `path`, without hidden ones; empty means the home folder. Raises FolderError, UsageError."""
    if path and not path.startswith("~") and not os.path.isabs(path):
        error = UsageError("The path does not begin at the root of the disk.", "Give the whole path of the folder.")
        raise error.with_code("folder_whole_path")
    (folder,) = check_folders([path or "~"])
    name = os.fsdecode(folder)
    parent = os.path.dirname(name)
    below = [ServerFolder(name=child, path=os.path.join(name, child)) for child in _list_names(name)]
    return Folders(path=name, parent=parent if parent != name else None, folders=below)


def _list_names(folder: str) -> list[str]:
    """Return the names of folders that can be shown and sent back unchanged."""
    with os.scandir(folder) as entries:
        names = [entry.name for entry in entries if not entry.name.startswith(".") and _is_folder(entry)]
    printable = [name for name in names if paths.display(os.fsencode(name)) == name]
    return sorted(printable, key=str.casefold)[: limits.MAX_FOLDERS]


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False
