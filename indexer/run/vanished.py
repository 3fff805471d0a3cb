"""Photos whose files are not at their paths any more, and the files that turn out to be these photos, moved."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence

from ...data import objects, paths
from ...data.catalog.catalog import Catalog
from ...data.catalog.records import RootRecord
from ..disk import health
from ..disk.diff import Rewritten, find_moved_contents
from ..disk.mounts import Mount
from .prepared import Job
from .report import Tally

File = tuple[int, bytes]
"""Root id and path."""


class VanishedPhotos:
    """The photos with the ids `missed`, which a survey did not find, and photos elsewhere that prove to be gone.

    A new file with the bytes of such a photo claims its id: the photo has moved. Photos elsewhere are looked for only
    when a new file has their bytes: this makes a move complete when only its destination was compared.

    `changed` maps files whose stat has changed to their photos. When they are read and hold the bytes of another
    photo, `settle_chains` lets the ids follow the contents.
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
        """Content hash -> (photo id, root id, path) of photos elsewhere that were not looked for yet."""
        self._claimed: set[int] = set()
        self._without_content = [photo_id for photo_id in missed if photo_id not in hashes]
        self._changed = changed
        self._contents_before = set(catalog.photos.hashes(list(changed.values())).values())
        self._rewritten: list[Rewritten[File]] = []

    def claim(self, content_hash: bytes) -> int | None:
        """Return the id of a vanished photo with these bytes, never the same id twice; None if there is none."""
        missed = self._by_hash.get(content_hash)
        photo_id = missed.popleft() if missed else self._find_gone_elsewhere(content_hash)
        if photo_id is not None:
            self._claimed.add(photo_id)
        return photo_id

    def note_content(self, job: Job, content_hash: bytes) -> None:
        """Note the content hash of a file that was read and committed."""
        file = (job.root.id, job.path)
        if not job.is_new and job.hash_before not in {None, content_hash}:
            self._rewritten.append(Rewritten(file, self._changed[file], job.hash_before, content_hash))
        elif job.is_new and content_hash in self._contents_before:
            self._rewritten.append(Rewritten(file, None, None, content_hash))

    def settle_chains(self, tally: Tally) -> None:
        """Let photos of a chain of renames that inodes do not show keep their ids; correct the `tally`."""
        unclaimed = [(photo_id, content) for content, ids in self._by_hash.items() for photo_id in ids]
        moved = find_moved_contents(self._rewritten, unclaimed)
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
        returned = [photo_id for photo_id, _ in unclaimed if photo_id in ids]
        self._catalog.changes.renumber(moved, returned)
        for photo_id, content in unclaimed:
            if photo_id in ids:
                self._by_hash[content].remove(photo_id)

    def unclaimed(self) -> list[int]:
        """Return the ids of the missed photos that no file claimed: their files are gone."""
        return [*self._without_content, *(photo_id for ids in self._by_hash.values() for photo_id in ids)]

    def _find_gone_elsewhere(self, content_hash: bytes) -> int | None:
        places = self._elsewhere.get(content_hash)
        if places is None:
            places = deque(self._catalog.photos.places(content_hash))
            if places:  # most new files are no copies: an empty list for each would only take memory
                self._elsewhere[content_hash] = places
        while places:
            photo_id, root_id, path = places.popleft()
            is_gone = photo_id not in self._claimed and self._is_gone(root_id, path)
            if is_gone and self._catalog.run_locks.borrow(root_id) and self._is_still(photo_id, root_id, path):
                return photo_id
        return None

    def _is_still(self, photo_id: int, root_id: int, path: bytes) -> bool:
        """Whether the catalog still has the photo there: another run of its root may have changed it meanwhile."""
        return self._catalog.photos.at(root_id, path) == photo_id

    def _is_gone(self, root_id: int, path: bytes) -> bool:
        if self._roots is None:
            self._roots = {root.id: root for root in self._catalog.roots.all(counted=False)}
        root = self._roots.get(root_id)
        if root is None or objects.is_there(paths.join(root.path, path)):
            return False
        return health.is_absence_proved(
            root, path, self._table, lambda folder: self._catalog.photos.some_paths(root_id, folder)
        )
