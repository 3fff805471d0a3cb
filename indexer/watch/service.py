"""Keeps the catalog equal to the disk.

event ──> dirty folder ──> quiet ──> compare that folder      (fast; events may be lost)
timer, trouble, disk back ────────> compare the whole root    (complete)
"""

from __future__ import annotations

import logging
import math
import random
import time
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from ...data import paths
from ...data.catalog.records import RootRecord
from ...data.watch_state import Coverage
from ...errors import LibraryBusy, PolyglanceError
from ..disk.exclude import Exclusion
from ..disk.mounts import mounts
from ..run.places import Place
from ..run.report import Report
from ..run.stop import Stop
from .debounce import Debounce, Dirty
from .followed import Followed
from .observer import Troubles

log = logging.getLogger("polyglance")


@dataclass(frozen=True, slots=True)
class Timing:
    """Intervals of the service, in seconds."""

    quiet: float = 1.0
    """How long nothing may happen in a folder before it is compared."""
    ceiling: float = 15.0
    """Longest time that a folder is held back in which something happens all the time."""
    rescan: float = 3600.0
    """How often all roots are compared whole, plus or minus JITTER."""
    poll: float = 60.0
    """How often a root is compared whole that is watched partly or not at all; less often if a scan takes long."""
    tick: float = 5.0
    """How often disks and watches are checked."""
    retry: float = 5.0
    """Wait before a failed update is tried again; doubled after each failure, up to `rescan`."""


JITTER = 0.2
"""Random share of `Timing.rescan`, so that several services started at boot do not scan at the same time."""

MISSED_SECONDS = 60.0
"""A photo that was missed is removed if a comparison within this time misses it again."""


@dataclass(frozen=True, slots=True)
class Host:
    """What the service needs of the library it serves."""

    roots: Callable[[], list[RootRecord]]
    some_paths: Callable[[int, bytes], list[bytes]]
    """Gives the paths of a few photos below a folder of a root."""
    exclusion: Callable[[], Exclusion]
    update: Callable[[Sequence[Place], Collection[int]], Report]
    """Compares places under the writer lock; the second argument has the photos missed before. Raises LibraryBusy."""
    publish: Callable[[Sequence[Coverage]], None]
    report: Callable[[Report], None]


