"""`polyglance check`: the promises about a library's files, proved or mended.

First the catalog's file, then its rows in one transaction, then the other files. A plain check takes no lock and works
beside a writer; repairing is a writer's work and takes the library's lock.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ...errors import LibraryError, LibraryMissing
from ...progress import Progress, Tick, silent
from ..catalog import integrity, locks, opening, own_data, plain_sqlite, rebuild
from ..catalog.database import Database
from ..pictures.decoding import DecodeOptions
from ..pictures.thumbnails import Thumbnails
from . import files, rows
from .findings import Examination, Finding, found

START_ANEW = (
    "Restore catalog.db from a backup, or move the library's folder away and run 'polyglance index FOLDER': every "
    "picture is encoded again."
)
WORDS_SOURCES = {"photo-damaged", "photo-without-root", "root-damaged"}
INDEX = "Run 'polyglance index FOLDER' for every folder: what is missing is read and encoded again."


@dataclass(frozen=True, slots=True)
class Report:
    """What a check found. `compared` files were read and are what was indexed; `not_compared` ones are gone, offline,
    or changed since, which the next index run will notice; both 0 unless `deep`."""

    findings: list[Finding]
    photos: int
    vectors: int
    deep: bool
    compared: int
    not_compared: int
    seconds: float

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong, or all of it was mended; what is harmless may be there."""
        return all(finding.repaired or finding.is_harmless for finding in self.findings)


@dataclass(frozen=True, slots=True)
class Plan:
    """What to check, and how lost thumbnails are made again."""

    catalog: Path
    thumbnails: Thumbnails
    options: DecodeOptions
    repair: bool = False
    deep: bool = False
    url: str = ""
    """The database of the catalog, if it is in none of the library's files."""


def check(plan: Plan, progress: Progress = silent) -> Report:
    """Check a library; mend what was found if `plan.repair`.

    No connection of this process to the catalog may be open. Raises LibraryMissing if there is neither a catalog nor a
    backup of own data; LibraryBusy if it is to repair while another process writes.
    """
    if plan.url:
        from . import database

        return database.check(plan, progress)
    if not plan.catalog.is_file() and not own_data.copies(plan.catalog):
        raise LibraryMissing(
            f"There is no library at {plan.catalog.parent}.", "Run 'polyglance index FOLDER' to make one."
        )
    start = time.perf_counter()
    with locks.writer_lock(plan.catalog.parent) if plan.repair else contextlib.nullcontext():
        return _check(plan, progress, start)


def _check(plan: Plan, progress: Progress, start: float) -> Report:
    backups = list(_backups(plan))
    findings = _catalog_file(plan)
    photos = vectors = compared = not_compared = 0
    if all(finding.repaired for finding in findings):
        try:
            words = _words(plan)
            with _examination(plan, progress) as look:
                in_rows = _rows(look)
                if any(finding.repaired for finding in in_rows):
                    _words(plan)
                # Records that were changed explain why the words differ.
                findings += in_rows if WORDS_SOURCES.intersection(each.code for each in in_rows) else [*words, *in_rows]
                findings += files.examine(look)
                photos, vectors = integrity.counts(look.db)
                compared, not_compared = look.compared, look.not_compared
            if plan.repair:
                own_data.back_up(plan.catalog)
        except plain_sqlite.ERRORS as error:
            message = f"it cannot be read: {error}"
            findings.append(found("catalog-unreadable", plan.catalog.name, message, START_ANEW))
    seconds = time.perf_counter() - start
    return Report([*findings, *backups], photos, vectors, plan.deep, compared, not_compared, seconds)


