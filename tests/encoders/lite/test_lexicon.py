"""Words in a small lexicon of the test's own: what is found, in which language, and what is not."""

from __future__ import annotations

import json

import pytest
from polyglance.encoders.lite import lexicon
from polyglance.encoders.lite.reading import read

CAT, DOG, BEAR, SPIDER, EEL, TEA, HONEYCOMB, DIAPER, PIG, BOAR, PIE, MAGPIE, DESK, TOY, TOY_SHOP = range(15)
LEXICON = lexicon.build(
    [
        *(("en", "cat", CAT, 1.0), ("zh", "猫", CAT, 1.0), ("ja", "猫", CAT, 1.0), ("ja", "ねこ", CAT, 1.0)),
        *(("ru", "кошка", CAT, 1.0), ("ar", "قطة", CAT, 1.0), ("ko", "고양이", CAT, 1.0), ("es", "perro", DOG, 1.0)),
        *(("ja", "いぬ", DOG, 1.0), ("en", "bear", BEAR, 1.0), ("en", "cat spider", SPIDER, 1.0)),
        *(("zh", "猫蜘蛛", SPIDER, 1.0), ("ja", "うなぎいぬ", EEL, 1.0), ("fr", "thé", TEA, 1.0)),
        *(("fr", "tasse à thé", TEA, 1.0), ("es", "panal", HONEYCOMB, 1.0), ("es", "pañal", DIAPER, 1.0)),
        *(("zh", "猪", PIG, 1.0), ("ja", "猪", BOAR, 1.0), ("en", "pie", PIE, 1.0), ("fr", "pie", MAGPIE, 1.0)),
        *(("ja", "机", DESK, 1.0), ("en", "toy", TOY, 1.0), ("en", "toys", TOY_SHOP, 0.5)),
    ]
)


def anchors(text: str) -> list[int]:
    return sorted({anchor for hit in read(text, LEXICON).hits for anchor, _ in hit.sense})


@pytest.mark.parametrize(
    "text",
    [
        *("cat", "CATS!", "the cat's", "白い猫", "ネコ", "ねこのえ", "кошки", "кошку", "кошек", "القطة", "قِطّة"),
        *("وقطة", "고양이는", "고양이들", "三只貓", "小猫"),
    ],
)
def test_a_word_is_found_in_any_form(text: str) -> None:
    assert anchors(text) == [CAT]


@pytest.mark.parametrize(("text", "anchor"), [("a cat spider", SPIDER), ("黑猫蜘蛛", SPIDER), ("うなぎいぬ", EEL)])
def test_the_longest_phrase_wins(text: str, anchor: int) -> None:
    assert anchors(text) == [anchor]


@pytest.mark.parametrize(
    "text", ["", "concatenate", "bea", "ていねこむ", "くろいぬの", "123", "机场", "飞机场", "熊猫"]
)
def test_parts_of_other_words_are_not_found(text: str) -> None:
    assert anchors(text) == []


def test_several_words_are_found() -> None:
    assert anchors("two bears and the cat") == [CAT, BEAR]


def test_a_phrase_with_a_stop_word_is_found_with_and_without_it() -> None:
    assert anchors("une tasse à thé") == anchors("tasse thé") == [TEA]


def test_accents_tell_words_apart_and_can_be_left_out() -> None:
    assert (anchors("thé"), anchors("the")) == ([TEA], [TEA])
    assert (anchors("pañal"), anchors("panal")) == ([DIAPER], [HONEYCOMB])
    assert anchors("the cat") == [CAT]


def test_the_text_decides_the_language_of_a_word() -> None:
    assert anchors("pie") == [PIE, MAGPIE]
    assert anchors("a pie with a cat") == [CAT, PIE]
    assert anchors("une pie dans le thé") == [TEA, MAGPIE]
    assert (anchors("猪"), anchors("猪の絵")) == ([PIG, BOAR], [BOAR])


def test_a_word_that_only_another_language_has_is_found() -> None:
    assert anchors("my dog and your perro") == [DOG]


def test_a_plural_that_is_listed_for_a_narrow_sense_keeps_the_wide_one() -> None:
    assert anchors("toys") == [TOY, TOY_SHOP]


def test_a_lexicon_survives_json() -> None:
    copy = lexicon.from_json(json.loads(json.dumps(lexicon.to_json(LEXICON))))
    hits = read("cat", copy).hits
    assert [(hit.length, [tuple(pair) for pair in hit.sense]) for hit in hits] == [(3, [(CAT, 1.0)])]
