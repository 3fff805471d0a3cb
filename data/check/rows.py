"""Whether the rows of a catalog that SQLite can read say what was written, and agree; and mending them.

Each check is a function of an open connection inside one transaction: what it reads is one state of the catalog,
whoever writes meanwhile. With `repair` it mends what it found in the same transaction. What cannot be told from the
catalog is told again by the disk: such a photo gets the stat of no file, and the next index run reads it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import paths
from ..catalog import seals
from ..catalog.records import NEVER_SEEN
from ..catalog.vectors import STORED
from .findings import INDEX_AGAIN, Finding, found

ROWS_AT_ONCE = 2000
HASH_BYTES = 32  # of SHA-256
NORM_TOLERANCE = 5e-3  # of a float16 unit vector; what an encoder may be off, and rounding

TO_READ = "its record was damaged; the next index run reads it again"

Steps = Callable[[int], None]
"""Told, now and then, how many more rows were looked at."""


@dataclass(frozen=True, slots=True)
class Rows:
    """The catalog under examination. `busy` if another process writes: what it has in hand is no finding."""

    db: sqlite3.Connection
    repair: bool
    busy: bool
    steps: Steps

    def execute(self, statement: str, *values: Any) -> sqlite3.Cursor:
        """Run one statement."""
        return self.db.execute(statement, values)

    def every(self, table: str) -> Iterator[sqlite3.Row]:
        """All rows by ascending rowid, some thousand in memory; they may be changed meanwhile."""
        last = -1
        statement = f"SELECT rowid AS id_, * FROM {table} WHERE rowid > ? ORDER BY rowid LIMIT {ROWS_AT_ONCE}"
        while batch := self.db.execute(statement, (last,)).fetchall():
            yield from batch
            last = batch[-1]["id_"]
            self.steps(len(batch))


def examine(rows: Rows) -> list[Finding]:
    """All checks, in an order in which the mending of one leaves nothing to the next."""
    return [finding for check in CHECKS for finding in check(rows)]


def favourites(rows: Rows) -> Iterator[Finding]:
    """Marks as they were set; one needs no photo, its content may return."""
    for row in rows.every("favourite"):
        right = _seal("favourite", row)
        if right != row["seal"]:
            name = f"favourite {_hex(row['content_hash'])}"
            yield _mended_favourite(rows, row, right, found("favourite-damaged", name, f"{name} was changed"))


def _mended_favourite(rows: Rows, row: sqlite3.Row, right: bytes | None, finding: Finding) -> Finding:
    """Keep the mark wherever it still names a content: one that no photo has does no harm."""
    if not rows.repair:
        return finding
    names = seals.SEALED["favourite"]
    values, seal = tuple(row[name] for name in names), right
    if not (right and seals.differs_in_one_byte(right, row["seal"])):
        corrected = _corrected(rows, "favourite", row)
        values = corrected or (values[0], values[1] if isinstance(values[1], str) else "")
        seal = _sealed("favourite", values)
        if not isinstance(values[0], bytes) or len(values[0]) != HASH_BYTES:
            rows.execute("DELETE FROM favourite WHERE rowid = ?", row["id_"])
            return finding.mended("Mark it again with 'polyglance favourite'.")
    statement = "UPDATE OR REPLACE favourite SET content_hash = ?, marked_at = ?, seal = ? WHERE rowid = ?"
    rows.execute(statement, *values, seal, row["id_"])
    has_photo = rows.execute("SELECT 1 FROM photo WHERE content_hash = ? LIMIT 1", values[0]).fetchone()
    return finding.mended("" if has_photo else "If one is missing, mark it again with 'polyglance favourite'.")


def _hex(content_hash: object) -> str:
    return content_hash.hex()[:12] if isinstance(content_hash, bytes) else repr(content_hash)


def small_tables(rows: Rows) -> Iterator[Finding]:
    """Seals of settings, roots and encoders: one changed byte can be told by trying."""
    for table in ("setting", "root", "encoder"):
        for row in rows.every(table):
            right = _seal(table, row)
            if right == row["seal"]:
                continue
            finding = found(f"{table}-damaged", _name(table, row), f"the record of {_name(table, row)} was changed")
            if rows.repair:
                finding = _mend_small(rows, table, row, right, finding)
            yield finding


def parentless(rows: Rows) -> Iterator[Finding]:
    """Photos of no root, vectors of no encoder: nothing tells whose they were."""
    for row in rows.execute("SELECT id, path FROM photo WHERE root_id NOT IN (SELECT id FROM root)").fetchall():
        finding = found("photo-without-root", f"photo {row['id']}", f"photo {row['id']} belongs to no folder")
        yield _deleted(rows, "photo", row["id"], finding, INDEX_AGAIN)
    statement = "SELECT id, content_hash FROM vector WHERE encoder_id NOT IN (SELECT id FROM encoder)"
    for row in rows.execute(statement).fetchall():
        finding = found("vector-without-encoder", f"vector {row['id']}", f"vector {row['id']} belongs to no encoder")
        yield _deleted(rows, "vector", row["id"], finding)


def photos(rows: Rows) -> Iterator[Finding]:
    """Every photo's seal, and that it is either failed or read, wholly."""
    for row in rows.every("photo"):
        subject = f"photo {row['id_']}"
        right = _seal("photo", row)
        if not _has_a_place(row):
            finding = found("photo-damaged", subject, f"the place of photo {row['id_']} is no path")
            yield _deleted(rows, "photo", row["id_"], finding, INDEX_AGAIN)
        elif right != row["seal"]:
            finding = found("photo-damaged", subject, f"the record of {subject}, {_shown(row['path'])}, was changed")
            if rows.repair and right and seals.differs_in_one_byte(right, row["seal"]):
                rows.execute("UPDATE photo SET seal = ? WHERE id = ?", right, row["id_"])
                yield finding.mended()
            else:
                yield _to_read(rows, row["id_"], finding)
        elif row["error"] is not None and row["content_hash"] is not None:
            yield _to_read(rows, row["id_"], found("photo-contradiction", subject))
        elif row["error"] is None and any(row[name] is None for name in ("content_hash", "width", "height", "format")):
            yield _to_read(rows, row["id_"], found("photo-without-facts", subject))


