"""The page's words: nine languages say the same, each with the plural forms it needs."""

import json
import re
from importlib.resources import files
from pathlib import Path

import pytest

STATIC = files("polyglance.ui.page") / "static"
LANGUAGES = ("en", "zh", "es", "fr", "ru", "ja", "ko", "ar", "it")

PLURALS = {
    "en": {"one", "other"},
    "zh": {"other"},
    "es": {"one", "many", "other"},
    "fr": {"one", "many", "other"},
    "ru": {"one", "few", "many", "other"},
    "ja": {"other"},
    "ko": {"other"},
    "ar": {"zero", "one", "two", "few", "many", "other"},
    "it": {"one", "many", "other"},
}
"""The categories of cardinal numbers in CLDR, which are those of Intl.PluralRules."""

USES = re.compile(r"""\b(?:t|nodes)\(\s*"([^"]+)"|\bdata-t(?:-[a-z-]+)?="([^"]+)\"""")
TEMPLATES = re.compile(r"`([\w.]*\$\{[^`]*)`")
LITERALS = re.compile(r'"([\w.]+)"')


def words(language):
    return json.loads((STATIC / "words" / f"{language}.json").read_text(encoding="utf-8"))


def forms(entry):
    return entry.values() if isinstance(entry, dict) else [entry]


def placeholders(text):
    return sorted(re.findall(r"\{(\w+)\}", text))


def sources():
    return {
        one.name: one.read_text(encoding="utf-8") for one in STATIC.iterdir() if one.name.endswith((".js", ".html"))
    }


def used_with_certainty():
    """Keys that stand in a call of `t` or `nodes`, or in the HTML."""
    return {first or second for source in sources().values() for first, second in USES.findall(source)}


def could_be_made(template):
    """A pattern of the keys that a template literal can make."""
    return re.compile(re.sub(r"\\\$\\\{.*?\\\}", r"[\\w-]+", re.escape(template)))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_the_same_keys_in_order(language):
    assert list(words(language)) == sorted(words("en"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_has_the_placeholders_of_the_english_one(language):
    for key, entry in words("en").items():
        wanted = placeholders(entry["other"] if isinstance(entry, dict) else entry)
        other = words(language)[key]
        assert placeholders(other["other"] if isinstance(other, dict) else other) == wanted, key
        for form in forms(other):  # "one photo" may be said without its number
            assert [name for name in placeholders(form) if name != "count"] == [n for n in wanted if n != "count"], key


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_that_counts_has_the_forms_its_language_needs(language):
    for key, entry in words("en").items():
        assert isinstance(words(language)[key], dict) == isinstance(entry, dict), key
        if isinstance(entry, dict):
            assert set(words(language)[key]) == PLURALS[language], key


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_is_empty_or_has_blanks_around_it(language):
    for key, entry in words(language).items():
        assert all(form and form == form.strip() for form in forms(entry)), key


def test_every_key_that_the_page_uses_is_there():
    assert used_with_certainty() - set(words("en")) == set()


def test_every_reason_of_a_refusal_or_a_failed_job_has_a_text():
    root = Path(str(files("polyglance")))
    rooms = ("search", "indexer", "library", "data", "ui")
    parts = [path for room in rooms for path in (root / room).rglob("*.py")]
    codes = {code for path in parts for code in re.findall(r'with_code\(\s*"(\w+)"', path.read_text(encoding="utf-8"))}
    assert len(codes) > 20
    assert {f"refused.{code}" for code in codes} == {key for key in words("en") if key.startswith("refused.")}


def test_every_key_is_used():
    everything = "\n".join(sources().values())
    made = [could_be_made(template) for template in TEMPLATES.findall(everything)]
    certain = used_with_certainty() | set(LITERALS.findall(everything))
    unused = [key for key in words("en") if key not in certain and not any(one.fullmatch(key) for one in made)]
    assert unused == []
