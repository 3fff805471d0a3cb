"""The check of a catalog in a database elsewhere: its schema, its rows and its words, then the library's files.

The server answers for its own files: damage there is its administrator's to mend, from the server's backups.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

from sqlalchemy import Connection

from ...progress import Progress, Tick
from ..catalog import integrity, locks, opening, own_data, plain_postgresql, words
from ..catalog.catalog import Catalog
from ..catalog.database import Database
from ..catalog.dialect import of
from . import files, rows
from .check import INDEX, WORDS_SOURCES, Plan, Report
from .findings import Examination, Finding, found

RESTORE = "Restore the database from a backup of the server, or name an empty one and run 'polyglance index FOLDER'."


def check(plan: Plan, progress: Progress) -> Report:
    """Check it; mend what was found if `plan.repair`. Raises LibraryMissing, LibraryError, LibraryBusy."""
    start = time.perf_counter()
    missing = _missing(plan)
    if missing and not missing[0].repaired:
        return Report(missing, 0, 0, plan.deep, 0, 0, time.perf_counter() - start)
    with (
        Catalog(plan.catalog, plan.url, create=plan.repair) as catalog,
        catalog.writer_lock() if plan.repair else contextlib.nullcontext(),
    ):
        findings, look = _findings(plan, catalog, progress)
        findings += missing
        if plan.repair:
            catalog.back_up_own_data()
    seconds = time.perf_counter() - start
    return Report(findings, look.photos, look.vectors, plan.deep, look.compared, look.not_compared, seconds)


def _missing(plan: Plan) -> list[Finding]:
    """That the database has no catalog, though own data is backed up; a new one gets that data."""
    with contextlib.closing(Database(plan.catalog, plan.url)) as database:
        if opening.read_schema(database) is not None or not own_data.copies(plan.catalog):
            return []
        finding = found("catalog-missing", database)
        if not plan.repair:
            return [finding]
        with locks.writer_lock(plan.catalog.parent), database.locked("writer", locks.WRITTEN):
            opening.migrate(plan.catalog, plan.url)
            with database.writing() as connection:
                db, own = plain_postgresql.PostgresqlConnection(connection), own_data.newest(plan.catalog)
                for table in ("setting", "root", "encoder", "favourite"):
                    own_data.restore(db, table, own)
                for table in ("root", "encoder"):
                    of(connection).continue_ids(connection, table)
                integrity.bump(db)
        return [finding.mended(INDEX)]


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
