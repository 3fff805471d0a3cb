import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from polyglance.encoders.base import Margin
from polyglance.encoders.lite.encoder import CARD
from polyglance.search.ranking.calibrate import PRIOR_WEIGHT, RELEVANT, SURE, Rule, relevance, verdict


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


# --- texts of an encoder that was measured ----------------------------------------

CURVE = CARD.text_curve
LITE = Rule(CURVE)


@given(
    arrays(np.float32, st.integers(0, 60), elements=st.floats(-1, 1, width=32)),
    st.integers(1, 1_000_000),
    st.sampled_from([None, LITE, Rule(Margin(90.0, 6.0)), Rule(CURVE, attainable=0.4)]),
)
def test_never_falls_with_the_score_and_stays_in_range_for_any_background(scores, pictures, rule):
    values = relevance(np.linspace(-1, 1, 41, dtype=np.float32), scores, pictures, rule)
    assert np.isfinite(values).all()
    assert (np.diff(values) >= 0).all()
    assert 0 <= values.min() <= values.max() <= 1


def test_a_query_all_of_whose_scores_lie_higher_means_the_same():
    scores = np.float32([0.1, 0.5, 0.9])
    values, higher_values = (relevance(scores + offset, background(offset, 0.02), 350, LITE) for offset in (0, 0.05))
    assert values == pytest.approx(higher_values, abs=0.02)


def test_half_is_where_the_curve_says():
    flat = np.zeros(2000, np.float32)  # its deviation is what is usual, as far as the prior weighs
    deviation = CURVE.spread * (PRIOR_WEIGHT / (PRIOR_WEIGHT + 1960)) ** 0.5
    assert relevance(np.float32([CURVE.half * deviation]), flat, 350, LITE)[0] == pytest.approx(0.5, abs=1e-3)


def test_pictures_that_fit_do_not_make_each_other_irrelevant():
    few = background(0, 0.02, 21)
    few[:2] = 0.85
    both = relevance(few, few, 21, LITE)
    assert (both[:2] > RELEVANT).all()
    assert (both[2:] < 0.1).all()


def test_a_measured_curve_is_stricter_than_a_normal_tail():
    asked, scores = np.float32([0.3]), background(0, 0.03)
    assert relevance(asked, scores, 350)[0] > 0.99
    assert relevance(asked, scores, 350, LITE)[0] < RELEVANT


# --- general words ----------------------------------------------------------------


def test_without_a_measured_curve_a_general_word_does_not_hide_its_own_photos():
    scores = background(0.15, 0.02, 400)
    scores[:120] += 0.1  # three in ten photos show the thing, which the standard deviation of all would hide
    values = relevance(scores, scores, len(scores))
    assert (values[:120] > RELEVANT).mean() > 0.8
    assert (values[120:] > RELEVANT).mean() < 0.02


def test_a_share_of_the_attainable_score_counts_whatever_the_background_is():
    rule = Rule(CURVE, attainable=0.3)
    asked = np.float32([0.3, 0.45 * 0.3, 0.05])
    for scores in (background(0, 0.02), background(0.1, 0.2), background(0, 0.02, 3)):
        perfect, half, other = relevance(asked, scores, 350, rule)
        assert perfect > SURE
        assert half == pytest.approx(RELEVANT, abs=1e-3)
        assert other < 0.1


@pytest.mark.parametrize(
    ("value", "by_words", "expected"),
    [(0.9, False, "sure"), (0.6, False, "likely"), (0.4, False, "unlikely"), (0.0, True, "sure")],
)
def test_verdicts(value, by_words, expected):
    assert verdict(value, by_words) == expected
