"""The table of the names of things is what the encoder makes of them today."""

import numpy as np
from polyglance.config import Settings
from polyglance.encoders.base import KnowsThings
from polyglance.encoders.lite import things as table
from polyglance.encoders.lite.encoder import LiteEncoder
from polyglance.languages.things import things


def test_the_table_was_built_of_todays_words():
    names = [thing.name("en") for thing in things().values()]
    with np.load(table.FILE, allow_pickle=False) as arrays:
        assert str(arrays["digest"]) == table.digest(names), "run: python scripts/build_things.py"


def test_vectors_and_attainable_scores_are_those_of_the_encoder():
    encoder = LiteEncoder(Settings())
    assert isinstance(encoder, KnowsThings)
    names = ["cat", "dog", "potter's wheel", "giraffe"]
    vectors, attainable = encoder.things(names)
    expected = encoder.encode_texts(names)
    assert np.abs(vectors - expected).max() < 1e-3
    for name, vector, score in zip(names, expected, attainable, strict=True):
        known = encoder.attainable(name, vector)
        assert np.isnan(score) if known is None else abs(known - score) < 1e-3
    assert encoder.things(["a name that is in no table"]) is None


def test_a_name_that_means_something_else_is_no_name_of_the_thing():
    encoder = LiteEncoder(Settings())
    assert encoder.has_thing("cat", "zh")
    assert not encoder.has_thing("Papillon", "fr")  # a dog, and the butterfly
    assert not encoder.has_thing("a name that is in no table", "zh")
