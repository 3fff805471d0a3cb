"""Parallel text as examples: counted once, then streamed through a buffer that shuffles, in bounded memory.

files -> survey (counts, held-out texts) -> corpora drawn by their size -> buffer -> Example(source, target)
"""

from __future__ import annotations

import hashlib
import heapq
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..datasets.parallel import Corpus, Translation
from ..errors import DataError
from .loop import seed_epoch
from .options import HELD_OUT, DistillOptions

VALIDATION_PAIRS = 10_000
"""Largest number of translations that validate: a text may have many."""


@dataclass(frozen=True)
class Survey:
    """What the files hold. `held_out` are digests of source texts; `validation` their translations."""

    counts: tuple[int, ...]
    """Translations of each corpus that are trained on."""
    languages: dict[str, int]
    held_out: frozenset[bytes]
    validation: tuple[Translation, ...]

    @property
    def total(self) -> int:
        """Translations that are trained on."""
        return sum(self.counts)


def survey(corpora: Sequence[Corpus], options: DistillOptions) -> Survey:
    """Read everything once, so that a bad line shows before the training begins. Raises DataMissing, DataError."""
    lowest = _Lowest(HELD_OUT)
    counts = []
    for corpus in corpora:
        count = 0
        for pair in corpus.read(skip_empty=options.skip_empty):
            lowest.add(digest(pair.source))
            count += 1
        counts.append(count)
    held_out = lowest.share(options.held_out)
    validation: list[Translation] = []
    trained: list[int] = []
    languages: Counter[str] = Counter()
    for corpus in corpora:
        count = 0
        for pair in corpus.read(skip_empty=options.skip_empty):
            if digest(pair.source) not in held_out:
                count += 1
                languages[pair.language] += 1
            elif len(validation) < VALIDATION_PAIRS:
                validation.append(pair)
        trained.append(count)
    if not sum(trained):
        names = ", ".join(str(path) for corpus in corpora for path in corpus.paths)
        raise DataError(f"There are no translations to train on in {names}.", "Give more lines.")
    return Survey(tuple(trained), dict(languages), held_out, tuple(validation))


def stream(corpora: Sequence[Corpus], found: Survey, options: DistillOptions, epoch: int) -> Iterator[Translation]:
    """The examples of an epoch, shuffled, the share of pairs of equal texts among them."""
    generator = seed_epoch(options.seed, epoch)
    return mix_source(shuffle(_draw(corpora, found, options, generator), options.buffer, generator), options, generator)


def count_examples(found: Survey, options: DistillOptions) -> tuple[int, ...]:
    """The number of examples that `stream` gives in each epoch."""
    extra = options.english_share / (1 - options.english_share)
    return (found.total + int(found.total * extra),) * options.epochs


def mix_source(
    pairs: Iterator[Translation], options: DistillOptions, generator: random.Random
) -> Iterator[Translation]:
    """Add pairs of a source text with itself, evenly, until they are `english_share` of all: without them the student
    forgets the teacher's own language.
    """
    extra = options.english_share / (1 - options.english_share)
    added = 0
    for read, pair in enumerate(pairs, start=1):
        yield pair
        while added < int(read * extra):
            added += 1
            yield Translation(pair.source, pair.source, options.source_language)


def shuffle(pairs: Iterator[Translation], size: int, generator: random.Random) -> Iterator[Translation]:
    """Draw each next item from a buffer of `size` items that come."""
    buffer: list[Translation] = []
    for pair in pairs:
        if len(buffer) < size:
            buffer.append(pair)
            continue
        place = generator.randrange(size)
        buffer[place], drawn = pair, buffer[place]
        yield drawn
    generator.shuffle(buffer)
    yield from buffer


def digest(text: str) -> bytes:
    """16 bytes that stand for a text."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _draw(
    corpora: Sequence[Corpus], found: Survey, options: DistillOptions, generator: random.Random
) -> Iterator[Translation]:
    """Read the corpora side by side, each in proportion to what is left of it."""
    streams = [_trained(corpus, found.held_out, options) for corpus in corpora]
    left = list(found.counts)
    for total in range(found.total, 0, -1):
        place = generator.randrange(total)
        number = 0
        while place >= left[number]:
            place -= left[number]
            number += 1
        left[number] -= 1
        try:
            yield next(streams[number])
        except StopIteration:
            name = corpora[number].paths[0]
            raise DataError(f"{name} has become shorter during the training.", "Start again.") from None


def _trained(corpus: Corpus, held_out: frozenset[bytes], options: DistillOptions) -> Iterator[Translation]:
    for pair in corpus.read(skip_empty=options.skip_empty):
        if digest(pair.source) not in held_out:
            yield pair


class _Lowest:
    """The lowest digests of all that are added: the same texts whatever the order of the files."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._heap: list[int] = []
        self._kept: set[int] = set()
        self._seen: set[int] = set()

    def add(self, key: bytes) -> None:
        """Add a digest."""
        number = int.from_bytes(key, "big")
        if len(self._seen) < self._limit * 20:
            self._seen.add(number)
        if number in self._kept or (len(self._heap) == self._limit and -self._heap[0] <= number):
            return
        heapq.heappush(self._heap, -number)
        self._kept.add(number)
        if len(self._heap) > self._limit:
            self._kept.discard(-heapq.heappop(self._heap))

    def share(self, part: float) -> frozenset[bytes]:
        """A `part` of the distinct digests, at most the limit; counting stops where the limit decides."""
        count = min(self._limit, int(len(self._seen) * part), len(self._kept))
        return frozenset(number.to_bytes(16, "big") for number in sorted(self._kept)[:count])
