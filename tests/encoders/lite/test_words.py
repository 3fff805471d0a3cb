"""Plurals, inflections, phrases and script variants of the embedded encoder's words, in nine languages.

`inflected_words.tsv` was written apart from the tables in languages/words/, and none of it may be copied into them.
"""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path

import pytest
from polyglance.config import LANGUAGES
from polyglance.encoders.lite import concept_space
from polyglance.encoders.lite.colours import COLOURS
from polyglance.encoders.lite.reading import read

WORDS = Path(__file__).parent / "inflected_words.tsv"
FIRST_CLASSES = """
dog: 151-268
cat: 281-285
butterfly: 321-326
wolf: 269-272
cleaver: 499 623 910
strawberry: 949
library: 446 453-454 624 681 917 921
daisy: 985
fox: 277-280
lion: 291
goose: 99
mouse: 333 356-359 674
suit: 451 457 465 610 834 906 981
teddy bear: 417 611 613 723 850 865 870
bookcase: 453 493 495 553 648 894
iron: 606
box: 478 492 519 692
polar bear: 296
shop: 415 424 454 467 509 582 788 860 865
basket: 519 588 790
cherry: 948-949 957 989
sailboat: 484 724 780 871 914
ship: 403 510 554 628 724 780
car: 436 468 511 609 627 656 661 751 817
boat: 403 472 484 510 576 625 628 724 780 814 871 914
sunglasses: 836-837
tent: 672
sewing machine: 786
fish: 0-6 389-397
truck: 555 569 675 717 864 867
airplane: 404-405 812 895 908
honeycomb: 599
diaper: 529
envelope: 549 637 692
shoe: 502 514 630 770 774
pencil: 418 563 629 709-710 749 767
vase: 738 883
bus: 654 779 874
owl: 24
shark: 2-4
washing machine: 897
tea: 849 967-968
bag: 414 636 728 748
cup: 504 647 967-968
horse: 339 603 690
starfish: 327
bird: 7-24 80-100 127-146
cake: 470 927-928 960-961 964
traffic light: 920
potato: 935 940-942 996
cow: 345-347 690
sea urchin: 328
mushroom: 947 991-997
sea: 147 460 484 718 973 976-978
bicycle: 444 671 870 880
clock: 409 530-531 604 826 892
hedgehog: 334
baby: 431 443 452 516 520 529 680
table: 526-527 532 736
monkey: 365-384
book: 446 453-454 624 681 917 921
spider: 70-78
toilet: 861 896 999
computer: 508 527 620 664 681 782
sofa: 831
phone: 487 528 590 605
cucumber: 943
"""
"""Meaning: ImageNet classes of which one must be the strongest."""


@cache
def classes() -> dict[str, set[int]]:
    """Meaning -> its classes."""
    by_meaning: dict[str, set[int]] = {}
    for line in FIRST_CLASSES.strip().splitlines():
        meaning, numbers = line.split(": ")
        bounds = [[int(number) for number in part.split("-")] for part in numbers.split()]
        by_meaning[meaning] = {number for first, *last in bounds for number in range(first, (last or [first])[0] + 1)}
    return by_meaning


@cache
def space() -> concept_space.ConceptSpace:
    return concept_space.load()


def rows() -> list[list[str]]:
    with WORDS.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file, delimiter="\t"))


def strongest_class(text: str) -> int:
    """The class that the known words of `text` name, -1 if there are none."""
    things = space()._named_things(read(text, space().words))
    return int(things.concepts.argmax()) if things.concepts.any() else -1


@pytest.mark.parametrize("language", LANGUAGES)
def test_inflected_words_and_phrases_name_their_thing(language: str) -> None:
    wrong = [
        (text, meaning, strongest_class(text))
        for code, text, meaning in rows()
        if code == language and strongest_class(text) not in classes()[meaning]
    ]
    assert wrong == []


def colours(text: str) -> set[str]:
    named = space()._named_colours(read(text, space().words))
    return {COLOURS[number] for number in named.nonzero()[0]}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        *(("красная машина", {"red"}), ("белая кошка", {"white"}), ("голубые глаза", {"blue"})),
        *(("orange cat", {"orange"}), ("オレンジの車", {"orange"}), ("紅色汽車", {"red"}), ("白猫", {"white"})),
        *(("茶色の犬", {"brown"}), ("a grey horse", {"grey"}), ("caballos negros", {"black"})),
    ],
)
def test_a_colour_beside_a_thing_is_the_colour_alone(text: str, expected: set[str]) -> None:
    assert colours(text) == expected
    assert strongest_class(text) not in {950, 951, 849, 968}


@pytest.mark.parametrize(
    "text", ["赤ちゃん", "黄瓜", "面白い", "café", "taza de café", "눈보라", "日本", "白天", "青椒", "лебедь"]
)
def test_no_colour_is_found_inside_another_word(text: str) -> None:
    assert colours(text) == set()


@pytest.mark.parametrize(
    "text", ["机场", "手机", "耳机", "司机", "可爱", "上海", "日本", "人気", "cerca de la playa", "面白い"]
)
def test_no_word_of_another_language_is_found_inside_a_word(text: str) -> None:
    """机 is desk, 爱 heart, 海 sea, 本 book, 人 person; "cerca" is fence, and before "de" near."""
    assert strongest_class(text) not in {526, 532, 714, 949, 921, 624, 834, 716}


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        *(("a basket of fruit", "basket"), ("les baskets", "shoe"), ("the store", "shop"), ("store", "shop")),
        *(("un libro sobre perros", "dog"), ("un sobre", "envelope")),
    ],
)
def test_a_word_of_two_languages_has_the_meaning_of_the_text_s_language(text: str, meaning: str) -> None:
    assert strongest_class(text) in classes()[meaning]


def test_a_tuba_is_a_snorkel_in_french_alone() -> None:
    assert (strongest_class("tuba"), strongest_class("un tuba de plongée")) == (513, 801)


def test_a_wide_word_counts_like_a_narrow_one() -> None:
    """ "Dog" spreads over 118 classes, "beach" over five: a picture of one dog must not need a beach to be found."""
    things = space()._named_things(read("dog beach", space().words))
    assert things.concepts[207] == pytest.approx(3 / 5 * things.concepts.max(), rel=0.3)


def test_a_word_whose_classes_only_look_like_the_thing_counts_less() -> None:
    """No class shows trees: a picture of a bird comes before one of an acorn."""
    things = space()._named_things(read("bird tree", space().words))
    assert things.concepts[16] > things.concepts[988]
