"""The vectors of one encoder in memory, searched exactly by FAISS, and their snapshot on the disk.

Vectors are held as float16, as the catalog stores them, so a search is exact with respect to the catalog.
[M] 500,000 x 768: 26-44 ms a query this way, 80-160 ms for float32 (docs/design.md, section 6).

A vector is known by its id *and* its seal. That makes a snapshot safe to use whatever happened to the catalog: one
restored from a backup may give an id again, to another vector, but not with the same seal. So what is held and not
in the catalog as it is held goes, and what the catalog has beyond that is read.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from ..errors import LibraryError
from . import snapshot
from .catalog import Catalog
from .database import damaged
from .records import EncoderRecord

try:
    import faiss
except ImportError as error:
    raise LibraryError(
        "FAISS is not installed.", "Run: pip install 'polyglance[cpu]' (or [gpu], never both)."
    ) from error

Ids = npt.NDArray[np.int64]
Seals = npt.NDArray[np.uint64]
Floats = npt.NDArray[np.float32]

log = logging.getLogger("polyglance")

STALE = 1000
"""Vectors that came or went, after which a snapshot is written anew in any case."""

BITS_PER_ID = 4096
"""A selection spread more thinly than this, over more ids than a megabyte has bits, goes by hash, not by bitmap."""

SAMPLE = 2048
"""How many vectors `sample` holds at most: enough for a stable mean and spread of a query's scores."""


class VectorIndex:
    """Nearest neighbours by inner product among the vectors of one encoder, following the catalog.

    The first `refresh` starts from the encoder's snapshot, if there is one that can be trusted.
    """

    def __init__(self, catalog: Catalog, encoder_id: int, dimension: int) -> None:
        self._catalog = catalog
        self._encoder_id = encoder_id
        self._dimension = dimension
        self._generation = -1
        self._index = _empty(dimension)
        self._seals = np.empty(0, np.uint64)
        self._sample: Floats = np.empty((0, dimension), np.float32)

    def __len__(self) -> int:
        """Number of vectors."""
        return int(self._index.ntotal)

    @property
    def sample(self) -> Floats:
        """Up to SAMPLE vectors, evenly spread over the library: shape (n, dimension)."""
        return self._sample

    def refresh(self) -> None:
        """Take in what was committed since the last call; costs one small query when nothing was.

        Raises LibraryError if the catalog holds a vector that is not what was written.
        """
        generation = self._catalog.generation()
        if generation == self._generation:
            return
        if self._generation < 0:
            self._load_snapshot()
        ids, seals = self._catalog.vector_seals(self._encoder_id)
        if not self._is_beginning_of(ids, seals):
            self._index, self._seals = _empty(self._dimension), np.empty(0, np.uint64)
        self._keep(ids, seals)
        held = self._ids()
        for ids, seals, vectors in self._catalog.vectors_after(self._encoder_id, int(held[-1]) if len(held) else 0):
            self._add(ids, seals, vectors)
        self._sample = self._draw_sample()
        self._generation = generation

    def save_snapshot(self, folder: Path) -> None:
        """Write what is held to the encoder's file in `folder`; for the library's writer. Raises OSError."""
        ids = self._ids()
        last = int(ids[-1]) if len(ids) else 0
        fingerprint = self._fingerprint()
        said = snapshot.Snapshot(fingerprint, max(self._generation, 0), last, self._seals)

        def write_index(write: Callable[[bytes], object]) -> None:
            failed: list[OSError] = []
            try:
                faiss.write_index(self._index, faiss.PyCallbackIOWriter(_remembering(write, failed), snapshot.CHUNK))  # type: ignore[attr-defined]
            except RuntimeError as error:
                raise (failed[0] if failed else OSError(str(error))) from error

        snapshot.write(snapshot.path_of(folder, fingerprint), said, write_index)

    def search(self, query: Floats, count: int, among: Ids | None = None) -> tuple[Floats, Ids]:
        """Return (scores, vector ids) of the `count` nearest to the unit vector `query`, best first.

        Only vectors whose ids are in `among` (ascending) if it is given: the search itself passes over the others, so
        `count` come back however few they are. Shapes (n,), n = min(count, number of vectors); scores are cosines.
        """
        count = min(count, len(self) if among is None else len(among))
        if not count:
            return np.empty(0, np.float32), np.empty(0, np.int64)
        parameters = None if among is None else faiss.SearchParameters(sel=_selector(among))  # type: ignore[call-arg]
        scores, ids = self._index.search(query.reshape(1, -1), count, params=parameters)
        found = ids[0] >= 0  # fewer, if some of `among` are not held
        return scores[0][found], ids[0][found]

    def vectors(self, ids: Ids) -> Floats:
        """The vectors with these ids, shape (len(ids), dimension); zeros where one is not held (any more)."""
        held = self._ids()
        result = np.zeros((len(ids), self._dimension), np.float32)
        places = np.searchsorted(held, ids)
        for row, (vector_id, place) in enumerate(zip(ids.tolist(), places.tolist(), strict=True)):
            if place < len(held) and held[place] == vector_id:
                result[row] = self._index.index.reconstruct(place)
        return result

    def _ids(self) -> Ids:
        """Ids of what is held, ascending: they are added in that order, and removing keeps it."""
        return np.asarray(faiss.vector_to_array(self._index.id_map), np.int64)

    def _fingerprint(self) -> str:
        return next(e.fingerprint for e in self._catalog.encoders() if e.id == self._encoder_id)

    def _is_beginning_of(self, ids: Ids, seals: Seals) -> bool:
        """Whether the catalog's vectors up to the last one held are all held: else ids were given again."""
        held = self._ids()
        upto = ids <= (held[-1] if len(held) else 0)
        return bool(np.isin(_pairs(ids[upto], seals[upto]), _pairs(held, self._seals)).all())

    def _keep(self, ids: Ids, seals: Seals) -> None:
        """Drop what the catalog no longer has."""
        held = self._ids()
        stays = np.isin(_pairs(held, self._seals), _pairs(ids, seals))
        if not stays.all():
            self._index.remove_ids(held[~stays])
            self._seals = self._seals[stays]

    def _add(self, ids: Ids, seals: Seals, vectors: Floats) -> None:
        if vectors.shape[1] != self._dimension:
            raise damaged(f"vectors of {vectors.shape[1]} dimensions where {self._dimension} are expected")
        self._index.add_with_ids(vectors, ids)
        self._seals = np.concatenate([self._seals, seals])

    def _load_snapshot(self) -> None:
        folder = self._catalog.folder / snapshot.FOLDER
        try:
            fingerprint = self._fingerprint()
            with snapshot.opened(snapshot.path_of(folder, fingerprint), fingerprint) as (said, file):
                self._index = _read_index(said, file, self._dimension)
            self._seals = said.seals
        except (FileNotFoundError, NotADirectoryError):
            return
        except (OSError, snapshot.SnapshotInvalid) as error:
            log.info("The snapshot of the vector index cannot be used, %s; it is rebuilt from the catalog.", error)

    def _draw_sample(self) -> Floats:
        total = len(self)
        if not total:
            return np.empty((0, self._dimension), np.float32)
        places = np.unique(np.linspace(0, total - 1, min(total, SAMPLE)).astype(np.int64))
        flat = self._index.index
        return np.stack([flat.reconstruct(int(place)) for place in places])


