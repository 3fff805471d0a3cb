"""Which photos are shown as one: what the definition says, at a cost that grows with the number of photos."""

from datetime import datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polyglance.data.catalog.records import Brief
from polyglance.search.ranking import collapse
from polyglance.search.ranking.collapse import Groups

VECTORS = np.array([[1, 0, 0], [0.95, 0.3122499, 0], [0.98, 0.198997, 0], [0, 1, 0], [0, 0.95, 0.3122499]], np.float32)


def vectors(ids):
    return VECTORS[np.array(ids) % len(VECTORS)]


def groups_by_definition(photos):
    """Each photo compared with the first of every group, the oldest group first."""
    firsts, by_hash, numbers = [], {}, []
    for photo in photos:
        new = collapse.trait(photo)
        group = by_hash.get(new.content_hash) if new.content_hash else None
        if group is None:
            group = next((number for number, first in enumerate(firsts) if is_same(first, new)), None)
        if group is None:
            group = len(firsts)
            firsts.append(new)
        if new.content_hash:
            by_hash.setdefault(new.content_hash, group)
        numbers.append(group)
    return numbers


def is_same(first, new):
    threshold = collapse._threshold(first, new)
    left, right = vectors([first.vector_id, new.vector_id])
    return threshold < collapse.NEVER and float(left @ right) >= threshold


names = st.builds(
    "{}/{}{}{}.jpg".format,
    st.sampled_from(["a", "b"]),
    st.sampled_from(["img_", "scan", ""]),
    st.sampled_from(["", *(str(number) for number in range(9)), "0003", "100"]),
    st.sampled_from(["", " (1)", " copy", "_edited"]),
)
dates = st.one_of(
    st.none(), st.integers(0, 60).map(lambda s: (datetime(2024, 5, 1, 10) + timedelta(seconds=s)).isoformat())
)
photos = st.lists(
    st.tuples(names, dates, st.integers(0, len(VECTORS) - 1), st.sampled_from([None, b"x", b"y", b"z"])), max_size=30
)


@settings(max_examples=400)
@given(photos, st.integers(1, 10), st.sampled_from([0, 1, 3, 32]), st.sampled_from([1, 2, 1024]))
def test_the_groups_are_those_of_the_definition_however_they_are_added(drawn, at_once, short, compared_at_once):
    briefs = [
        Brief(number, number * len(VECTORS) + vector, name.encode(), key, taken)
        for number, (name, taken, vector, key) in enumerate(drawn)
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(collapse, "SHORT", short)
        patch.setattr(collapse, "AT_ONCE", compared_at_once)
        groups = Groups(vectors)
        numbers = [n for start in range(0, len(briefs), at_once) for n in groups.add(briefs[start : start + at_once])]
    assert numbers == groups_by_definition(briefs)


@pytest.mark.parametrize("name", ["x{}.jpg", "{}.jpg", "{} (1).jpg", "photo{:06}.png"])
def test_comparisons_grow_with_the_number_of_numbered_photos_without_dates(monkeypatch, name):
    compared = []
    monkeypatch.setattr(collapse, "_threshold", lambda first, second: compared.append(1) or collapse.NEVER)
    briefs = [Brief(n, n, b"folder/" + name.format(n).encode(), b"%d" % n, None) for n in range(3000)]
    groups = Groups(vectors)
    for start in range(0, len(briefs), 500):
        groups.add(briefs[start : start + 500])
    assert len(compared) <= 7 * len(briefs)


def test_photos_of_one_second_are_compared_one_by_one_only_where_they_are_alike(monkeypatch):
    """Scans that have the scanner's date, for example: not every photo with every other one."""
    compared, threshold = [], collapse._threshold
    monkeypatch.setattr(collapse, "_threshold", lambda first, second: compared.append(1) or threshold(first, second))
    rows = np.random.default_rng(0).standard_normal((4000, 64)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    rows[2000:] = rows[:2000]
    briefs = [Brief(n, n, b"%d/a.jpg" % n, b"%d" % n, "2000-01-01T00:00:00") for n in range(len(rows))]
    groups = Groups(lambda ids: rows[np.array(ids)])
    numbers = [n for start in range(0, len(briefs), 128) for n in groups.add(briefs[start : start + 128])]
    assert numbers == [*range(2000), *range(2000)]
    assert len(compared) <= 128 * len(briefs)
