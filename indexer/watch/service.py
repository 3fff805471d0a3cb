"""Keeps the catalog equal to the disk: scans, follows hints, looks after its watches, scans again.

event ──> dirty folder ──> quiet ──> compare that folder      (a hint: quick, may be missed)
timer, trouble, disk back ────────> compare the whole root    (the truth)
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
from ..run.stop import Stop
from ..run.update import Place, Report
from .debounce import Debounce, Dirty
from .followed import Followed
from .observer import Troubles

log = logging.getLogger("polyglance")


@dataclass(frozen=True, slots=True)
class Timing:
    """When things happen, in seconds."""

    quiet: float = 1.0
    """How long nothing may happen in a folder before it is compared."""
    ceiling: float = 15.0
    """How long a folder in which something happens all the time is held back at most."""
    rescan: float = 3600.0
    """How often all roots are compared whole, give or take JITTER."""
    poll: float = 60.0
    """How often a root that is watched partly or not at all is; more seldom if a scan takes long."""
    tick: float = 5.0
    """How often disks and observers are looked after."""
    retry: float = 5.0
    """How soon an update that failed is tried again; twice as long each time, up to `rescan`."""


JITTER = 0.2
"""Several libraries on one machine, started together at boot, drift apart."""


MISSED_SECONDS = 60.0
"""How long it is remembered that a photo was missed."""


@dataclass(frozen=True, slots=True)
class Host:
    """What the service needs of the library it serves."""

    roots: Callable[[], list[RootRecord]]
    some_paths: Callable[[int, bytes], list[bytes]]
    """A few photos of a root, below a folder of it."""
    exclusion: Callable[[], Exclusion]
    update: Callable[[Sequence[Place], Collection[int]], Report]
    """Compares places under the writer lock, given the photos that were missed before. Raises LibraryBusy."""
    publish: Callable[[Sequence[Coverage]], None]
    report: Callable[[Report], None]


class Service:
    """Follows all roots of a library until it is asked to stop. One thread works; watchdog's only leave hints."""

    def __init__(self, host: Host, timing: Timing, stop: Stop) -> None:
        self._host = host
        self._timing = timing
        self._stop = stop
        self._hints: deque[tuple[int, bytes, bool]] = deque()
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
        """Follow until asked to stop. What fails is said in the log and tried again; it never ends by itself."""
        with self._stop.held(), Troubles(self._on_trouble):
            try:
                while not self._stop.asked:
                    now = time.monotonic()
                    if now >= self._tick_at:
                        self._look_after_roots(now)
                        self._tick_at = now + self._timing.tick
                    self._take_hints(now)
                    if now >= self._not_before and (places := self._due(now)):
                        self._compare(places)
                    self._publish()
                    self._wait()
            finally:
                for followed in self._followed.values():
                    followed.end()

    # --- hints ----------------------------------------------------------------------------------

    def _hint(self, root_id: int, folder: bytes, deep: bool) -> None:
        hint = (root_id, folder, deep)
        if not self._hints or self._hints[-1] != hint:
            self._hints.append(hint)
        self._stop.wake.set()

    def _on_trouble(self) -> None:
        for root_id in list(self._followed):
            self._hint(root_id, b"", True)

    def _take_hints(self, now: float) -> None:
        while self._hints:
            root_id, folder, deep = self._hints.popleft()
            if root_id in self._followed:
                self._debounce.mark(root_id, folder, now, deep=deep)

    # --- roots ----------------------------------------------------------------------------------

    def _look_after_roots(self, now: float) -> None:
        try:
            roots, exclusion = self._host.roots(), self._host.exclusion()
        except PolyglanceError as error:
            self._failed(error, now)
            return
        table = mounts()
        if self._exclusion is None or exclusion.patterns != self._exclusion.patterns:
            for followed in self._followed.values():
                followed.end()  # to be started again with the new patterns, and scanned
            self._exclusion = exclusion
        for gone in self._followed.keys() - {root.id for root in roots}:
            self._followed.pop(gone).end()
            self._debounce.forget(gone)
        for root in roots:
            followed = self._followed.setdefault(root.id, Followed(root))
            followed.root = root
            followed.look_after(
                table,
                exclusion,
                partial(self._host.some_paths, root.id),
                partial(self._hint, root.id),
                now,
            )

    # --- comparing ------------------------------------------------------------------------------

    def _due(self, now: float) -> list[Place]:
        quiet = self._timing.quiet
        everything = self._rescan_at <= now
        places = []
        for root_id, followed in self._followed.items():
            if everything or (followed.scan_at <= now and not followed.is_offline):
                self._debounce.forget(root_id)
                places.append(Place(followed.root, settle_seconds=quiet))
        dirty = [each for each in self._debounce.take(now) if not self._followed[each.root_id].is_offline]
        return places + [_place(self._followed[each.root_id].root, each, quiet) for each in dirty]

    def _compare(self, places: Sequence[Place]) -> None:
        start = time.monotonic()
        try:
            report = self._host.update(places, self._missed_at)
        except (PolyglanceError, OSError) as error:
            self._again(places, start)
            self._failed(error, start)
            return
        self._failures = 0
        self._host.report(report)
        if self._stop.asked:
            return
        now = time.monotonic()
        whole = [self._followed[place.root.id] for place in places if place.is_whole]
        for followed in whole:
            followed.scanned(report.folders.get(followed.root.id), now - start, self._timing.poll, now)
        if len(whole) == len(self._followed):
            self._rescan_at = now + self._timing.rescan * random.uniform(1 - JITTER, 1 + JITTER)
        if whole:
            self._tick_at = 0.0  # the catalog now knows more of the roots
        for offline in report.offline:
            self._followed[offline.place.root.id].go_offline(offline.error.message, now + self._timing.poll)
        self._keep_waiting(places, report.waiting, now)
        self._look_again(report.missed, now)

    def _keep_waiting(self, places: Sequence[Place], waiting: Sequence[Place], now: float) -> None:
        """Files that are still being written: their folders stay dirty, for `ceiling` seconds at most."""
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

    def _look_again(self, missed: Mapping[int, Place], now: float) -> None:
        """Photos that were missed may be on their way: their folders are compared once more before that is believed."""
        recent = {photo_id: at for photo_id, at in self._missed_at.items() if now - at < MISSED_SECONDS}
        self._missed_at = recent | dict.fromkeys(missed, now)
        for root_id, folder in {(place.root.id, place.below) for place in missed.values()}:
            self._debounce.mark(root_id, folder, now)

    def _again(self, places: Sequence[Place], now: float) -> None:
        for place in places:
            if place.is_whole:
                self._followed[place.root.id].scan_at = now
            else:
                self._debounce.mark(place.root.id, place.below, now, deep=place.deep)

    def _failed(self, error: Exception, now: float) -> None:
        delay = self._timing.retry if isinstance(error, LibraryBusy) else self._timing.retry * 2**self._failures
        self._not_before = now + min(delay, self._timing.rescan)
        if not isinstance(error, LibraryBusy):
            self._failures += 1
            log.warning("%s Trying again in %.0f s.", " ".join(str(error).split()), self._not_before - now)

    # --- the rest -------------------------------------------------------------------------------

    def _publish(self) -> None:
        coverages = [each.coverage for each in self._followed.values() if each.coverage]
        if coverages != self._published:
            self._published = coverages
            for coverage in coverages:
                if coverage.note:
                    shown = paths.display(self._followed[coverage.root_id].root.path)
                    log.info("%s: %s (%s).", shown, coverage.how, coverage.note)
            try:
                self._host.publish(coverages)
            except OSError:
                self._published = []  # a full disk: said again at the next turn

    def _wait(self) -> None:
        now = time.monotonic()
        due = [each.scan_at for each in self._followed.values() if not each.is_offline]
        everything = self._rescan_at if self._followed else math.inf
        next_time = min([*due, self._debounce.due() or math.inf, everything])
        until = min(self._tick_at, max(next_time, self._not_before))
        if not self._hints and until > now:
            self._stop.wake.wait(until - now)
        self._stop.wake.clear()


def _place(root: RootRecord, dirty: Dirty, quiet: float) -> Place:
    return Place(root, dirty.folder, dirty.deep, 0.0 if dirty.overdue else quiet)
