"""Keeping the snapshot of an encoder's vector index worth having: when it is written, and as what."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ..catalog import vector_rows
from ..catalog.catalog import Catalog
from ..catalog.records import EncoderRecord
from . import clustering, faiss_, snapshot
from .clustered import Clustered
from .exact import Exact
from .index import VectorIndex
from .snapshot import Snapshot, SnapshotInvalid, Tuning
from .store import Keys, Seals

EXACT, IN_CLUSTERS = "exact", "clustered"

log = logging.getLogger("polyglance")

CLUSTERED_FROM = 100_000
"""Vectors from which they are put in clusters: an exact search of fewer takes some milliseconds."""

STALE = 1000
"""Vectors that came or went, after which a snapshot is written anew in any case; 1 % are enough, and needed of many."""

GROWN = 2.0
"""How many times more (or fewer) vectors there must be for the clusters to be found anew."""


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


def save_if_stale(catalog: Catalog, encoder: EncoderRecord, asked: Callable[[], bool] = lambda: False) -> bool:
    """Write the encoder's snapshot if enough changed since the last; remove those of encoders that are gone.

    For the library's writer. Returns whether it wrote. Raises OSError; Stopped if `asked` says so while the clusters
    of a large library are found, which takes minutes.
    """
    names = {path_of(catalog, known).name for known in catalog.encoders()}
    for path in (catalog.folder / snapshot.FOLDER).glob("*.faiss"):
        if path.name not in names:
            path.unlink(missing_ok=True)
    changed, total = stale(catalog, encoder), len(catalog.vector_ids(encoder.id))
    enough = max(STALE, 0.01 * total) if total >= CLUSTERED_FROM else min(STALE, 0.01 * total)
    if not changed or changed < enough:
        return False
    save(catalog, encoder, asked)
    return True


def stale(catalog: Catalog, encoder: EncoderRecord) -> int:
    """How many vectors of an encoder came or went since its snapshot; all of them if there is no good one."""
    ids = catalog.vector_ids(encoder.id)
    try:
        header = snapshot.peek(path_of(catalog, encoder))
    except (OSError, SnapshotInvalid):
        return max(len(ids), 1)
    if header.fingerprint != encoder.fingerprint:
        return max(len(ids), 1)
    kept = int((ids <= header.last_id).sum())
    return len(ids) - kept + abs(header.count - kept)


def save(catalog: Catalog, encoder: EncoderRecord, asked: Callable[[], bool] = lambda: False) -> None:
    """Write the encoder's snapshot, as the kind of index that suits its size. Raises OSError, Stopped."""
    index = VectorIndex(catalog, encoder.id, encoder.dimension)
    index.follow()
    held, total = index.held, index.count()
    if total < (CLUSTERED_FROM if held.base is None else CLUSTERED_FROM / GROWN):
        _write(catalog, encoder, index.generation, held.ids, held.seals, _exact(encoder, index).index)
    elif held.base is not None and 1 / GROWN <= total / held.base.tuning.trained <= GROWN:
        merged = _merged(catalog, encoder, index)
        _write(catalog, encoder, index.generation, held.ids, held.seals, merged.index, merged.tuning)
    else:
        log.info(f"Arranging {total:,} photos for fast search; this takes a while, once.")
        lists = clustering.clusters_for(total)
        chosen = np.unique(np.linspace(0, total - 1, min(total, clustering.SAMPLED * lists)).astype(np.int64))
        sample = index.fetch(held.ids[chosen])
        batches = catalog.vectors_after(encoder.id, 0)
        made, ids, seals = clustering.build(batches, sample, total, asked)
        _write(catalog, encoder, index.generation, ids, seals, made.index, made.tuning)


def _exact(encoder: EncoderRecord, index: VectorIndex) -> Exact:
    if index.held.base is None:
        return index.held.recent
    exact = Exact(encoder.dimension)
    exact.add(index.held.ids, index.fetch(index.held.ids))
    return exact


def _merged(catalog: Catalog, encoder: EncoderRecord, index: VectorIndex) -> Clustered:
    """The clusters there are, less what went, and with what came."""
    held = index.held
    assert held.base is not None
    with snapshot.opened(path_of(catalog, encoder), encoder.fingerprint) as (said, file):
        made = Clustered.of(faiss_.read(file), encoder.dimension, len(said.ids), said.tuning)
    if len(held.gone):
        made.index.remove_ids(held.gone)
    recent = held.recent.ids
    for start in range(0, len(recent), vector_rows.AT_ONCE):
        ids = recent[start : start + vector_rows.AT_ONCE]
        made.index.add_with_ids(faiss_.padded(held.recent.vectors(ids)), ids)
    return made


def _write(
    catalog: Catalog,
    encoder: EncoderRecord,
    generation: int,
    ids: Keys,
    seals: Seals,
    index: Any,
    tuning: Tuning = snapshot.NO_CLUSTERS,
) -> None:
    said = Snapshot(encoder.fingerprint, generation, ids, seals, tuning)
    snapshot.write(path_of(catalog, encoder), said, lambda put: faiss_.write(index, put))
