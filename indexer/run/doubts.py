"""Photos that seem to be gone and are kept, because a missing disk would look the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ...data import paths
from ...data.catalog.catalog import Catalog
from ..disk import health
from ..disk.exclude import Exclusion
from ..disk.mounts import Mount
from .survey import FilePosition, Survey


@dataclass(frozen=True, slots=True)
class Doubt:
    """Photos that were not found and are kept all the same, until the user confirms that they are gone.

    `missing` of the `photos` below the absolute `folder`, a root or a disk mounted inside one.
    """

    root_id: int
    folder: bytes
    missing: int
    photos: int

    @property
    def message(self) -> str:
        """What is wrong, in one line."""
        return f"{self.missing} of {self.photos} photos of {paths.display(self.folder)} were not found; all are kept."

    @property
    def hint(self) -> str:
        """What to do."""
        return f"Is a disk missing? If they were deleted: polyglance index {paths.display(self.folder)} --yes"


def find_unproved_doubts(surveys: Sequence[Survey], table: Sequence[Mount]) -> list[Doubt]:
    """Return a doubt for each mounted disk that nothing proves to be the one the missing photos were on."""
    points = {mount.point for mount in table}
    return [
        Doubt(each.place.root.id, paths.join(each.place.root.path, point), count, count)
        for each in surveys
        for point, count in each.unproved.items()
        if paths.join(each.place.root.path, point) in points  # else it is offline, which says enough
    ]


def find_mass_removals(
    catalog: Catalog, surveys: Sequence[Survey], missing: Mapping[int, FilePosition], exclusion: Exclusion
) -> tuple[list[Doubt], set[int]]:
    """Return a doubt for each root that `missing` photos would be most of, and the ids of these photos."""
    by_root: dict[int, list[int]] = {}
    for photo_id, (n, path) in missing.items():
        if exclusion.reaches(path, folder=False):  # else the user said that it is no part of the library
            by_root.setdefault(surveys[n].place.root.id, []).append(photo_id)
    doubts: list[Doubt] = []
    doubted: set[int] = set()
    if all(len(ids) <= health.MAX_UNDOUBTED for ids in by_root.values()):
        return doubts, doubted  # without counting the photos of all roots
    for root in catalog.roots.all():
        ids, photos = by_root.get(root.id, []), root.photos + root.failed
        if health.is_doubtful(len(ids), photos):
            doubts.append(Doubt(root.id, root.path, len(ids), photos))
            doubted.update(ids)
    return doubts, doubted
