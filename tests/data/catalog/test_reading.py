"""What is read for the timeline, the map and the facets: which index answers, and what is not read again."""

import numpy as np
import pytest
from polyglance.data.catalog import timeline
from polyglance.data.catalog.catalog import Catalog
from polyglance.data.catalog.filters import NOTHING, Filters
from polyglance.data.catalog.labels import Extent, LabelRow
from polyglance.data.catalog.records import Content, Entry, FileStat
from polyglance.data.pictures.exif import Facts
from sqlalchemy import event

PHOTOS = 12
COPY_OF = {11: 3}
"""Photo -> the photo with the same bytes."""


@pytest.fixture
def catalog(tmp_path, catalog_url):
    with Catalog(tmp_path / "catalog.db", catalog_url, create=True) as opened:
        encoder = opened.encoders.add("test", "f" * 32, 4, "float32")
        opened.encoders.activate(encoder.id)
        root = opened.roots.add(b"/photos")
        for number in range(PHOTOS):
            key = bytes([COPY_OF.get(number, number)]) * 32
            place = (35.0, 135.0 + number) if number % 2 else (None, None)
            content = Content(key, 4, 3, "JPEG", Facts(f"2024-{1 + number % 3:02}-01T10:00:00", None, None, *place))
            entry = Entry(root.id, b"%d.jpg" % number, FileStat(1, 1, number), content)
            opened.changes.commit([entry], {key: np.full(4, 0.5, np.float32)}, encoder.id)
        yield opened


@pytest.fixture
def statements(catalog):
    """The statements that are executed from now on, with their parameters."""
    executed = []
    event.listen(catalog._database._engine, "before_cursor_execute", lambda *given: executed.append(given[2:4]))
    return executed


def plan(catalog, executed, part):
    """How SQLite answers the statement in which `part` stands."""
    if catalog._database.url:
        pytest.skip("how PostgreSQL answers depends on its statistics")
    statement, parameters = next(each for each in executed if part in each[0])
    with catalog._database.reading() as connection:
        rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
        return " ".join(row[3] for row in rows)


def test_months_are_counted_through_an_index_if_few_photos_pass_and_by_one_scan_if_many_do(
    catalog, statements, monkeypatch
):
    expected = [("2024-03", 2), ("2024-02", 2), ("2024-01", 2)]
    assert catalog.timeline.months(Filters(with_place=True)) == expected
    assert "USING INDEX photo_place" in plan(catalog, statements, "GROUP BY")
    statements.clear()
    monkeypatch.setattr(timeline, "FEW", 3)
    assert catalog.timeline.months(Filters(with_place=True)) == expected
    assert "SCAN photo" in plan(catalog, statements, "GROUP BY")
    assert "photo_place" not in plan(catalog, statements, "GROUP BY")


def test_the_map_reads_the_index_of_places_alone(catalog, statements):
    assert sum(cluster.photos for cluster in catalog.maps.clusters(NOTHING, 10)) == 6
    assert "USING COVERING INDEX photo_place" in plan(catalog, statements, "GROUP BY")


def label(catalog, key, numbers, extent="a"):
    catalog.labels.add("thing", [LabelRow(key, bytes([number]) * 32, 0.9) for number in numbers], Extent(extent, 4, 4))


def test_labels_are_counted_for_every_copy_and_read_again_only_when_they_change(catalog, statements):
    label(catalog, "dog", [1, 3])
    label(catalog, "cat", [2, 99])  # no photo has the content 99
    assert catalog.facets.count().things == {"dog": 3, "cat": 1}
    statements.clear()
    catalog.favourites.mark([1])
    assert catalog.facets.count().favourites == 1
    assert catalog.facets.count(Filters(with_place=True)).things == {"dog": 3}
    assert not any("FROM label" in statement for statement, _ in statements)
    label(catalog, "cat", [4])
    assert catalog.facets.count().things == {"dog": 3, "cat": 2}
    catalog.labels.begin("thing", Extent("b", 0, 0))
    assert catalog.facets.count().things == {}
    label(catalog, "bird", [0], "b")
    assert catalog.facets.count().things == {"bird": 1}
    catalog.encoders.activate(catalog.encoders.add("other", "e" * 32, 4, "float32").id)
    assert catalog.facets.count().things == {}
