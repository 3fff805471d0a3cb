"""Whether SQLite can use the catalog's file: header, schema, version, pages and indexes; and mending them."""

from __future__ import annotations

import contextlib
import functools
import os
import re
import sqlite3
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ...errors import LibraryError
from .. import atomic
from ..catalog import migrations, opening
from . import salvage
from .findings import Finding, found

HEADER = {
    0: b"SQLite format 3\0",
    16: b"\x10\x00",  # pages of 4096 bytes
    18: b"\2\2",  # write-ahead log
    20: b"\0" + bytes([64, 32, 32]),
    44: b"\0\0\0\4",
    52: b"\0\0\0\0",  # no automatic vacuum
    56: b"\0\0\0\1",  # UTF-8
    64: b"\0\0\0\0",
}
"""Offset -> what the header of every catalog holds there (https://www.sqlite.org/fileformat2.html)."""

NO_LOG = b"\1\1"  # what a file system without shared memory makes of 18
WITH_FIRST_TABLE = {44, 56}
SIZE_FIELD = 28  # pages; 0 lets SQLite go by the file's size

OF_AN_INDEX = re.compile(r"(row \d+ missing from|wrong # of entries in|non-unique entry in) index|rowid not at end")
OF_A_ROW = re.compile(r"(NULL|NUMERIC|TEXT|BLOB|INT|REAL|non-\w+) value (is )?in |CHECK constraint|FTS5 table")

RESTORE = (
    "Restore catalog.db from a backup, or move it away and run 'polyglance index FOLDER': every picture is "
    "encoded again."
)
BROKEN = (sqlite3.Error, UnicodeError)
"""What sqlite3 raises over a damaged file."""


@dataclass(slots=True)
class Structure:
    """Findings about the file, and whether its rows can be read by statements."""

    findings: list[Finding] = field(default_factory=list)
    readable: bool = False
    version_damaged: bool = False


def examine(path: Path) -> Structure:
    """Examine without changing anything; with no connection of this process open: reading the file beside SQLite
    would drop the locks it holds (https://www.sqlite.org/howtocorrupt.html, 2.2)."""
    return _run(path, repair=False)


def mend(path: Path) -> Structure:
    """Examine and mend; the same, and for the library's writer."""
    return _run(path, repair=True)


def _run(path: Path, *, repair: bool) -> Structure:
    kept = _Kept(path)
    result = Structure()
    try:
        _header(path, kept, result, repair)
        _schema(path, kept, result, repair)
        if not result.readable:
            return result
        _integrity(path, kept, result, repair)
        _version(path, result, repair)
    except (OSError, LibraryError, *BROKEN) as error:
        said = getattr(error, "strerror", None) or str(error)
        result.readable = False
        result.findings.append(found("catalog-unreadable", path.name, f"it cannot be read or mended: {said}", RESTORE))
    return result


