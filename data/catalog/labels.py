"""Labels: the things that photos show, and the places where they were taken.

They belong to contents, and are derived: whoever holds the writer lock makes them, in batches. Labels of things depend
on the encoder; those of another encoder are no labels.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, NamedTuple, TypeAlias

from sqlalchemy import Connection, delete, exists, select

from . import settings
from .database import Database, fetch
from .dialect import of
from .models import Label, Labelling, Photo
from .photo_rows import AT_ONCE

Kind: TypeAlias = Literal["thing", "place"]

NOWHERE = ""
"""The key of the place of a content whose coordinates are far from every place."""


class LabelRow(NamedTuple):
    """A label of a content; the score is the relevance, 0 to 1, or 1 for a place."""

    key: str
    content_hash: bytes
    score: float


class LabelledPhoto(NamedTuple):
    """A readable photo with one of its labels."""

    key: str
    photo_id: int
    score: float


class Extent(NamedTuple):
    """How far labels were made: what they depend on, the last vector that was judged, the number of vectors then."""

    basis: str
    last: int
    total: int


class Labels:
    """The tables of labels."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # --- reading ----------------------------------------------------------------------------

    def extent(self, kind: Kind) -> Extent | None:
        """How far the labels of a kind were made; None if not at all."""
        statement = select(Labelling.basis, Labelling.last, Labelling.total).where(Labelling.kind == kind)
        with self._database.reading() as connection:
            row = connection.execute(statement).first()
        return Extent(*row) if row else None

    def photos(self, kind: Kind) -> list[LabelledPhoto]:
        """All labels of a kind, each for all photos with the content; in order of key and photo."""
        with self._database.reading() as connection:
            return [LabelledPhoto(*row) for row in fetch(connection, labelled_photos(kind))]

    def of_content(self, kind: Kind, content_hash: bytes) -> list[str]:
        """The keys of a content's labels, the most certain first."""
        statement = select(Label.key).where(Label.kind == kind, Label.content_hash == content_hash)
        with self._database.reading() as connection:
            keys = connection.execute(statement.order_by(Label.score.desc(), Label.key)).scalars()
            return [key for key in keys if key != NOWHERE]

    def unplaced(self, count: int) -> list[tuple[bytes, float, float]]:
        """(content hash, latitude, longitude) of up to `count` contents with coordinates that have no place yet."""
        has_place = exists().where(Label.kind == "place", Label.content_hash == Photo.content_hash)
        statement = (
            select(Photo.content_hash, Photo.latitude, Photo.longitude)
            .where(Photo.latitude.is_not(None), Photo.longitude.is_not(None), Photo.content_hash.is_not(None))
            .where(Photo.error.is_(None), ~has_place)
            .limit(count)
        )
        with self._database.reading() as connection:
            contents = {row[0]: row for row in fetch(connection, statement)}
        return list(contents.values())

    # --- writing ----------------------------------------------------------------------------

    def begin(self, kind: Kind, extent: Extent) -> None:
        """Drop the labels of a kind; they are made anew from `extent`."""
        with self._database.writing() as connection:
            connection.execute(delete(Label).where(Label.kind == kind))
            _put_extent(connection, kind, extent)
            settings.bump_labels(connection)

    def drop_all(self, kind: Kind) -> None:
        """Drop the labels of a kind, as if none had been made."""
        with self._database.writing() as connection:
            connection.execute(delete(Label).where(Label.kind == kind))
            connection.execute(delete(Labelling).where(Labelling.kind == kind))
            settings.bump_labels(connection)

    def add(self, kind: Kind, labels: Iterable[LabelRow], extent: Extent) -> None:
        """Write the labels of a batch of contents, together with how far they go now."""
        rows = [{"kind": kind, **label._asdict()} for label in labels]
        with self._database.writing() as connection:
            if rows:
                connection.execute(of(connection).insert_or_ignore(Label), rows)
                settings.bump_labels(connection)
            _put_extent(connection, kind, extent)

    def drop(self, content_hashes: Sequence[bytes]) -> None:
        """Drop the labels of contents that no photo has any more."""
        if not content_hashes:
            return
        with self._database.writing() as connection:
            for start in range(0, len(content_hashes), AT_ONCE):
                hashes = content_hashes[start : start + AT_ONCE]
                connection.execute(delete(Label).where(Label.content_hash.in_(hashes)))


def labelled_photos(kind: Kind) -> Any:
    """The statement that reads (key, photo's id, score) of all labels of a kind; in order of key and photo."""
    return (
        select(Label.key, Photo.id, Label.score)
        .select_from(Label)
        .join(Photo, Photo.content_hash == Label.content_hash)
        .where(Label.kind == kind, Label.key != NOWHERE, Photo.error.is_(None))
        .order_by(Label.key, Photo.id)
    )


def _put_extent(connection: Connection, kind: Kind, extent: Extent) -> None:
    values: Mapping[str, object] = extent._asdict()
    connection.execute(of(connection).upsert(Labelling, ["kind"], lambda _: values).values(kind=kind, **values))
