"""One root that is followed: how it is watched, whether its watch still works, and when it is scanned next."""

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
"""Scanning a polled root takes this share of the time at most."""

INOTIFY_LIMITS = {
    errno.ENOSPC: "fs.inotify.max_user_watches",
    errno.EMFILE: "fs.inotify.max_user_instances",
}


@dataclass(slots=True)
class Followed:
    """A root and its watch. `scan_at` is the time of its next complete comparison, in seconds of the caller's clock."""

    root: RootRecord
    watch: RootWatch | None = None
    coverage: Coverage | None = None
    scan_at: float = 0.0
    _below: tuple[bytes, ...] = ()
    """The mount points inside the root when its watch was started."""
    _limits: tuple[str, ...] = ()
    """The limits of inotify when its watch was started."""

    @property
    def is_offline(self) -> bool:
        """Whether its disk is missing."""
        return self._how == "offline"

    @property
    def _how(self) -> str:
        return self.coverage.how if self.coverage else ""

    def refresh(
        self,
        table: Sequence[Mount],
        exclusion: Exclusion,
        some_paths: health.SomePaths,
        on_dirty: OnDirty,
        now: float,
    ) -> None:
        """Check that its disk is present and its watch works; else start the watch again and make a scan due."""
        if health.state(self.root, table, some_paths) == "offline":
            self.go_offline("its disk is not connected", now)
            return
        if self.is_offline and self.scan_at > now:
            return  # the last scan found its disk missing; `scan_at` is the next attempt
        below = mounted(table, self.root.path).below
        limits = self._limits if self._how == "native" else _read_limits()
        running = self.watch is not None or self._how == "polling"
        healthy = self.watch is None or self.watch.is_alive
        if running and healthy and (below, limits) == (self._below, self._limits):
            return
        self.stop()
        self._below, self._limits = below, _read_limits()
        self._start(table, exclusion, on_dirty)
        self.scan_at = now

    def note_scan(self, folders: int | None, seconds: float, poll: float, now: float) -> None:
        """Note that the root was compared whole in `seconds`, by listing `folders`, and set the time of the next scan.

        A root whose folders are all watched is not scanned again by itself; another one every `poll` seconds or less
        often.
        """
        watched = self.watch.watched if self.watch else None
        if folders is not None and watched is not None:
            self.coverage = _coverage(self.root.id, watched, folders)
        self.scan_at = math.inf if self._how == "native" else now + max(poll, seconds / SCANNING_SHARE)

    def go_offline(self, reason: str, scan_at: float) -> None:
        """Note that its disk is missing; the next scan is at `scan_at`."""
        if not self.is_offline:
            self.stop()
            self.coverage = Coverage(self.root.id, "offline", reason)
        self.scan_at = scan_at

    def stop(self) -> None:
        """Stop watching the root."""
        if self.watch:
            self.watch.stop()
        self.watch = None
        self.coverage = None

    def _start(self, table: Sequence[Mount], exclusion: Exclusion, on_dirty: OnDirty) -> None:
        root = self.root
        if paths.is_url(root.path):
            self.coverage = Coverage(root.id, "polling", "object storage does not report what changes")
            return
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


def _read_limits() -> tuple[str, ...]:
    """Return the limits of inotify as they are now; empty on other systems than Linux."""
    values = []
    for name in INOTIFY_LIMITS.values():
        with suppress(OSError):
            values.append(Path("/proc/sys", *name.split(".")).read_text())
    return tuple(values)


def _mounts_of(table: Sequence[Mount], root: bytes) -> list[Mount]:
    """Return the file systems that a root's files are on."""
    return [covering(table, root), *(mount for mount in table if paths.is_within(mount.point, root))]