def agreement(rows: Rows) -> Iterator[Finding]:
    """Photos of the same bytes have the same size and format."""
    statement = (
        "SELECT content_hash FROM photo WHERE content_hash IS NOT NULL GROUP BY content_hash HAVING count(*) > 1"
        " AND (min(width) <> max(width) OR min(height) <> max(height) OR min(format) <> max(format))"
    )
    for (content_hash,) in rows.execute(statement).fetchall():
        ids = [row["id"] for row in rows.execute("SELECT id FROM photo WHERE content_hash = ?", content_hash)]
        finding = found("facts-disagree", f"photos {', '.join(map(str, ids))}")
        for photo_id in ids:
            mended = _to_read(rows, photo_id, finding)
        yield mended


def vectors(rows: Rows) -> Iterator[Finding]:
    """Every vector's seal, length and norm."""
    dimensions = {row["id"]: row["dimension"] for row in rows.execute("SELECT id, dimension FROM encoder")}
    for row in rows.every("vector"):
        subject = f"vector {row['id_']}"
        right = _seal("vector", row)
        if right == row["seal"]:
            wrong = _what_is_wrong(row["vector"], dimensions.get(row["encoder_id"]))
            if wrong:
                yield _dropped(rows, row, found("vector-invalid", subject, f"{subject} {wrong}"))
            continue
        finding = found("vector-damaged", subject, f"{subject} was changed")
        if rows.repair and right and seals.differs_in_one_byte(right, row["seal"]):
            rows.execute("UPDATE vector SET seal = ? WHERE id = ?", right, row["id_"])
            yield finding.mended()
        else:
            yield _dropped(rows, row, finding)


def generation(rows: Rows) -> Iterator[Finding]:
    """Counts changes; readers only compare whether it is another than before."""
    row = rows.execute("SELECT value FROM setting WHERE key = 'generation'").fetchone()
    if row is None and not rows.execute("SELECT 1 FROM root LIMIT 1").fetchone():
        return
    if row is None or not str(row["value"]).isdecimal():
        finding = found("generation", "generation")
        if rows.repair:
            highest = rows.execute("SELECT coalesce(max(id), 0) FROM vector").fetchone()[0]
            put_setting(rows.db, "generation", str(1_000_000 + highest))
            finding = finding.mended()
        yield finding


def active_encoder(rows: Rows) -> Iterator[Finding]:
    """One of the encoders answers, if there is any vector."""
    known = [str(row["id"]) for row in rows.execute("SELECT id FROM encoder")]
    row = rows.execute("SELECT value FROM setting WHERE key = 'active_encoder'").fetchone()
    if row["value"] in known if row else not rows.execute("SELECT 1 FROM vector LIMIT 1").fetchone():
        return
    finding = found("active-encoder", "active_encoder")
    if rows.repair and len(known) == 1:
        put_setting(rows.db, "active_encoder", known[0])
        finding = finding.mended()
    elif rows.repair:
        names = ", ".join(str(row["name"]) for row in rows.execute("SELECT name FROM encoder"))
        advice = f"Choose one with 'polyglance reencode --encoder NAME' ({names or 'none is left'})."
        finding = found("active-encoder", "active_encoder", advice=advice)
    yield finding


