"""Checking a library's files, also of one that is too damaged to be opened."""

from __future__ import annotations

import contextlib
from dataclasses import replace

from ..config import Settings, load
from ..data.catalog.catalog import Catalog
from ..data.check import check as checking
from ..data.check.findings import Finding
from ..progress import Progress, silent
from . import snapshots
from .parts import CATALOG, AnyPath, Parts, folder_of, thumbnail_options, thumbnails_in


def check(
    folder: AnyPath | None = None,
    *,
    settings: Settings | None = None,
    repair: bool = False,
    deep: bool = False,
    progress: Progress = silent,
) -> checking.Report:
    """Check the library in `folder` (default: the settings'), also one that is too damaged to be opened.

    `repair` repairs what can be repaired; `deep` reads every thumbnail and every photo that exists. `progress`
    counts rows and files. Raises LibraryMissing; LibraryBusy if `repair` is set and another process writes.
    """
    settings = settings or load()
    place = folder_of(folder, settings)
    thumbnails, options = thumbnails_in(place, settings), thumbnail_options(settings)
    report = checking.check(
        checking.Plan(place / CATALOG, thumbnails, options, repair, deep, settings.catalog_url), progress
    )
    exists = bool(settings.catalog_url) or (place / CATALOG).is_file()
    if settings.vectors and exists and not any(_is_of_the_catalog(each) for each in report.findings):
        with contextlib.closing(Catalog(place / CATALOG, settings.catalog_url)) as catalog:
            if (encoder := catalog.encoders.active()) is not None:
                from ..data.check import engine

                differences = engine.examine(settings.vectors.get_secret_value(), catalog, encoder, repair)
                report = replace(report, findings=[*report.findings, *differences])
        return report
    if repair and report.ok and any(finding.code.startswith("snapshot") for finding in report.findings):
        parts = Parts(place, settings, Catalog(place / CATALOG, settings.catalog_url))
        with contextlib.closing(parts.catalog), parts.catalog.writer_lock():
            snapshots.save(parts)
    return report


def _is_of_the_catalog(finding: Finding) -> bool:
    """Whether the catalog may not be opened because of it."""
    return finding.code.startswith(("catalog-", "setting-", "active-", "encoder-")) and not finding.repaired
