"""What only happens in large libraries, brought about in small ones: the outcome must not depend on the size."""

import numpy as np
import pytest
from polyglance.data.catalog import words
from polyglance.data.catalog.filters import Filters
from polyglance.data.catalog.word_query import WordQuery
from polyglance.data.vectors import index_files
from polyglance.data.vectors.index import VectorIndex
from polyglance.search import engine as engines
from search_places import names, unit

BEACH = WordQuery.from_texts(["beach"])


@pytest.fixture
def crowded(place):
    """Photos of three cameras, some at the beach; every third is called so."""
    draw = np.random.default_rng(3)
    place.add(
        *(
            (
                f"{'beach' if number % 3 == 0 else 'x'}.{number}.jpg",
                unit(*draw.normal(size=8)),
                {"camera": f"Camera {number % 3}", "taken_at": f"20{10 + number % 10}-01-01T00:00:00"},
            )
            for number in range(600)
        )
    )
    return place


FILTERS = ['camera:"Camera 1"', "after:2015", "after:2015 camera:0", "before:2012 is:favourite", "near:1,1,5"]


@pytest.mark.parametrize("query", [f"{word} {asked}" for word in ("plage", "beach", "猫") for asked in FILTERS])
def test_the_same_photos_come_whether_those_that_pass_are_listed_or_skipped(crowded, monkeypatch, query):
    listed = names(crowded.fresh().find(query, 40))
    monkeypatch.setattr(engines, "ALWAYS_LISTED", 0)
    monkeypatch.setattr(engines.math, "isqrt", lambda _: 0)
    assert names(crowded.fresh().find(query, 40)) == listed


@pytest.mark.parametrize("query", ["plage", "закат camera:2 after:2012"])
def test_the_same_photos_come_from_clusters(crowded, monkeypatch, query):
    exact = crowded.fresh().find(query, 40)
    monkeypatch.setattr(index_files, "CLUSTERED_FROM", 100)
    catalog = crowded.catalog
    index_files.save(catalog, catalog.encoders.all()[0])
    assert index_files.kind(catalog, catalog.encoders.all()[0]) == "clustered"
    clustered = crowded.fresh(VectorIndex).find(query, 40)
    assert len(set(names(exact)) & set(names(clustered))) >= 38
    scores = {result.photo.id: result.score for result in exact.results}
    assert all(
        result.score == pytest.approx(scores[result.photo.id], abs=1e-5)
        for result in clustered.results
        if result.photo.id in scores
    )


def test_words_that_many_names_have_rank_what_looks_right(crowded, monkeypatch):
    monkeypatch.setattr(words, "COMMON", 50)
    words._matching.cache_clear()
    crowded.add(("beach.9999.jpg", unit(1)), ("y.jpg", unit(1, 0.1)), ("beach.8888.jpg", unit(-1)))
    try:
        answer = crowded.fresh().find("beach", 3)
        assert crowded.catalog.words.search(BEACH, Filters(), crowded.encoder_id, 10) is None
    finally:
        words._matching.cache_clear()
    assert names(answer)[0] == "beach.9999.jpg"
    assert "name" in answer.results[0].why
    assert "beach.8888.jpg" not in names(answer)


def test_words_among_come_in_the_order_of_their_vectors(crowded):
    hits = crowded.catalog.words.search_among(BEACH, [31, 7, 2, 1, 4])
    assert [vector_id for _, vector_id in hits] == [31, 7, 1, 4]
    assert crowded.catalog.words.search_among(BEACH, []) == []


def test_so_many_pass_that_they_are_not_listed(crowded):
    filters = Filters(cameras=("Camera 1",))
    assert len(crowded.catalog.selection.vectors(filters, crowded.encoder_id, 200)) == 200
    assert crowded.catalog.selection.vectors(filters, crowded.encoder_id, 199) is None


def test_what_is_read_in_one_moment_does_not_change(crowded):
    catalog = crowded.catalog
    with catalog.read_snapshot():
        before = catalog.generation()
        crowded.add(("new.jpg", unit(1)))
        assert catalog.generation() == before
        with catalog.read_snapshot():
            assert catalog.generation() == before
    assert catalog.generation() > before
