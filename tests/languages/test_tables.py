import pytest
from polyglance.config import LANGUAGES
from polyglance.languages.vocabulary import TABLES, rows


@pytest.mark.parametrize("table", TABLES)
def test_every_cell_has_words_and_each_once(table):
    wrong = []
    for row in rows(table):
        for language in LANGUAGES:
            if language in row:
                words = [word.strip() for word in row[language].split(";")]
                if "" in words or len(set(words)) < len(words):
                    wrong.append((next(iter(row.values())), language, row[language]))
    assert wrong == []


def test_an_everyday_thing_is_named_once():
    headers = [row["en"] for row in rows("words.tsv")]
    assert len(set(headers)) == len(headers)
