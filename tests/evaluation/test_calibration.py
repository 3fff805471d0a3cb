"""Relevance fitted to captioned pictures, with an encoder whose right and wrong scores are known."""

import numpy as np
import pytest
from evaluation_sets import COLOURS, WORDS, paint, write_jsonl
from polyglance.config import Settings
from polyglance.datasets import load_retrieval
from polyglance.encoders import calibrations
from polyglance.encoders.base import Curve, Margin
from polyglance.errors import DataError
from polyglance.evaluation import calibration, retrieval
from polyglance.search.ranking.calibrate import RELEVANT, Rule, relevance


@pytest.fixture
def captioned(tmp_path):
    """Eight pictures of each of six colours, with their colour as the caption."""
    rows = []
    for number in range(48):
        colour = number // 2 % 6  # both halves have every colour
        paint(tmp_path / "set" / f"{number}.png", tuple(COLOURS.values())[colour], number)
        captions = {code: [WORDS[code][colour]] for code in ("en", "ar")}
        rows.append({"image": f"{number}.png", "captions": captions})
    return load_retrieval(write_jsonl(tmp_path / "set", rows))


@pytest.fixture
def evaluate(colour, captioned, tmp_path):
    settings = Settings(batch_size=4, decode_workers=2, calibrations=tmp_path / "calibrations")
    return lambda half: retrieval.evaluate(colour, captioned.half(half), settings, tmp_path / "cache")


def test_a_general_word_finds_all_its_pictures_after_the_fit_and_few_before(evaluate):
    fitted = calibration.fit(evaluate("first"), evaluate("second"))
    assert fitted.after.recall == 1.0
    assert fitted.after.precision == 1.0
    assert fitted.before.f1 < fitted.after.f1


def test_the_fit_finds_the_slope_and_offset_that_the_scores_were_drawn_with():
    random = np.random.default_rng(0)
    features = random.normal(0, 0.05, 20_000).astype(np.float32)
    right = random.random(20_000) < 1 / (1 + np.exp(-(60 * features - 4)))
    margin = calibration.fit_margin(features, right)
    assert (margin.slope, margin.offset) == (pytest.approx(60, rel=0.1), pytest.approx(4, rel=0.1))


@pytest.mark.parametrize("right", [[True, False], [False, False], [False, True]])
def test_a_fit_stays_finite_and_never_turns_the_order_round(right):
    margin = calibration.fit_margin(np.float32([0.0, 1.0]), np.array(right))
    assert np.isfinite([margin.slope, margin.offset]).all()
    assert margin.slope >= 0
    assert relevance(np.float32([0.1, 0.9]), np.zeros(9, np.float32), 9, Rule(margin)).tolist() == sorted(
        relevance(np.float32([0.1, 0.9]), np.zeros(9, np.float32), 9, Rule(margin)).tolist()
    )


def test_a_stored_calibration_is_what_an_evaluation_of_the_same_encoder_uses(evaluate, colour, tmp_path):
    calibrations.write(tmp_path / "calibrations", colour.name, colour.fingerprint, Margin(9.0, 3.0))
    rules = evaluate("first").languages["en"].rules
    assert set(rules) == {Rule(Margin(9.0, 3.0))}


def test_too_few_pictures_are_refused(captioned):
    with pytest.raises(DataError, match=r"pictures are too few"):
        calibration.check(captioned.without(set(range(30))))


NO_IMAGES = np.zeros((20, 1), np.float32)


def test_quality_counts_what_the_cut_shows():
    scores = np.linspace(0, 1, 20, dtype=np.float32)
    right = scores > 0.7
    middle = float(np.median(scores))
    quality = calibration.measure([(scores, right, Rule())], [Rule(Margin(100.0, 100 * (0.5 - middle)))], NO_IMAGES)
    assert quality.recall == 1.0
    assert quality.precision == pytest.approx(right.sum() / (scores >= RELEVANT).sum())
    assert calibration.measure([(scores, right, Rule())], [Rule(Curve(99, 9, 1))], NO_IMAGES).precision is None
