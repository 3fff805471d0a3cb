"""Files -> catalog: decode in a pool of threads, encode in batches, commit each batch in one transaction.

    jobs -> [read, hash, decode, thumbnail]* -> batch -> encode -> commit

Bounded: at most WINDOW_BATCHES batches of decoded pictures are in memory, whatever the number of files. What was
committed stays; a killed run loses the batch in hand and the next one takes it up again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, MutableMapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice

from PIL import Image

from ..config import Settings
from ..data import images, paths
from ..data.catalog import Catalog
from ..data.records import NEVER_SEEN, Content, Entry, FileStat, RootRecord
from ..data.thumbnails import Thumbnails
from ..encoders.base import Encoder
from ..errors import PictureError

WINDOW_BATCHES = 2
ENTRIES_PER_IMAGE = 16  # a batch of files that need no encoding is this much longer than one that does


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


@dataclass(frozen=True, slots=True)
class _Prepared:
    job: Job
    content: Content | None = None
    image: Image.Image | None = None
    failure: Failure | None = None


@dataclass(frozen=True)
class Pipeline:
    """The only writer of photos and vectors; everything it needs is handed in."""

    catalog: Catalog
    encoder: Encoder
    encoder_id: int
    thumbnails: Thumbnails
    settings: Settings

    def run(
        self,
        jobs: list[Job],
        vanished: MutableMapping[bytes, list[int]],
        tally: Tally,
        progress: Callable[[Tick], None] = lambda _: None,
        *,
        record_failures: bool = True,
    ) -> list[Entry]:
        """Process `jobs`, counting into `tally`; return the entries of failed files that were not recorded.

        `vanished` maps content hashes of missing photos to their ids: a new file with such a hash is one of them,
        moved, whose id is taken out of `vanished`.
        """
        done = 0
        unrecorded: list[Entry] = []
        with ThreadPoolExecutor(self.settings.decode_workers, "decode") as pool:
            try:
                prepared = _in_order(pool, self._prepare, jobs, self.settings.batch_size * WINDOW_BATCHES)
                for batch in _batches(prepared, self.settings.batch_size):
                    unrecorded += self._commit(batch, vanished, tally, record_failures)
                    done += len(batch)
                    progress(Tick(done, len(jobs), tally.encoded, len(tally.failures)))
            finally:
                pool.shutdown(wait=True, cancel_futures=True)
        return unrecorded

    def _prepare(self, job: Job) -> _Prepared:
        path = paths.join(job.root.path, job.path)
        try:
            data = images.read_bytes(path, max_bytes=self.settings.max_file_bytes)
        except PictureError as error:
            passing = bool(error.hint) or isinstance(error.__cause__, OSError)
            return _Prepared(job, failure=Failure(path, error.message, error.hint, is_final=not passing))
        try:
            key = images.content_hash(data)
            if content := self.catalog.content(key, self.encoder_id):
                return _Prepared(job, content)
            picture = images.decode(data, side=self.encoder.image_side, max_pixels=self.settings.max_pixels)
        except PictureError as error:
            return _Prepared(job, failure=Failure(path, error.message, error.hint, is_final=not error.hint))
        self.thumbnails.write(key, picture.image)
        content = Content(key, picture.width, picture.height, picture.format, picture.facts)
        return _Prepared(job, content, picture.image)

    def _commit(
        self, batch: list[_Prepared], vanished: MutableMapping[bytes, list[int]], tally: Tally, record_failures: bool
    ) -> list[Entry]:
        fresh = {item.content.content_hash: item.image for item in batch if item.content and item.image}
        vectors = self.encoder.encode_images(list(fresh.values()))
        entries = [_entry(item, vanished) for item in batch]
        unrecorded = [] if record_failures else [entry for entry in entries if entry.error]
        recorded = [entry for entry in entries if record_failures or not entry.error]
        self.catalog.commit(recorded, dict(zip(fresh, vectors, strict=True)), self.encoder_id)
        tally.encoded += len(fresh)
        for item, entry in zip(batch, entries, strict=True):
            _count(item, entry, tally)
        return unrecorded


def _entry(item: _Prepared, vanished: MutableMapping[bytes, list[int]]) -> Entry:
    job = item.job
    if item.failure:
        stat = job.stat if item.failure.is_final else NEVER_SEEN
        return Entry(job.root.id, job.path, stat, error=item.failure.reason)
    assert item.content is not None
    missing = vanished.get(item.content.content_hash) if job.is_new else None
    returned = missing.pop(0) if missing else None
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
    pool: ThreadPoolExecutor, work: Callable[[Job], _Prepared], jobs: Iterable[Job], window: int
) -> Iterator[_Prepared]:
    """Results in the order of `jobs`, with at most `window` of them under way or waiting."""
    waiting = iter(jobs)
    running: deque[Future[_Prepared]] = deque(pool.submit(work, job) for job in islice(waiting, window))
    while running:
        result = running.popleft().result()
        running.extend(pool.submit(work, job) for job in islice(waiting, 1))
        yield result


def _batches(prepared: Iterable[_Prepared], size: int) -> Iterator[list[_Prepared]]:
    batch: list[_Prepared] = []
    pictures = 0
    for item in prepared:
        batch.append(item)
        pictures += item.image is not None
        if pictures == size or len(batch) == size * ENTRIES_PER_IMAGE:
            yield batch
            batch, pictures = [], 0
    if batch:
        yield batch
