"""Two spellings of one fold: for finding what is written, and for recognising things."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from polyglance.encoders.lite import concept_space
from polyglance.languages.fold import CONCEPTS, FULL_TEXT, fold
from polyglance.languages.stop_words import stop_words

BOTH = [FULL_TEXT, CONCEPTS]


@pytest.mark.parametrize(
    ("text", "folded"),
    [("É", "e"), ("Ёлка", "елка"), ("ＣＡＴ", "cat"), ("أُمّ", "ام"), ("ñ", "n"), ("مدرســة", "مدرسه")],
)
@pytest.mark.parametrize("folding", BOTH)
def test_case_accents_widths_and_arabic_forms_are_one_in_both_spellings(folding, text, folded):
    assert fold(text, folding) == folded


@pytest.mark.parametrize(
    ("text", "full_text", "concepts"),
    [
        ("ガ", "ガ", "が"),
        ("Мой", "мой", "мои"),
        ("smørrebrød", "smorrebrod", "smørrebrød"),
        ("کتاب", "كتاب", "کتاب"),
        ("ᾳ", "α", "αι"),
    ],
)
def test_the_spellings_differ_where_they_say(text, full_text, concepts):
    assert (fold(text, FULL_TEXT), fold(text, CONCEPTS)) == (full_text, concepts)


@given(st.text(max_size=60), st.sampled_from(BOTH))
def test_folding_twice_is_folding_once(text, folding):
    assert fold(fold(text, folding), folding) == fold(text, folding)


def test_the_encoders_data_were_built_with_the_stop_words_there_are():
    """They are part of a file whose bytes are its fingerprint: scripts/build_concepts.py writes them there."""
    built = json.loads((concept_space.DATA_FOLDER / "lexicon.json").read_text(encoding="utf-8"))
    assert set(built["stop_words"]) == stop_words(CONCEPTS)


def test_stop_words_are_folded_as_the_words_they_are_compared_with():
    assert {"the", "фотография", "صوره", "사진", "写真"} <= stop_words()
    assert all(fold(word) == word for word in stop_words())
    assert all(fold(word, CONCEPTS) == word for word in stop_words(CONCEPTS))
