"""The vectors of one encoder, searched by FAISS and following the catalog.

A library of some ten thousand pictures is searched exactly, in memory. A larger one has most of its vectors in
clusters, in the snapshot (`clustered`); newer vectors are searched exactly beside them. The best results from the
clusters get exact scores from the catalog's own vectors, so that scores never depend on the kind of index.

A vector is identified by its id *and* its seal. That makes a snapshot safe to use whatever happened to the catalog: a
catalog restored from a backup may give an id again, to another vector, but not with the same seal. Vectors in memory
that the catalog does not have with the same seal are dropped, and vectors that only the catalog has are read.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path

import numpy as np

from ...arrays import Floats, spread_places
from ..catalog.catalog import Catalog
from ..catalog.vectors import ALL
from . import snapshot
from .clustering import CANDIDATES
from .state import State
from .store import SAMPLE, Keys, is_known, were_keys_reused

log = logging.getLogger("polyglance")

RESCORED = 128
"""At most this many results get exact scores from the catalog: more than a page shows."""

BLOCK_BITS = 12
"""Vectors are counted in blocks of ids that differ in these lowest bits only."""

READ_RECENTLY = 4096
"""At most this many vectors that were read from the catalog are kept until the next change."""

RENEW = 5000
"""Number of vectors beside the clusters from which a newer snapshot, if there is one, is used."""


class VectorIndex:
    """The `VectorStore` of a library: nearest neighbours by inner product, found by FAISS.

    The first `follow` starts from the encoder's snapshot, if there is a valid one. Not safe to use from several
    threads at a time.
    """

    def __init__(self, catalog: Catalog, encoder_id: int, dimension: int) -> None:
        self._catalog = catalog
        self.encoder_id = encoder_id
        self._dimension = dimension
        self._generation = -1
        self._state = State.empty(dimension)
        self._sample: Floats = np.empty((0, dimension), np.float32)
        self._sampled_of = 0
        self._renewal: Future[VectorIndex] | None = None
        self._recently_read: dict[int, Floats] = {}
        """Vectors read from the catalog since the last change: searches need those with exact scores again."""
        self._seen: os.stat_result | None = None
        """The snapshot's file when its header was last read."""

    def count(self) -> int:
        """Number of vectors."""
        return len(self._state.ids)

    def sample(self) -> Floats:
        """Up to SAMPLE vectors, evenly spread over the library: shape (n, dimension)."""
        return self._sample

    @property
    def generation(self) -> int:
        """The catalog's generation that was followed, -1 before the first `follow`."""
        return self._generation

    @property
    def state(self) -> State:
        """The vectors in memory; callers must not change it."""
        return self._state

    def follow(self) -> None:
        """Apply what was committed since the last call; costs two small queries when nothing was.

        A thread that reads an older moment of the catalog than the index has changes nothing: an id is never used
        twice, so every vector that exists at both moments is the same. Raises LibraryError if the catalog has a vector
        that is not what was written.
        """
        self._renew()
        generation = self._catalog.generation()
        was_restored = were_keys_reused(self._catalog, self.encoder_id, self._state.ids, self._state.seals)
        if is_known(self._catalog, generation, self._generation) and not was_restored:
            return
        self._recently_read = {}
        if self._generation < 0:
            self._state = self._from_snapshot()
            self._compare(0, ALL)
        elif generation <= self._generation or was_restored:
            self._compare(0, ALL)
        else:
            self._compare_counts()
        for ids, seals, vectors in self._catalog.vectors.after(self.encoder_id, self._state.last):
            self._state.add(ids, seals, vectors)
        self._draw_sample()
        self._generation = generation

    def search(self, query: Floats, k: int, allowed: Keys | None = None) -> tuple[Floats, Keys]:
        """Return (scores, keys) of the `k` nearest to the unit vector `query`, best first.

        With `allowed` (ascending), only vectors with these keys: the search itself skips the others, so that `k` come
        back however few they are. Shapes (n,), n = min(k, number of vectors). Scores are cosines; in clusters, those
        beyond the first RESCORED have an error of about 0.001.
        """
        state = self._state
        count = min(k, self.count() if allowed is None else len(allowed))
        scores, ids = state.recent.search(query, count, allowed)
        if state.base and count:
            depth = max(count, CANDIDATES)
            approximate = state.base.search(query, depth, allowed, state.removed)
            base_scores, base_ids = self._with_exact_scores(query, *approximate, min(depth, RESCORED))
            scores, ids = np.concatenate([scores, base_scores]), np.concatenate([ids, base_ids])
            order = np.argsort(-scores, kind="stable")[:count]
            scores, ids = scores[order], ids[order]
        return scores, ids

    def fetch(self, keys: Keys) -> Floats:
        """The vectors with these keys, shape (len(keys), dimension); zeros for a key that does not exist (any more)."""
        if not self._state.base:
            return self._state.recent.vectors(keys)
        vectors = np.zeros((len(keys), self._dimension), np.float32)
        exists = np.isin(keys, self._state.ids)
        vectors[exists] = self._stored(keys[exists])
        return vectors

    # --- following the catalog ------------------------------------------------------------------

    def _compare_counts(self) -> None:
        """Drop removed vectors. An id is never used twice, so equal numbers mean that no vector was removed."""
        state, encoder_id = self._state, self.encoder_id
        if self._catalog.vectors.count(encoder_id, state.last) == len(state.ids):
            return
        in_catalog = self._catalog.vectors.count_by_block(encoder_id, state.last, BLOCK_BITS)
        numbers, counts = np.unique(state.ids >> BLOCK_BITS, return_counts=True)
        for number, count in zip(numbers.tolist(), counts.tolist(), strict=True):
            if in_catalog.get(number, 0) != count:
                first = number << BLOCK_BITS
                self._compare(first, first + (1 << BLOCK_BITS))

    def _compare(self, first: int, end: int) -> None:
        """Drop the vectors with `first` <= id < `end` that the catalog lacks; all vectors if an id was used again."""
        state = self._state
        ids, seals = self._catalog.vectors.seals(self.encoder_id, first, end)
        upto = ids <= state.last
        places = np.searchsorted(state.ids, ids[upto])
        if not (np.array_equal(state.ids[places], ids[upto]) and np.array_equal(state.seals[places], seals[upto])):
            self._state = State.empty(self._dimension)
            return
        is_dropped = (state.ids >= first) & (state.ids < end)
        is_dropped[places] = False
        state.drop(is_dropped)

    def _draw_sample(self) -> None:
        total = self.count()
        # A hundredth of a library more or less does not change what a sample shows.
        if self._state.base and abs(total - self._sampled_of) * 100 < total:
            return
        places = spread_places(total, SAMPLE)
        self._sample, self._sampled_of = self.fetch(self._state.ids[places]), total

    # --- snapshots -------------------------------------------------------------------------------

    def _from_snapshot(self) -> State:
        """The state of the encoder's snapshot; without a vector if it has no valid one."""
        path = self._path()
        try:
            self._seen = path.stat()
            return State.from_snapshot(path, self._fingerprint(), self._dimension)
        except (FileNotFoundError, NotADirectoryError):
            pass
        except (OSError, snapshot.SnapshotInvalid) as error:
            log.info("The snapshot of the vector index cannot be used, %s; it is rebuilt from the catalog.", error)
        return State.empty(self._dimension)

    def _renew(self) -> None:
        """Use the newer clusters that a writer made, after a thread has read them."""
        if self._generation < 0 or self._state.beside < RENEW:
            return
        if self._renewal is None:
            if self._is_newer():
                self._renewal = _in_background(self._read_again)
        elif self._renewal.done():
            done, self._renewal = self._renewal, None
            if (error := done.exception()) is not None:
                log.info("The new snapshot of the vector index cannot be used: %s", error)
                return
            fresh = done.result()
            self._state, self._generation, self._seen = fresh._state, fresh._generation, fresh._seen
            self._sample, self._sampled_of = fresh._sample, fresh._sampled_of

    def _read_again(self) -> VectorIndex:
        fresh = VectorIndex(self._catalog, self.encoder_id, self._dimension)
        fresh.follow()
        return fresh

    def _is_newer(self) -> bool:
        """Whether there is a snapshot in clusters that was not read yet."""
        path = self._path()
        try:
            stat = path.stat()
            if self._seen is not None and os.path.samestat(stat, self._seen):
                return False
            self._seen = stat
            return snapshot.peek(path).tuning != snapshot.NO_CLUSTERS
        except (OSError, snapshot.SnapshotInvalid):
            return False

    def _path(self) -> Path:
        return snapshot.path_of(self._catalog.folder / snapshot.FOLDER, self._fingerprint())

    def _fingerprint(self) -> str:
        return next(e.fingerprint for e in self._catalog.encoders.all() if e.id == self.encoder_id)

    def _with_exact_scores(self, query: Floats, scores: Floats, ids: Keys, best: int) -> tuple[Floats, Keys]:
        """Give the `best` results their exact scores; leave out vectors that the catalog dropped this moment."""
        stored = self._stored(ids[:best])
        scores = scores.copy()
        scores[:best] = stored @ query
        exists = np.ones(len(ids), bool)
        exists[:best] = stored.any(axis=1)
        return scores[exists], ids[exists]

    def _stored(self, ids: Keys) -> Floats:
        """Vectors from the catalog itself, in the order of `ids`; zeros for an id that the catalog does not have."""
        vectors = {key: self._recently_read[key] for key in ids.tolist() if key in self._recently_read}
        missing = [key for key in ids.tolist() if key not in vectors]
        for batch in self._catalog.vectors.by_ids(missing):
            vectors.update(zip(batch.ids.tolist(), batch.vectors, strict=True))
        kept = self._recently_read | vectors
        self._recently_read = kept if len(kept) <= READ_RECENTLY else {}
        zeros = np.zeros(self._dimension, np.float32)
        rows = [vectors.get(key, zeros) for key in ids.tolist()]
        return np.array(rows, np.float32).reshape(len(ids), self._dimension)


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
