"""A thing with a colour: a photo must show both, and a search and an evaluation judge alike."""

from dataclasses import dataclass

import numpy as np
import pytest
from polyglance.encoders.base import Condition, Margin
from polyglance.evaluation import calibration, diagnostics
from polyglance.evaluation.metrics import RelevantItems
from polyglance.search.ranking.calibrate import RELEVANT, text_rule
from search_places import WordEncoder, names, unit


@dataclass
class ConditionEncoder(WordEncoder):
    """Each of two words is a condition: a photo must show both."""

    def conditions(self, text):
        if len(text.split()) != 2:
            return []
        return [Condition(vector, 0.4, 3.0) for vector in self.encode_texts(text.split())]


PHOTOS = {"both.jpg": unit(0.6, 0.6), "beach.jpg": unit(1, 0.1), "dusk.jpg": unit(0.1, 1), "other.jpg": unit(0, 0, 1)}


@pytest.fixture
def library(place):
    place.encoder = ConditionEncoder()
    place.crowd(40)
    place.add(*PHOTOS.items())
    return place.fresh()


def test_only_a_photo_that_fulfils_both_is_relevant(library):
    answer = library.find("beach sunset", 44)
    assert [result.photo.path for result in answer.results if result.relevance >= RELEVANT] == [b"/photos/both.jpg"]
    assert names(answer)[0] == "both.jpg"


def test_relevance_never_rises_down_the_answer(library):
    library.add(*((f"{n}.jpg", unit(n % 7, n % 5, 1, noise=0.1, seed=n)) for n in range(1, 60)))
    relevances = [result.relevance for result in library.find("beach sunset", 100).results]
    assert relevances == sorted(relevances, reverse=True)


def test_one_word_has_no_conditions(library):
    answer = library.find("beach", 44)
    assert {"both.jpg", "beach.jpg"} <= set(names(answer)[:2])


def test_an_evaluation_and_a_calibration_judge_as_a_search_does(library):
    answer = library.find("beach sunset", 100)
    shown = {result.photo.path for result in answer.results if result.relevance >= RELEVANT}
    images = np.stack([*PHOTOS.values(), *(unit(0, 0, 0, 1, noise=0.1, seed=n) for n in range(40))])
    (vector,) = library.encoder.encode_texts(["beach sunset"])
    rule = text_rule(library.encoder, "beach sunset", vector)
    right = np.arange(len(images)) == 0
    assert shown == {b"/photos/both.jpg"}
    (cut,) = diagnostics.relevance_cuts(vector[None], images, RelevantItems.from_items([0]), [RELEVANT], [rule])
    assert (cut.shown, cut.precision, cut.recall) == (1, 1, 1)
    quality = calibration.measure([(images @ vector, right, rule)], [rule], images)
    assert (quality.precision, quality.recall) == (1, 1)


def test_conditions_go_before_what_captioned_pictures_taught(library):
    (vector,) = library.encoder.encode_texts(["beach sunset"])
    rule = text_rule(library.encoder, "beach sunset", vector, Margin(1000.0, -1000.0))
    images = np.stack(list(PHOTOS.values()))
    quality = calibration.measure([(images @ vector, np.array([1, 0, 0, 0], bool), rule)], [rule], images)
    assert quality.precision == 1
