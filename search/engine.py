"""Answers: a text or a picture -> the nearest photos of the library."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

from ..data import paths
from ..data.catalog import Catalog
from ..data.records import PhotoRecord
from ..data.vectors import VectorIndex
from ..encoders.base import Encoder
from ..errors import PhotoNotFound
from . import calibrate, language, query

Floats = npt.NDArray[np.float32]

SPARE = 8  # vectors fetched beyond the wanted count, for photos removed a moment ago


@dataclass(frozen=True, slots=True)
class Result:
    """One photo found. `score` is the cosine, `relevance` 0 to 1 as `calibrate` defines it; rank 1 is best."""

    rank: int
    photo: PhotoRecord
    score: float
    relevance: float

    @property
    def path(self) -> str:
        """The photo's path as text for reading; `photo.path` is its exact bytes."""
        return paths.display(self.photo.path)


@dataclass(frozen=True, slots=True)
class Took:
    """Milliseconds spent."""

    encode: float
    search: float
    total: float


@dataclass(frozen=True, slots=True)
class Answer:
    """Results, best first, and how they came about. `language` is None for a picture query."""

    query: str
    language: str | None
    encoder: str
    took: Took
    results: list[Result]


class Engine:
    """Searches one library; safe to use from several threads."""

    def __init__(self, catalog: Catalog, encoder: Encoder, encoder_id: int, max_query_chars: int) -> None:
        self._catalog = catalog
        self._encoder = encoder
        self._encoder_id = encoder_id
        self._max_query_chars = max_query_chars
        self._index = VectorIndex(catalog, encoder_id, encoder.dimension)
        self._lock = threading.Lock()

    def search(self, text: str, count: int = 20) -> Answer:
        """Find the `count` photos nearest to `text`. Raises QueryError."""
        start = time.perf_counter()
        query.check_count(count)
        cleaned = query.normalise(text, self._max_query_chars)
        spoken = language.detect(cleaned)
        encoding = time.perf_counter()
        vector = self._encoder.encode_texts([cleaned])[0]
        return self._answer(cleaned, spoken, vector, count, _Clock(start, encoding))

    def similar_to_photo(self, photo_id: int, count: int = 20) -> Answer:
        """Find the photos nearest to a photo of the library, itself left out. Raises PhotoNotFound, QueryError."""
        start = time.perf_counter()
        query.check_count(count)
        photo = self._catalog.photo(photo_id)
        vector = self._catalog.vector(photo.content_hash, self._encoder_id) if photo and photo.content_hash else None
        if vector is None:
            raise PhotoNotFound(f"No photo has the id {photo_id}.", "Ids are shown by 'polyglance search --json'.")
        clock = _Clock(start, time.perf_counter())
        return self._answer(str(photo_id), None, vector, count, clock, without=photo_id)

    def similar_to_image(self, image: Image.Image, name: str, count: int = 20) -> Answer:
        """Find the photos nearest to an upright RGB picture called `name`. Raises QueryError."""
        start = time.perf_counter()
        query.check_count(count)
        encoding = time.perf_counter()
        vector = self._encoder.encode_images([image])[0]
        return self._answer(name, None, vector, count, _Clock(start, encoding))

    def _answer(
        self,
        text: str,
        spoken: str | None,
        vector: Floats,
        count: int,
        clock: _Clock,
        without: int | None = None,
    ) -> Answer:
        encoded = time.perf_counter()
        scores, ids, background, pictures = self._nearest(vector, count + SPARE)
        photos = self._catalog.photos_of_vectors(ids.tolist())
        hits = [
            (photo, score, relevance)
            for vector_id, score, relevance in zip(
                ids.tolist(),
                scores.tolist(),
                calibrate.relevance(scores, background, pictures).tolist(),
                strict=True,
            )
            for photo in photos.get(vector_id, ())
            if photo.id != without
        ][:count]
        done = time.perf_counter()
        took = Took(
            encode=1000 * (encoded - clock.encoding),
            search=1000 * (done - encoded),
            total=1000 * (done - clock.start),
        )
        results = [Result(rank, *hit) for rank, hit in enumerate(hits, start=1)]
        return Answer(text, spoken, self._encoder.name, took, results)

    def _nearest(self, vector: Floats, count: int) -> tuple[Floats, npt.NDArray[np.int64], Floats, int]:
        with self._lock:
            self._index.refresh()
            scores, ids = self._index.search(vector, count)
            return np.minimum(scores, 1), ids, self._index.sample @ vector, len(self._index)


@dataclass(frozen=True, slots=True)
class _Clock:
    start: float
    encoding: float
