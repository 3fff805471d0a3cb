"""One root under watch: how it is watched now, whether that still works, and when it is scanned next."""

from __future__ import annotations

import errno
import math
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ...data import paths
from ...data.catalog.records import RootRecord
from ...data.watch_state import Coverage
from ..disk import health
from ..disk.exclude import Exclusion
from ..disk.mounts import Mount, covering, mounted
from .observer import OnDirty, RootWatch, WatchRefused

SCANNING_SHARE = 0.05
"""A polled root is scanned this share of the time at most."""

INOTIFY_LIMITS = {
    errno.ENOSPC: "fs.inotify.max_user_watches",
    errno.EMFILE: "fs.inotify.max_user_instances",
}


@dataclass(slots=True)
class Followed:
    """A root and its watch. `scan_at` is when it is to be compared whole by itself, on the caller's clock."""

    root: RootRecord
    watch: RootWatch | None = None
    coverage: Coverage | None = None
    scan_at: float = 0.0
    _below: tuple[bytes, ...] = ()
    """The mount points in it when its watch was started."""
    _limits: tuple[str, ...] = ()
    """The system's limits then."""

    @property
    def is_offline(self) -> bool:
        """Whether its disk is missing."""
        return self._how == "offline"

    @property
    def _how(self) -> str:
        return self.coverage.how if self.coverage else ""

    def look_after(
        self,
        table: Sequence[Mount],
        exclusion: Exclusion,
        some_paths: health.SomePaths,
        on_dirty: OnDirty,
        now: float,
    ) -> None:
        """See whether its disk is there and its watch alive; start what is not, and have it scanned then."""
        if health.state(self.root, table, some_paths) == "offline":
            self.go_offline("its disk is not connected", now)
            return
        if self.is_offline and self.scan_at > now:
            return  # a scan found it so; it will be tried again
        below = mounted(table, self.root.path).below
        limits = self._limits if self._how == "native" else _limits()
        running = self.watch is not None or self._how == "polling"
        healthy = self.watch is None or self.watch.is_alive
        if running and healthy and (below, limits) == (self._below, self._limits):
            return
        self.end()
        self._below, self._limits = below, _limits()
        self._start(table, exclusion, on_dirty)
        self.scan_at = now

    def scanned(self, folders: int | None, took: float, poll: float, now: float) -> None:
        """It was compared whole in `took` seconds, by listing `folders`: are as many watched? Then wait for hints."""
        watched = self.watch.watched if self.watch else None
        if folders is not None and watched is not None:
            self.coverage = _coverage(self.root.id, watched, folders)
        self.scan_at = math.inf if self._how == "native" else now + max(poll, took / SCANNING_SHARE)

    def go_offline(self, reason: str, scan_at: float) -> None:
        """Its disk is missing; if a scan found that, it is tried again at `scan_at`."""
        if not self.is_offline:
            self.end()
            self.coverage = Coverage(self.root.id, "offline", reason)
        self.scan_at = scan_at

    def end(self) -> None:
        """Stop watching it."""
        if self.watch:
            self.watch.stop()
        self.watch = None
        self.coverage = None

    def _start(self, table: Sequence[Mount], exclusion: Exclusion, on_dirty: OnDirty) -> None:
        root = self.root
        remote = next((mount for mount in _mounts_of(table, root.path) if mount.remote), None)
        if remote:
            note = f"{remote.kind} does not report what other machines change"
            self.coverage = Coverage(root.id, "polling", note)
            return
        try:
            self.watch = RootWatch(root.path, exclusion, on_dirty)
            self.coverage = Coverage(root.id, "native")
        except WatchRefused as refused:
            limit = INOTIFY_LIMITS.get(refused.errno)
            note = f"{refused}; raise the limit with 'sysctl {limit}=…'" if limit else str(refused)
            self.coverage = Coverage(root.id, "polling", note)


def _coverage(root_id: int, watched: int, folders: int) -> Coverage:
    if watched >= folders:
        return Coverage(root_id, "native")
    limit = INOTIFY_LIMITS[errno.ENOSPC]
    return Coverage(root_id, "partly", f"{watched} of {folders} folders; raise the limit with 'sysctl {limit}=…'")


def _limits() -> tuple[str, ...]:
    """The system's limits of watching as they are now, on Linux."""
    values = []
    for name in INOTIFY_LIMITS.values():
        with suppress(OSError):
            values.append(Path("/proc/sys", *name.split(".")).read_text())
    return tuple(values)


def _mounts_of(table: Sequence[Mount], root: bytes) -> list[Mount]:
    """The file systems that a root's files lie on."""
    return [covering(table, root), *(mount for mount in table if paths.is_within(mount.point, root))]
