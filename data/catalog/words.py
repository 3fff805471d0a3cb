"""The full-text index over names, folders, captions and keywords: SQLite's FTS5, with tokens of our own making.

One row a photo that can be found, under the photo's id. What is stored are tokens, apart by spaces, so FTS5 need know
no language. A trigger drops a row with its photo, or when the photo fails; `write` does the rest.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection

from ...languages import tokens

COLUMNS = ("name", "folder", "caption", "keyword")

SCHEMA = (
    "CREATE VIRTUAL TABLE words USING fts5(name, folder, caption, keyword, tokenize = 'ascii')",
    "CREATE TRIGGER words_gone AFTER DELETE ON photo BEGIN DELETE FROM words WHERE rowid = old.id; END",
    "CREATE TRIGGER words_failed AFTER UPDATE OF error ON photo WHEN new.error IS NOT NULL"
    " BEGIN DELETE FROM words WHERE rowid = new.id; END",
)
"""`ascii` takes every character beyond ASCII for part of a token, so no table of Unicode's age decides."""

BM25 = "bm25(words, 8.0, 2.0, 4.0, 6.0)"
"""How well a row matches, best first: a file's own name says most, its folder least. Weights in order of COLUMNS."""

SOURCE = (
    "SELECT photo.id, photo.path, root.path, photo.caption, photo.keywords FROM photo"
    " JOIN root ON root.id = photo.root_id WHERE photo.error IS NULL"
)
AT_ONCE = 500  # ids in one statement


class Words(NamedTuple):
    """Tokens of one photo by column, apart by spaces."""

    name: str
    folder: str
    caption: str
    keyword: str


def of_photo(path: object, root: object, caption: object, keywords: object) -> Words:
    """Tokens of a photo: `path` is relative to `root`, `keywords` JSON. The root's own name counts as a folder.

    Takes whatever a damaged row holds: `check` makes words of it, and mends it afterwards.
    """
    if not isinstance(path, bytes) or not isinstance(root, bytes):
        return Words("", "", "", "")
    *folders, name = path.decode("utf-8", "replace").replace(os.sep, "/").split("/")
    top = root.decode("utf-8", "replace").replace(os.sep, "/").rstrip("/").rpartition("/")[2]
    stem, dot, ending = name.rpartition(".")
    return Words(
        _joined(stem if dot and stem else ending),
        _joined("/".join([top, *folders])),
        _joined(caption if isinstance(caption, str) else ""),
        _joined("\n".join(_listed(keywords))),
    )


def write(connection: Connection, photo_ids: Sequence[int]) -> None:
    """Make the words of these photos what their rows say, inside the caller's transaction."""
    for start in range(0, len(photo_ids), AT_ONCE):
        ids = tuple(int(photo_id) for photo_id in photo_ids[start : start + AT_ONCE])
        marks = ", ".join("?" * len(ids))
        connection.exec_driver_sql(f"DELETE FROM words WHERE rowid IN ({marks})", ids)
        rows = connection.exec_driver_sql(f"{SOURCE} AND photo.id IN ({marks})", ids).all()
        made = [(row[0], *of_photo(*row[1:])) for row in rows]
        if made:
            connection.exec_driver_sql(f"INSERT INTO words (rowid, {', '.join(COLUMNS)}) VALUES (?, ?, ?, ?, ?)", made)


def fill(db: sqlite3.Connection) -> None:
    """Make all words again from the photos' rows, whatever state the index is in, inside the caller's transaction.

    Past FTS5's own statements, which a damaged index would refuse: its tables are made those of a new index (no totals,
    a structure without segments), then the content is written, and `rebuild` does the rest.
    """
    for table in ("config", "content", "data", "docsize", "idx"):
        db.execute(f"DELETE FROM words_{table}")
    db.execute("INSERT INTO words_config VALUES ('version', 4)")
    db.executemany("INSERT INTO words_data (id, block) VALUES (?, ?)", [(1, b""), (10, bytes(7))])
    last = 0
    while rows := db.execute(f"{SOURCE} AND photo.id > ? ORDER BY photo.id LIMIT {AT_ONCE}", (last,)).fetchall():
        made = [(row[0], *of_photo(*tuple(row)[1:])) for row in rows]
        db.executemany("INSERT INTO words_content (id, c0, c1, c2, c3) VALUES (?, ?, ?, ?, ?)", made)
        last = rows[-1][0]
    db.execute("INSERT INTO words (words) VALUES ('rebuild')")


def matching(words: Words, units: Sequence[list[str]]) -> list[str]:
    """The columns that have at least one of the `units` (see `tokens.units`)."""
    split: dict[str, list[str]] = {name: getattr(words, name).split() for name in COLUMNS}
    return [name for name, held in split.items() if any(tokens.has(held, unit) for unit in units)]


def _joined(text: str) -> str:
    return " ".join(tokens.document_tokens(text))


def _listed(keywords: object) -> list[str]:
    try:
        return [str(keyword) for keyword in json.loads(keywords)] if isinstance(keywords, str) else []
    except (ValueError, TypeError):
        return []
