"""What there is to filter by, counted over the photos of a search."""

from __future__ import annotations

import numpy as np

from ..arrays import Ids
from ..data.catalog.facets import Facets
from ..search.query import filters as filter_texts
from ..search.query.filters import FilterValues
from ..search.query.parse import Query, parse, with_filters
from . import searches
from .parts import Parts


def count(parts: Parts, text: str, filters: FilterValues) -> Facets:
    """Count the relevant photos of `text` that pass the filters. See `Library.facets`."""
    query = parse(text, parts.settings.max_query_chars) if text.strip() else Query(())
    query = with_filters(query, filter_texts.from_mapping(filters))
    passing = filter_texts.make(query.filters, parts.catalog.roots.all(counted=False) if query.filters else ())
    return parts.catalog.facets.count(passing, _relevant(parts, query) if query.terms else None)


def _relevant(parts: Parts, query: Query) -> Ids | None:
    """Ids of the photos that are relevant to the terms. Those of the last query are kept: its filters change often."""

    def find() -> Ids | None:
        relevant = searches.engine(parts).relevant_photos(Query(query.terms))
        return None if relevant is None else np.array(sorted(relevant), np.int64)

    return parts.cache.get("relevant", (parts.catalog.generation(), query.terms), find)
