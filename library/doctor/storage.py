"""Reads the facts of the library, its disks, and following its folders."""

from __future__ import annotations

import os
import shlex
import shutil
import sqlite3
from pathlib import Path

from ...data import paths
from ...data.catalog import overview
from ...data.catalog.opening import SCHEMA
from ...encoders.transformers import hub
from ...indexer.disk import mounts
from ..parts import CATALOG
from .facts import Disk, LibraryFacts, Watching

INOTIFY = Path("/proc/sys/fs/inotify")


def read(folder: Path, usual: Path, url: str = "") -> tuple[LibraryFacts, tuple[Disk, ...], Watching]:
    """Read them for the library in `folder`; `usual` is that of the settings, `url` the catalog's database if any.

    A catalog that cannot be read is a fact too.
    """
    option = "" if folder == usual else f" --library {shlex.quote(_display(folder))}"
    library, folders = _read_library(folder, url, option)
    disks = (_read_disk(folder, "library"), _read_disk(hub.cache_folder(), "encoders"))
    limits = (_read_limit("max_user_watches"), _read_limit("max_user_instances"))
    return library, disks, Watching(folders, *limits)


def _read_library(folder: Path, url: str, option: str) -> tuple[LibraryFacts, int]:
    name = _display(folder)
    if not url and not os.path.lexists(folder / CATALOG):
        return LibraryFacts(name, "none", option), 0
    try:
        stored = overview.read(folder / CATALOG, url)
    except (OSError, sqlite3.Error, ValueError, TypeError) as error:
        is_missing = bool(url) and isinstance(error, FileNotFoundError)
        return LibraryFacts(name, "none" if is_missing else "unreadable", option), 0
    state = "ready" if stored.schema == SCHEMA else "old" if stored.schema < SCHEMA else "new"
    if stored.is_incomplete:
        return LibraryFacts(name, "incomplete", option), 0
    library = LibraryFacts(name, state, option, stored.photos, stored.vectors, stored.encoder, stored.heic, stored.raw)
    return library, stored.folders


def _read_disk(folder: Path, purpose: str) -> Disk:
    """The disk of a folder, or of the nearest folder above it that exists."""
    existing = next(path for path in (folder, *folder.parents) if path.is_dir() or path == path.parent)
    real = Path(os.path.realpath(existing))
    try:
        mount = mounts.covering(mounts.mounts(), os.fsencode(real))
        free = shutil.disk_usage(real).free
    except OSError:
        mount, free = mounts.Mount(b"/", ""), 0
    return Disk(
        _display(folder),
        purpose,
        free,
        mount.kind,
        mount.remote,
        is_case_sensitive(real),
        os.access(existing, os.W_OK),
    )


def is_case_sensitive(folder: Path) -> bool | None:
    """Whether the disk of an existing folder tells `a` from `A`; None if no folder above it has a letter in its name.

    Asked by looking for the folder under the other case: nothing is written.
    """
    device = folder.stat().st_dev
    for path in (folder, *folder.parents):
        swapped = path.with_name(path.name.swapcase()) if path.name else path
        if path.parent.stat().st_dev != device or swapped.name == path.name:
            continue
        try:
            return not os.path.samefile(path, swapped)
        except OSError:
            return True
    return None


def _read_limit(name: str) -> int | None:
    try:
        return int((INOTIFY / name).read_text())
    except (OSError, ValueError):
        return None


def _display(folder: Path) -> str:
    return paths.display(os.fsencode(folder))
