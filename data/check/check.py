"""`polyglance check`: the promises about a library's files, proved or mended.

Structure first (can SQLite use the file?), then the rows in one transaction, then the other files. A plain check takes
no lock and works beside a writer; repairing is a writer's work and takes the library's lock.
"""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ...errors import LibraryMissing
from ..catalog import locks, words
from ..pictures.decoding import Wish
from ..pictures.thumbnails import Thumbnails
from . import files, full_text, rows, salvage, structure
from .findings import Finding, found

Progress = Callable[[int, int], None]
"""Called with how many rows and files were looked at, and how many there are."""


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
    wish: Wish
    repair: bool = False
    deep: bool = False


def check(plan: Plan, progress: Progress = lambda done, total: None) -> Report:
    """Check a library; mend what was found if `plan.repair`.

    No connection of this process to the catalog may be open. Raises LibraryMissing; LibraryBusy if
    it is to repair while another process writes.
    """
    if not plan.catalog.is_file():
        raise LibraryMissing(
            f"There is no library at {plan.catalog.parent}.", "Run 'polyglance index FOLDER' to make one."
        )
    start = time.perf_counter()
    if plan.repair:
        with locks.writer_lock(plan.catalog.parent):
            return _check(plan, progress, start)
    return _check(plan, progress, start)


def _check(plan: Plan, progress: Progress, start: float) -> Report:
    catalog_file = (structure.mend if plan.repair else structure.examine)(plan.catalog)
    findings = catalog_file.findings
    photos = vectors = compared = not_compared = 0
    if catalog_file.readable:
        try:
            with _connected(plan) as db:
                photos, vectors = _counts(db)
                steps = _Steps(progress, photos * (2 if plan.deep else 1) + vectors)
                findings += _words(plan)
                findings += _rows(plan, db, steps)
                if any(finding.repaired for finding in findings):
                    _words(plan)  # what was mended is told by other words now; nobody need hear of that
                other_files = _files(plan, db, steps)
                findings += files.examine(other_files)
                photos, vectors = _counts(db)
                compared, not_compared = other_files.compared, other_files.not_compared
        except structure.BROKEN as error:
            if all(finding.repaired or finding.is_harmless for finding in findings):
                advice = structure.RESTORE if plan.repair else "Run 'polyglance check --repair'."
                findings.append(found("catalog-structure", plan.catalog.name, str(error), advice))
        else:
            findings += structure.examine(plan.catalog).findings if plan.repair and findings else []
    seconds = time.perf_counter() - start
    return Report(findings, photos, vectors, plan.deep, compared, not_compared, seconds)


def _rows(plan: Plan, db: sqlite3.Connection, steps: Callable[[int], None]) -> list[Finding]:
    busy = not plan.repair and locks.is_being_written(plan.catalog.parent)
    db.execute("BEGIN IMMEDIATE" if plan.repair else "BEGIN")
    try:
        findings = rows.examine(rows.Rows(db, plan.repair, busy, steps))
        if any(finding.repaired for finding in findings):
            rows.bump(db)
    except BaseException:
        db.execute("ROLLBACK")
        raise
    db.execute("COMMIT")
    return findings


def _words(plan: Plan) -> list[Finding]:
    """The full-text index; before the rows, for a damaged one would stand in the way of mending them.

    It is filled over a connection that has not seen the damage: FTS5 keeps what it read, and a commit would fail of it.
    """
    with _connected(plan) as db:
        db.execute("BEGIN")
        wrong = full_text.problem(db)
        db.execute("ROLLBACK")
    if not wrong:
        return []
    finding = found("words-disagree", "words", wrong)
    if plan.repair:
        with contextlib.closing(salvage.connect(plan.catalog)) as db:
            db.execute("BEGIN IMMEDIATE")
            words.fill(db)
            rows.bump(db)
            db.execute("COMMIT")
        finding = finding.mended()
    return [finding]


def _files(plan: Plan, db: sqlite3.Connection, steps: Callable[[int], None]) -> files.Files:
    return files.Files(
        db,
        plan.catalog.parent,
        plan.thumbnails,
        plan.wish,
        repair=plan.repair,
        busy=not plan.repair and locks.is_being_written(plan.catalog.parent),
        deep=plan.deep,
        steps=steps,
    )


@contextlib.contextmanager
def _connected(plan: Plan) -> Iterator[sqlite3.Connection]:
    with contextlib.closing(salvage.connect(plan.catalog)) as db:
        db.execute("PRAGMA foreign_keys=OFF")  # what it would forbid is what is looked for
        if not plan.repair:
            db.execute("PRAGMA query_only=ON")
        yield db


def _counts(db: sqlite3.Connection) -> tuple[int, int]:
    photos = db.execute("SELECT count(*) FROM photo WHERE error IS NULL").fetchone()[0]
    return int(photos), int(db.execute("SELECT count(*) FROM vector").fetchone()[0])


class _Steps:
    """Adds up what was looked at."""

    def __init__(self, progress: Progress, total: int) -> None:
        self._progress, self._total, self._done = progress, total, 0

    def __call__(self, more: int) -> None:
        self._done = min(self._done + more, self._total)
        self._progress(self._done, self._total)
