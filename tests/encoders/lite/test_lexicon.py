from __future__ import annotations

import json

import pytest
from polyglance.encoders.lite import lexicon

CAT, DOG, BEAR, SPIDER, EEL = range(5)
WORDS = (
    *(("cat", CAT, 1.0), ("猫", CAT, 1.0), ("ねこ", CAT, 1.0), ("кошка", CAT, 1.0), ("قطة", CAT, 1.0)),
    *(("고양이", CAT, 1.0), ("perro", DOG, 1.0), ("いぬ", DOG, 1.0), ("bear", BEAR, 1.0)),
    *(("cat spider", SPIDER, 1.0), ("猫蜘蛛", SPIDER, 1.0), ("うなぎいぬ", EEL, 1.0)),
)
LEXICON = lexicon.build(WORDS)


def find_anchors(text: str) -> list[int]:
    return [anchor for hit in LEXICON.find(lexicon.split(text)) for anchor, _ in hit.anchors]


@pytest.mark.parametrize(
    "text", ["cat", "CATS!", "the cat's", "白猫", "ネコ", "ねこのえ", "кошки", "кошку", "القطة", "قِطّة", "고양이는"]
)
def test_a_word_is_found_in_any_form(text: str) -> None:
    assert find_anchors(text) == [CAT]


@pytest.mark.parametrize(("text", "anchor"), [("a cat spider", SPIDER), ("黒い猫蜘蛛", SPIDER), ("うなぎいぬ", EEL)])
def test_the_longest_phrase_wins(text: str, anchor: int) -> None:
    assert find_anchors(text) == [anchor]


@pytest.mark.parametrize("text", ["", "concatenate", "bea", "ていねこむ", "くろいぬの", "123"])
def test_parts_of_other_words_are_not_found(text: str) -> None:
    assert find_anchors(text) == []


def test_several_words_are_found_in_order() -> None:
    assert find_anchors("two bears and the perros") == [BEAR, DOG]


def test_stop_words_are_left_out_and_cut_joined_scripts() -> None:
    assert lexicon.split("A photo: 一只猫", frozenset({"a", "photo", "一只"})) == ["猫"]


def test_a_lexicon_survives_json() -> None:
    restored = lexicon.from_json(json.loads(json.dumps(lexicon.to_json(LEXICON))))
    assert restored.find(["cat"])[0].length == 3
    assert list(restored.find(["cat"])[0].anchors[0]) == [CAT, 1.0]
