"""The check of a catalog in a database elsewhere: its schema, its rows and its words, then the library's files.

The server answers for its own files: damage there is its administrator's to mend, from the server's backups.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

from sqlalchemy import Connection

from ...progress import Progress, Tick
from ..catalog import integrity, own_data, plain_postgresql, words
from ..catalog.catalog import Catalog
from ..catalog.database import Database
from . import files, rows
from .check import WORDS_SOURCES, Plan, Report
from .findings import Examination, Finding, found

RESTORE = "Restore the database from a backup of the server, or name an empty one and run 'polyglance index FOLDER'."


def check(plan: Plan, progress: Progress) -> Report:
    """Check it; mend what was found if `plan.repair`. Raises LibraryMissing, LibraryError, LibraryBusy."""
    start = time.perf_counter()
    with (
        Catalog(plan.catalog, plan.url, create=plan.repair) as catalog,
        catalog.writer_lock() if plan.repair else contextlib.nullcontext(),
    ):
        findings, look = _findings(plan, catalog, progress)
        if plan.repair:
            catalog.back_up_own_data()
    seconds = time.perf_counter() - start
    return Report(findings, look.photos, look.vectors, plan.deep, look.compared, look.not_compared, seconds)


def _findings(plan: Plan, catalog: Catalog, progress: Progress) -> tuple[list[Finding], Examination]:
    database = catalog.database
    findings: list[Finding] = []
    with _connection(database, repair=plan.repair) as connection:
        db = plain_postgresql.PostgresqlConnection(connection)
        photos, vectors = integrity.counts(db)
        total, done = photos * (2 if plan.deep else 1) + vectors, 0

        def steps(more: int) -> None:
            nonlocal done
            done = min(done + more, total)
            progress(Tick(done, total))

        busy = not plan.repair and catalog.is_being_written()
        own = own_data.newest(plan.catalog)
        folder, thumbnails = plan.catalog.parent, plan.thumbnails
        look = Examination(db, folder, thumbnails, plan.options, plan.repair, plan.deep, busy, own, steps)
        if problem := plain_postgresql.schema_problem(connection):
            findings.append(found("catalog-schema", database, problem, RESTORE))
            return findings, look
        in_rows = rows.examine(look)
        problem = words.problem(connection) or plain_postgresql.words_problem(connection)
        if problem and plan.repair:
            words.make(connection)
            plain_postgresql.count_words(connection)
        if problem and not WORDS_SOURCES.intersection(each.code for each in in_rows):
            finding = found("words-disagree", "words", problem)
            findings.append(finding.mended() if plan.repair else finding)
        findings += in_rows
        if any(finding.repaired for finding in findings):
            integrity.bump(db)
        findings += files.examine(look)
        look.photos, look.vectors = integrity.counts(db)
    return findings, look


@contextlib.contextmanager
def _connection(database: Database, *, repair: bool) -> Iterator[Connection]:
    with database.writing() if repair else database.reading() as connection:
        yield connection