class Service:
    """Follows all roots of a library until it is asked to stop. The caller's thread works; watchdog's add events."""

    def __init__(self, host: Host, timing: Timing, stop: Stop) -> None:
        self._host = host
        self._timing = timing
        self._stop = stop
        self._events: deque[tuple[int, bytes, bool]] = deque()
        self._debounce = Debounce(timing.quiet, timing.ceiling)
        self._followed: dict[int, Followed] = {}
        self._exclusion: Exclusion | None = None
        self._waiting_since: dict[tuple[int, bytes], float] = {}
        self._missed_at: dict[int, float] = {}
        self._published: list[Coverage] = []
        self._tick_at = 0.0
        self._rescan_at = 0.0
        self._failures = 0
        self._not_before = 0.0

    def run(self) -> None:
        """Follow the roots until asked to stop. An update that fails is logged and tried again."""
        with self._stop.observed(), Troubles(self._on_trouble):
            try:
                while not self._stop.asked:
                    now = time.monotonic()
                    if now >= self._tick_at:
                        self._refresh_roots(now)
                        self._tick_at = now + self._timing.tick
                    self._mark_dirty_folders(now)
                    if now >= self._not_before and (places := self._due_places(now)):
                        self._compare(places)
                    self._publish()
                    self._wait()
            finally:
                for followed in self._followed.values():
                    followed.stop()

    # --- events ---------------------------------------------------------------------------------

    def _on_event(self, root_id: int, folder: bytes, deep: bool) -> None:
        event = (root_id, folder, deep)
        if not self._events or self._events[-1] != event:
            self._events.append(event)
        self._stop.wake.set()

    def _on_trouble(self) -> None:
        for root_id in list(self._followed):
            self._on_event(root_id, b"", True)

    def _mark_dirty_folders(self, now: float) -> None:
        while self._events:
            root_id, folder, deep = self._events.popleft()
            if root_id in self._followed:
                self._debounce.mark(root_id, folder, now, deep=deep)

    # --- roots ----------------------------------------------------------------------------------

    def _refresh_roots(self, now: float) -> None:
        try:
            roots, exclusion = self._host.roots(), self._host.exclusion()
        except PolyglanceError as error:
            self._back_off(error, now)
            return
        table = mounts()
        if self._exclusion is None or exclusion.patterns != self._exclusion.patterns:
            for followed in self._followed.values():
                followed.stop()  # `refresh` starts it with the new patterns, and it is scanned
            self._exclusion = exclusion
        for root_id in self._followed.keys() - {root.id for root in roots}:
            self._followed.pop(root_id).stop()
            self._debounce.forget(root_id)
        for root in roots:
            followed = self._followed.setdefault(root.id, Followed(root))
            followed.root = root
            followed.refresh(
                table,
                exclusion,
                partial(self._host.some_paths, root.id),
                partial(self._on_event, root.id),
                now,
            )

    # --- comparing ------------------------------------------------------------------------------

    def _due_places(self, now: float) -> list[Place]:
        quiet = self._timing.quiet
        all_due = self._rescan_at <= now
        places = []
        for root_id, followed in self._followed.items():
            if all_due or (followed.scan_at <= now and not followed.is_offline):
                self._debounce.forget(root_id)
                places.append(Place(followed.root, settle_seconds=quiet))
        dirty = [each for each in self._debounce.pop_ready(now) if not self._followed[each.root_id].is_offline]
        return places + [_place(self._followed[each.root_id].root, each, quiet) for each in dirty]

    def _compare(self, places: Sequence[Place]) -> None:
        start = time.monotonic()
        try:
            report = self._host.update(places, self._missed_at)
        except (PolyglanceError, OSError) as error:
            self._reschedule(places, start)
            self._back_off(error, start)
            return
        self._failures = 0
        self._host.report(report)
        if self._stop.asked:
            return
        now = time.monotonic()
        whole = [self._followed[place.root.id] for place in places if place.is_whole]
        for followed in whole:
            followed.note_scan(report.folders.get(followed.root.id), now - start, self._timing.poll, now)
        if len(whole) == len(self._followed):
            self._rescan_at = now + self._timing.rescan * random.uniform(1 - JITTER, 1 + JITTER)
        if whole:
            self._tick_at = 0.0  # the scan has recorded how the roots are mounted
        for offline in report.offline:
            self._followed[offline.place.root.id].go_offline(offline.error.message, now + self._timing.poll)
        self._hold_back_unsettled(places, report.waiting, now)
        self._recheck_missed(report.missed, now)

    def _hold_back_unsettled(self, places: Sequence[Place], waiting: Sequence[Place], now: float) -> None:
        """Keep the folders dirty whose files may still be written, for `ceiling` seconds at most."""
        before = self._waiting_since
        whole = {place.root.id for place in places if place.is_whole}
        compared = {(place.root.id, place.below) for place in places}
        self._waiting_since = {
            key: first for key, first in before.items() if key[0] not in whole and key not in compared
        }
        for place in waiting:
            key = (place.root.id, place.below)
            self._waiting_since[key] = before.get(key, now)
            self._debounce.mark(*key, now, first=self._waiting_since[key])

    def _recheck_missed(self, missed: Mapping[int, Place], now: float) -> None:
        """Compare the folders of missed photos once more before they are removed: they may be moving elsewhere."""
        recent = {
            photo_id: missed_at for photo_id, missed_at in self._missed_at.items() if now - missed_at < MISSED_SECONDS
        }
        self._missed_at = recent | dict.fromkeys(missed, now)
        for root_id, folder in {(place.root.id, place.below) for place in missed.values()}:
            self._debounce.mark(root_id, folder, now)

    def _reschedule(self, places: Sequence[Place], now: float) -> None:
        for place in places:
            if place.is_whole:
                self._followed[place.root.id].scan_at = now
            else:
                self._debounce.mark(place.root.id, place.below, now, deep=place.deep)

    def _back_off(self, error: Exception, now: float) -> None:
        delay = self._timing.retry if isinstance(error, LibraryBusy) else self._timing.retry * 2**self._failures
        self._not_before = now + min(delay, self._timing.rescan)
        if not isinstance(error, LibraryBusy):
            self._failures += 1
            log.warning("%s Trying again in %.0f s.", " ".join(str(error).split()), self._not_before - now)

    # --- publishing and waiting -----------------------------------------------------------------

    def _publish(self) -> None:
        coverages = [each.coverage for each in self._followed.values() if each.coverage]
        if coverages != self._published:
            self._published = coverages
            for coverage in coverages:
                if coverage.note:
                    folder = paths.display(self._followed[coverage.root_id].root.path)
                    log.info("%s: %s (%s).", folder, coverage.how, coverage.note)
            try:
                self._host.publish(coverages)
            except OSError:
                self._published = []  # the disk is full: try again in the next round

    def _wait(self) -> None:
        now = time.monotonic()
        due = [each.scan_at for each in self._followed.values() if not each.is_offline]
        rescan_at = self._rescan_at if self._followed else math.inf
        next_time = min([*due, self._debounce.next_ready_at() or math.inf, rescan_at])
        until = min(self._tick_at, max(next_time, self._not_before))
        if not self._events and until > now:
            self._stop.wake.wait(until - now)
        self._stop.wake.clear()


def _place(root: RootRecord, dirty: Dirty, quiet: float) -> Place:
    return Place(root, dirty.folder, dirty.deep, 0.0 if dirty.overdue else quiet)
