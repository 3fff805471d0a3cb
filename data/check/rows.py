"""Whether the rows of a readable catalog are what was written, and agree; and mending them in the same transaction.

Own data is restored from its backup. A damaged photo gets the stat of no file, and the next index run reads it; a
damaged vector is removed, and the next index run encodes its photos.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from .. import paths
from ..catalog import integrity, own_data
from ..catalog.vectors import STORED
from .findings import INDEX_AGAIN, Examination, Finding, found

NORM_TOLERANCE = 5e-3  # of a float16 unit vector: the encoder's tolerance, and rounding

LOST = {
    "setting": "Set the exclusions again with 'polyglance exclude PATTERN'.",
    "root": "Run 'polyglance index FOLDER' for it.",
    "encoder": "Run 'polyglance index --encoder NAME FOLDER': every picture is encoded again.",
    "favourite": "Mark it again with 'polyglance favourite ID'.",
}
"""What is left to do where no backup has a row of own data."""


def examine(look: Examination) -> list[Finding]:
    """All checks, in an order in which the mending of one leaves nothing to the next."""
    return [finding for check in CHECKS for finding in check(look)]


def own_rows(look: Examination) -> Iterator[Finding]:
    """Seals of settings, folders, encoders and favourites; what is damaged is restored from the backup, or removed."""
    for table in own_data.COLUMNS:
        damaged = [row for row in integrity.rows(look.db, table) if not integrity.is_sealed(table, row)]
        if not look.repair or not damaged:
            yield from (_own_finding(table, row) for row in damaged)
            continue
        in_place = 0
        for row in damaged:
            if look.db.CASCADES and own_data.put_back(look.db, table, row, look.own):
                in_place += 1
            else:
                integrity.delete(look.db, table, row["id_"])
        is_restored = own_data.restore(look.db, table, look.own) >= len(damaged) - in_place
        for row in damaged:
            is_derived = table == "setting" and row["key"] in own_data.DERIVED
            yield _own_finding(table, row).mended("" if is_restored or is_derived else LOST[table])


def parentless(look: Examination) -> Iterator[Finding]:
    """Photos of no folder, vectors of no encoder: nothing tells whose they were."""
    for table, parent, kind in (("photo", "root", "folder"), ("vector", "encoder", "encoder")):
        for rowid in integrity.parentless(look.db, table, parent):
            subject = f"{table} {rowid}"
            finding = found(f"{table}-without-{parent}", subject, f"{subject} belongs to no {kind}")
            yield _deleted(look, table, rowid, finding)


def photos(look: Examination) -> Iterator[Finding]:
    """Every photo's seal, and that it has a place."""
    for row in integrity.rows(look.db, "photo"):
        look.steps(1)
        subject = f"photo {row['id_']}"
        finding = found("photo-damaged", subject, f"the record of {subject}, {_shown(row['path'])}, was changed")
        if not _has_a_place(row):
            yield _deleted(look, "photo", row["id_"], finding)
        elif not integrity.is_sealed("photo", row):
            if look.repair:
                integrity.empty_photo(look.db, row["id_"])
            yield finding.mended(INDEX_AGAIN) if look.repair else finding


def vectors(look: Examination) -> Iterator[Finding]:
    """Every vector's seal, length and norm."""
    dimensions = {row["id"]: row["dimension"] for row in integrity.rows(look.db, "encoder")}
    for row in integrity.rows(look.db, "vector"):
        look.steps(1)
        subject = f"vector {row['id_']}"
        if not integrity.is_sealed("vector", row):
            finding = found("vector-damaged", subject, f"{subject} was changed")
        elif reason := _is_no_vector(row["vector"], dimensions.get(row["encoder_id"])):
            finding = found("vector-invalid", subject, f"{subject} {reason}")
        else:
            continue
        if look.repair:
            integrity.forget_stat(look.db, "content_hash", row["content_hash"])
        yield _deleted(look, "vector", row["id_"], finding)


def active_encoder(look: Examination) -> Iterator[Finding]:
    """One of the encoders answers, if there is any vector."""
    names = {str(row["id"]): str(row["name"]) for row in integrity.rows(look.db, "encoder")}
    active = integrity.setting(look.db, "active_encoder")
    if active in names or (active is None and not names):
        return
    finding = found("active-encoder", "active_encoder")
    if look.repair and len(names) == 1:
        integrity.put_setting(look.db, "active_encoder", *names)
        yield finding.mended()
    elif look.repair:
        listed = ", ".join(names.values()) or "none is left"
        advice = f"Choose one with 'polyglance reencode --encoder NAME' ({listed})."
        yield found("active-encoder", "active_encoder", advice=advice)
    else:
        yield finding


def findable(look: Examination) -> Iterator[Finding]:
    """Every photo that was read has a vector by the encoder that answers, or waits for the next index run."""
    for row in integrity.without_vector(look.db):
        subject = f"photo {row['id']}"
        finding = found("photo-without-vector", subject, f"{subject}, {_shown(row['path'])}, has no vector")
        if look.repair:
            integrity.forget_stat(look.db, "id", row["id"])
        yield finding.mended(INDEX_AGAIN) if look.repair else finding


def orphans(look: Examination) -> Iterator[Finding]:
    """Vectors of contents that no photo has. They stay: the next index run may read their photos again."""
    for vector_id in () if look.busy else integrity.orphans(look.db):
        subject = f"vector {vector_id}"
        advice = "The next index run removes it, if no photo has its content then."
        yield found("vector-orphan", subject, f"{subject} belongs to no photo", advice)


CHECKS = (own_rows, parentless, photos, vectors, active_encoder, orphans, findable)


def _own_finding(table: str, row: Any) -> Finding:
    key = {"setting": "key", "root": "path", "encoder": "name", "favourite": "content_hash"}[table]
    value = row[key].hex()[:12] if table == "favourite" and isinstance(row[key], bytes) else _shown(row[key])
    name = f"{'folder' if table == 'root' else table} {value}"
    return found(f"{table}-damaged", name, f"the record of {name} was changed")


def _shown(value: object) -> str:
    if isinstance(value, str):
        value = value.encode("utf-8", "surrogateescape")
    return paths.display(value) if isinstance(value, bytes) else repr(value)


def _has_a_place(row: Any) -> bool:
    numbers = (row["root_id"], row["size"], row["mtime_ns"], row["inode"])
    return isinstance(row["path"], bytes) and row["path"] != b"" and all(isinstance(n, int) for n in numbers)


def _is_no_vector(vector: object, dimension: object) -> str:
    """Why these bytes are no unit vector of this dimension; empty if they are."""
    if not isinstance(dimension, int):
        return ""
    if not isinstance(vector, bytes) or len(vector) != 2 * dimension:
        return f"is not {dimension} numbers long"
    norm = float(np.linalg.norm(np.frombuffer(vector, STORED).astype(np.float32)))
    return "" if abs(norm - 1) <= NORM_TOLERANCE else f"is of length {norm:.3f}, not 1"


def _deleted(look: Examination, table: str, rowid: object, finding: Finding) -> Finding:
    if not look.repair:
        return finding
    integrity.delete(look.db, table, rowid)
    return finding.mended(INDEX_AGAIN)
