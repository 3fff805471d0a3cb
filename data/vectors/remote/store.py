"""The vectors of one encoder, searched by an engine.

The engine says which vectors are nearest. What they are comes from the catalog: every result must have the seal that
the catalog has for its key, and the best get exact scores from the catalog's vectors, whatever the kind of index. A
few allowed vectors are compared with the query without it.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

import numpy as np

from ....arrays import Floats, Seals
from ....errors import LibraryBusy, LibraryError, PolyglanceError, VectorsUnavailable
from ...catalog import locks
from ...catalog.catalog import Catalog
from ..store import SAMPLE, Keys, is_known, newest, were_keys_reused
from . import follower
from .collection import LIMIT, Collection, CollectionMissing, Rows
from .position import Position

log = logging.getLogger("polyglance")

FEW = 1024
"""So many allowed vectors are read from the catalog and compared there: as quick as asking the engine, and exact."""

RESCORED = 128
"""At most this many results get exact scores from the catalog: more than a page shows."""

IDS_AT_ONCE = 16_384
"""Allowed keys in one request."""

READ_RECENTLY = 4096
"""At most this many vectors that were read from the catalog are kept until the next change."""

SENT_IN_SEARCH = 10_000
"""A search sends at most so many missing vectors itself, in seconds; more are sent beside it."""

TRUSTED_SECONDS = 5.0
"""How long the position is taken for what it was: then a collection that was lost or replaced is noticed."""


class RemoteStore:
    """The `VectorStore` of a library whose vectors an engine has. Not safe to use from several threads at a time.

    While the engine does not answer, `follow` does not raise: `search` among few vectors, `fetch` and `sample` need the
    catalog alone. Other searches raise VectorsUnavailable.
    """

    def __init__(
        self, catalog: Catalog, encoder_id: int, dimension: int, open_collection: Callable[[], Collection]
    ) -> None:
        self.encoder_id = encoder_id
        self.generation = -1
        self._catalog = catalog
        self._dimension = dimension
        self._open_collection = open_collection
        self._collection: Collection | None = None
        self._position = Position()
        self._missing: PolyglanceError | None = None
        """Why the engine cannot be searched."""
        self._keys: Keys = np.empty(0, np.int64)
        self._seals: Seals = np.empty(0, np.uint64)
        self._followed = -1
        self._read_at = 0.0
        self._total = 0
        self._sample: Floats = np.empty((0, dimension), np.float32)
        self._sampled_of = 0
        self._recently_read: dict[int, Floats] = {}
        self._sending: threading.Thread | None = None

    def follow(self) -> None:
        """See `VectorStore`. Sends what the engine lacks, if no other process does; many vectors in its own thread."""
        catalog, encoder_id = self._catalog, self.encoder_id
        generation = catalog.generation()
        keys, seals = newest(catalog, encoder_id)
        is_same = np.array_equal(keys, self._keys) and np.array_equal(seals, self._seals)
        is_fresh = self._missing is None and time.monotonic() - self._read_at < TRUSTED_SECONDS
        if generation == self._followed == self.generation and is_same and is_fresh:
            return
        reused = were_keys_reused(catalog, encoder_id, self._keys, self._seals)
        if generation < self._followed and is_known(catalog, generation, self._followed) and not reused:
            return
        try:
            self._position, self._missing = self._brought(), None
            total, self.generation = self._position.count, min(generation, self._position.generation)
        except VectorsUnavailable as error:
            self._missing = error
            total = catalog.vectors.count(encoder_id)
        self._read_at = time.monotonic()
        if generation != self._followed or not is_same:
            self._recently_read = {}
            self._keys, self._seals, self._followed = keys, seals, generation
            self._draw_sample()
        self._total = total

    def count(self) -> int:
        """Number of vectors."""
        return self._total

    def sample(self) -> Floats:
        """Up to SAMPLE vectors, evenly spread over the keys."""
        return self._sample

    def search(self, query: Floats, k: int, allowed: Keys | None = None) -> tuple[Floats, Keys]:
        """See `VectorStore`. Raises VectorsUnavailable."""
        if allowed is not None:
            allowed = allowed[allowed <= self._last]
            if len(allowed) <= FEW:
                return self._among(query, k, allowed)
        if self._missing is not None:
            raise self._missing.with_traceback(None)
        count = min(k, self._total if allowed is None else len(allowed), LIMIT)
        scores, keys = self._nearest(query, count, allowed)
        if len(keys) < count and allowed is not None:
            # An index in clusters reads the nearest ones only, and misses allowed vectors elsewhere.
            rest = np.setdiff1d(allowed, keys)
            more_scores, more_keys = self._among(query, count - len(keys), rest)
            scores, keys = np.concatenate([scores, more_scores]), np.concatenate([keys, more_keys])
        order = np.argsort(-scores, kind="stable")
        return scores[order], keys[order]

    def fetch(self, keys: Keys) -> Floats:
        """The vectors with these keys, in their order, from the catalog; zeros for unknown keys."""
        return self._stored(np.where(keys <= self._last, keys, 0))

    # --- following -------------------------------------------------------------------------------

    def _brought(self) -> Position:
        """Where the collection is, after it was brought to the catalog's generation if it could be."""
        collection = self._opened()
        position = collection.read_position()
        if follower.is_current(self._catalog, self.encoder_id, position):
            assert position is not None
            return position
        behind = follower.lag(self._catalog, self.encoder_id, position)
        if behind <= SENT_IN_SEARCH:
            try:
                with locks.vectors_lock(self._catalog.folder):
                    return follower.bring(self._catalog, self.encoder_id, collection)
            except LibraryBusy:
                position = collection.read_position()  # another process sends them
        else:
            self._send_beside(collection)
        if position is None or position.generation < 0:
            message = f"{collection.engine} does not have the library's vectors yet: {behind:,} are to be sent."
            advice = "Try again in a while, or run 'polyglance check --repair'. "
            raise VectorsUnavailable(message, advice + collection.hint)
        return position

    def _send_beside(self, collection: Collection) -> None:
        if self._sending is not None and self._sending.is_alive():
            return

        def send() -> None:
            try:
                with locks.vectors_lock(self._catalog.folder):
                    follower.bring(self._catalog, self.encoder_id, collection)
            except LibraryBusy:
                pass
            except (LibraryError, CollectionMissing) as error:
                log.warning("Vectors were not sent to %s: %s", collection.engine, error)

        self._sending = threading.Thread(target=send, name="polyglance-vectors", daemon=True)
        self._sending.start()

    def _opened(self) -> Collection:
        if self._collection is None:
            self._collection = self._open_collection()
        return self._collection

    def _draw_sample(self) -> None:
        total = self._catalog.vectors.count(self.encoder_id, self._last)
        # A hundredth of a library more or less does not change what a sample shows.
        if total > SAMPLE and abs(total - self._sampled_of) * 100 < total:
            return
        keys = self._catalog.vectors.spread(self.encoder_id, self._last, SAMPLE)
        self._sample, self._sampled_of = self._stored(keys), total

    # --- searching -------------------------------------------------------------------------------

    @property
    def _last(self) -> int:
        """The highest key that was followed."""
        return int(self._keys[-1]) if len(self._keys) else 0

    def _nearest(self, query: Floats, count: int, allowed: Keys | None) -> tuple[Floats, Keys]:
        if not count:
            return np.empty(0, np.float32), np.empty(0, np.int64)
        depth = min(max(count, RESCORED), LIMIT)
        while True:
            rows = self._asked(query, depth, allowed)
            scores, keys = self._as_in_the_catalog(*rows)
            # What was removed from the catalog a moment ago may have taken places.
            if len(keys) >= count or len(rows.keys) < depth or depth == LIMIT:
                break
            depth = min(2 * depth, LIMIT)
        exact = self._stored(keys[:RESCORED]) @ query
        scores[: len(exact)] = exact
        order = np.argsort(-scores, kind="stable")[:count]
        return scores[order], keys[order]

    def _asked(self, query: Floats, depth: int, allowed: Keys | None) -> Rows:
        """What the engine finds, `depth` results at most."""
        parts: list[Keys | None] = [None]
        if allowed is not None:
            parts = [allowed[at : at + IDS_AT_ONCE] for at in range(0, len(allowed), IDS_AT_ONCE)]
        collection = self._opened()
        try:
            found = [collection.search(query, depth, part) for part in parts]
        except CollectionMissing as error:
            self.generation = -1  # the next `follow` makes it anew
            self._missing = VectorsUnavailable(
                f"{collection.engine} has lost the library's vectors; they are sent again.", collection.hint
            )
            raise self._missing from error
        except VectorsUnavailable as error:
            self._missing = error
            raise
        scores, keys, seals = (np.concatenate(column) for column in zip(*found, strict=True))
        order = np.argsort(-scores, kind="stable")[:depth]
        return Rows(scores[order], keys[order], seals[order])

    def _as_in_the_catalog(self, scores: Floats, keys: Keys, seals: Seals) -> tuple[Floats, Keys]:
        """The results whose vectors the catalog has, with the same seals."""
        known, known_seals = self._catalog.vectors.seals_by_ids(self.encoder_id, keys.tolist())
        if not len(known):
            return scores[:0], keys[:0]
        places = np.minimum(np.searchsorted(known, keys), len(known) - 1)
        is_same = (known[places] == keys) & (known_seals[places] == seals) & (keys <= self._last)
        return scores[is_same], keys[is_same]

    def _among(self, query: Floats, k: int, keys: Keys) -> tuple[Floats, Keys]:
        """The nearest of these vectors, from the catalog."""
        vectors = self._stored(keys)
        exists = vectors.any(axis=1)
        scores, keys = vectors[exists] @ query, keys[exists]
        order = np.argsort(-scores, kind="stable")[:k]
        return scores[order], keys[order]

    def _stored(self, keys: Keys) -> Floats:
        """Vectors from the catalog, in the order of `keys`; zeros for a key that the catalog does not have."""
        vectors = {key: self._recently_read[key] for key in keys.tolist() if key in self._recently_read}
        missing = [key for key in keys.tolist() if key not in vectors]
        for batch in self._catalog.vectors.by_ids(missing, self.encoder_id):
            vectors.update(zip(batch.ids.tolist(), batch.vectors, strict=True))
        kept = self._recently_read | vectors
        self._recently_read = kept if len(kept) <= READ_RECENTLY else {}
        zeros = np.zeros(self._dimension, np.float32)
        rows = [vectors.get(key, zeros) for key in keys.tolist()]
        return np.array(rows, np.float32).reshape(len(keys), self._dimension)
