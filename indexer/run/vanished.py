"""Photos whose files are gone, and how a file that is read turns out to be one of them."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Mapping, Sequence

from ...data import paths
from ...data.catalog.catalog import Catalog
from ...data.catalog.records import RootRecord
from ..disk import health
from ..disk.diff import Rewritten, moved_contents
from ..disk.mounts import Mount
from .pipeline import Job, Tally

File = tuple[int, bytes]
"""Root id and path."""


class VanishedPhotos:
    """The photos that a survey missed, by content, and those elsewhere that are found to be gone when asked for.

    The second kind makes a move complete when only its destination was looked at: the photo keeps its id, and so all
    that is known of it, however the two ends of a move come in. `changed` files are the photos that they were, until
    they are read: then `settle` lets the ids follow the contents.
    """

    def __init__(
        self, catalog: Catalog, missed: Sequence[int], changed: Mapping[File, int], table: Sequence[Mount]
    ) -> None:
        self._catalog = catalog
        self._roots: dict[int, RootRecord] | None = None
        self._table = table
        self._by_hash: dict[bytes, deque[int]] = {}
        hashes = catalog.photos.hashes(missed)
        for photo_id, content_hash in hashes.items():
            self._by_hash.setdefault(content_hash, deque()).append(photo_id)
        self._elsewhere: dict[bytes, deque[tuple[int, int, bytes]]] = {}
        """By content, the photos that were not looked for yet: each is once, however many copies ask."""
        self._given: set[int] = set()
        self._without_content = [photo_id for photo_id in missed if photo_id not in hashes]
        self._changed = changed
        self._contents_before = set(catalog.photos.hashes(list(changed.values())).values())
        self._rewritten: list[Rewritten[File]] = []

    def take(self, content_hash: bytes) -> int | None:
        """The id of a vanished photo with these bytes, each given away once."""
        missed = self._by_hash.get(content_hash)
        photo_id = missed.popleft() if missed else self._gone_elsewhere(content_hash)
        if photo_id is not None:
            self._given.add(photo_id)
        return photo_id

    def read(self, job: Job, content_hash: bytes) -> None:
        """Take note of what was read, and is committed."""
        file = (job.root.id, job.path)
        if not job.is_new and job.hash_before not in {None, content_hash}:
            self._rewritten.append(Rewritten(file, self._changed[file], job.hash_before, content_hash))
        elif job.is_new and content_hash in self._contents_before:
            self._rewritten.append(Rewritten(file, None, None, content_hash))

    def settle(self, tally: Tally) -> None:
        """Let photos that were renamed along a chain, unseen by their inodes, keep their ids; correct the `tally`."""
        left = [(photo_id, content) for content, ids in self._by_hash.items() for photo_id in ids]
        moved = moved_contents(self._rewritten, left)
        if not moved:
            return
        ids = set(moved.values())
        for each in self._rewritten:
            if each.place in moved and each.photo_id is None:
                tally.added -= 1
            elif each.place in moved:
                tally.changed -= 1
                tally.removed += each.photo_id not in ids
            elif each.photo_id in ids:
                tally.changed -= 1
                tally.added += 1
        tally.moved += len(moved)
        returned = [photo_id for photo_id, _ in left if photo_id in ids]
        self._catalog.changes.renumber(moved, returned)
        for photo_id, content in left:
            if photo_id in ids:
                self._by_hash[content].remove(photo_id)

    def left(self) -> list[int]:
        """Ids of the missed photos that were not taken: their files are gone for good."""
        return [*self._without_content, *(photo_id for ids in self._by_hash.values() for photo_id in ids)]

    def _gone_elsewhere(self, content_hash: bytes) -> int | None:
        places = self._elsewhere.get(content_hash)
        if places is None:
            places = deque(self._catalog.photos.places(content_hash))
            if places:  # most new files are copies of nothing: there is nothing to keep for them
                self._elsewhere[content_hash] = places
        while places:
            photo_id, root_id, path = places.popleft()
            if photo_id not in self._given and self._is_gone(root_id, path):
                return photo_id
        return None

    def _is_gone(self, root_id: int, path: bytes) -> bool:
        if self._roots is None:
            self._roots = {root.id: root for root in self._catalog.roots.all(counted=False)}
        root = self._roots.get(root_id)
        if root is None or os.path.lexists(paths.join(root.path, path)):
            return False
        return health.is_absence_proved(
            root, path, self._table, lambda folder: self._catalog.photos.some_paths(root_id, folder)
        )