def findable(rows: Rows) -> Iterator[Finding]:
    """Every photo that was read has a vector by the encoder that answers, or waits for the next index run."""
    statement = (
        "SELECT id, path FROM photo WHERE error IS NULL AND content_hash IS NOT NULL AND mtime_ns <> ? AND NOT EXISTS"
        " (SELECT 1 FROM vector WHERE vector.content_hash = photo.content_hash AND encoder_id = ?)"
    )
    active = rows.execute("SELECT value FROM setting WHERE key = 'active_encoder'").fetchone()
    if active is None or not str(active["value"]).isdecimal():
        return
    for row in rows.execute(statement, NEVER_SEEN.mtime_ns, int(active["value"])).fetchall():
        message = f"photo {row['id']}, {_shown(row['path'])}, has no vector"
        finding = found("photo-without-vector", f"photo {row['id']}", message)
        if rows.repair:
            _forget_stat(rows, "id = ?", row["id"])
            finding = finding.mended(INDEX_AGAIN)
        yield finding


def orphans(rows: Rows) -> Iterator[Finding]:
    """Vectors of contents that no photo has; a run under way drops its own at its end."""
    if rows.busy:
        return
    statement = (
        "SELECT id FROM vector WHERE NOT EXISTS (SELECT 1 FROM photo WHERE photo.content_hash = vector.content_hash)"
    )
    for row in rows.execute(statement).fetchall():
        finding = found("vector-orphan", f"vector {row['id']}", f"vector {row['id']} belongs to no photo")
        yield _deleted(rows, "vector", row["id"], finding)


def vector_ids(rows: Rows) -> Iterator[Finding]:
    """SQLite's count of vector ids is not behind: an id given twice would mislead an index in memory."""
    highest = rows.execute("SELECT coalesce(max(id), 0) FROM vector").fetchone()[0]
    row = rows.execute("SELECT seq FROM sqlite_sequence WHERE name = 'vector'").fetchone()
    if not highest or (row is not None and isinstance(row["seq"], int) and row["seq"] >= highest):
        return
    finding = found("vector-ids", "sqlite_sequence")
    if rows.repair:
        rows.execute("DELETE FROM sqlite_sequence WHERE name IS NOT 'vector' OR name = 'vector'")
        rows.execute("INSERT INTO sqlite_sequence (name, seq) VALUES ('vector', ?)", highest + (1 << 20))
        finding = finding.mended()
    yield finding


CHECKS = (
    small_tables,
    parentless,
    photos,
    favourites,
    agreement,
    vectors,
    generation,
    active_encoder,
    orphans,
    findable,
    vector_ids,
)


def put_setting(db: sqlite3.Connection, key: str, value: str) -> None:
    """Write a setting with its seal."""
    values = (key, value, seals.seal("setting", key, value))
    db.execute("INSERT OR REPLACE INTO setting (key, value, seal) VALUES (?, ?, ?)", values)


def bump(db: sqlite3.Connection) -> None:
    """Let every reader look again."""
    row = db.execute("SELECT value FROM setting WHERE key = 'generation'").fetchone()
    if row is not None and str(row["value"]).isdecimal():
        put_setting(db, "generation", str(int(row["value"]) + 1))


def _seal(table: str, row: sqlite3.Row) -> bytes | None:
    try:
        return seals.seal(table, *(row[name] for name in seals.SEALED[table]))
    except TypeError:
        return None


def _name(table: str, row: sqlite3.Row) -> str:
    if table == "root":
        return f"folder {_shown(row['path'])}"
    return f"{table} {_shown(row['key' if table == 'setting' else 'name'])}"


def _shown(value: object) -> str:
    if isinstance(value, str):
        value = value.encode("utf-8", "surrogateescape")
    return paths.display(value) if isinstance(value, bytes) else repr(value)


def _has_a_place(row: sqlite3.Row) -> bool:
    numbers = (row["root_id"], row["size"], row["mtime_ns"], row["inode"])
    return isinstance(row["path"], bytes) and row["path"] != b"" and all(isinstance(n, int) for n in numbers)


