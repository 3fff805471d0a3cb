"""Two spellings of one fold: for finding what is written, and for recognising things."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from polyglance.config import LANGUAGES
from polyglance.languages.fold import ACCENTED, CONCEPTS, FULL_TEXT, fold
from polyglance.languages.stop_words import stop_words, stop_words_by_language, stop_words_in

BOTH = [FULL_TEXT, CONCEPTS]


@pytest.mark.parametrize(
    ("text", "folded"),
    [("É", "e"), ("Ёлка", "елка"), ("ＣＡＴ", "cat"), ("أُمّ", "ام"), ("ñ", "n"), ("مدرســة", "مدرسه")],
)
@pytest.mark.parametrize("folding", BOTH)
def test_case_accents_widths_and_arabic_forms_are_one_in_both_spellings(folding, text, folded):
    assert fold(text, folding) == folded


@pytest.mark.parametrize(
    ("text", "full_text", "concepts", "accented"),
    [
        ("ガ", "ガ", "が", "が"),
        ("Мой", "мой", "мой", "мой"),
        ("Ёж", "еж", "еж", "ёж"),
        ("smørrebrød", "smorrebrod", "smorrebrod", "smørrebrød"),
        ("کتاب", "كتاب", "كتاب", "كتاب"),
        ("Thé", "the", "the", "thé"),
        ("قِطّة", "قطه", "قطه", "قطه"),
    ],
)
def test_the_spellings_differ_where_they_say(text, full_text, concepts, accented):
    assert (fold(text, FULL_TEXT), fold(text, CONCEPTS), fold(text, ACCENTED)) == (full_text, concepts, accented)


@given(st.text(max_size=60), st.sampled_from([*BOTH, ACCENTED]))
def test_folding_twice_is_folding_once(text, folding):
    assert fold(fold(text, folding), folding) == fold(text, folding)


def test_stop_words_are_folded_as_the_words_they_are_compared_with():
    assert {"the", "фотография", "صوره", "사진", "写真"} <= stop_words()
    assert all(fold(word) == word for word in stop_words())
    assert all(fold(word, ACCENTED) == word for words in stop_words_by_language().values() for word in words)


def test_every_language_has_stop_words():
    assert set(stop_words_by_language()) == set(LANGUAGES)


def test_a_word_that_is_a_stop_word_only_without_its_accents_is_none():
    """ "thé" is tea, "the" an article; "à" is one in either spelling."""
    assert "the" not in stop_words_in("Thé")
    assert "the" in stop_words_in("the sea")
    assert "a" in stop_words_in("sac à main")
