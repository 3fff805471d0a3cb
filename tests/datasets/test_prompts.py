import pytest
from evaluation_sets import CIFAR_CLASSES
from polyglance.config import LANGUAGES
from polyglance.datasets import prompts
from polyglance.errors import DataError, UsageError
from polyglance.languages.detect import detect
from polyglance.languages.vocabulary import vocabulary

ENGLISH = (
    "a photo of a {c}.|a blurry photo of a {c}.|a black and white photo of a {c}.|a low contrast photo of a {c}.|"
    "a high contrast photo of a {c}.|a bad photo of a {c}.|a good photo of a {c}.|a photo of a small {c}.|"
    "a photo of a big {c}.|a photo of the {c}.|a blurry photo of the {c}.|a black and white photo of the {c}.|"
    "a low contrast photo of the {c}.|a high contrast photo of the {c}.|a bad photo of the {c}.|"
    "a good photo of the {c}.|a photo of the small {c}.|a photo of the big {c}."
)


def test_the_english_templates_are_altclips():
    assert "|".join(prompts.templates("cifar10", "en")) == ENGLISH


@pytest.mark.parametrize("code", LANGUAGES)
def test_each_language_has_its_templates_and_names(code):
    templates = prompts.templates("cifar10", code)
    names = prompts.class_names("cifar10", CIFAR_CLASSES, code)
    filled = {name.fill(template) for name in names for template in templates}
    assert len(templates) == 18 and len(filled) == 180
    assert not any("{" in text for text in filled)
    assert len({name.bare for name in names}) == 10
    if code not in ("en", "es", "fr", "it"):  # what the script alone tells
        assert {detect(text) for text in filled} == {code}
    assert len(set(prompts.templates("imagenet-r", code))) == 7
    assert all("{c}" in template for template in prompts.templates("imagenet", code))


@pytest.mark.parametrize("code", LANGUAGES)
def test_names_of_cifar10_are_words_that_lite_knows(code):
    """Another list, made for another end, has them too: a typing error would stand out."""
    names = [name.bare for name in prompts.class_names("cifar10", CIFAR_CLASSES, code)]
    assert sum(name in vocabulary()[code] for name in names) >= 9


def test_articles_go_where_a_template_asks_for_them():
    airplane = prompts.class_names("cifar10", ["airplane"], "it")[0]
    assert airplane.fill("{c}|{a}|{the}") == "aereo|un aereo|l'aereo"


def test_imagenet_has_1000_names_in_each_language():
    classes = prompts.imagenet_classes()
    assert len(classes) == 1000
    assert all(all(names[code] for code in LANGUAGES) for names in classes.values())
    assert classes["n01443537"]["en"] == "goldfish"
    assert prompts.class_names("imagenet-a", ["n01443537"], "zh")[0].bare == "金鱼"


def test_an_unknown_language_or_class_is_said():
    with pytest.raises(UsageError, match=r"There is no language 'xx' among the prompts. There are: en, zh"):
        prompts.templates("cifar10", "xx")
    with pytest.raises(UsageError, match=r"no language 'de'"):
        prompts.class_names("imagenet", ["n01443537"], "de")
    with pytest.raises(DataError, match=r"CIFAR-10 has no class 'plane'"):
        prompts.class_names("cifar10", ["plane"], "en")


def test_ones_own_templates_and_names(tmp_path):
    file = tmp_path / "templates.txt"
    file.write_text("a {c}\n\nthe {the} there\n")
    assert prompts.read_templates(file) == ("a {c}", "the {the} there")
    file.write_text("a {c}\nnothing here\n")
    with pytest.raises(DataError, match=r"templates.txt, line 2: the template has no \{c\}"):
        prompts.read_templates(file)
    names = tmp_path / "classes.tsv"
    names.write_text("cat\tHauskatze\ndog\tHund\n")
    assert [name.bare for name in prompts.read_class_names(names, ["dog", "cat"])] == ["Hund", "Hauskatze"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("cat\tKatze\ndog\t\n", "line 2: expected CLASS<TAB>NAME"),
        ("cat\tKatze\ncat\tKater\n", "line 2: the class 'cat' is named twice"),
        ("cat\tKatze\ncow\tKuh\n", "line 2: there is no class 'cow'. The first are: cat, dog"),
        ("cat\tKatze\n", "1 classes have no name, 'dog' for one"),
    ],
)
def test_names_that_do_not_add_up_are_named_by_line(tmp_path, text, message):
    file = tmp_path / "classes.tsv"
    file.write_text(text)
    with pytest.raises(DataError, match=message):
        prompts.read_class_names(file, ["cat", "dog"])