class _Kept:
    """Keeps the damaged file, once, before the first change of it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._as: Path | None = None

    def __call__(self) -> str:
        if self._as is None:
            self._as = salvage.keep_damaged(self._path)
        return f"The damaged file is kept as {self._as.name}."


def _header(path: Path, kept: _Kept, result: Structure, repair: bool) -> None:
    if not _wrong_header(path):
        return
    finding = found("catalog-header", path.name)
    if repair:
        said = kept()
        _write_header(path)
        finding = finding.mended(said)
    result.findings.append(finding)


def _wrong_header(path: Path) -> bool:
    """Whether the first 100 bytes are not those of a catalog. One that was never checkpointed has no tables yet."""
    with path.open("rb") as file:
        head = file.read(100)
    log = path.with_name(path.name + "-wal")
    live = log.exists() and log.stat().st_size > 0
    if len(head) < 100:
        return False  # beyond mending, as opening it will tell
    wrong = {place for place, right in HEADER.items() if head[place : place + len(right)] != right}
    if head[18:20] == NO_LOG:
        wrong.discard(18)
    if live:
        wrong -= WITH_FIRST_TABLE
    size = int.from_bytes(head[SIZE_FIELD : SIZE_FIELD + 4], "big") * 4096
    return bool(wrong) or (not live and size != path.stat().st_size and not _opens(path))


def _write_header(path: Path) -> None:
    with path.open("rb+") as file:
        for place, right in {**HEADER, SIZE_FIELD: bytes(4)}.items():
            file.seek(place)
            file.write(right)
        file.flush()
        os.fsync(file.fileno())


def _opens(path: Path) -> bool:
    try:
        with contextlib.closing(salvage.connect(path)) as db:
            db.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except BROKEN:
        return False
    return True


@functools.cache
def expected_schema(version: str) -> list[tuple[Any, ...]]:
    """(rowid, type, name, table, statement) of everything in a fresh catalog of this schema version."""
    from sqlalchemy import create_engine

    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "catalog.db"
        engine = create_engine(f"sqlite:///{place}")
        with engine.begin() as connection:
            migrations.upgrade(connection, version)
        engine.dispose()
        with contextlib.closing(salvage.connect(place)) as db:
            return [tuple(row) for row in db.execute(salvage.SCHEMA_ROWS)]


def _schema(path: Path, kept: _Kept, result: Structure, repair: bool) -> None:
    """Each object of the schema by its place: a statement can be damaged, and so can a name."""
    with contextlib.closing(salvage.connect(path)) as db:
        db.execute("PRAGMA writable_schema=ON")  # reads the schema also where a statement is no SQL any more
        there = [tuple(row) for row in db.execute(salvage.SCHEMA_ROWS)]
        versions = _versions_of(there)
        if versions:
            result.readable = True
            return
        version = opening.SCHEMA
        right = expected_schema(version)
        if [row[0] for row in there] != [row[0] for row in right]:
            message = "its tables are not those of a polyglance catalog"
            result.findings.append(found("catalog-schema", path.name, message, RESTORE))
            return
        finding = found("catalog-schema", path.name)
    if not repair:
        result.findings.append(finding)
        return
    said = kept()
    with contextlib.closing(salvage.connect(path)) as db:
        db.execute("PRAGMA writable_schema=ON")
        db.execute("BEGIN IMMEDIATE")
        for rowid, kind, name, table, statement in right:
            values = (kind, name, table, statement, rowid)
            db.execute("UPDATE sqlite_master SET type=?, name=?, tbl_name=?, sql=? WHERE rowid=?", values)
        db.execute("COMMIT")
        # Other connections read the schema again only when its cookie changes.
        cookie = db.execute("PRAGMA schema_version").fetchone()[0]
        db.execute(f"PRAGMA schema_version={(cookie + 1) % (1 << 31)}")
    result.findings.append(finding.mended(said))
    result.readable = True


def _versions_of(there: list[tuple[Any, ...]]) -> list[str]:
    """The schema versions whose tables these are, newest first."""
    return [version for version in sorted(migrations.known(), reverse=True) if expected_schema(version) == there]


def _integrity(path: Path, kept: _Kept, result: Structure, repair: bool) -> None:
    said = _complaints(path)
    if not said:
        return
    result.version_damaged = any("alembic_version" in line for line in said)
    index_only = all(OF_AN_INDEX.search(line) for line in said)
    if all(OF_A_ROW.search(line) for line in said):
        return  # the rows' own checks name and mend them
    findings = [found("catalog-index" if index_only else "catalog-structure", path.name, said[0])]
    if not repair:
        result.findings += findings
        return
    if index_only and _reindexed(path):
        result.findings.append(findings[0].mended())
        return
    kept_as = kept()
    saved = salvage.rebuild(path)
    result.findings.append(findings[0].mended(kept_as))
    lost = [
        f"{(there - rows) if there is not None else 'an unknown number'} of {table}"
        for table, (rows, there) in saved.items()
        if there is None or there > rows
    ]
    if lost:
        photos, vectors = saved["photo"][0], saved["vector"][0]
        message = f"the records of {photos} files and {vectors} vectors were saved; rows lost: {', '.join(lost)}"
        advice = "Run 'polyglance index FOLDER' for every folder: what was lost is read and encoded again."
        result.findings.append(found("rows-lost", path.name, message).mended(advice))


def _complaints(path: Path) -> list[str]:
    with contextlib.closing(salvage.connect(path)) as db:
        db.execute("PRAGMA query_only=ON")
        try:
            lines = [str(row[0]).strip() for row in db.execute("PRAGMA integrity_check")]
        except BROKEN as error:
            return [str(error)]
    return [] if lines == ["ok"] else [" ".join(line.split()) for line in lines]


def _reindexed(path: Path) -> bool:
    try:
        with contextlib.closing(salvage.connect(path)) as db:
            db.execute("REINDEX")
    except BROKEN:
        return False
    return not [line for line in _complaints(path) if not OF_A_ROW.search(line)]


def _version(path: Path, result: Structure, repair: bool) -> None:
    """The version that the catalog names, against the one its tables are of."""
    with contextlib.closing(salvage.connect(path)) as db:
        there = [tuple(row) for row in db.execute(salvage.SCHEMA_ROWS)]
        named = [row[0] for row in db.execute("SELECT version_num FROM alembic_version")]
    versions = _versions_of(there)
    if len(named) == 1 and named[0] in versions:
        if named[0] != opening.SCHEMA:
            _upgrade(path, result, repair)
        return
    newer = len(named) == 1 and re.fullmatch(r"\d{4}", str(named[0])) and str(named[0]) > opening.SCHEMA
    if newer and not result.version_damaged:
        message = f"it says it is of schema {named[0]}, but its tables are of {versions[0]}"
        advice = "Upgrade polyglance. If this is the newest, restore catalog.db from a backup."
        result.findings.append(found("catalog-version", path.name, message, advice))
        result.readable = False
        return
    finding = found("catalog-version", path.name)
    if repair:
        with contextlib.closing(salvage.connect(path)) as db:
            db.execute("BEGIN IMMEDIATE")
            db.execute("DELETE FROM alembic_version")
            db.execute("INSERT INTO alembic_version VALUES (?)", (versions[0],))
            db.execute("COMMIT")
        finding = finding.mended()
    result.findings.append(finding)
    if versions[0] != opening.SCHEMA:
        _upgrade(path, result, repair)


def _upgrade(path: Path, result: Structure, repair: bool) -> None:
    if repair:
        opening.migrate(path)
    else:
        message = "it is of an older version, whose rows have no checksums"
        advice = "Run 'polyglance index FOLDER' or 'polyglance check --repair' to upgrade it."
        result.findings.append(found("catalog-version", path.name, message, advice))
        result.readable = False


def leftovers(path: Path) -> list[Path]:
    """Temporary files beside the catalog that a killed process left."""
    return list(path.parent.glob(f".{path.name}.*{atomic.SUFFIX}*"))