def _read_index(said: snapshot.Snapshot, file: BinaryIO, dimension: int) -> Any:
    """The FAISS index of a snapshot. Raises SnapshotInvalid if it is not one of ours, or of another dimension."""
    try:
        index = faiss.read_index(faiss.PyCallbackIOReader(file.read, snapshot.CHUNK))  # type: ignore[attr-defined]
    except RuntimeError as error:
        raise snapshot.SnapshotInvalid(f"FAISS cannot read it ({str(error).splitlines()[0]})") from error
    if not isinstance(index, faiss.IndexIDMap) or index.d != dimension or index.ntotal != len(said.seals):
        raise snapshot.SnapshotInvalid("its index is of another kind")
    ids = faiss.vector_to_array(index.id_map)
    if (np.diff(ids) <= 0).any() or (int(ids[-1]) if len(ids) else 0) != said.last_id:
        raise snapshot.SnapshotInvalid("its ids are out of order")
    return index


def _remembering(write: Callable[[bytes], object], failed: list[OSError]) -> Callable[[bytes], None]:
    """FAISS makes a RuntimeError of whatever a callback raises: keep what it was (a full disk)."""

    def attempt(data: bytes) -> None:
        try:
            write(data)
        except OSError as error:
            failed.append(error)
            raise

    return attempt


def save_if_stale(catalog: Catalog, encoder: EncoderRecord) -> bool:
    """Write the encoder's snapshot if enough changed since the last; remove those of encoders that are gone.

    Enough is 1 % of the vectors, or STALE of them: what a start then reads from the catalog costs no time. For the
    library's writer. Returns whether it wrote. Raises OSError.
    """
    folder = catalog.folder / snapshot.FOLDER
    names = {snapshot.path_of(folder, known.fingerprint).name for known in catalog.encoders()}
    for path in folder.glob("*.faiss"):
        if path.name not in names:
            path.unlink(missing_ok=True)
    changed = stale(catalog, encoder)
    if not changed or changed < min(STALE, 0.01 * len(catalog.vector_ids(encoder.id))):
        return False
    index = VectorIndex(catalog, encoder.id, encoder.dimension)
    index.refresh()
    index.save_snapshot(folder)
    return True


def stale(catalog: Catalog, encoder: EncoderRecord) -> int:
    """How many vectors of an encoder came or went since its snapshot; all of them if there is no good one."""
    ids, _ = catalog.vector_seals(encoder.id)
    path = snapshot.path_of(catalog.folder / snapshot.FOLDER, encoder.fingerprint)
    try:
        header = snapshot.peek(path)
    except (OSError, snapshot.SnapshotInvalid):
        return max(len(ids), 1)
    if header.fingerprint != encoder.fingerprint:
        return max(len(ids), 1)
    kept = int((ids <= header.last_id).sum())
    return len(ids) - kept + abs(header.count - kept)


def _pairs(ids: Ids, seals: Seals) -> npt.NDArray[Any]:
    """(id, seal) as one comparable value each: the seal decides, the id is mixed in by an odd factor (Fibonacci
    hashing), so two pairs are taken for one another once in 2**64."""
    return seals ^ (ids.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15))


def _selector(among: Ids) -> Any:
    """A selector of ids: one bit for each id up to the highest, unless they lie too far apart for that."""
    highest = int(among[-1])
    if highest > BITS_PER_ID * len(among) + (1 << 23):
        return faiss.IDSelectorBatch(among)
    chosen = np.zeros(highest + 1, bool)
    chosen[among] = True
    return faiss.IDSelectorBitmap(np.packbits(chosen, bitorder="little"))  # type: ignore[call-arg, arg-type]


def _empty(dimension: int) -> Any:
    flat = faiss.IndexScalarQuantizer(dimension, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT)
    return faiss.IndexIDMap(flat)
