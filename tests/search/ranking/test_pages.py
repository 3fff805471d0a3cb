"""Pages of hits from any source: the Protocol `Source` is all that they know of it."""

from dataclasses import dataclass, field

import numpy as np
from polyglance.data.catalog.records import Brief
from polyglance.search.ranking import hits
from polyglance.search.ranking.hits import Hit, SortedByDate
from polyglance.search.ranking.pages import Pages


def make_hit(photo_id, relevance, taken_at=None):
    return Hit(Brief(photo_id, photo_id, b"folder/%d.jpg" % photo_id, None, taken_at), relevance, relevance, False)


@dataclass
class ListSource:
    """A source that nothing in `search/` knows."""

    hits: list[Hit]
    is_calibrated: bool = True
    is_descending: bool = True
    calls: list[int] = field(default_factory=list)

    def more(self, count):
        self.calls.append(count)
        batch, self.hits = self.hits[:count], self.hits[count:]
        return batch


def make_pages(source, *, only_relevant=False):
    return Pages(source, lambda ids: np.eye(4, dtype=np.float32)[np.array(ids) % 4], 1, False, only_relevant)


def photo_ids(groups):
    return [photo_id for group in groups for photo_id in group.photo_ids]


def test_any_source_can_be_sorted_by_date():
    source = ListSource(
        [
            make_hit(1, 0.9, "2019-01-01T00:00:00"),
            make_hit(2, 0.8),
            make_hit(3, 0.7, "2024-01-01T00:00:00"),
            make_hit(4, 0.1, "2025-01-01T00:00:00"),
        ]
    )
    groups, has_more = make_pages(SortedByDate(source)).page(0, 10)
    assert photo_ids(groups) == [3, 1, 2]
    assert not has_more


def test_only_the_best_hits_are_sorted_by_date(monkeypatch):
    monkeypatch.setattr(hits, "DATED", 2)
    source = ListSource([make_hit(n, 0.9, f"20{10 + n}-01-01T00:00:00") for n in range(1, 6)])
    pages = make_pages(SortedByDate(source))
    assert photo_ids(pages.page(0, 10)[0]) == [2, 1]
    assert photo_ids(pages.page(1, 10)[0]) == [1]
    assert source.calls == [2]


def test_a_descending_source_is_not_read_beyond_its_relevant_hits():
    relevant, irrelevant = [make_hit(n, 0.9) for n in range(300)], [make_hit(n, 0.1) for n in range(300, 3000)]
    for is_descending, calls in ((True, 4), (False, 25)):
        source = ListSource(relevant + irrelevant, is_descending=is_descending)
        groups, _ = make_pages(source, only_relevant=True).page(0, 1000)
        assert photo_ids(groups) == list(range(300))
        assert len(source.calls) <= calls
        assert (len(source.hits) > 0) == is_descending
