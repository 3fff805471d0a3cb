from hypothesis import given
from hypothesis import strategies as st
from polyglance.search.ranking.rank import fuse


def test_fused_by_the_sum_of_reciprocal_ranks():
    """By hand: 2 has 1/62 + 1/61, 3 has 1/63 + 1/62, 1 has 1/61, 9 has 1/63."""
    assert fuse([1, 2, 3], [2, 3, 9]) == [2, 3, 1, 9]


def test_two_middling_ranks_beat_one_good_one_but_not_when_they_are_far_down():
    """1/(60+r) + 1/(60+r) is more than 1/61 as long as r is below 62."""
    for far, first in ((60, 0), (64, 1000)):
        ranking = [1000, *range(1, far - 1), 0]
        assert len(ranking) == far
        assert fuse(ranking, [*range(2000, 1999 + far), 0])[0] == first


def test_of_equals_the_earlier_ranking_goes_first():
    assert fuse([1], [2]) == [1, 2]


@given(st.lists(st.integers(0, 50), unique=True))
def test_one_ranking_stays_as_it_is(ranking):
    assert fuse(ranking) == fuse(ranking, ranking) == ranking


@given(st.lists(st.integers(0, 20), unique=True), st.lists(st.integers(0, 20), unique=True))
def test_every_id_comes_once(first, second):
    fused = fuse(first, second)
    assert sorted(fused) == sorted({*first, *second})
