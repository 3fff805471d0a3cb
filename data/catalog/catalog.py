"""Every SQL statement about photos, vectors, roots and encoders. The catalog is the only truth."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Self, TypeVar

import numpy as np
import numpy.typing as npt
from sqlalchemy import ColumnElement, Connection, and_, case, delete, exists, func, not_, select, update
from sqlalchemy.dialects.sqlite import insert

from .. import paths
from . import database, favourites, photo_rows, seals, selection, troubles, vector_rows, words
from .filters import NOTHING, Filters
from .models import EncoderRow, Photo, Root, Setting, Vector
from .records import Brief, Content, EncoderRecord, Entry, FileStat, Known, Mounted, Move, PhotoRecord, RootRecord
from .vector_rows import STORED, Vectors
from .words import Words

LARGEST_ID = 2**63 - 1  # of SQLite
CHUNK = 500  # ids in one IN (...), far below SQLite's limit of variables

_T = TypeVar("_T")


class Catalog:
    """The SQLite database of one library; safe to use from several threads."""

    def __init__(self, path: Path, *, create: bool = False) -> None:
        self.folder = path.parent
        self._engine = database.open_engine(path, create=create)
        self._held = threading.local()

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- the library as a whole -------------------------------------------------------------

    def generation(self) -> int:
        """How many changes were committed since the library was made."""
        return _number(self._setting("generation"))

    def newest_generation(self) -> int:
        """The generation committed last, also while this thread reads in `one_moment`, which may be an older one."""
        with database.reading_beside(self._engine) as connection:
            return _number(_generation(connection))

    def active_encoder(self) -> EncoderRecord | None:
        """The encoder that answers searches; None before the first index run."""
        active = self._setting("active_encoder")
        return next((self._intact(e) for e in self.encoders() if str(e.id) == active), None)

    def activate(self, encoder_id: int) -> None:
        """Let another encoder answer from now on."""
        with database.writing(self._engine) as connection:
            _put_setting(connection, "active_encoder", str(encoder_id))
            _bump(connection)

    def encoders(self) -> list[EncoderRecord]:
        """All encoders this library holds vectors of."""
        columns = (EncoderRow.id, EncoderRow.name, EncoderRow.fingerprint, EncoderRow.dimension)
        return [EncoderRecord(*row) for row in self._all(select(*columns, EncoderRow.dtype))]

    def add_encoder(self, name: str, fingerprint: str, dimension: int, dtype: str) -> EncoderRecord:
        """Return the record of this fingerprint, making it if it is new, and mending it if it was damaged."""
        values: dict[str, Any] = {"name": name, "fingerprint": fingerprint, "dimension": dimension, "dtype": dtype}
        values["seal"] = seals.of("encoder", values)
        with database.writing(self._engine) as connection:
            statement = insert(EncoderRow).values(values)
            connection.execute(statement.on_conflict_do_update(index_elements=["fingerprint"], set_=values))
        return next(e for e in self.encoders() if e.fingerprint == fingerprint)

    def excluded(self) -> list[str]:
        """The library's own exclusion patterns, in order."""
        return [str(pattern) for pattern in json.loads(self._setting("excluded") or "[]")]

    def exclude(self, patterns: Sequence[str]) -> None:
        """Replace the library's exclusion patterns."""
        with database.writing(self._engine) as connection:
            _put_setting(connection, "excluded", json.dumps(list(patterns)))
            _bump(connection)

    # --- roots ------------------------------------------------------------------------------

    def roots(self, *, counted: bool = True) -> list[RootRecord]:
        """All roots, oldest first; without their numbers of photos, which take time, if not `counted`."""
        columns = (Root.id, Root.path, Root.mounts, Root.missing)
        if not counted:
            return [_root(row, 0, 0) for row in self._all(select(*columns).order_by(Root.id))]
        failed = func.count(Photo.error)
        rows = self._all(
            select(*columns, func.count(Photo.id) - failed, failed)
            .outerjoin(Photo, Photo.root_id == Root.id)
            .group_by(Root.id)
        )
        return [_root(row, row[4], row[5]) for row in rows]

    def add_root(self, path: bytes, absorbed: Sequence[RootRecord] = ()) -> RootRecord:
        """Make `path` a root; the `absorbed` roots below it become part of it, their photos keep their ids."""
        with database.writing(self._engine) as connection:
            connection.execute(insert(Root).values(path=path, seal=seals.seal("root", path)).on_conflict_do_nothing())
            new = connection.execute(select(Root.id).where(Root.path == path)).scalar_one()
            for child in absorbed:
                _absorb(connection, child.id, new, paths.relative_to(child.path, path))
            _bump(connection)
        return next(root for root in self.roots(counted=False) if root.id == new)

    def scanned(self, root_id: int, mounted: Mounted, missing: int = 0) -> None:
        """Note that a scan of the whole root was completed now, where the root was mounted then, and how many photos
        were kept though the scan did not see them.
        """
        values = {"scanned_at": photo_rows.now(), "mounts": photo_rows.mounted_text(mounted), "missing": missing}
        with database.writing(self._engine) as connection:
            connection.execute(update(Root).where(Root.id == root_id).values(values))

    def note_missing(self, root_id: int, missing: int) -> None:
        """Note how many photos of a root were kept though they were not seen."""
        with database.writing(self._engine) as connection:
            connection.execute(update(Root).where(Root.id == root_id).values(missing=missing))

    def forget_root(self, root_id: int) -> None:
        """Drop a root and its photos. Their vectors stay until `prune`."""
        with database.writing(self._engine) as connection:
            connection.execute(delete(Root).where(Root.id == root_id))
            _bump(connection)

    def known(self, root_id: int, below: bytes = b"", *, deep: bool = True) -> dict[bytes, Known]:
        """What the last scans saw under a root, or its folder `below`, or (not `deep`) in that folder itself.

        By path relative to the root.
        """
        prefix = below + b"/" if below else b""
        conditions = ["root_id = ?"]
        values: list[Any] = [root_id]
        if below:  # "/" < every name < "0": a range the unique index can serve
            conditions.append("path > ? AND path < ?")
            values += [prefix, below + b"0"]
        if not deep:
            conditions.append("instr(substr(path, ?), x'2F') = 0")
            values.append(len(prefix) + 1)
        columns = "path, id, error IS NOT NULL, size, mtime_ns, inode"
        statement = f"SELECT {columns} FROM photo WHERE {' AND '.join(conditions)}"
        # Past SQLAlchemy's rows, which cost a rescan of 100,000 files as much as the query does.
        rows = self.read(lambda connection: _raw_rows(connection, statement, tuple(values)))
        new = tuple.__new__  # nor through the Python functions that build named tuples
        return {
            path: new(Known, (photo_id, new(FileStat, (size, mtime_ns, inode)), bool(failed)))
            for path, photo_id, failed, size, mtime_ns, inode in rows
        }

    def forget_below(self, root_id: int, below: bytes) -> None:
        """Drop the photos in one folder of a root, and the disks known in it. Their vectors stay until `prune`."""
        self.remove([known.photo_id for known in self.known(root_id, below).values()])
        before = next(root.mounted for root in self.roots(counted=False) if root.id == root_id)
        if before:
            disks = tuple(point for point in before.below if not paths.is_within(point, below))
            self.scanned(root_id, replace(before, below=disks))

    def some_paths(self, root_id: int, below: bytes = b"", count: int = 20) -> list[bytes]:
        """Paths of a few photos of a root, or of its folder `below`, relative to it: the first and the last ones."""
        wanted = [Photo.root_id == root_id, Photo.error.is_(None)]
        if below:
            wanted += [Photo.path > below + b"/", Photo.path < below + b"0"]
        ends = (Photo.path, Photo.path.desc())
        found = [self._all(select(Photo.path).where(*wanted).order_by(end).limit(count // 2)) for end in ends]
        return [row.path for row in {row.path: row for rows in found for row in rows}.values()]

    # --- writing, one transaction each --------------------------------------------------------

    def commit(
        self,
        entries: Sequence[Entry],
        vectors: Mapping[bytes, npt.NDArray[np.float32]],
        encoder_id: int,
    ) -> None:
        """Write a batch: photo rows and the vectors of their contents, all or nothing."""
        fresh = [photo_rows.photo_values(entry) for entry in entries if entry.photo_id is None]
        returned = [entry for entry in entries if entry.photo_id is not None]
        with database.writing(self._engine) as connection:
            marks = favourites.handed_on(connection, [entry for entry in entries if entry.photo_id is None])
            if fresh:
                statement = insert(Photo)
                changed: dict[str, Any] = {name: statement.excluded[name] for name in fresh[0]}
                before = func.coalesce(Photo.content_hash, Photo.hash_before)
                changed["hash_before"] = case((statement.excluded.error.is_not(None), before), else_=None)
                connection.execute(
                    statement.on_conflict_do_update(index_elements=["root_id", "path"], set_=changed), fresh
                )
            for entry in returned:
                connection.execute(
                    update(Photo).where(Photo.id == entry.photo_id).values(photo_rows.photo_values(entry))
                )
            words.write(connection, [*photo_rows.ids(connection, fresh), *(entry.photo_id or 0 for entry in returned)])
            _put_vectors(connection, vectors, encoder_id)
            favourites.put(connection, marks)
            _bump(connection)

    def add_vectors(self, vectors: Mapping[bytes, npt.NDArray[np.float32]], encoder_id: int) -> None:
        """Write vectors, by content hash, of contents that the catalog has already."""
        with database.writing(self._engine) as connection:
            _put_vectors(connection, vectors, encoder_id)
            _bump(connection)

    def move(self, moves: Sequence[Move]) -> None:
        """Give photos their new places; also when they swap names, or one takes the place of another.

        That other one keeps its row, under a name that no file can have, until it is found elsewhere or removed.
        """
        with database.writing(self._engine) as connection:
            # Through such names, too, so that A -> B, B -> A never meets the unique constraint.
            for move in moves:
                aside = b"\0%d" % move.photo_id
                connection.execute(update(Photo).where(Photo.id == move.photo_id).values(path=aside))
            replaced = []
            for move in moves:
                there = (Photo.root_id == move.root_id, Photo.path == move.path)
                for photo_id in connection.execute(select(Photo.id).where(*there)).scalars():
                    replaced.append(photo_id)
                    aside = move.path + b"\0%d" % photo_id
                    connection.execute(update(Photo).where(Photo.id == photo_id).values(path=aside))
            for move in moves:
                values = {"root_id": move.root_id, "path": move.path, **move.stat._asdict()}
                connection.execute(update(Photo).where(Photo.id == move.photo_id).values(values))
            words.write(connection, [*replaced, *(move.photo_id for move in moves)])
            _bump(connection)

    def renumber(self, moved: Mapping[tuple[int, bytes], int], returned: Sequence[int]) -> None:
        """Let the photos at these places, by root id and path, have these ids.

        Who had such an id gets a new one; the rows of photos that `returned` from where their files are gone go.
        """
        with database.writing(self._engine) as connection:
            for ids in _chunks(returned):
                connection.execute(delete(Photo).where(Photo.id.in_(ids)))
            new: dict[int, int] = {}
            for (root_id, path), photo_id in moved.items():
                at_place = (Photo.root_id == root_id, Photo.path == path)
                new[connection.execute(select(Photo.id).where(*at_place)).scalar_one()] = photo_id
            highest = connection.execute(select(func.max(Photo.id))).scalar_one()
            unused = 1 + max(highest, *moved.values())
            losing = set(moved.values()) - new.keys() - set(returned)
            new |= {photo_id: unused + number for number, photo_id in enumerate(sorted(losing))}
            for old, photo_id in new.items():
                connection.execute(update(Photo).where(Photo.id == old).values(id=-photo_id))
            connection.execute(update(Photo).where(Photo.id < 0).values(id=-Photo.id))
            words.write(connection, sorted({*new, *new.values(), *returned}))
            _bump(connection)

    def remove(self, photo_ids: Sequence[int]) -> None:
        """Forget photos whose files are gone. Their vectors stay until `prune`."""
        with database.writing(self._engine) as connection:
            for ids in _chunks(photo_ids):
                connection.execute(delete(Photo).where(Photo.id.in_(ids)))
            _bump(connection)

    def retry_failures(self) -> list[int]:
        """Let the next run try the files again that could not be read; return the ids of the roots they are in."""
        with database.writing(self._engine) as connection:
            return troubles.forget_stats(connection)

    def prune(self) -> list[bytes]:
        """Drop the vectors of contents that no photo has any more; return their hashes.

        Nothing is looked for if nothing was committed since the last time.
        """
        if self._setting("pruned") == self._setting("generation"):
            return []
        orphan = ~exists().where(Photo.content_hash == Vector.content_hash)
        with database.writing(self._engine) as connection:
            gone = connection.scalars(select(Vector.content_hash).where(orphan).distinct()).all()
            if gone:
                connection.execute(delete(Vector).where(orphan))
                _bump(connection)
            _put_setting(connection, "pruned", _generation(connection))
        return list(gone)

    # --- contents and vectors -----------------------------------------------------------------

    def content(self, content_hash: bytes, encoder_id: int) -> Content | None:
        """What is known of these bytes, if a photo has them and their vector by this encoder is here."""
        row = self._first(
            select(Photo.width, Photo.height, Photo.format, Photo.keywords, *photo_rows.fact_columns())
            .add_columns(Photo.content_hash, Photo.error, Photo.seal)
            .join(Vector, Vector.content_hash == Photo.content_hash)
            .where(Photo.content_hash == content_hash, Vector.encoder_id == encoder_id, Photo.error.is_(None))
            .limit(1)
        )
        if row is None or seals.of("photo", row) != row.seal:  # damage must not spread to another photo
            return None
        return Content(content_hash, row.width, row.height, row.format, photo_rows.facts(row))

    def has_vector(self, content_hash: bytes, encoder_id: int) -> bool:
        """Whether this encoder has encoded these bytes, of a photo that is here or of one that left a moment ago."""
        wanted = (Vector.content_hash == content_hash, Vector.encoder_id == encoder_id)
        return self._first(select(Vector.id).where(*wanted)) is not None

    def contents(self, *, without: tuple[int, bytes] | None = None) -> set[bytes]:
        """The content hashes of all photos that could be read; or of those outside (root id, folder below it)."""
        wanted: list[ColumnElement[bool]] = [Photo.content_hash.is_not(None)]
        if without is not None:
            root_id, below = without
            inside = (Photo.path > below + b"/", Photo.path < below + b"0") if below else ()
            wanted.append(not_(and_(Photo.root_id == root_id, *inside)))
        rows = self._all(select(Photo.content_hash).where(*wanted).distinct())
        return {row.content_hash for row in rows}

    def places(self, content_hash: bytes) -> list[tuple[int, int, bytes]]:
        """(photo id, root id, path) of every photo with these bytes."""
        rows = self._all(select(Photo.id, Photo.root_id, Photo.path).where(Photo.content_hash == content_hash))
        return [(row.id, row.root_id, row.path) for row in rows]

    def hashes(self, photo_ids: Sequence[int]) -> dict[int, bytes]:
        """Photo id -> content hash, of those photos that could be read."""
        result: dict[int, bytes] = {}
        for ids in _chunks(photo_ids):
            readable = (Photo.id.in_(ids), Photo.content_hash.is_not(None))
            rows = self._all(select(Photo.id, Photo.content_hash).where(*readable))
            result.update((row.id, row.content_hash) for row in rows)
        return result

    def without_vector(self, encoder_id: int) -> list[tuple[int, bytes, FileStat, bytes]]:
        """(root id, path, stat, content hash) of the photos whose content this encoder has not encoded."""
        encoded = exists().where(Vector.content_hash == Photo.content_hash, Vector.encoder_id == encoder_id)
        rows = self._all(
            select(Photo.root_id, Photo.path, Photo.size, Photo.mtime_ns, Photo.inode, Photo.content_hash)
            .where(Photo.error.is_(None), ~encoded)
            .order_by(Photo.root_id, Photo.path)
        )
        return [(root, path, FileStat(*stat), key) for root, path, *stat, key in rows]

    def vectors_after(self, encoder_id: int, vector_id: int) -> Iterator[Vectors]:
        """Yield (ids, seals, vectors) above `vector_id`, in order, some thousand at a time.

        Raises LibraryError at a vector that is not what was written.
        """
        last = vector_id
        while (found := self.read(partial(vector_rows.after, encoder_id=encoder_id, vector_id=last))) is not None:
            yield found
            last = int(found.ids[-1])

    def vector_ids(self, encoder_id: int) -> npt.NDArray[np.int64]:
        """Ids of all vectors by this encoder."""
        return self.vector_seals(encoder_id)[0]

    def vector_seals(self, encoder_id: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint64]]:
        """(ids, seals) of all vectors by this encoder, in order of the ids; read from an index, so cheap."""
        return self.read(lambda connection: vector_rows.sealed(connection, encoder_id, 0, vector_rows.ALL))

    def vector(self, content_hash: bytes, encoder_id: int) -> npt.NDArray[np.float32] | None:
        """The vector of one content, or None. Raises LibraryError if it is not what was written."""
        wanted = (Vector.content_hash == content_hash, Vector.encoder_id == encoder_id)
        columns = (Vector.id, Vector.encoder_id, Vector.content_hash, Vector.vector, Vector.seal)
        row = self._first(select(*columns).where(*wanted))
        if row is None:
            return None
        _require_sealed(row)
        return np.frombuffer(row.vector, STORED).astype(np.float32)

    # --- photos -------------------------------------------------------------------------------

    def photo(self, photo_id: int) -> PhotoRecord | None:
        """The photo with this id, or None."""
        known = 0 < photo_id <= LARGEST_ID
        return next(iter(self._photos(Photo.id == photo_id)), None) if known else None

    def photos(self, photo_ids: Sequence[int]) -> dict[int, PhotoRecord]:
        """The photos with these ids that are there and can be found, by id."""
        rows = self.read(lambda connection: selection.photos(connection, photo_ids))
        return {row.id: photo_rows.photo(row) for row in rows}

    def failures(self) -> list[PhotoRecord]:
        """All files that could not be read."""
        return self._photos(Photo.error.is_not(None))

    def some_failures(self, after: int, count: int) -> tuple[list[PhotoRecord], int]:
        """Up to `count` of them with ids above `after`, in order of their ids; and how many there are in all."""
        return self.read(lambda connection: (troubles.page(connection, after, count), troubles.count(connection)))

    def photos_of_vectors(self, vector_ids: Sequence[int], wanted: Filters = NOTHING) -> dict[int, list[PhotoRecord]]:
        """The photos that show each vector's content, by vector id; copies come in the order they were added.

        Of photos that share a vector, those that pass the filters.
        """
        result: dict[int, list[PhotoRecord]] = {}
        passing = self.read(lambda connection: selection.conditions(connection, wanted))
        for ids in _chunks(vector_ids):
            rows = self._all(
                photo_rows.photo_select()
                .add_columns(Vector.id.label("vector_id"))
                .join(Vector, Vector.content_hash == Photo.content_hash)
                .where(Vector.id.in_(ids), *passing)
                .order_by(Photo.id)
            )
            for row in rows:
                result.setdefault(row.vector_id, []).append(photo_rows.photo(row))
        return result

    # --- searching: the statements are in `selection` --------------------------------------------

    def vectors_passing(
        self, wanted: Filters, encoder_id: int, most: int | None = None
    ) -> npt.NDArray[np.int64] | None:
        """Ids of the vectors of which a photo passes the filters, ascending; None if more than `most` photos do."""
        return self.read(lambda connection: selection.vectors(connection, wanted, encoder_id, most))

    def briefs_of_vectors(self, vector_ids: Sequence[int], wanted: Filters = NOTHING) -> dict[int, list[Brief]]:
        """What `photos_of_vectors` gives, in brief."""
        result: dict[int, list[Brief]] = {}
        for brief in self.read(lambda connection: selection.briefs(connection, vector_ids, wanted)):
            result.setdefault(brief.vector_id, []).append(brief)
        return result

    def word_hits(self, expression: str, wanted: Filters, encoder_id: int, limit: int) -> list[tuple[int, int]] | None:
        """(photo id, vector id) of photos whose words match FTS5's `expression`, best first, that pass the filters.

        None if so many match that the words tell too little to rank photos by.
        """
        return self.read(lambda connection: selection.word_hits(connection, expression, wanted, encoder_id, limit))

    def words_among(self, expression: str, vector_ids: Sequence[int]) -> list[tuple[int, int]]:
        """(photo id, vector id) of the photos of these vectors whose words match, in the order of `vector_ids`."""
        return self.read(lambda connection: selection.words_among(connection, expression, vector_ids))

    def words_of(self, photo_ids: Sequence[int]) -> dict[int, Words]:
        """Photo id -> the words it can be found by."""
        return self.read(lambda connection: selection.words_of(connection, photo_ids))

    def vectors_of_photos(self, photo_ids: Sequence[int], encoder_id: int) -> dict[int, int]:
        """Photo id -> id of its vector by this encoder."""
        return self.read(lambda connection: selection.vectors_of_photos(connection, photo_ids, encoder_id))

    def newest(self, wanted: Filters, offset: int, count: int) -> list[PhotoRecord]:
        """Photos that pass the filters, the newest first, those without a date last."""
        return [photo_rows.photo(row) for row in self.read(lambda c: selection.newest(c, wanted, offset, count))]

    def mark(self, photo_ids: Sequence[int], *, favourite: bool) -> list[int]:
        """Make photos favourites, or no favourites any more; return the ids of all photos with the same bytes."""
        with database.writing(self._engine) as connection:
            contents = favourites.contents(connection, photo_ids)
            if favourite:
                favourites.put(connection, dict.fromkeys(contents, photo_rows.now()))
            else:
                favourites.drop(connection, contents)
            _bump(connection)
            return favourites.photos(connection, contents)

    def count_favourites(self, photo_ids: Sequence[int]) -> int:
        """How many of these photos are favourites."""
        return self.read(lambda connection: favourites.count_among(connection, photo_ids))

    # --- plumbing, also for other modules of this package ------------------------------------------

    def _photos(self, *conditions: Any) -> list[PhotoRecord]:
        return [
            photo_rows.photo(row) for row in self._all(photo_rows.photo_select().where(*conditions).order_by(Photo.id))
        ]

    def _intact(self, encoder: EncoderRecord) -> EncoderRecord:
        row = self._first(select(EncoderRow.seal).where(EncoderRow.id == encoder.id))
        if row is None or seals.of("encoder", encoder) != row.seal:
            raise database.damaged("the record of the encoder is not what was written")
        return encoder

    def _setting(self, key: str) -> str | None:
        row = self._first(select(Setting.key, Setting.value, Setting.seal).where(Setting.key == key))
        if row is not None and seals.of("setting", row) != row.seal:
            raise database.damaged(f"the setting {key} is not what was written")
        return row.value if row else None

    def _all(self, statement: Any) -> Sequence[Any]:
        return self.read(lambda connection: connection.execute(statement).all())

    def _first(self, statement: Any) -> Any:
        return self.read(lambda connection: connection.execute(statement).first())

    def read(self, work: Callable[[Connection], _T]) -> _T:
        """What `work` reads from the catalog: for modules of this package that have statements of their own."""
        held: Connection | None = getattr(self._held, "connection", None)
        if held is not None:
            return work(held)
        with database.reading(self._engine) as connection:
            return work(connection)

    @contextmanager
    def one_moment(self) -> Iterator[None]:
        """Whatever this thread reads meanwhile is of one moment, and comes by one connection, which is quicker."""
        if getattr(self._held, "connection", None) is not None:
            yield
            return
        with database.reading(self._engine) as connection:
            self._held.connection = connection
            try:
                yield
            finally:
                self._held.connection = None


def _root(row: Any, photos: int, failed: int) -> RootRecord:
    return RootRecord(row.id, row.path, photos, failed, photo_rows.mounted(row.mounts), row.missing or 0)


def _raw_rows(connection: Connection, statement: str, values: tuple[Any, ...]) -> list[tuple[Any, ...]]:
    cursor = connection.exec_driver_sql(statement, values).cursor
    return list(cursor.fetchall()) if cursor is not None else []


def _chunks(ids: Sequence[int]) -> Iterator[list[int]]:
    for start in range(0, len(ids), CHUNK):
        yield [int(i) for i in ids[start : start + CHUNK]]


def _put_setting(connection: Connection, key: str, value: str) -> None:
    values = {"value": value, "seal": seals.seal("setting", key, value)}
    statement = insert(Setting).values(key=key, **values)
    connection.execute(statement.on_conflict_do_update(index_elements=["key"], set_=values))


def _bump(connection: Connection) -> None:
    _put_setting(connection, "generation", str(_number(_generation(connection)) + 1))


def _generation(connection: Connection) -> str:
    row = connection.execute(select(Setting.value).where(Setting.key == "generation")).first()
    return row.value if row else "0"


def _number(generation: str | None) -> int:
    if generation is None:
        return 0
    if not generation.isdecimal():
        raise database.damaged("the generation is no number")
    return int(generation)


def _put_vectors(connection: Connection, vectors: Mapping[bytes, npt.NDArray[np.float32]], encoder_id: int) -> None:
    rows: list[dict[str, Any]] = [
        {"encoder_id": encoder_id, "content_hash": key, "vector": vector.astype(STORED).tobytes()}
        for key, vector in vectors.items()
    ]
    for row in rows:
        row["seal"] = seals.of("vector", row)
    if rows:
        connection.execute(insert(Vector).on_conflict_do_nothing(), rows)


def _require_sealed(row: Any) -> None:
    if seals.of("vector", row) != row.seal:
        raise database.damaged(f"vector {row.id} is not what was written")


def _absorb(connection: Connection, child: int, parent: int, prefix: bytes) -> None:
    rows = connection.execute(select(Photo.id, Photo.path).where(Photo.root_id == child)).all()
    for row in rows:
        values = {"root_id": parent, "path": paths.join(prefix, row.path)}
        # The parent may have the same file, from before it was excluded there: one row is enough. (Not REPLACE, which
        # fires no trigger.)
        connection.execute(delete(Photo).where(Photo.root_id == parent, Photo.path == values["path"]))
        connection.execute(update(Photo).where(Photo.id == row.id).values(values))
    words.write(connection, [row.id for row in rows])
    connection.execute(delete(Root).where(Root.id == child))
