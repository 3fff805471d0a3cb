"""Searches: by text, by picture, by a photo of the library."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from ..data import paths
from ..data.vectors.stores import open_store
from ..encoders import calibrations
from ..search.answer import Answer, Result, View
from ..search.engine import Engine
from ..search.query import filters as filter_texts
from ..search.query import pictures
from ..search.query.filters import FilterValues
from ..search.query.parse import Query, is_url, parse, with_filters
from ..search.query.sent import SentPicture
from . import encoders, photos
from .parts import AnyPath, Parts
from .pictures import LibraryPictures


def engine(parts: Parts) -> Engine:
    """The search engine over the active encoder's vectors, made once."""
    record = encoders.active(parts)
    encoder = encoders.load(parts, record)
    key = record.id, record.name
    with parts.loading:
        if key not in parts.engines:
            # The engine of another text tower searched the same vectors.
            former = [parts.engines.pop(other) for other in list(parts.engines) if other[0] == record.id]
            store = former[0].store if former else open_store(parts.vectors, parts.catalog, record)
            calibration = calibrations.read(parts.settings.calibrations, encoder.fingerprint)
            parts.engines[key] = Engine(parts.catalog, encoder, store, calibration)
        return parts.engines[key]


def search(
    parts: Parts, text: str, view: View, *, filters: FilterValues, plain: bool, files: bool, picture: SentPicture | None
) -> Answer:
    """Find the photos that show `text` and the picture, and pass the filters. See `Library.search`."""
    filters_by_name = filter_texts.from_mapping(filters)
    picture_terms = (picture.term,) if picture else ()
    if filters_by_name and not picture_terms and not text.strip():
        query = Query(())
    else:
        query = parse(text, parts.settings.max_query_chars, plain=plain, beside=picture_terms)
    reader = pictures.reader(partial(encoders.load_active, parts), parts.settings, by_path=files, sent=picture)
    return _with_pictures(parts, engine(parts).find(with_filters(query, filters_by_name), view, reader))


def similar(parts: Parts, picture: int | AnyPath, view: View, *, burst: bool = True) -> Answer:
    """Find the photos like a photo of the library (its id), a picture file, or one at an address."""
    if burst or not isinstance(picture, int):
        return _with_pictures(parts, _similar(parts, picture, view))
    near_duplicates = {result.photo.id for result in alike(parts, picture)}
    # They are the nearest of all, so so many more results have `view.count` others among them.
    answer = engine(parts).similar_to_photo(picture, replace(view, count=view.count + len(near_duplicates)))
    others = [result for result in answer if result.photo.id not in near_duplicates][: view.count]
    ranked = [replace(result, rank=rank) for rank, result in enumerate(others, start=1)]
    return _with_pictures(parts, replace(answer, results=ranked, next=None))


def alike(parts: Parts, photo_id: int) -> list[Result]:
    """The near-duplicates that a search shows as one result with this photo, itself first. Raises PhotoNotFound."""
    results = engine(parts).alike(photos.photo(parts, photo_id))
    pictures_of_photos = LibraryPictures.from_parts(parts)
    return [replace(result, pictures=pictures_of_photos) for result in results]


def _similar(parts: Parts, picture: int | AnyPath, view: View) -> Answer:
    if isinstance(picture, int):
        return engine(parts).similar_to_photo(picture, view)
    side = encoders.load_active(parts).image_side
    if isinstance(picture, str) and is_url(picture):
        return engine(parts).similar_to_image(pictures.from_url(picture, side, parts.settings), picture, view)
    path = paths.absolute(picture)
    image = pictures.from_file(path, side, parts.settings)
    return engine(parts).similar_to_image(image, paths.display(path), view)


def _with_pictures(parts: Parts, answer: Answer) -> Answer:
    pictures_of_photos = LibraryPictures.from_parts(parts)
    return replace(answer, results=[replace(result, pictures=pictures_of_photos) for result in answer.results])
