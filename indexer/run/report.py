"""What an index run did and could not do: counts, failed files, offline places, photos that it does not remove."""

from __future__ import annotations

from dataclasses import dataclass, field

from ...errors import FolderError, LibraryBusy
from .doubts import Doubt
from .places import Place
from .profile import Profile


@dataclass(frozen=True, slots=True)
class Failure:
    """A file that could not be read, why, and what to do about it."""

    path: bytes
    reason: str
    hint: str = ""
    is_final: bool = True
    """Whether the bytes are at fault: only other bytes will help. Else the file is tried again at every run."""


@dataclass(slots=True)
class Tally:
    """Counts of a run. `failures` are the files that could not be read in this run."""

    added: int = 0
    changed: int = 0
    moved: int = 0
    removed: int = 0
    unchanged: int = 0
    encoded: int = 0
    failures: list[Failure] = field(default_factory=list)
    still_failed: int = 0
    """Files that could not be read before and have not changed since: not tried again."""
    stopped: bool = False
    """Whether the run was asked to stop before all was done."""


@dataclass(frozen=True, slots=True)
class Offline:
    """A place that could not be compared, because its disk is missing or it may not be read: nothing was changed."""

    place: Place
    error: FolderError


@dataclass(frozen=True, slots=True)
class Report:
    """What an index run did. `seconds` is wall time."""

    tally: Tally
    seconds: float
    encoder: str
    offline: list[Offline] = field(default_factory=list)
    waiting: list[Place] = field(default_factory=list)
    """Folders with files that may still be written: to be compared again."""
    missed: dict[int, Place] = field(default_factory=dict)
    """Photo id -> the folder to compare again, of photos that were not found and not removed yet."""
    folders: dict[int, int] = field(default_factory=dict)
    """Root id -> number of folders listed, of the roots that were scanned whole."""
    doubts: list[Doubt] = field(default_factory=list)
    profile: Profile = field(default_factory=Profile)
    busy: list[LibraryBusy] = field(default_factory=list)
    """The roots that were left out, because another process indexes them: which, and who."""

    @property
    def images_per_second(self) -> float:
        """Pictures encoded per second of the whole run, scan included."""
        return self.tally.encoded / self.seconds if self.seconds else 0.0
