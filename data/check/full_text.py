"""Whether the full-text index says what the photos' rows say; FTS5 itself believes its own tables.

Read-only, with any SQLite: from 3.44 `PRAGMA integrity_check` would look into such an index too, older ones do not.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator

from ..catalog import seals, words

MASK = (1 << 64) - 1
VERSIONS = {4, 5}
"""Of FTS5's format: 5 is written by newer SQLite for deletions of a kind not used here."""

SEALED = ", ".join(f"photo.{name}" for name in seals.PHOTO)


def problem(db: sqlite3.Connection) -> str:
    """What is wrong with the index; empty if nothing is. Photos whose own rows are damaged are passed over."""
    try:
        wrong = _of_photos(db)
        if wrong:
            return f"the words of {wrong} photos are not those of their rows"
        return "" if _holds(db) else "the index of words does not hold what it should"
    except sqlite3.DatabaseError as error:
        return f"the index of words cannot be read ({error})"


def _of_photos(db: sqlite3.Connection) -> int:
    """How many photos have other words than their rows say, or none, or are not there any more."""
    held = db.execute("SELECT id, c0, c1, c2, c3 FROM words_content ORDER BY id")
    row = held.fetchone()
    wrong = 0
    for photo_id, right in _expected(db):
        while row is not None and row[0] < photo_id:
            wrong += 1
            row = held.fetchone()
        there = tuple(row)[1:] if row is not None and row[0] == photo_id else None
        wrong += right is not None and there != tuple(right)
        if there is not None:
            row = held.fetchone()
    while row is not None:
        wrong += 1
        row = held.fetchone()
    return wrong


def _expected(db: sqlite3.Connection) -> Iterator[tuple[int, words.PhotoWords | None]]:
    """(photo id, its words, None if that cannot be told) of the photos that can be found."""
    statement = (
        f"SELECT photo.id, photo.path, root.path, photo.seal, root.seal, {SEALED} FROM photo"
        " LEFT JOIN root ON root.id = photo.root_id WHERE photo.error IS NULL ORDER BY photo.id"
    )
    names = ("caption", "keywords")
    places = [5 + seals.PHOTO.index(name) for name in names]
    for row in db.execute(statement):
        photo_id, path, root, seal, root_seal, *facts = tuple(row)
        if not isinstance(path, bytes) or not _sealed("photo", seal, *facts) or not _sealed("root", root_seal, root):
            yield photo_id, None
        else:
            yield photo_id, words.photo_words(path, root, *(row[place] for place in places))


def _sealed(table: str, seal: object, *values: object) -> bool:
    try:
        return seals.seal(table, *values) == seal
    except TypeError:
        return False


def _holds(db: sqlite3.Connection) -> bool:
    """Whether FTS5's tables are those of the content: every token at its place, every length, the totals."""
    if {row["k"]: row["v"] for row in db.execute("SELECT k, v FROM words_config")}.get("version") not in VERSIONS:
        return False
    total, right, lengths = Counter[int](), 0, db.execute("SELECT id, sz FROM words_docsize ORDER BY id")
    count = 0
    for row in db.execute("SELECT id, c0, c1, c2, c3 FROM words_content ORDER BY id"):
        split = [text.split() for text in tuple(row)[1:]]
        sizes = [len(tokens) for tokens in split]
        length = lengths.fetchone()
        if length is None or tuple(length) != (row[0], b"".join(map(_varint, sizes))):
            return False
        count += 1
        for column, tokens in enumerate(split):
            total[column] += len(tokens)
            for offset, token in enumerate(tokens):
                right += hash((token, row[0], words.COLUMNS[column], offset))
    if lengths.fetchone() is not None or not _totals_are(db, [count, *(total[column] for column in range(4))]):
        return False
    return right & MASK == _instances(db) & MASK


def _totals_are(db: sqlite3.Connection, numbers: list[int]) -> bool:
    row = db.execute("SELECT block FROM words_data WHERE id = 1").fetchone()
    stored = row["block"] if row else None
    return stored == b"".join(map(_varint, numbers)) or (not numbers[0] and stored == b"")


def _instances(db: sqlite3.Connection) -> int:
    """The sum of a hash of every token at its place, as FTS5 would find it."""
    was = db.execute("PRAGMA query_only").fetchone()[0]
    db.execute("PRAGMA query_only=OFF")  # for a table of this connection's own, in memory
    try:
        db.execute("CREATE VIRTUAL TABLE IF NOT EXISTS temp.words_held USING fts5vocab('main', 'words', 'instance')")
    finally:
        db.execute(f"PRAGMA query_only={was}")
    return sum(hash(tuple(row)) for row in db.execute("SELECT term, doc, col, offset FROM temp.words_held"))


def _varint(number: int) -> bytes:
    """SQLite's variable-length integer, below 2**56."""
    parts = [number & 0x7F]
    while number := number >> 7:
        parts.append(0x80 | (number & 0x7F))
    return bytes(reversed(parts))
