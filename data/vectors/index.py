"""The vectors of one encoder, searched by FAISS and following the catalog.

A library of some ten thousand pictures is searched exactly, in memory. A larger one has most of its vectors in
clusters, in the snapshot (`clustered`); what was added since is searched exactly beside them. The best of what the
clusters give get exact scores from the catalog's own vectors, so that scores never depend on the kind of index.

A vector is known by its id *and* its seal. That makes a snapshot safe to use whatever happened to the catalog: one
restored from a backup may give an id again, to another vector, but not with the same seal. So what is held and not
in the catalog as it is held goes, and what the catalog has beyond that is read.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..catalog import vector_rows
from ..catalog.catalog import Catalog
from ..catalog.database import damaged
from . import faiss_, snapshot
from .clustered import Clustered
from .clustering import CANDIDATES
from .exact import Exact
from .store import SAMPLE, Floats, Keys, Seals, is_known, were_keys_reused

log = logging.getLogger("polyglance")

RESCORED = 128
"""How many results get exact scores from the catalog at most: more than a page shows."""

LATELY = 4096
"""Vectors that were read from the catalog and are kept for a moment."""

RENEW = 5000
"""Vectors searched beside the clusters from which a newer snapshot, if there is one, is taken up."""


@dataclass(slots=True)
class Held:
    """What is held: ids (ascending) and seals of what is in `base`, if there is one, and in `recent`."""

    ids: Keys
    seals: Seals
    recent: Exact
    base: Clustered | None = None
    gone: Keys = field(default_factory=lambda: np.empty(0, np.int64))
    """Of the base, what is in the catalog no more; ascending."""

    @property
    def beside(self) -> int:
        """How many vectors came or went since the clusters were made."""
        return len(self.recent) + len(self.gone)

    @property
    def last(self) -> int:
        """The highest id, 0 if there is none."""
        return int(self.ids[-1]) if len(self.ids) else 0


class VectorIndex:
    """The `VectorStore` of a library: nearest neighbours by inner product, found by FAISS.

    The first `follow` starts from the encoder's snapshot, if there is one that can be trusted. Not safe to use from
    several threads at a time.
    """

    def __init__(self, catalog: Catalog, encoder_id: int, dimension: int) -> None:
        self._catalog = catalog
        self.encoder_id = encoder_id
        self._dimension = dimension
        self._generation = -1
        self._held = self._nothing()
        self._sample: Floats = np.empty((0, dimension), np.float32)
        self._sampled_of = 0
        self._renewal: Future[VectorIndex] | None = None
        self._lately: dict[int, Floats] = {}
        """Vectors read from the catalog since the last change: those that get exact scores are asked for again."""
        self._seen: os.stat_result | None = None
        """The snapshot's file when it was last looked at."""

    def count(self) -> int:
        """Number of vectors held."""
        return len(self._held.ids)

    def sample(self) -> Floats:
        """Up to SAMPLE vectors, evenly spread over the library: shape (n, dimension)."""
        return self._sample

    @property
    def generation(self) -> int:
        """The catalog's generation that is held, -1 before the first `follow`."""
        return self._generation

    @property
    def held(self) -> Held:
        """What is held, and how; to be read only."""
        return self._held

    def follow(self) -> None:
        """Take in what was committed since the last call; costs two small queries when nothing was.

        A thread that reads an older moment of the catalog than is held leaves what is held as it is: an id is never
        used twice, so what it finds there and has in its moment is the same. Raises LibraryError if the catalog holds
        a vector that is not what was written.
        """
        self._renew()
        generation = self._catalog.generation()
        was_restored = were_keys_reused(self._catalog, self.encoder_id, self._held.ids, self._held.seals)
        if is_known(self._catalog, generation, self._generation) and not was_restored:
            return
        self._lately = {}
        if self._generation < 0:
            self._held = self._from_snapshot()
            self._compare(0, vector_rows.ALL)
        elif generation <= self._generation or was_restored:
            self._compare(0, vector_rows.ALL)
        else:
            self._compare_counts()
        for ids, seals, vectors in self._catalog.vectors_after(self.encoder_id, self._held.last):
            self._add(ids, seals, vectors)
        self._draw_sample()
        self._generation = generation

    def search(self, query: Floats, k: int, allowed: Keys | None = None) -> tuple[Floats, Keys]:
        """Return (scores, keys) of the `k` nearest to the unit vector `query`, best first.

        Only vectors whose keys are in `allowed` (ascending) if it is given: the search itself passes over the others,
        so `k` come back however few they are. Shapes (n,), n = min(k, number of vectors); scores are cosines, beyond
        the first RESCORED of a large library to about 0.001.
        """
        held = self._held
        count = min(k, self.count() if allowed is None else len(allowed))
        scores, ids = held.recent.search(query, count, allowed)
        if held.base and count:
            depth = max(count, CANDIDATES)
            found = self._exactly(query, *held.base.search(query, depth, allowed, held.gone), min(depth, RESCORED))
            scores, ids = np.concatenate([scores, found[0]]), np.concatenate([ids, found[1]])
            order = np.argsort(-scores, kind="stable")[:count]
            scores, ids = scores[order], ids[order]
        return scores, ids

    def fetch(self, keys: Keys) -> Floats:
        """The vectors with these keys, shape (len(keys), dimension); zeros where one is not held (any more)."""
        if not self._held.base:
            return self._held.recent.vectors(keys)
        vectors = np.zeros((len(keys), self._dimension), np.float32)
        is_held = np.isin(keys, self._held.ids)
        vectors[is_held] = self._stored(keys[is_held])
        return vectors

    # --- following the catalog ------------------------------------------------------------------

    def _compare_counts(self) -> None:
        """Find what went, by counting: an id is never used twice, so where the numbers are equal nothing did."""
        held, encoder_id = self._held, self.encoder_id
        if self._catalog.read(lambda c: vector_rows.count(c, encoder_id, held.last)) == len(held.ids):
            return
        there = self._catalog.read(lambda c: vector_rows.blocks(c, encoder_id, held.last))
        numbers, ours = np.unique(held.ids >> vector_rows.BLOCK_BITS, return_counts=True)
        for number, count in zip(numbers.tolist(), ours.tolist(), strict=True):
            if there.get(number, 0) != count:
                first = number << vector_rows.BLOCK_BITS
                self._compare(first, first + (1 << vector_rows.BLOCK_BITS))

    def _compare(self, first: int, end: int) -> None:
        """Drop what the catalog no longer has of ids from `first` to before `end`; all if ids were given again."""
        held = self._held
        ids, seals = self._catalog.read(lambda c: vector_rows.sealed(c, self.encoder_id, first, end))
        upto = ids <= held.last
        places = np.searchsorted(held.ids, ids[upto])
        if not (np.array_equal(held.ids[places], ids[upto]) and np.array_equal(held.seals[places], seals[upto])):
            self._held = self._nothing()
            return
        goes = (held.ids >= first) & (held.ids < end)
        goes[places] = False
        self._drop(goes)

    def _drop(self, goes: npt.NDArray[np.bool_]) -> None:
        if goes.any():
            held = self._held
            ids = held.ids[goes]
            recent = np.isin(ids, held.recent.ids, assume_unique=True)
            held.recent.remove(ids[recent])
            held.gone = np.union1d(held.gone, ids[~recent])
            held.ids, held.seals = held.ids[~goes], held.seals[~goes]

    def _add(self, ids: Keys, seals: Seals, vectors: Floats) -> None:
        if vectors.shape[1] != self._dimension:
            raise damaged(f"vectors of {vectors.shape[1]} dimensions where {self._dimension} are expected")
        held = self._held
        held.recent.add(ids, vectors)
        held.ids, held.seals = np.concatenate([held.ids, ids]), np.concatenate([held.seals, seals])

    def _draw_sample(self) -> None:
        total = self.count()
        # Any hundredth of a library more or less leaves what a sample says as it was.
        if self._held.base and abs(total - self._sampled_of) * 100 < total:
            return
        places = np.unique(np.linspace(0, max(total - 1, 0), min(total, SAMPLE)).astype(np.int64))
        self._sample, self._sampled_of = self.fetch(self._held.ids[places]), total

    # --- the base -------------------------------------------------------------------------------

    def _from_snapshot(self) -> Held:
        """What the encoder's snapshot holds; nothing if there is none that can be trusted."""
        path = self._path()
        try:
            self._seen = path.stat()
            return opened(path, self._fingerprint(), self._dimension)
        except (FileNotFoundError, NotADirectoryError):
            pass
        except (OSError, snapshot.SnapshotInvalid) as error:
            log.info("The snapshot of the vector index cannot be used, %s; it is rebuilt from the catalog.", error)
        return self._nothing()

    def _renew(self) -> None:
        """Take up new clusters that a writer made, once they were read, in a thread of its own."""
        if self._generation < 0 or self._held.beside < RENEW:
            return
        if self._renewal is None:
            if self._is_newer():
                self._renewal = _in_background(self._anew)
        elif self._renewal.done():
            done, self._renewal = self._renewal, None
            if (error := done.exception()) is not None:
                log.info("The new snapshot of the vector index cannot be used: %s", error)
                return
            fresh = done.result()
            self._held, self._generation, self._seen = fresh._held, fresh._generation, fresh._seen
            self._sample, self._sampled_of = fresh._sample, fresh._sampled_of

    def _anew(self) -> VectorIndex:
        fresh = VectorIndex(self._catalog, self.encoder_id, self._dimension)
        fresh.follow()
        return fresh

    def _is_newer(self) -> bool:
        """Whether there is a snapshot in clusters that was not looked at yet."""
        path = self._path()
        try:
            there = path.stat()
            if self._seen is not None and os.path.samestat(there, self._seen):
                return False
            self._seen = there
            return snapshot.peek(path).tuning != snapshot.NO_CLUSTERS
        except (OSError, snapshot.SnapshotInvalid):
            return False

    def _path(self) -> Path:
        return snapshot.path_of(self._catalog.folder / snapshot.FOLDER, self._fingerprint())

    def _fingerprint(self) -> str:
        return next(e.fingerprint for e in self._catalog.encoders() if e.id == self.encoder_id)

    def _nothing(self) -> Held:
        return Held(np.empty(0, np.int64), np.empty(0, np.uint64), Exact(self._dimension))

    def _exactly(self, query: Floats, scores: Floats, ids: Keys, best: int) -> tuple[Floats, Keys]:
        """Give the `best` their exact scores; what the catalog dropped this moment goes."""
        stored = self._stored(ids[:best])
        scores = scores.copy()
        scores[:best] = stored @ query
        there = np.ones(len(ids), bool)
        there[:best] = stored.any(axis=1)
        return scores[there], ids[there]

    def _stored(self, ids: Keys) -> Floats:
        """Vectors from the catalog itself, in the order of `ids`; zeros where one is not there."""
        found = {key: self._lately[key] for key in ids.tolist() if key in self._lately}
        missing = [key for key in ids.tolist() if key not in found]
        for start in range(0, len(missing), vector_rows.AT_ONCE):
            read = self._catalog.read(partial(vector_rows.by_ids, ids=missing[start : start + vector_rows.AT_ONCE]))
            if read is not None:
                found.update(zip(read.ids.tolist(), read.vectors, strict=True))
        kept = self._lately | found
        self._lately = kept if len(kept) <= LATELY else {}
        nothing = np.zeros(self._dimension, np.float32)
        return np.array([found.get(key, nothing) for key in ids.tolist()], np.float32).reshape(
            len(ids), self._dimension
        )


def opened(path: Path, fingerprint: str, dimension: int) -> Held:
    """What a snapshot holds. Raises SnapshotInvalid, OSError."""
    with snapshot.opened(path, fingerprint) as (said, file):
        if said.tuning.probes:
            index = faiss_.mapped(path, file)
            base = Clustered.of(index, dimension, len(said.ids), said.tuning)
            return Held(said.ids, said.seals, Exact(dimension), base)
        recent = Exact.of(faiss_.read(file), dimension, said.ids)
    return Held(said.ids, said.seals, recent)


def _in_background(work: Callable[[], VectorIndex]) -> Future[VectorIndex]:
    """Do `work` in a thread that does not keep the process from ending."""
    future: Future[VectorIndex] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except Exception as error:  # noqa: BLE001 - told to whoever waits
            future.set_exception(error)

    threading.Thread(target=run, name="polyglance-index", daemon=True).start()
    return future
