"""Files -> catalog: decode in processes, encode in batches, commit each batch in one transaction.

    jobs -> [read, hash, decode, thumbnail]* -> batch -> encode -> commit

Each thread of a pool waits for one decoding process (`data.pictures.decoding`), which alone reads the file.

At most WINDOW_BATCHES batches of decoded pictures are in memory, whatever the number of files. What was committed
stays: a killed run loses the batch in hand, and the next run reads its files again. A run that is asked to stop commits
the batch in hand first, which takes about `batches.BATCH_SECONDS`, however slow the encoder is.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Protocol

from PIL import Image

from ...arrays import Floats
from ...config import Settings
from ...data import paths
from ...data.catalog.catalog import Catalog
from ...data.catalog.records import NEVER_SEEN, Content, Entry, FileStat, RootRecord
from ...data.excluded import ExcludedVectors
from ...data.pictures import memory
from ...data.pictures.ahead import map_ordered
from ...data.pictures.decoding import DecodeOptions, Decoders
from ...data.pictures.thumbnails import Thumbnails
from ...encoders.base import Encoder, checked
from ...errors import PictureError
from ...progress import Progress, Tick, silent
from .batches import Pace, make_batches
from .profile import Profile, Seconds
from .report import Failure, Tally
from .stop import Stop

WINDOW_BATCHES = 2

SETTLED_NS = 20_000_000
"""A file may be written twice within one tick of the file system's clock (4 to 10 ms), and its time does not show the
second write. So a file is read only when its time is older than this: a later write changes the time."""


@dataclass(frozen=True, slots=True)
class Job:
    """One file to read: where it is, what the scan saw, and the content hash it had before (None if new)."""

    root: RootRecord
    path: bytes
    stat: FileStat
    is_new: bool
    hash_before: bytes | None = None


@dataclass(frozen=True, slots=True)
class _Prepared:
    job: Job
    content: Content | None = None
    image: Image.Image | None = None
    failure: Failure | None = None
    vector: Floats | None = None
    """The vector that was kept while the photo was excluded."""


class Vanished(Protocol):
    """Photos whose files are gone; a new file with the bytes of one is that photo, moved."""

    def claim(self, content_hash: bytes) -> int | None:
        """Return the id of a vanished photo with these bytes, never the same id twice; None if there is none."""

    def note_content(self, job: Job, content_hash: bytes) -> None:
        """Note the content hash of a file that was read and committed."""


@dataclass(frozen=True)
class Pipeline:
    """The only writer of photos and vectors."""

    catalog: Catalog
    encoder: Encoder
    encoder_id: int
    thumbnails: Thumbnails
    settings: Settings
    stop: Stop = field(default_factory=Stop)
    excluded: ExcludedVectors | None = None
    """Where vectors of photos that are excluded are kept; None to keep none."""

    def run(
        self,
        jobs: list[Job],
        vanished: Vanished | None,
        tally: Tally,
        progress: Progress = silent,
        *,
        record_failures: bool = True,
        profile: Profile | None = None,
    ) -> list[Entry]:
        """Process `jobs`, counting into `tally`; return the entries of failed files if they are not recorded.

        A new file with the bytes of a `vanished` photo is that photo, moved. A run that is asked to stop commits the
        batch in hand, sets `tally.stopped`, and returns. `profile` gets what each stage took.
        """
        done = 0
        profile = Profile() if profile is None else profile
        profile.lanes = self.settings.decode_workers
        start = time.perf_counter()
        unrecorded: list[Entry] = []
        pace = Pace(self.settings.batch_size)
        memory.keep_freed_blocks()
        decoders = Decoders(self.settings.decode_workers)
        with self.stop.observed(), ThreadPoolExecutor(self.settings.decode_workers, "decode") as pool:
            try:
                window = self.settings.batch_size * WINDOW_BATCHES
                prepared = map_ordered(
                    pool, lambda job: self._prepare(job, decoders, profile), jobs, window, lambda: self.stop.asked
                )
                for batch in make_batches(prepared, pace, self.stop):
                    unrecorded += self._commit(batch, vanished, tally, record_failures, pace, profile)
                    done += len(batch)
                    progress(Tick(done, len(jobs), tally.encoded, len(tally.failures)))
                tally.stopped = done < len(jobs)
            finally:
                pool.shutdown(wait=False, cancel_futures=True)
                decoders.close()
                profile.elapsed += time.perf_counter() - start
        return unrecorded

    def _prepare(self, job: Job, decoders: Decoders, profile: Profile) -> _Prepared:
        with profile.delivering() as seconds:
            return self._read(job, decoders, seconds)

    def _read(self, job: Job, decoders: Decoders, seconds: Seconds) -> _Prepared:
        path = paths.join(job.root.path, job.path)
        known: Content | None = None
        is_encoded = False

        def is_new_content(content_hash: bytes) -> bool:
            nonlocal known, is_encoded
            if is_encoded := self.catalog.vectors.has(content_hash, self.encoder_id):
                known = self.catalog.photos.content(content_hash, self.encoder_id)
            return known is None

        _let_settle(job.stat)
        try:
            content_hash, picture = decoders.read(job.root.path, job.path, self._decode_options(), is_new_content)
        except PictureError as error:
            return _Prepared(job, failure=Failure(path, error.message, error.hint, is_final=not error.may_pass))
        if picture is None:
            return _Prepared(job, known)
        seconds.update(picture.seconds)
        self.thumbnails.write(content_hash, picture.jpeg)
        content = Content(content_hash, picture.width, picture.height, picture.format, picture.facts)
        if is_encoded:
            return _Prepared(job, content)
        kept = self.excluded.get(content_hash, self.encoder_id) if self.excluded else None
        return _Prepared(job, content, picture.image if kept is None else None, vector=kept)

    def _decode_options(self) -> DecodeOptions:
        side = self.encoder.image_side
        return DecodeOptions.from_settings(self.settings, side, jpeg_side=self.thumbnails.side)

    def _commit(
        self,
        batch: list[_Prepared],
        vanished: Vanished | None,
        tally: Tally,
        record_failures: bool,
        pace: Pace,
        profile: Profile,
    ) -> list[Entry]:
        images = {item.content.content_hash: item.image for item in batch if item.content and item.image}
        # A copy may have been decoded before the batch with its original was committed.
        images = {key: image for key, image in images.items() if not self.catalog.vectors.has(key, self.encoder_id)}
        new = dict(zip(images, self._encode(list(images.values()), pace, profile), strict=True))
        kept = {item.content.content_hash: item.vector for item in batch if item.content and item.vector is not None}
        with self.catalog.run_locks.borrowing():
            entries = [_make_entry(item, vanished) for item in batch]
            unrecorded = [] if record_failures else [entry for entry in entries if entry.error]
            recorded = [entry for entry in entries if record_failures or not entry.error]
            with profile.measured("commit", len(batch)):
                self.catalog.changes.commit(recorded, kept | new, self.encoder_id)
        tally.encoded += len(images)
        for item, entry in zip(batch, entries, strict=True):
            _count(item, entry, tally)
            if vanished and item.content and entry.photo_id is None:
                vanished.note_content(item.job, item.content.content_hash)
        return unrecorded

    def _encode(self, images: list[Image.Image], pace: Pace, profile: Profile) -> list[Floats]:
        """Return a vector for each picture. The first picture of a run loads the encoder, and is measured apart."""
        vectors: list[Floats] = []
        first = 0 if profile.stages["load"].pictures else 1
        for name, part in (("load", images[:first]), ("encode", images[first:])):
            if part:
                start = time.perf_counter()
                with profile.encoding(name, len(part)):
                    vectors += [*checked(self.encoder.encode_images(part), len(part), self.encoder.dimension)]
                if name == "encode":
                    pace.adapt(len(part), time.perf_counter() - start)
        return vectors


def _let_settle(stat: FileStat) -> None:
    """Wait until the file's time is older than SETTLED_NS."""
    age = time.time_ns() - stat.mtime_ns
    if 0 <= age < SETTLED_NS:
        time.sleep((SETTLED_NS - age) / 1e9)


def _make_entry(item: _Prepared, vanished: Vanished | None) -> Entry:
    job = item.job
    if item.failure:
        stat = job.stat if item.failure.is_final else NEVER_SEEN
        return Entry(job.root.id, job.path, stat, error=item.failure.reason)
    assert item.content is not None
    photo_id = vanished.claim(item.content.content_hash) if vanished and job.is_new else None
    return Entry(job.root.id, job.path, job.stat, content=item.content, photo_id=photo_id)


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
