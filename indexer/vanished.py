"""Photos whose files are gone, and how a new file turns out to be one of them."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Sequence

from ..data import paths
from ..data.catalog import Catalog
from ..data.records import RootRecord
from . import health
from .mounts import Mount


class VanishedPhotos:
    """The photos that a survey missed, by content, and those elsewhere that are found to be gone when asked for.

    The second kind makes a move complete when only its destination was looked at: the photo keeps its id, and so all
    that is known of it, however the two ends of a move come in.
    """

    def __init__(self, catalog: Catalog, missed: Sequence[int], table: Sequence[Mount]) -> None:
        self._catalog = catalog
        self._roots: dict[int, RootRecord] | None = None
        self._table = table
        self._by_hash: dict[bytes, deque[int]] = {}
        hashes = catalog.hashes(missed)
        for photo_id, content_hash in hashes.items():
            self._by_hash.setdefault(content_hash, deque()).append(photo_id)
        self._elsewhere: dict[bytes, deque[tuple[int, int, bytes]]] = {}
        """By content, the photos that were not looked for yet: each is once, however many copies ask."""
        self._given: set[int] = set()
        self._without_content = [photo_id for photo_id in missed if photo_id not in hashes]

    def take(self, content_hash: bytes) -> int | None:
        """The id of a vanished photo with these bytes, each given away once."""
        missed = self._by_hash.get(content_hash)
        photo_id = missed.popleft() if missed else self._gone_elsewhere(content_hash)
        if photo_id is not None:
            self._given.add(photo_id)
        return photo_id

    def left(self) -> list[int]:
        """Ids of the missed photos that were not taken: their files are gone for good."""
        return [*self._without_content, *(photo_id for ids in self._by_hash.values() for photo_id in ids)]

    def _gone_elsewhere(self, content_hash: bytes) -> int | None:
        places = self._elsewhere.get(content_hash)
        if places is None:
            places = deque(self._catalog.places(content_hash))
            if places:  # most new files are copies of nothing: there is nothing to keep for them
                self._elsewhere[content_hash] = places
        while places:
            photo_id, root_id, path = places.popleft()
            if photo_id not in self._given and self._is_gone(root_id, path):
                return photo_id
        return None

    def _is_gone(self, root_id: int, path: bytes) -> bool:
        if self._roots is None:
            self._roots = {root.id: root for root in self._catalog.roots(counted=False)}
        root = self._roots.get(root_id)
        if root is None or os.path.lexists(paths.join(root.path, path)):
            return False
        return health.is_absence_proved(root, path, self._table, lambda: self._catalog.some_paths(root_id))
