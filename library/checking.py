"""Checking a library's files, also of one that is too damaged to be opened."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import TypeAlias

from ..config import Settings, load
from ..data.catalog import locks
from ..data.catalog.catalog import Catalog
from ..data.check import check as checking
from . import snapshots
from .parts import CATALOG, AnyPath, Parts, folder_of, thumbnail_wish, thumbnails_in

CheckProgress: TypeAlias = Callable[[int, int], None]
"""Called with (done, total)."""


def check(
    folder: AnyPath | None = None,
    *,
    settings: Settings | None = None,
    repair: bool = False,
    deep: bool = False,
    progress: CheckProgress = lambda done, total: None,
) -> checking.Report:
    """Check the library in `folder` (default: the settings'), also one that is too damaged to be opened.

    `repair` mends what can be mended; `deep` reads every thumbnail and every photo that is there. `progress` is
    called with (done, total). Raises LibraryMissing, LibraryBusy if it is to repair while another process writes.
    """
    settings = settings or load()
    place = folder_of(folder, settings)
    thumbnails, wish = thumbnails_in(place, settings), thumbnail_wish(settings)
    report = checking.check(checking.Plan(place / CATALOG, thumbnails, wish, repair, deep), progress)
    if repair and report.ok and any(finding.code.startswith("snapshot") for finding in report.findings):
        parts = Parts(place, settings, Catalog(place / CATALOG))
        with contextlib.closing(parts.catalog), locks.writer_lock(place):
            snapshots.save(parts)
    return report