def _catalog_file(plan: Plan) -> list[Finding]:
    """Whether SQLite can use the file; a damaged one is replaced by what can be saved of it, and own data."""
    name = plan.catalog.name
    if not plan.catalog.is_file():
        finding = found("catalog-missing", name)
        return _rebuilt(plan, finding) if plan.repair else [finding]
    try:
        problem = plain_sqlite.problem(plan.catalog)
    except plain_sqlite.ERRORS as error:
        return [
            found("catalog-unreadable", name, f"it cannot be opened: {error}", "Check its permissions, and the disk.")
        ]
    if problem is None:
        _require_complete(plan)
        return []
    finding = found(problem.code, name, problem.message)
    if problem.remedy == "newer":
        return [found(problem.code, name, problem.message, "Upgrade polyglance.")]
    if not plan.repair:
        return [finding]
    return _upgraded(plan, finding) if problem.remedy == "upgrade" else _rebuilt(plan, finding)


def _require_complete(plan: Plan) -> None:
    with contextlib.closing(Database(plan.catalog)) as database:
        opening.require_complete(database)


def _upgraded(plan: Plan, finding: Finding) -> list[Finding]:
    try:
        opening.migrate(plan.catalog)
    except LibraryError as error:
        return [found(finding.code, finding.subject, error.message, error.hint)]
    return [finding.mended()]


def _rebuilt(plan: Plan, finding: Finding) -> list[Finding]:
    try:
        kept = (
            f"The damaged file is kept as {rebuild.keep_damaged(plan.catalog).name}." if plan.catalog.exists() else ""
        )
        saved = rebuild.rebuild(plan.catalog, own_data.newest(plan.catalog))
    except (OSError, LibraryError, *plain_sqlite.ERRORS) as error:
        reason = getattr(error, "strerror", None) or error
        return [found(finding.code, finding.subject, f"it cannot be mended: {reason}", START_ANEW)]
    if saved is None:
        return [found(finding.code, finding.subject, finding.message, START_ANEW)]
    findings = [finding.mended(kept)]
    if not saved.is_complete:
        rows = saved.rows
        message = (
            f"saved: folders {rows['root']}, favourites {rows['favourite']}, records of files {rows['photo']}, "
            f"vectors {rows['vector']}"
        )
        findings.append(found("rows-lost", finding.subject, message).mended(INDEX))
    return findings


def _backups(plan: Plan) -> Iterator[Finding]:
    for copy in own_data.copies(plan.catalog):
        if own_data.read(copy) is None and copy.exists():
            finding = found("backup-damaged", copy.name, f"the backup {copy.name} is not what was written")
            if plan.repair:
                copy.unlink(missing_ok=True)
            yield finding.mended() if plan.repair else finding


def _words(plan: Plan) -> list[Finding]:
    """The index of words; before the rows, because a damaged one stands in the way of mending them."""
    problem = plain_sqlite.words_problem(plan.catalog)
    if not problem:
        return []
    finding = found("words-disagree", "words", problem)
    if not plan.repair:
        return [finding]
    return [finding.mended()] if plain_sqlite.make_words(plan.catalog) else _rebuilt(plan, finding)


def _rows(look: Examination) -> list[Finding]:
    look.db.execute("BEGIN IMMEDIATE" if look.repair else "BEGIN")
    try:
        findings = rows.examine(look)
        if any(finding.repaired for finding in findings):
            integrity.bump(look.db)
    except BaseException:
        look.db.execute("ROLLBACK")
        raise
    look.db.execute("COMMIT")
    return findings


@contextlib.contextmanager
def _examination(plan: Plan, progress: Progress) -> Iterator[Examination]:
    with contextlib.closing(plain_sqlite.connect(plan.catalog)) as db:
        db.execute("PRAGMA foreign_keys=OFF")  # what it would forbid is what is looked for
        db.execute(f"PRAGMA query_only={not plan.repair}")
        photos, vectors = integrity.counts(db)
        total = photos * (2 if plan.deep else 1) + vectors
        done = 0

        def steps(more: int) -> None:
            nonlocal done
            done = min(done + more, total)
            progress(Tick(done, total))

        folder = plan.catalog.parent
        busy = not plan.repair and locks.is_being_written(folder)
        own = own_data.newest(plan.catalog)
        yield Examination(db, folder, plan.thumbnails, plan.options, plan.repair, plan.deep, busy, own, steps)
