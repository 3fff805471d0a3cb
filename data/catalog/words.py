"""The full-text index over names, folders, captions and keywords, with tokens of our own.

It has one row for each readable photo, under the photo's id. What is stored are tokens with spaces between them, so
the database need know no language. A trigger drops a row with its photo, or when the photo fails; `write` does the
rest.

Functions with a `connection` work inside the caller's transaction; each method is a transaction of its own.
"""

from __future__ import annotations

import functools
import itertools
import json
import os
from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, delete, insert, select, text

from ...languages import tokens
from .. import paths
from . import expression
from .conditions import conditions
from .constructs import WORDS, WORDS_ID, IdList, IsMatch, Unindexed, id_list_value
from .database import Database, fetch
from .filters import Filters
from .models import Photo, Root, Vector
from .name_query import NameQuery
from .photo_rows import batches
from .vectors import vector_id_of_photo
from .word_query import WordQuery

COMMON = 5000
"""Matching photos above which the words say too little to rank by: then they rank what looks right."""

COLUMNS = ("name", "folder", "caption", "keyword")

SOURCE = (
    "SELECT photo.id, photo.path, root.path, photo.caption, photo.keywords FROM photo"
    " JOIN root ON root.id = photo.root_id WHERE photo.error IS NULL"
)
"""What a photo's words are made from: `photo_words` takes these columns, but the first."""

_SOURCE_BY_IDS = text(f"{SOURCE} AND photo.id IN :ids").bindparams(bindparam("ids", expanding=True))


class PhotoWords(NamedTuple):
    """Tokens of one photo by column, with spaces between them."""

    name: str
    folder: str
    caption: str
    keyword: str


class Words:
    """The full-text index."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, photo_ids: Sequence[int]) -> dict[int, PhotoWords]:
        """Photo id -> the words it can be found by."""
        result: dict[int, PhotoWords] = {}
        with self._database.reading() as connection:
            for ids in batches(photo_ids):
                rows = connection.execute(select(WORDS).where(WORDS_ID.in_(ids)))
                result.update((photo_id, PhotoWords(*columns)) for photo_id, *columns in rows)
        return result

    def problem(self) -> str:
        """See `problem`."""
        with self._database.reading() as connection:
            return problem(connection)

    def search(self, query: WordQuery, filters: Filters, encoder_id: int, limit: int) -> list[tuple[int, int]] | None:
        """(photo id, vector id) of up to `limit` photos that match the query and pass the filters, best first.

        None if more than COMMON photos match.
        """
        asked = expression.of_words(query)
        if asked is None:
            return []
        with self._database.reading() as connection:
            matching = len(fetch(connection, _matching(), {"expression": asked}))
            if not matching:
                return []
            if matching > COMMON:
                return None
            statement = (
                select(Photo.id, vector_id_of_photo(encoder_id))
                .select_from(WORDS)
                .join(Photo, Photo.id == WORDS_ID)
                .where(IsMatch(), *conditions(connection, filters))
            )
            rows = self._database.dialect.best_first(connection, statement, asked, limit)
        return [(photo_id, vector_id) for photo_id, vector_id in rows if vector_id is not None]

    def search_names(self, query: NameQuery, filters: Filters, encoder_id: int, limit: int) -> list[tuple[int, int]]:
        """(photo id, vector id) of up to `limit` photos that the query names and that pass the filters, best first.

        Nothing if more than COMMON photos may be meant: then the query says no more than a word does.
        """
        asked = expression.of_names(query)
        with self._database.reading() as connection:
            if not 0 < len(fetch(connection, _matching(), {"expression": asked})) <= COMMON:
                return []
            statement = (
                select(Photo.id, vector_id_of_photo(encoder_id), Root.path, Photo.path, WORDS.c.name)
                .select_from(WORDS)
                .join(Photo, Photo.id == WORDS_ID)
                .join(Root, Root.id == Photo.root_id)
                .where(IsMatch(), *conditions(connection, filters))
            )
            rows = self._database.dialect.best_first(connection, statement, asked, None)
        ranked = [
            (match.rank, photo_id, vector_id)
            for photo_id, vector_id, root, path, name in rows
            if vector_id is not None and (match := query.match(paths.join(root, path), name.split()))
        ]
        ranked.sort(key=lambda row: row[0])  # stable
        return [(photo_id, vector_id) for _, photo_id, vector_id in ranked[:limit]]

    def search_among(self, query: WordQuery, vector_ids: Sequence[int]) -> list[tuple[int, int]]:
        """(photo id, vector id) of the photos of these vectors that match, in the order of `vector_ids`."""
        asked = expression.of_words(query)
        if asked is None:
            return []
        with self._database.reading() as connection:
            photos = fetch(connection, _photos_of_vectors(), {"ids": id_list_value(vector_ids)})
            photo_ids = id_list_value(photo_id for photo_id, _ in photos)
            parameters = {"expression": asked, "ids": photo_ids}
            matching = {photo_id for (photo_id,) in fetch(connection, _matching_among(), parameters)}
        place = {vector_id: number for number, vector_id in enumerate(vector_ids)}
        pairs = [(photo_id, vector_id) for photo_id, vector_id in photos if photo_id in matching]
        return sorted(pairs, key=lambda pair: place[pair[1]])


def problem(connection: Connection) -> str:
    """What is wrong with the index of words; empty if it says what the photos' records say."""
    pairs = itertools.zip_longest(
        map(tuple, connection.execute(select(WORDS).order_by(WORDS_ID))),
        ((photo_id, *photo_words(*columns)) for photo_id, *columns in connection.execute(text(f"{SOURCE} ORDER BY 1"))),
    )
    is_right = all(stored == made for stored, made in pairs)
    return "" if is_right else "the index of words does not say what the photos' records say"


