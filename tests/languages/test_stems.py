import pytest
from polyglance.languages.chinese import FILE, simplified
from polyglance.languages.stems import PLURALS, singulars, stems


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", "house houses"),
        ("es", "camión camion camiones"),
        ("es", "oso osos"),
        ("fr", "blanche blanches"),
        ("fr", "feu feux"),
        ("it", "orso orsi"),
        ("ru", "красный красная красное красные красного"),
        ("ru", "зелёный зеленая"),
        ("ar", "كتاب الكتاب"),
    ],
)
def test_forms_of_a_word_share_a_stem(language, words):
    first, *others = (set(stems(word, language)) for word in words.split())
    assert all(first & other for other in others)


@pytest.mark.parametrize(
    ("language", "plural", "singular"),
    [
        *(("en", "wolves", "wolf"), ("en", "knives", "knife"), ("en", "daisies", "daisy"), ("en", "boxes", "box")),
        *(("es", "peces", "pez"), ("fr", "chevaux", "cheval"), ("fr", "bateaux", "bateau"), ("it", "funghi", "fungo")),
        *(("it", "barche", "barca"), ("it", "pesci", "pesce"), ("ru", "кошек", "кошка"), ("ar", "سيارات", "سياره")),
    ],
)
def test_the_singular_of_a_plural_is_among_the_candidates(language, plural, singular):
    assert singular in set(singulars(plural, language))


@pytest.mark.parametrize("language", ["zh", "ja", "ko"])
def test_languages_without_endings_have_no_stems(language):
    assert stems("word", language) == ()
    assert language not in PLURALS


def test_short_words_are_not_inflected():
    assert stems("as", "en") == ()
    assert list(singulars("gas", "en")) == []


def test_traditional_characters_become_simplified_one_for_one():
    assert simplified("電腦飛機沙發馬桶頭髮裡面説明衞生紙麵包") == "电脑飞机沙发马桶头发里面说明卫生纸面包"
    assert simplified("猫 cat ねこ") == "猫 cat ねこ"
    traditional, simple = FILE.read_text(encoding="utf-8").splitlines()
    assert len(traditional) == len(simple) > 4000
