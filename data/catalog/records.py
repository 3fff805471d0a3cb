"""What is written to the catalog and read from it: small frozen values, no SQL."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from ..pictures.exif import Facts

INODE_BITS = (1 << 63) - 1
"""The bits of an inode number that are stored: the catalog's integers are signed, and some file systems use all 64."""


class FileStat(NamedTuple):
    """What the file system knows of a file without opening it; an equal stat means an unchanged file."""

    size: int
    mtime_ns: int
    inode: int


NEVER_SEEN = FileStat(-1, -1, -1)
"""The stat of no file: a file recorded with it counts as changed at the next run, and is tried again."""


UNREADABLE_FOLDER = FileStat(-1, -1, -2)
"""The stat that marks the record of a folder that could not be listed; the record stays until the folder can be listed
or is gone."""


class Known(NamedTuple):
    """What the catalog has of a file, for the diff; `failed` if the file could not be read."""

    photo_id: int
    stat: FileStat
    failed: bool = False


@dataclass(frozen=True, slots=True)
class Content:
    """The facts of a picture's bytes, shared by all photos of the same content hash. Size in pixels, upright."""

    content_hash: bytes
    width: int
    height: int
    format: str
    facts: Facts


@dataclass(frozen=True, slots=True)
class Entry:
    """One file to be written: with `content` if it could be read, with `error` if not.

    `photo_id` is the row to rewrite when a vanished photo was found again under this path.
    """

    root_id: int
    path: bytes
    stat: FileStat
    content: Content | None = None
    error: str | None = None
    photo_id: int | None = None


class Move(NamedTuple):
    """A photo that is now at another path, perhaps under another root."""

    photo_id: int
    root_id: int
    path: bytes
    stat: FileStat


class Disk(NamedTuple):
    """What distinguishes the file system at a folder from another one there. 0 and the empty text mean unknown.

    `volume` identifies it wherever it is mounted, if the system knows it. A disk gets a new device number each time it
    is mounted, and the top folders of many file systems have the same inode: different numbers mean different disks,
    but equal ones prove nothing.
    """

    volume: str = ""
    device: int = 0
    inode: int = 0


@dataclass(frozen=True, slots=True)
class Mounted:
    """Where a root's files were when it was last scanned whole: this tells a missing disk from an emptied folder.

    `point` is the mount point that the root is on, `inode` and `device` are the root folder's own (0 if it does not
    exist), `volume` identifies its file system (empty if the system does not know it). `below` are the mount points
    inside the root, relative to it, and `disks` what is mounted at them.
    """

    point: bytes
    inode: int = 0
    volume: str = ""
    below: tuple[bytes, ...] = ()
    device: int = 0
    disks: Mapping[bytes, Disk] = field(default_factory=dict, hash=False)

    @property
    def disk(self) -> Disk:
        """The disk of the root itself."""
        return Disk(self.volume, self.device, self.inode)


@dataclass(frozen=True, slots=True)
class RootRecord:
    """An indexed folder, with its number of photos and of failed files."""

    id: int
    path: bytes
    photos: int = 0
    failed: int = 0
    mounted: Mounted | None = None
    """None until it was scanned whole."""
    missing: int = 0
    """Photos that the last whole scan did not see, and that were kept because they were suspiciously many."""


@dataclass(frozen=True, slots=True)
class EncoderRecord:
    """An encoder whose vectors this library holds."""

    id: int
    name: str
    fingerprint: str
    dimension: int
    dtype: str


class Brief(NamedTuple):
    """What a search needs of a photo that it may not show: its place, content and date. `path` is absolute."""

    id: int
    vector_id: int
    path: bytes
    content_hash: bytes | None
    taken_at: str | None


@dataclass(frozen=True, slots=True)
class PhotoRecord:
    """One photo (or failed file). `path` is absolute; the picture's facts are None when `error` is set."""

    id: int
    path: bytes
    size: int
    mtime_ns: int
    content_hash: bytes | None
    error: str | None
    width: int | None
    height: int | None
    format: str | None
    facts: Facts

    @property
    def version(self) -> str:
        """A short text that changes with the file's bytes; empty for a failed file."""
        return self.content_hash.hex()[:16] if self.content_hash else ""


class DayInYear(NamedTuple):
    """The photos of one day of a year: how many there are, and the first of them."""

    year: int
    photos: int
    first: list[PhotoRecord]


class Cluster(NamedTuple):
    """Photos that were taken near each other, in decimal degrees: their mean place, and the box around all of them."""

    photos: int
    cover: int
    """Id of the photo that represents them."""
    latitude: float
    longitude: float
    south: float
    west: float
    north: float
    east: float
