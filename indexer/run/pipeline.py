"""Files -> catalog: decode in processes, encode in batches, commit each batch in one transaction.

    jobs -> [read, hash, decode, thumbnail]* -> batch -> encode -> commit

Each thread of a pool waits for one decoding process (`data.pictures.decoding`), which alone reads the file. With
`workers`, processes elsewhere do all but the commit.

At most WINDOW_BATCHES batches of decoded pictures are in memory, whatever the number of files. What was committed
stays: a killed run loses the batch in hand, and the next run reads its files again. A run that is asked to stop commits
the batch in hand first, which takes about `batches.BATCH_SECONDS`, however slow the encoder is.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Protocol

from PIL import Image

from ...arrays import Floats
from ...config import Settings
from ...data.catalog.catalog import Catalog
from ...data.catalog.records import NEVER_SEEN, Entry
from ...data.excluded import ExcludedVectors
from ...data.pictures import memory
from ...data.pictures.ahead import map_ordered
from ...data.pictures.decoding import DecodeOptions, Decoders
from ...data.pictures.thumbnails import Thumbnails
from ...encoders.base import Encoder, checked
from ...progress import Progress, Tick, silent
from .batches import Pace, make_batches
from .prepared import Job, Known, Prepared, Workers, read
from .profile import Profile
from .report import Tally
from .stop import Stop

WINDOW_BATCHES = 2

SETTLED_SECONDS = 0.02
"""A file may be written twice within one tick of the file system's clock (4 to 10 ms), and its time does not show the
second write. So no file is read until this long after the scan: a later write changes the time. The time itself is not
compared with a clock, because the clock of a file server or of another machine may differ."""


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
    workers: Workers | None = None
    """Processes elsewhere that read and encode; None to do it here."""

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
        start = time.perf_counter()
        unrecorded: list[Entry] = []
        pace = Pace(self.settings.batch_size)
        if jobs:
            time.sleep(SETTLED_SECONDS)
        if self.workers and jobs:
            batches = self.workers.prepare(jobs, self._look_up, self.stop, profile)
        else:
            batches = self._prepare_here(jobs, pace, profile)
        with self.stop.observed(), contextlib.closing(batches):
            for batch in batches:
                unrecorded += self._commit(batch, vanished, tally, record_failures, pace, profile)
                done += len(batch)
                progress(Tick(done, len(jobs), tally.encoded, len(tally.failures)))
            tally.stopped = done < len(jobs)
        profile.elapsed += time.perf_counter() - start
        return unrecorded

    def _prepare_here(self, jobs: list[Job], pace: Pace, profile: Profile) -> Generator[list[Prepared]]:
        """Yield the files of `jobs` in batches, decoded by processes of this machine."""
        profile.lanes = self.settings.decode_workers
        memory.keep_freed_blocks()
        decoders = Decoders(self.settings.decode_workers)
        window = self.settings.batch_size * WINDOW_BATCHES
        with ThreadPoolExecutor(self.settings.decode_workers, "decode") as pool:
            try:
                prepared = map_ordered(
                    pool, lambda job: self._prepare(job, decoders, profile), jobs, window, lambda: self.stop.asked
                )
                yield from make_batches(prepared, pace, self.stop)
            finally:
                pool.shutdown(wait=False, cancel_futures=True)
                decoders.close()

    def _prepare(self, job: Job, decoders: Decoders, profile: Profile) -> Prepared:
        with profile.delivering() as seconds:
            return self._write_thumbnail(read(job, decoders, self.decode_options(), self._look_up, seconds))

    def _write_thumbnail(self, item: Prepared) -> Prepared:
        if item.content and item.jpeg:
            self.thumbnails.write(item.content.content_hash, item.jpeg)
        return replace(item, jpeg=b"")

    def _look_up(self, content_hash: bytes) -> Known:
        """What the catalog has of a file's bytes, or the vectors of excluded photos."""
        is_encoded = self.catalog.vectors.has(content_hash, self.encoder_id)
        content = self.catalog.photos.content(content_hash, self.encoder_id) if is_encoded else None
        is_kept = not is_encoded and self._kept_vector(content_hash) is not None
        return Known(content, is_encoded or is_kept)

    def _kept_vector(self, content_hash: bytes) -> Floats | None:
        return self.excluded.get(content_hash, self.encoder_id) if self.excluded else None

    def decode_options(self) -> DecodeOptions:
        """How pictures are decoded for the encoder, with their thumbnails."""
        side = self.encoder.image_side
        return DecodeOptions.from_settings(self.settings, side, jpeg_side=self.thumbnails.side)

    def _commit(
        self,
        batch: list[Prepared],
        vanished: Vanished | None,
        tally: Tally,
        record_failures: bool,
        pace: Pace,
        profile: Profile,
    ) -> list[Entry]:
        batch = [self._write_thumbnail(item) for item in batch]
        # A copy may have been decoded before the batch with its original was committed.
        items = {item.content.content_hash: item for item in batch if item.content}
        missing = {key: item for key, item in items.items() if not self.catalog.vectors.has(key, self.encoder_id)}
        images = {key: item.image for key, item in missing.items() if item.image}
        new = dict(zip(images, self._encode(list(images.values()), pace, profile), strict=True))
        new |= {key: item.vector for key, item in missing.items() if item.vector is not None}
        kept = {key: vector for key in missing if key not in new and (vector := self._kept_vector(key)) is not None}
        with self.catalog.run_locks.borrowing():
            entries = [_make_entry(item, vanished) for item in batch]
            unrecorded = [] if record_failures else [entry for entry in entries if entry.error]
            recorded = [entry for entry in entries if record_failures or not entry.error]
            with profile.measured("commit", len(batch)):
                self.catalog.changes.commit(recorded, kept | new, self.encoder_id)
        tally.encoded += len(new)
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


def _make_entry(item: Prepared, vanished: Vanished | None) -> Entry:
    job = item.job
    if item.failure:
        stat = job.stat if item.failure.is_final else NEVER_SEEN
        return Entry(job.root.id, job.path, stat, error=item.failure.reason)
    assert item.content is not None
    photo_id = vanished.claim(item.content.content_hash) if vanished and job.is_new else None
    return Entry(job.root.id, job.path, job.stat, content=item.content, photo_id=photo_id)


def _count(item: Prepared, entry: Entry, tally: Tally) -> None:
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
