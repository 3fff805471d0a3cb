"""Batches: how many decoded pictures are encoded and committed at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol, TypeVar

from PIL import Image

from .stop import Stop

FIRST_BATCH = 4
"""Pictures in the first batch, while the encoder's speed is not known."""
BATCH_SECONDS = 2.0
"""How long encoding a batch may take, so that a run that is asked to stop ends soon."""
ENTRIES_PER_IMAGE = 16
"""A batch of files that need no encoding is this many times as long as a batch of pictures."""


class Item(Protocol):
    """A file that was read. `image` is the picture to encode, None if it needs no encoding."""

    @property
    def image(self) -> Image.Image | None:
        """The picture to encode."""


_Item = TypeVar("_Item", bound=Item)


@dataclass(slots=True)
class Pace:
    """How many pictures make a batch: at most `limit`, and no more than the encoder does in BATCH_SECONDS."""

    limit: int
    size: int = 0

    def __post_init__(self) -> None:
        self.size = min(FIRST_BATCH, self.limit)

    def adapt(self, pictures: int, seconds: float) -> None:
        """Set the size for the next batch, after encoding `pictures` took `seconds`."""
        if pictures:
            self.size = max(1, min(self.limit, int(BATCH_SECONDS * pictures / max(seconds, 1e-6))))


def make_batches(items: Iterable[_Item], pace: Pace, stop: Stop) -> Iterator[list[_Item]]:
    """Group `items` into batches of the size of the moment; after `stop` was asked, the batch in hand is the last."""
    batch: list[_Item] = []
    pictures = 0
    for item in items:
        batch.append(item)
        pictures += item.image is not None
        if pictures >= pace.size or len(batch) >= pace.limit * ENTRIES_PER_IMAGE or stop.asked:
            yield batch
            batch, pictures = [], 0
            if stop.asked:
                return
    if batch:
        yield batch
