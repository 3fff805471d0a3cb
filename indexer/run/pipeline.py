"""Files -> catalog: decode in processes, encode in batches, commit each batch in one transaction.

    jobs -> [read, hash, decode, thumbnail]* -> batch -> encode -> commit

Each thread of a pool waits for one decoding process (`data.decoding`), which alone sees the file.

Bounded: at most WINDOW_BATCHES batches of decoded pictures are in memory, whatever the number of files. What was
committed stays; a killed run loses the batch in hand and the next one takes it up again. A run that is asked to stop
commits the batch in hand first; batches are cut so that this takes about BATCH_SECONDS, however slow the encoder.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from itertools import islice
from typing import Protocol

from PIL import Image

from ...config import Settings
from ...data import paths
from ...data.catalog.catalog import Catalog
from ...data.catalog.records import NEVER_SEEN, Content, Entry, FileStat, RootRecord
from ...data.pictures import memory
from ...data.pictures.decoding import Decoders, Wish, wish
from ...data.pictures.thumbnails import Thumbnails
from ...encoders.base import Encoder, checked
from ...errors import PictureError
from .stop import Stop

WINDOW_BATCHES = 2
ENTRIES_PER_IMAGE = 16  # a batch of files that need no encoding is this much longer than one that does
FIRST_BATCH = 4  # pictures, while the encoder's speed is not known
BATCH_SECONDS = 2.0
STOP_SECONDS = 0.2
"""How often a run that waits for a picture looks whether it was asked to stop."""

SETTLED_NS = 20_000_000
"""A file may be written again within the same tick of the file system's clock (4 to 10 ms), unseen by its time. So its
bytes are read only when its time is older than this: what is written later than that carries another time."""


@dataclass(frozen=True, slots=True)
class Job:
    """One file to read: where it is, what the scan saw, and the content hash it had before (None if new)."""

    root: RootRecord
    path: bytes
    stat: FileStat
    is_new: bool
    hash_before: bytes | None = None


@dataclass(frozen=True, slots=True)
class Tick:
    """How far a run is: files done of `total`, pictures encoded, files failed."""

    done: int
    total: int
    encoded: int
    failed: int


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
    """What a run did. `failed` counts the files that could not be read in this run."""

    added: int = 0
    changed: int = 0
    moved: int = 0
    removed: int = 0
    unchanged: int = 0
    encoded: int = 0
    failures: list[Failure] = field(default_factory=list)
    still_failed: int = 0
    """Files that could not be read before and are as they were: not tried again."""
    stopped: bool = False
    """Whether the run was asked to stop before all was done."""


@dataclass(frozen=True, slots=True)
class _Prepared:
    job: Job
    content: Content | None = None
    image: Image.Image | None = None
    failure: Failure | None = None


class Vanished(Protocol):
    """Photos whose files are gone, some of which new files turn out to be."""

    def take(self, content_hash: bytes) -> int | None:
        """The id of a vanished photo with these bytes, each given away once."""

    def read(self, job: Job, content_hash: bytes) -> None:
        """Take note of what was read, and is committed."""


@dataclass(slots=True)
class _Pace:
    """How many pictures make a batch: at most `limit`, and no more than the encoder does in BATCH_SECONDS."""

    limit: int
    size: int = 0

    def __post_init__(self) -> None:
        self.size = min(FIRST_BATCH, self.limit)

    def took(self, pictures: int, seconds: float) -> None:
        if pictures:
            self.size = max(1, min(self.limit, int(BATCH_SECONDS * pictures / max(seconds, 1e-6))))


@dataclass(frozen=True)
class Pipeline:
    """The only writer of photos and vectors; everything it needs is handed in."""

    catalog: Catalog
    encoder: Encoder
    encoder_id: int
    thumbnails: Thumbnails
    settings: Settings
    stop: Stop = field(default_factory=Stop)

    def run(
        self,
        jobs: list[Job],
        vanished: Vanished | None,
        tally: Tally,
        progress: Callable[[Tick], None] = lambda _: None,
        *,
        record_failures: bool = True,
    ) -> list[Entry]:
        """Process `jobs`, counting into `tally`; return the entries of failed files that were not recorded.

        A new file with the bytes of a `vanished` photo is that photo, moved. Asked to stop, it commits what it has in
        hand, says so in `tally`, and returns.
        """
        done = 0
        unrecorded: list[Entry] = []
        pace = _Pace(self.settings.batch_size)
        memory.keep_freed_blocks()
        decoders = Decoders(self.settings.decode_workers)
        with self.stop.held(), ThreadPoolExecutor(self.settings.decode_workers, "decode") as pool:
            try:
                window = self.settings.batch_size * WINDOW_BATCHES
                prepared = _in_order(pool, lambda job: self._prepare(job, decoders), jobs, window, self.stop)
                for batch in _batches(prepared, pace, self.stop):
                    unrecorded += self._commit(batch, vanished, tally, record_failures, pace)
                    done += len(batch)
                    progress(Tick(done, len(jobs), tally.encoded, len(tally.failures)))
                tally.stopped = done < len(jobs)
            finally:
                pool.shutdown(wait=False, cancel_futures=True)
                decoders.close()
        return unrecorded

    def _prepare(self, job: Job, decoders: Decoders) -> _Prepared:
        path = paths.join(job.root.path, job.path)
        known: Content | None = None

        def is_wanted(content_hash: bytes) -> bool:
            nonlocal known
            known = self.catalog.photos.content(content_hash, self.encoder_id)
            return known is None

        _let_settle(job.stat)
        try:
            key, picture = decoders.read(job.root.path, job.path, self._wish(), is_wanted)
        except PictureError as error:
            return _Prepared(job, failure=Failure(path, error.message, error.hint, is_final=not error.may_pass))
        if picture is None:
            return _Prepared(job, known)
        self.thumbnails.write(key, picture.jpeg)
        content = Content(key, picture.width, picture.height, picture.format, picture.facts)
        encoded_before = self.catalog.vectors.has(key, self.encoder_id)
        return _Prepared(job, content, None if encoded_before else picture.image)

    def _wish(self) -> Wish:
        return wish(self.settings, self.encoder.image_side, jpeg_side=self.thumbnails.side)

    def _commit(
        self, batch: list[_Prepared], vanished: Vanished | None, tally: Tally, record_failures: bool, pace: _Pace
    ) -> list[Entry]:
        fresh = {item.content.content_hash: item.image for item in batch if item.content and item.image}
        # A copy may have been decoded before the batch with its original was committed.
        fresh = {key: image for key, image in fresh.items() if not self.catalog.vectors.has(key, self.encoder_id)}
        start = time.perf_counter()
        encoded = self.encoder.encode_images(list(fresh.values()))
        vectors = checked(encoded, len(fresh), self.encoder.dimension)
        pace.took(len(fresh), time.perf_counter() - start)
        entries = [_entry(item, vanished) for item in batch]
        unrecorded = [] if record_failures else [entry for entry in entries if entry.error]
        recorded = [entry for entry in entries if record_failures or not entry.error]
        self.catalog.changes.commit(recorded, dict(zip(fresh, vectors, strict=True)), self.encoder_id)
        tally.encoded += len(fresh)
        for item, entry in zip(batch, entries, strict=True):
            _count(item, entry, tally)
            if vanished and item.content and entry.photo_id is None:
                vanished.read(item.job, item.content.content_hash)
        return unrecorded


def _let_settle(stat: FileStat) -> None:
    age = time.time_ns() - stat.mtime_ns
    if 0 <= age < SETTLED_NS:
        time.sleep((SETTLED_NS - age) / 1e9)


def _entry(item: _Prepared, vanished: Vanished | None) -> Entry:
    job = item.job
    if item.failure:
        stat = job.stat if item.failure.is_final else NEVER_SEEN
        return Entry(job.root.id, job.path, stat, error=item.failure.reason)
    assert item.content is not None
    returned = vanished.take(item.content.content_hash) if vanished and job.is_new else None
    return Entry(job.root.id, job.path, job.stat, content=item.content, photo_id=returned)


def _count(item: _Prepared, entry: Entry, tally: Tally) -> None:
    if item.failure:
        tally.failures.append(item.failure)
    elif entry.photo_id is not None:
        tally.moved += 1
    elif item.job.is_new:
        tally.added += 1
    elif item.content and item.content.content_hash == item.job.hash_before:
        tally.unchanged += 1
    else:
        tally.changed += 1


def _in_order(
    pool: ThreadPoolExecutor, work: Callable[[Job], _Prepared], jobs: Iterable[Job], window: int, stop: Stop
) -> Iterator[_Prepared]:
    """Results in the order of `jobs`, with at most `window` of them under way or waiting, until asked to stop."""
    waiting = iter(jobs)
    running: deque[Future[_Prepared]] = deque(pool.submit(work, job) for job in islice(waiting, window))
    while running:
        while not wait([running[0]], STOP_SECONDS).done:
            if stop.asked:
                return
        result = running.popleft().result()
        running.extend(pool.submit(work, job) for job in islice(waiting, 1))
        yield result


def _batches(prepared: Iterable[_Prepared], pace: _Pace, stop: Stop) -> Iterator[list[_Prepared]]:
    batch: list[_Prepared] = []
    pictures = 0
    for item in prepared:
        batch.append(item)
        pictures += item.image is not None
        if pictures >= pace.size or len(batch) >= pace.limit * ENTRIES_PER_IMAGE or stop.asked:
            yield batch
            batch, pictures = [], 0
            if stop.asked:
                return
    if batch:
        yield batch
