"""Whether an engine that holds vectors has those of the catalog: counts, and a sample of seals and vectors."""

from __future__ import annotations

import numpy as np

from ...errors import VectorsUnavailable
from ..catalog import locks
from ..catalog.catalog import Catalog
from ..catalog.records import EncoderRecord
from ..catalog.vectors import ALL
from ..vectors import stores
from ..vectors.remote import follower
from ..vectors.remote.collection import Collection
from .findings import Finding, found

SEALS, VECTORS = 1000, 64
"""How many seals and vectors are compared, evenly spread."""


def examine(url: str, catalog: Catalog, encoder: EncoderRecord, repair: bool) -> list[Finding]:
    """Compare the engine that `url` names with the catalog; with `repair`, send again what differs. Nothing is encoded.

    Raises LibraryBusy if another process sends vectors while it is to repair.
    """
    collection = stores.collection(url, catalog, encoder.id, encoder.dimension)
    engine = collection.engine
    try:
        orphans = _orphans(url, catalog, encoder, collection, repair)
        problem = _problem(catalog, encoder.id, collection)
        if not problem:
            return orphans
        finding = found("engine-differs", engine, f"{engine} {problem}")
        if not repair:
            return [finding, *orphans]
        with locks.vectors_lock(catalog.folder):
            follower.mend(catalog, encoder.id, collection)
            if _problem(catalog, encoder.id, collection):  # a vector that is not what its seal says
                collection.drop()
                follower.bring(catalog, encoder.id, collection)
        return [finding.mended(), *orphans]
    except VectorsUnavailable as error:
        return [found("engine-unreachable", engine, error.message.rstrip("."), error.hint)]


def _orphans(url: str, catalog: Catalog, encoder: EncoderRecord, collection: Collection, repair: bool) -> list[Finding]:
    """This library's collections of other encoders than the one that answers; `repair` drops them."""
    beginning = collection.name.removesuffix(str(encoder.id))
    known = {record.id: record.name for record in catalog.encoders.all()}
    findings = []
    for name in sorted(collection.names()):
        number = name.removeprefix(beginning)
        if name == number or not number.isdecimal() or int(number) == encoder.id:
            continue
        other = known.get(int(number))
        whose = f"{other}, which does not answer now" if other else "an encoder that the library does not have"
        finding = found("engine-orphan", name, f"{collection.engine} has {name}, vectors of {whose}")
        if repair:
            stores.collection(url, catalog, int(number), encoder.dimension).drop()
        findings.append(finding.mended() if repair else finding)
    return findings


def _problem(catalog: Catalog, encoder_id: int, collection: Collection) -> str:
    """What is wrong with the collection; empty if nothing is."""
    total = catalog.vectors.count(encoder_id)
    position = collection.read_position()
    if position is None:
        return f"has none of the library's {total:,} vectors" if total else ""
    count = collection.count()
    if count != total:
        return f"holds {count:,} vectors where the library has {total:,}"
    if not follower.is_current(catalog, encoder_id, position):
        return "has not followed the library's last changes"
    keys = catalog.vectors.spread(encoder_id, ALL, SEALS)
    known, seals = catalog.vectors.seals_by_ids(encoder_id, keys.tolist())
    held, held_seals = collection.seals_of(known)
    if not (np.array_equal(known, held) and np.array_equal(seals, held_seals)):
        return "holds other vectors than the library"
    some = known[:: max(1, len(known) // VECTORS)]
    vectors = collection.vectors_of(some)
    for batch in catalog.vectors.by_ids(some.tolist(), encoder_id):
        for key, vector in zip(batch.ids.tolist(), batch.vectors, strict=True):
            if key not in vectors or not np.array_equal(vectors[key], vector):
                return f"holds another vector {key} than the library"
    return ""
