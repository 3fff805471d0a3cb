"""Snapshots of an encoder's vector index: when one is written, and as which kind of index."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ...arrays import Floats, Seals, spread_places
from ..catalog.catalog import Catalog
from ..catalog.records import EncoderRecord
from ..catalog.vectors import ALL, AT_ONCE
from . import clustering, faiss_, snapshot
from .clustered import Clustered
from .exact import Exact
from .index import VectorIndex
from .snapshot import Snapshot, SnapshotInvalid, Tuning
from .store import Keys

EXACT, IN_CLUSTERS = "exact", "clustered"

log = logging.getLogger("polyglance")

CLUSTERED_FROM = 100_000
"""Number of vectors from which they are put in clusters: an exact search of fewer takes some milliseconds."""

STALE = 1000
"""Added and removed vectors after which a snapshot is written anew: this many or 1 % of all, in clusters whichever is
more, else whichever is fewer."""

GROWN = 2.0
"""Growth (or shrinkage) by this factor after which the clusters are found anew."""


def path_of(catalog: Catalog, encoder: EncoderRecord) -> Path:
    """Where the encoder's snapshot is."""
    return snapshot.path_of(catalog.folder / snapshot.FOLDER, encoder.fingerprint)


def kind(catalog: Catalog, encoder: EncoderRecord) -> str:
    """How the encoder's vectors are searched: EXACT or IN_CLUSTERS."""
    try:
        tuning = snapshot.peek(path_of(catalog, encoder)).tuning
    except (OSError, SnapshotInvalid):
        return EXACT
    return IN_CLUSTERS if tuning.probes else EXACT


def save_if_stale(catalog: Catalog, encoder: EncoderRecord, should_stop: Callable[[], bool] = lambda: False) -> bool:
    """Write the encoder's snapshot if enough changed since the last; remove those of encoders that are gone.

    For the library's writer. Returns whether it wrote. Raises OSError; Stopped if `should_stop` is true while the
    clusters of a large library are found, which takes minutes.
    """
    names = {path_of(catalog, known).name for known in catalog.encoders.all()}
    for path in (catalog.folder / snapshot.FOLDER).glob("*.faiss"):
        if path.name not in names:
            path.unlink(missing_ok=True)
    changed, total = stale(catalog, encoder), _count(catalog, encoder)
    enough = max(STALE, 0.01 * total) if total >= CLUSTERED_FROM else min(STALE, 0.01 * total)
    if not changed or changed < enough:
        return False
    save(catalog, encoder, should_stop)
    return True


def stale(catalog: Catalog, encoder: EncoderRecord) -> int:
    """How many vectors of an encoder came or went since its snapshot; all of them if there is no good one."""
    total = _count(catalog, encoder)
    try:
        header = snapshot.peek(path_of(catalog, encoder))
    except (OSError, SnapshotInvalid):
        return max(total, 1)
    if header.fingerprint != encoder.fingerprint:
        return max(total, 1)
    kept = _count(catalog, encoder, header.last_id)
    return total - kept + abs(header.count - kept)


def _count(catalog: Catalog, encoder: EncoderRecord, last: int = ALL) -> int:
    """How many vectors the encoder has with ids up to `last`. Every run asks, so no ids are read for it."""
    return catalog.vectors.count(encoder.id, last)


def save(catalog: Catalog, encoder: EncoderRecord, should_stop: Callable[[], bool] = lambda: False) -> None:
    """Write the encoder's snapshot, as the kind of index that suits its size. Raises OSError, Stopped."""
    index = VectorIndex(catalog, encoder.id, encoder.dimension)
    index.follow()
    state, total = index.state, index.count()
    if total < (CLUSTERED_FROM if state.base is None else CLUSTERED_FROM / GROWN):
        _write(catalog, encoder, index.generation, state.ids, state.seals, _exact(encoder, index).index)
    elif state.base is not None and 1 / GROWN <= total / state.base.tuning.trained <= GROWN:
        merged = _merged(catalog, encoder, index)
        _write(catalog, encoder, index.generation, state.ids, state.seals, merged.index, merged.tuning)
    else:
        log.info(f"Arranging {total:,} photos for fast search; this takes a while, once.")
        generation, sample = index.generation, _sample(index)
        del index, state  # they hold all vectors, and the next minutes need that memory
        clustered, ids, seals = clustering.build(catalog.vectors.after(encoder.id, 0), sample, total, should_stop)
        _write(catalog, encoder, generation, ids, seals, clustered.index, clustered.tuning)


def _sample(index: VectorIndex) -> Floats:
    """Vectors for finding clusters, evenly spread over the ids, padded; copied in parts, because they are many."""
    ids, total = index.state.ids, index.count()
    chosen = ids[spread_places(total, clustering.SAMPLED * clustering.clusters_for(total))]
    sample = np.empty((len(chosen), faiss_.width(index.sample().shape[1])), np.float32)
    for start in range(0, len(chosen), AT_ONCE):
        rows = chosen[start : start + AT_ONCE]
        sample[start : start + len(rows)] = faiss_.padded(index.fetch(rows))
    return sample


def _exact(encoder: EncoderRecord, index: VectorIndex) -> Exact:
    if index.state.base is None:
        return index.state.recent
    exact = Exact(encoder.dimension)
    exact.add(index.state.ids, index.fetch(index.state.ids))
    return exact


def _merged(catalog: Catalog, encoder: EncoderRecord, index: VectorIndex) -> Clustered:
    """The existing clusters without the removed vectors, and with the new ones."""
    state = index.state
    assert state.base is not None
    with snapshot.opened(path_of(catalog, encoder), encoder.fingerprint) as (stored, file):
        merged = Clustered.from_index(faiss_.read(file), encoder.dimension, len(stored.ids), stored.tuning)
    if len(state.removed):
        merged.index.remove_ids(state.removed)
    recent = state.recent.ids
    for start in range(0, len(recent), AT_ONCE):
        ids = recent[start : start + AT_ONCE]
        merged.index.add_with_ids(faiss_.padded(state.recent.vectors(ids)), ids)
    return merged


def _write(
    catalog: Catalog,
    encoder: EncoderRecord,
    generation: int,
    ids: Keys,
    seals: Seals,
    index: Any,
    tuning: Tuning = snapshot.NO_CLUSTERS,
) -> None:
    header = Snapshot(encoder.fingerprint, generation, ids, seals, tuning)
    snapshot.write(path_of(catalog, encoder), header, lambda put: faiss_.write(index, put))
