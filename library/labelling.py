"""Labels: each photo's place, and the things it shows. Whoever writes makes them, as its last step, in batches.

A process that is killed loses the batch in hand. The next writer goes on there.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable

import numpy as np

from ..arrays import Floats, spread_places
from ..data.catalog.labels import NOWHERE, Extent, LabelRow
from ..data.catalog.records import EncoderRecord
from ..data.places import nearest
from ..data.vectors.store import SAMPLE
from ..encoders import calibrations
from ..encoders.base import Encoder, KnowsKinds
from ..errors import EncoderError
from ..indexer.run.stop import Stop
from ..languages.things import things
from ..progress import Progress, Tick, silent
from ..search.ranking.calibrate import SMALLEST_SAMPLE
from ..search.things import Recogniser, recogniser
from . import encoders
from .names import NamesIncomplete, names_of_things
from .parts import Parts
from .writing import writing

FORMULA = 1
"""Increase it when a change of the code changes labels: every library then makes its labels anew."""

PLACES_AT_ONCE = 2000

GROWTH = 1.5
"""Where things are judged by a sample of the library, they are judged anew when it has grown or shrunk by this factor.

Up to SAMPLE vectors the sample is all of them, and things are judged anew when one comes or goes. Labels then depend on
the photos alone, and not on which came first, or on what another process had committed when they were made.
"""

SLICE_SECONDS = 0.5
"""How long the server holds the writer lock at a time while it makes missing labels."""


def label(parts: Parts, stop: Stop | None = None, progress: Progress = silent, seconds: float | None = None) -> bool:
    """Make the labels that are missing, for who holds the writer lock; False if it was stopped before all were made.

    It stops when `stop` was asked to, or, between two batches, after `seconds`.
    """
    end = None if seconds is None else time.monotonic() + seconds

    def is_over() -> bool:
        return (stop is not None and stop.asked) or (end is not None and time.monotonic() >= end)

    with parts.catalog.run_locks.labels(is_over) as is_ours:
        return is_ours and _label_places(parts, is_over) and _label_things(parts, is_over, progress)


def label_in_slices(parts: Parts, stop: Stop | None = None) -> None:
    """Make the labels that are missing; other writers get their turn between slices. Raises LibraryBusy."""
    while not (is_complete(parts) or (stop is not None and stop.asked)):
        with writing(parts):
            if label(parts, stop, seconds=SLICE_SECONDS):
                return
        time.sleep(SLICE_SECONDS / 10)


def is_complete(parts: Parts) -> bool:
    """Whether nothing is missing."""
    record = parts.catalog.encoders.active()
    if record is None:
        return True
    if parts.catalog.labels.unplaced(1):
        return False
    extent = parts.catalog.labels.extent("thing")
    encoder = encoders.load(parts, record)
    if not _can_judge(parts, record, encoder):
        return extent is None
    return (
        extent is not None
        and not _is_outdated(parts, record, encoder, extent, _basis(parts, encoder, record))
        and extent.last >= parts.catalog.vectors.last_id(record.id)
    )


def _label_places(parts: Parts, is_over: Callable[[], bool]) -> bool:
    labels = parts.catalog.labels
    while contents := labels.unplaced(PLACES_AT_ONCE):
        if is_over():
            return False
        keys = nearest.places_at([(latitude, longitude) for _, latitude, longitude in contents])
        rows = [
            LabelRow(key or NOWHERE, content_hash, 1.0)
            for key, (content_hash, _, _) in zip(keys, contents, strict=True)
        ]
        labels.add("place", rows, Extent(str(FORMULA), 0, 0))
    return True


def _label_things(parts: Parts, is_over: Callable[[], bool], progress: Progress) -> bool:
    catalog = parts.catalog
    record = catalog.encoders.active()
    if record is None:
        return True
    try:
        encoder = encoders.load(parts, record)
    except EncoderError:
        return True  # searches report it
    extent, last = catalog.labels.extent("thing"), catalog.vectors.last_id(record.id)
    if not _can_judge(parts, record, encoder):
        if extent is not None:
            catalog.labels.drop_all("thing")
        return True
    basis = _basis(parts, encoder, record)  # before the sample: photos that another run adds meanwhile outdate it
    is_outdated = extent is None or _is_outdated(parts, record, encoder, extent, basis)
    if not is_outdated and extent is not None and extent.last >= last:
        return True
    try:
        recognises = _recogniser(parts, record, encoder, is_over)
    except NamesIncomplete:
        return False
    if extent is None or is_outdated:
        extent = Extent(basis, 0, recognises.total)
        catalog.labels.begin("thing", extent)
    done, total = 0, catalog.vectors.count(record.id) - catalog.vectors.count(record.id, extent.last)
    for ids, _, vectors in catalog.vectors.after(record.id, extent.last):
        hashes = catalog.vectors.contents(ids.tolist())
        rows = [
            LabelRow(key, hashes[int(ids[row])], relevance)
            for row, key, relevance in recognises.labels(vectors)
            if int(ids[row]) in hashes
        ]
        extent = extent._replace(last=int(ids[-1]))
        catalog.labels.add("thing", rows, extent)
        done += len(ids)
        if total > len(ids):
            progress(Tick(done, max(total, done)))
        if is_over() and done < total:
            return False
    return True


def _recogniser(parts: Parts, record: EncoderRecord, encoder: Encoder, is_over: Callable[[], bool]) -> Recogniser:
    named = [(thing.key, thing.name("en")) for thing in things().values()]
    vectors, attainable = names_of_things(parts, encoder, [name for _, name in named], is_over)
    ids = parts.catalog.vectors.ids(record.id)
    sample = np.zeros((0, record.dimension), np.float32) if isinstance(encoder, KnowsKinds) else _sample(parts, ids)
    calibration = calibrations.read(parts.settings.calibrations, encoder.fingerprint)
    return recogniser(encoder, named, vectors, attainable, sample, len(ids), calibration)


def _sample(parts: Parts, ids: np.ndarray) -> Floats:
    """Up to SAMPLE vectors, evenly spread, as searches judge by."""
    places = spread_places(len(ids), SAMPLE)
    batches = [batch.vectors for batch in parts.catalog.vectors.by_ids(ids[places].tolist())]
    return np.concatenate(batches) if batches else np.zeros((0, 1), np.float32)


def _basis(parts: Parts, encoder: Encoder, record: EncoderRecord) -> str:
    """What the labels of things depend on."""
    calibration = calibrations.read(parts.settings.calibrations, encoder.fingerprint)
    basis = f"{FORMULA} {record.fingerprint} {encoder.fingerprint.text_digest} {len(things())} {calibration}"
    if isinstance(encoder, KnowsKinds) or parts.catalog.vectors.count(record.id) > SAMPLE:
        return basis
    contents = parts.catalog.vectors.contents(parts.catalog.vectors.ids(record.id).tolist())
    return f"{basis} {hashlib.sha256(b''.join(sorted(contents.values()))).hexdigest()[:32]}"


def _is_outdated(parts: Parts, record: EncoderRecord, encoder: Encoder, extent: Extent, basis: str) -> bool:
    """Whether the labels have to be made anew: on `basis`, or because the library has another size."""
    if extent.basis != basis:
        return True
    if isinstance(encoder, KnowsKinds):
        return False
    total = max(parts.catalog.vectors.count(record.id), 1)
    return not max(extent.total, 1) / GROWTH <= total <= max(extent.total, 1) * GROWTH


def _can_judge(parts: Parts, record: EncoderRecord, encoder: Encoder) -> bool:
    """Whether the encoder knows things by itself, or there are enough vectors to judge by."""
    return isinstance(encoder, KnowsKinds) or parts.catalog.vectors.count(record.id) >= SMALLEST_SAMPLE
