"""The wording of the page: one term for one thing, the punctuation of each language, and no text outside the words."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from .test_words import LANGUAGES, STATIC, forms, placeholders, words

DOCUMENT = Path(__file__).parents[3] / "docs" / "translating.md"

TYPOGRAPHY = {
    "fr": r"(?<![\u00a0\u202f])[:;?!»]|«(?![\u00a0\u202f])",
    "zh": r"[,:;?!()]|\.$",
    "ja": r"[,:;?!()]|\.$",
    "ko": r"[，：；？！（）。]",
    "ar": r"[,;?]",
}
"""Punctuation that the language does not have."""

OTHER_SCRIPT = {"zh", "ja", "ko", "ru", "ar"}

# What would be a text of the page in its source.
GLUED = re.compile(r"\$\{t\([^`]*?\)\}[:,] |\}[:,] \$\{t\(|join\(\"[,;:] ")
LITERAL = re.compile(
    r"""(?:"aria-label"|\btitle|\balt|\bplaceholder): "(?!/)[^"]*[A-Za-z]{2}|textContent = ["`](?:[^"`$]*[A-Za-z]{2})"""
    r"""|make\("\w+", (?:\{[^}]*\}), "[^"]*[A-Za-z]{2}"""
)
FORMATS = re.compile(r"\bIntl\.|\.toLocale")


def tables():
    """The rows of the document's tables, as dictionaries, table by table."""
    found = []
    for line in DOCUMENT.read_text(encoding="utf-8").splitlines():
        if not line.startswith("|"):
            continue
        cells = [cell.strip().replace(r"\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if cells[0] in {"key", "language"}:
            head = cells
            found.append([])
        elif set(cells[0]) != {"-"}:
            found[-1].append(dict(zip(head, cells, strict=True)))
    return found


TERMS, AVOIDED = tables()


def texts(language):
    """Each form of each text, with its key and without its placeholders."""
    return [(key, re.sub(r"\{\w+\}", "0", form)) for key, entry in words(language).items() for form in forms(entry)]


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_term_stands_where_the_glossary_says(language):
    known = words(language)
    seen = [row for row in TERMS if row["key"] in known]
    missing = [row["key"] for row in seen if row[language] not in " ".join(forms(known[row["key"]])).lower()]
    assert missing == []
    assert len(seen) >= 20


@pytest.mark.parametrize("row", AVOIDED, ids=lambda row: f"{row['language']}-{row['but']}")
def test_no_text_has_a_word_that_readers_corrected(row):
    pattern = re.compile(row["not"].strip("`"), re.IGNORECASE)
    allowed = row["except"].split()
    assert [(key, text) for key, text in texts(row["language"]) if key not in allowed and pattern.search(text)] == []


@pytest.mark.parametrize("language", TYPOGRAPHY)
def test_the_punctuation_is_that_of_the_language(language):
    wrong = re.compile(TYPOGRAPHY[language])
    assert [(key, text) for key, text in texts(language) if wrong.search(text)] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_has_two_blanks_or_typewriter_signs(language):
    assert [(key, text) for key, text in texts(language) if re.search(r"[\s\u00a0]{2}|\.\.\.|'|\"", text)] == []


def test_questions_in_spanish_are_opened():
    assert [text for _, text in texts("es") if text.count("?") != text.count("¿")] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_form_of_a_text_names_known_values_once(language):
    for key, entry in words(language).items():
        known = set(placeholders(" ".join(forms(words("en")[key]))))
        for form in forms(entry):
            assert len(placeholders(form)) == len(set(placeholders(form))), key
            assert set(placeholders(form)) <= known, key
            assert form.count("{") == form.count("}") == len(placeholders(form)), key


@pytest.mark.parametrize("language", sorted(OTHER_SCRIPT))
def test_no_text_stays_in_latin_letters(language):
    own = re.compile(r"[^\x00-\u024f\u2000-\u206f]")
    assert [(key, text) for key, text in texts(language) if re.search("[a-z]{2}", text) and not own.search(text)] == []


def scripts():
    """The code of each script, without its comments."""
    sources = {one.name: one.read_text(encoding="utf-8") for one in STATIC.iterdir() if one.name.endswith(".js")}
    return {name: re.sub(r"(?m)^\s*(?://|/\*\*|\*).*$", "", source) for name, source in sources.items()}


@pytest.mark.parametrize("pattern", [GLUED, LITERAL], ids=["glued", "literal"])
def test_scripts_have_no_text_of_their_own(pattern):
    assert {name: found for name, source in scripts().items() if (found := pattern.findall(source))} == {}


def test_numbers_and_dates_are_written_in_one_place():
    assert [name for name, source in scripts().items() if FORMATS.search(source)] == ["i18n.js"]


class Untranslated(HTMLParser):
    """Collect the texts of a document that no words replace."""

    def __init__(self):
        super().__init__()
        self.texts = []
        self.languages = [None]

    def handle_starttag(self, tag, attrs):
        known = dict(attrs)
        if tag not in {"img", "input", "path", "circle", "rect"}:
            self.languages.append(known.get("lang"))
        self.texts += [known[name] for name in ("title", "aria-label", "placeholder", "alt") if known.get(name)]

    def handle_endtag(self, tag):
        if tag not in {"img", "input", "path", "circle", "rect"}:
            self.languages.pop()

    def handle_data(self, data):
        if data.strip() and self.languages[-1] is None:
            self.texts.append(data.strip())


def test_the_document_has_no_text_but_the_name():
    parser = Untranslated()
    parser.feed((STATIC / "page.html").read_text(encoding="utf-8"))
    assert parser.texts == ["polyglance"]
