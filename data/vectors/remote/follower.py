"""Bringing a collection to the catalog's generation, and finding out that it is not there.

The catalog needs no list of what is to be sent. Its keys ascend and are never given twice, so what was added are the
keys above the last; what was removed is found by counting, and only if the catalog says that it removed something. A
catalog that was restored from a backup is recognised by its seals, as `VectorStore` demands, and compared whole.

Every step can be repeated: several processes that send the same vectors do no harm.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from ....arrays import Ids
from ....errors import Stopped
from ...catalog.catalog import Catalog
from ...catalog.vectors import ALL
from ..store import TAIL, is_known, newest, were_keys_reused
from .collection import LIMIT, Collection
from .position import Position

BLOCK_BITS = 12
"""Vectors are compared in blocks of keys that differ in these lowest bits only."""


SEALED_FROM = 10_000
"""Vectors in one go after which the engine is asked to arrange them."""


def never() -> bool:
    """Whether to stop: no."""
    return False


def is_current(catalog: Catalog, encoder_id: int, position: Position | None) -> bool:
    """Whether a collection at this position holds what the catalog does, or what it will a moment later."""
    if position is None or position.generation < 0:
        return False
    generation = catalog.generation()
    keys, seals = position.tail
    if generation == position.generation:
        newest_keys, newest_seals = newest(catalog, encoder_id)
        return np.array_equal(newest_keys, keys) and np.array_equal(newest_seals, seals)
    is_older = is_known(catalog, generation, position.generation)
    return is_older and not were_keys_reused(catalog, encoder_id, keys, seals)


def lag(catalog: Catalog, encoder_id: int, position: Position | None) -> int:
    """How many vectors are still to be sent; about as many if some were removed meanwhile."""
    sent = position.sent if position else 0
    return catalog.vectors.count(encoder_id) - (catalog.vectors.count(encoder_id, sent) if sent else 0)


def bring(
    catalog: Catalog, encoder_id: int, collection: Collection, should_stop: Callable[[], bool] = never
) -> Position:
    """Bring the collection to the catalog's generation; return where it is. It goes on where another was stopped.

    Raises VectorsUnavailable; LibraryError if the catalog holds a vector that is not what was written; Stopped.
    """
    position = collection.read_position()
    if position is None:
        collection.create(catalog.vectors.count(encoder_id))
        position = collection.read_position() or Position()
    if is_current(catalog, encoder_id, position):
        return position
    before = position.count
    if _was_restored(catalog, encoder_id, collection, position):
        position = replace(position, generation=-1, comparing=True)
        collection.write_position(position)  # whoever goes on after a stop compares again
        compare(catalog, encoder_id, collection, should_stop)
        position = replace(position, sent=catalog.vectors.last_id(encoder_id), comparing=False)
    position = _send(catalog, encoder_id, collection, position, should_stop)
    with catalog.read_snapshot():
        generation, removed = catalog.generation(), catalog.settings.removed()
        position = _send(catalog, encoder_id, collection, position, should_stop)
        if removed != position.removed:
            _drop_removed(catalog, encoder_id, collection, position.sent)
        keys, seals = newest(catalog, encoder_id)
    count = collection.count()
    if count - before >= SEALED_FROM:
        collection.seal()
    position = Position(
        generation,
        removed,
        position.sent,
        count,
        keys=tuple(keys.tolist()),
        seals=tuple(seals.tolist()),
    )
    collection.write_position(position)
    collection.arrange(count)
    return position


def mend(catalog: Catalog, encoder_id: int, collection: Collection) -> None:
    """Bring the collection to the catalog's generation, and compare it whole, whatever it says of itself."""
    position = bring(catalog, encoder_id, collection)
    compare(catalog, encoder_id, collection)
    collection.write_position(replace(position, count=collection.count()))


def compare(
    catalog: Catalog, encoder_id: int, collection: Collection, should_stop: Callable[[], bool] = never
) -> tuple[int, int]:
    """Make the collection equal to the catalog, block by block; return how many vectors were sent and deleted.

    Raises as `bring`.
    """
    low = sent = deleted = 0
    for number in sorted(catalog.vectors.count_by_block(encoder_id, ALL, BLOCK_BITS)):
        _check_stop(should_stop)
        high = ((number + 1) << BLOCK_BITS) - 1
        more = _compare_block(catalog, encoder_id, collection, low, high)
        sent, deleted, low = sent + more[0], deleted + more[1], high
    more = _compare_block(catalog, encoder_id, collection, low, ALL)
    return sent + more[0], deleted + more[1]


def _was_restored(catalog: Catalog, encoder_id: int, collection: Collection, position: Position) -> bool:
    """Whether the catalog was restored from a backup, or the follower stopped while it compared such a one."""
    if position.comparing or (not position.sent and collection.count() > 0):
        return True
    if position.generation >= 0 and catalog.newest_generation() <= position.generation:
        return True
    if were_keys_reused(catalog, encoder_id, *position.tail):
        return True
    keys, seals = catalog.vectors.last_seals(encoder_id, position.sent, TAIL)
    held_keys, held_seals = collection.seals_of(keys)
    return not (np.array_equal(keys, held_keys) and np.array_equal(seals, held_seals))


def _send(
    catalog: Catalog, encoder_id: int, collection: Collection, position: Position, should_stop: Callable[[], bool]
) -> Position:
    """Send the vectors above `position.sent`, and write down how far it came after each batch."""
    for batch in catalog.vectors.after(encoder_id, position.sent):
        collection.upsert(*batch)
        position = replace(position, sent=int(batch.ids[-1]))
        collection.write_position(position)
        _check_stop(should_stop)
    return position


def _drop_removed(catalog: Catalog, encoder_id: int, collection: Collection, last: int) -> None:
    """Find the blocks up to key `last` that hold another number of vectors than in the catalog, by halves."""
    in_catalog = catalog.vectors.count_by_block(encoder_id, last, BLOCK_BITS)
    numbers = sorted(in_catalog)
    totals = np.cumsum([0, *(in_catalog[number] for number in numbers)])

    def visit(start: int, end: int, low: int, high: int) -> None:
        if collection.count_between(low, high) == totals[end] - totals[start]:
            return  # equal numbers: no vector was removed, because no key is given twice
        if end - start <= 1:
            _compare_block(catalog, encoder_id, collection, low, high)
            return
        middle = (start + end) // 2
        boundary = (numbers[middle] << BLOCK_BITS) - 1
        visit(start, middle, low, boundary)
        visit(middle, end, boundary, high)

    visit(0, len(numbers), 0, last)


def _compare_block(catalog: Catalog, encoder_id: int, collection: Collection, low: int, high: int) -> tuple[int, int]:
    """Send and delete what differs between `low` < key <= `high`; return how many vectors each."""
    keys, seals = catalog.vectors.seals(encoder_id, low + 1, min(high, ALL - 1) + 1)
    deleted = 0
    while True:
        held, held_seals = collection.seals_between(low, high)
        extra = np.setdiff1d(held, keys, assume_unique=True)
        collection.delete(extra)
        deleted += len(extra)
        if len(held) < LIMIT or not len(extra):
            break
    places = np.searchsorted(keys, held[np.isin(held, keys)])
    is_held = np.zeros(len(keys), bool)
    is_held[places] = seals[places] == held_seals[np.isin(held, keys)]
    missing: Ids = keys[~is_held]
    for batch in catalog.vectors.by_ids(missing.tolist(), encoder_id):
        collection.upsert(*batch)
    return len(missing), deleted


def _check_stop(should_stop: Callable[[], bool]) -> None:
    if should_stop():
        raise Stopped