def _mend_small(rows: Rows, table: str, row: sqlite3.Row, right: bytes | None, finding: Finding) -> Finding:
    if right and seals.differs_in_one_byte(right, row["seal"]):
        rows.execute(f"UPDATE {table} SET seal = ? WHERE rowid = ?", right, row["id_"])
        return finding.mended()
    names = seals.SEALED[table]
    values = _corrected(rows, table, row)
    if values is not None:
        # Not OR REPLACE: the right value may have been written again since, beside the damaged one.
        try:
            sets = ", ".join(f"{name} = ?" for name in names)
            rows.execute(f"UPDATE {table} SET {sets} WHERE rowid = ?", *values, row["id_"])
        except sqlite3.IntegrityError:
            values = None
        else:
            return finding.mended()
    if table == "setting":
        rows.execute("DELETE FROM setting WHERE rowid = ?", row["id_"])
        return finding.mended()
    if table == "encoder":
        active = rows.execute("SELECT value FROM setting WHERE key = 'active_encoder'").fetchone()
        if active is None or active["value"] != str(row["id_"]):
            rows.execute("DELETE FROM vector WHERE encoder_id = ?", row["id_"])
            return _deleted(rows, "encoder", row["id_"], finding)
        advice = "Run 'polyglance reencode --encoder NAME' with the encoder you used: it writes the record anew."
    else:
        advice = f"Run 'polyglance forget {_shown(row['path'])}', then 'polyglance index' of the right folder."
    return found(finding.code, finding.subject, finding.message, advice)


def _corrected(rows: Rows, table: str, row: sqlite3.Row) -> tuple[Any, ...] | None:
    """What the row's seal seals, if it can be told."""
    values = tuple(row[name] for name in seals.SEALED[table])
    if table == "encoder":  # its dimension is told by its vectors
        lengths = rows.execute("SELECT length(vector) / 2 FROM vector WHERE encoder_id = ? LIMIT 9", row["id_"])
        for (dimension,) in lengths.fetchall():
            attempt = (*values[:2], dimension, values[3])
            if _sealed(table, attempt) == row["seal"]:
                return attempt
    try:
        return seals.corrected(table, values, row["seal"])
    except TypeError:
        return None


def _sealed(table: str, values: tuple[Any, ...]) -> bytes | None:
    try:
        return seals.seal(table, *values)
    except TypeError:
        return None


def _what_is_wrong(vector: object, dimension: int | None) -> str:
    if dimension is None:
        return ""
    if not isinstance(vector, bytes) or len(vector) != 2 * dimension:
        return f"is not {dimension} numbers long"
    values = np.frombuffer(vector, STORED).astype(np.float32)
    if not np.isfinite(values).all():
        return "is not finite"
    norm = float(np.linalg.norm(values))
    return f"is of length {norm:.3f}, not 1" if abs(norm - 1) > NORM_TOLERANCE else ""


def _to_read(rows: Rows, photo_id: int, finding: Finding) -> Finding:
    """Empty a photo's record: it counts as failed until the next index run reads the file."""
    if not rows.repair:
        return finding
    # A favourite that has changed by then hands its mark on.
    before = "hash_before = CASE typeof(content_hash) WHEN 'blob' THEN content_hash ELSE hash_before END"
    empty = dict.fromkeys(seals.PHOTO) | {"error": TO_READ}
    values = empty | NEVER_SEEN._asdict() | {"seal": seals.seal_row("photo", empty)}
    sets = ", ".join(f"{name} = ?" for name in values)
    rows.execute(f"UPDATE photo SET {before}, {sets} WHERE id = ?", *values.values(), photo_id)
    return finding.mended(INDEX_AGAIN)


def _dropped(rows: Rows, row: sqlite3.Row, finding: Finding) -> Finding:
    """Drop a vector, and have the pictures that it was of encoded again."""
    if not rows.repair:
        return finding
    rows.execute("DELETE FROM vector WHERE id = ?", row["id_"])
    _forget_stat(rows, "content_hash = ? AND error IS NULL", row["content_hash"])
    return finding.mended(INDEX_AGAIN)


def _forget_stat(rows: Rows, where: str, *values: Any) -> None:
    rows.execute(f"UPDATE photo SET size = ?, mtime_ns = ?, inode = ? WHERE {where}", *NEVER_SEEN, *values)


def _deleted(rows: Rows, table: str, rowid: int, finding: Finding, advice: str = "") -> Finding:
    if not rows.repair:
        return finding
    rows.execute(f"DELETE FROM {table} WHERE id = ?", rowid)
    return finding.mended(advice)
