import subprocess
import sys

import pytest
from polyglance.data.sample import WORDS
from polyglance.languages.detect import detect


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("snowy mountains", "en"),
        ("a dog on the beach", "en"),
        ("sunset", "en"),
        ("montañas nevadas", "es"),
        ("un perro en la playa", "es"),
        ("montagnes enneigées", "fr"),
        ("un chien sur la plage", "fr"),
        ("montagne innevate", "it"),
        ("un cane sulla spiaggia", "it"),
        ("снежные горы", "ru"),
        ("雪山", "zh"),
        ("雪山の夕焼け", "ja"),
        ("自転車", "ja"),
        ("ロケット", "ja"),
        ("눈 덮인 산", "ko"),
        ("جبل ثلجي", "ar"),
        ("123 !?", None),
        ("🐱", None),
        ("cane_gatto", "it"),
    ],
)
def test_language_of_a_query(text, language):
    assert detect(text) == language


@pytest.mark.parametrize(
    "text",
    [
        *[
            "qwerty",
            "azerty",
            "йцукен",
            "asdfgh",
            "asdf",
            "zxcvbn",
            "hjkl",
            "lkjasdf sdfsdf",
            "xkcd",
            "zzzz",
            "wqerqw",
            "dsfjk",
            "фывапр",
        ],
        *["IMG_7003.jpg", "IMG_7003", "DSC07003", "DSCN0001.JPG", "x", "bbbb 12"],
    ],
)
def test_nonsense_names_no_language(text):
    assert detect(text) is None


@pytest.mark.parametrize(
    ("language", "texts"),
    {
        "en": ["laughing", "wedding", "blizzard", "grandmother", "yesterday", "quarrel", "my crush"],
        "es": ["cumpleaños", "abuela riendo", "ayer llovía", "ñandú", "vergüenza"],
        "fr": ["anniversaire", "grand-mère qui rit", "hier il pleuvait", "œuvre", "gâteau d'anniversaire"],
        "it": ["compleanno", "nonna che ride", "ieri pioveva", "gnocchi fatti in casa", "sciogliere"],
        "ru": ["бабушка смеётся", "вчера", "свадьба", "дождливый вечер", "щенок", "съёмка"],
    }.items(),
)
def test_words_that_the_vocabulary_may_lack_are_no_nonsense(language, texts):
    assert {text: detect(text) for text in texts if detect(text) is None} == {}, language


@pytest.mark.parametrize("language", ["en", "ru", "ko", "ar", "it"])
def test_single_words_of_the_demo(language):
    assert {detect(word) for word in WORDS[language]} == {language}


def test_the_slow_guesser_is_loaded_only_in_doubt():
    code = (
        "import sys; from polyglance.languages.detect import detect; detect('gatto'); detect('雪山'); detect('قطة');"
        "print('py3langid' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "False\n"
