import numpy as np
from polyglance.search.calibrate import relevance


def background(mean, spread, count=2000, seed=0):
    return np.random.default_rng(seed).normal(mean, spread, count).astype(np.float32)


def test_means_the_same_whatever_the_scale_of_the_scores():
    narrow = relevance(np.float32([0.2 + 5 * 0.01]), background(0.2, 0.01), 1000)
    wide = relevance(np.float32([0.5 + 5 * 0.1]), background(0.5, 0.1), 1000)
    assert abs(narrow[0] - wide[0]) < 1e-3


def test_is_the_chance_that_the_best_unrelated_picture_scores_lower():
    draws = np.random.default_rng(1).normal(0, 1, (4000, 200)).max(axis=1)
    for score in (2.0, 3.0, 4.0):
        expected = (draws < score).mean()
        (value,) = relevance(np.float32([score]), background(0, 1, 200_000), 200)
        assert abs(value - expected) < 0.03


def test_keeps_the_order_and_the_range():
    scores = np.linspace(1, -1, 50).astype(np.float32)
    values = relevance(scores, background(0, 0.2), 5000)
    assert (np.diff(values) <= 0).all()
    assert 0 <= values.min() <= values.max() <= 1


def test_a_library_where_all_scores_are_equal_has_no_division_by_zero():
    assert np.isfinite(relevance(np.float32([0.5, 0.6]), np.full(100, 0.5, np.float32), 100)).all()


def test_a_handful_of_pictures_says_nothing_about_spread():
    assert relevance(np.float32([0.7, -0.1]), np.float32([0.7, -0.1]), 2).tolist() == [np.float32(0.7), 0.0]
