"""Things have names in nine languages, each thing once."""

from polyglance.config import LANGUAGES
from polyglance.languages.fold import fold
from polyglance.languages.things import keys_of, things


def test_every_thing_has_names_in_nine_languages():
    assert len(things()) > 1300
    assert all(set(thing.names) == set(LANGUAGES) and all(thing.names.values()) for thing in things().values())
    assert things()["cat"].name("ja") == "猫"
    assert things()["cat"].name("xx") == "cat"


def test_no_two_things_have_the_same_key_whatever_the_case():
    assert len({fold(key) for key in things()}) == len(things())


def test_a_general_word_has_no_name_of_a_wider_thing():
    assert things()["dog"].name("zh") == "狗"
    assert "spaniel" not in things()  # 狗 in the table of classes
    assert things()["dog"].is_everyday and not things()["Siamese cat"].is_everyday


def test_things_are_known_by_key_and_by_name():
    assert keys_of("dog") == keys_of("DOG") == keys_of("собака") == ("dog",)
    assert keys_of("xyzzy") == keys_of("") == ()