def make(connection: Connection) -> None:
    """Make the words of all photos again."""
    connection.execute(delete(WORDS))
    write(connection, [photo_id for (photo_id,) in fetch(connection, select(Photo.id))])


def write(connection: Connection, photo_ids: Sequence[int]) -> None:
    """Make the words of these photos what their rows say."""
    for ids in batches(photo_ids):
        connection.execute(delete(WORDS).where(WORDS_ID.in_(ids)))
        rows = connection.execute(_SOURCE_BY_IDS, {"ids": ids}).all()
        words = [(photo_id, *photo_words(*columns)) for photo_id, *columns in rows]
        if words:
            names = WORDS.c.keys()
            connection.execute(insert(WORDS), [dict(zip(names, row, strict=True)) for row in words])


def photo_words(path: object, root: object, caption: object, keywords: object) -> PhotoWords:
    """Tokens of a photo: `path` is relative to `root`, `keywords` JSON. The root's own name counts as a folder.

    Accepts whatever a damaged row holds: `check` makes words of it, and mends it afterwards.
    """
    if not isinstance(path, bytes) or not isinstance(root, bytes):
        return PhotoWords("", "", "", "")
    *folders, name = path.decode("utf-8", "replace").replace(os.sep, "/").split("/")
    top = root.decode("utf-8", "replace").replace(os.sep, "/").rstrip("/").rpartition("/")[2]
    stem, dot, suffix = name.rpartition(".")
    return PhotoWords(
        _joined(stem if dot and stem else suffix),
        _joined("/".join([top, *folders])),
        _joined(caption if isinstance(caption, str) else ""),
        _joined("\n".join(_listed(keywords))),
    )


def matching_columns(words: PhotoWords, units: Sequence[list[str]]) -> list[str]:
    """The columns that have at least one of the `units` (see `tokens.units`)."""
    columns: dict[str, list[str]] = {name: getattr(words, name).split() for name in COLUMNS}
    return [name for name, document in columns.items() if any(tokens.has(document, unit) for unit in units)]


def _joined(text: str) -> str:
    return " ".join(tokens.document_tokens(text))


def _listed(keywords: object) -> list[str]:
    try:
        return [str(keyword) for keyword in json.loads(keywords)] if isinstance(keywords, str) else []
    except (ValueError, TypeError):
        return []


# Statements that every search makes are composed once: that takes as long as some of them do.


@functools.cache
def _matching() -> Any:
    return select(WORDS_ID).where(IsMatch()).limit(COMMON + 1)


@functools.cache
def _matching_among() -> Any:
    # Unindexed: SQLite would look up each photo by itself, which takes longer than reading all that match.
    ids = Unindexed(WORDS_ID).in_(IdList())
    return select(WORDS_ID).where(IsMatch(), ids)


@functools.cache
def _photos_of_vectors() -> Any:
    return (
        select(Photo.id, Vector.id)
        .select_from(Vector)
        .join(Photo, Photo.content_hash == Vector.content_hash)
        .where(Vector.id.in_(IdList()), Photo.error.is_(None))
        .order_by(Photo.id)
    )
