"""What is typed finds what is written, whatever the script: decided by FTS5 itself."""

import contextlib
import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st
from polyglance.data.catalog import sqlite
from polyglance.data.catalog.expression import of_words
from polyglance.data.catalog.word_query import WordQuery
from polyglance.languages import tokens


@contextlib.contextmanager
def holding(*texts):
    with contextlib.closing(sqlite3.connect(":memory:")) as db:
        db.execute(sqlite.WORDS_SCHEMA[0])
        for number, text in enumerate(texts):
            db.execute(
                "INSERT INTO words (rowid, name) VALUES (?, ?)", (number, " ".join(tokens.document_tokens(text)))
            )
        yield db


def finds(query, text):
    words = of_words(WordQuery.from_texts([query]))
    expression = words and sqlite.expression_text(words)
    with holding(text) as db:
        return bool(expression and db.execute("SELECT 1 FROM words WHERE words MATCH ?", (expression,)).fetchone())


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("旅行", "2024年京都旅行記"),
        ("京", "2024年京都旅行記"),
        ("記", "2024年京都旅行記"),
        ("京都旅行", "京都旅行"),
        ("夕焼け", "雪山の夕焼け"),
        ("カメラ", "ｶﾒﾗの写真"),
        ("が", "花が咲く"),
        ("雪山", "IMG_雪山2.jpg"),
        ("고양이", "우리고양이가"),
        ("양이", "고양이"),
        ("양", "고양이"),
        ("كتاب", "كِتَابٌ"),
        ("كتـــاب", "كتاب"),
        ("احمد", "أحمد"),
        ("مدرسه", "مدرسة"),
        ("علي", "على"),
        ("елка", "Ёлка"),
        ("ёлка", "елка"),
        ("МОСКВА", "москва"),
        ("cafe", "Café"),
        ("CAFÉ", "cafe"),
        ("nino", "El Niño"),
        ("strasse", "Straße"),
        ("smorrebrod", "smørrebrød"),
        ("beach", "BeachParty2024"),
        ("party", "beach_party"),
        ("beachparty", "BeachParty"),
        ("iphone", "iPhone"),
        ("x100v", "Fuji X100V"),
        ("hdr", "HDRPhoto"),
        ("2024", "IMG2024"),
        ("img2024", "IMG2024"),
        ("ＢＥＡＣＨ", "beach"),
        ("party beach", "the beach, after a party"),
    ],
)
def test_typed_and_written_meet(query, text):
    assert finds(query, text)


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("京阪", "京都と大阪"),
        ("都旅", "京都 旅行"),
        ("か", "が"),
        ("мои", "мой"),
        ("cat", "category"),
        ("beach sunset", "beach"),
        ("!?", "anything"),
        ("고이", "고양이"),
    ],
)
def test_typed_and_written_do_not_meet(query, text):
    assert not finds(query, text)


def test_stop_words_are_left_out_unless_there_is_nothing_else():
    words = WordQuery.from_texts(["the cat on the sofa"], stop_words_in=lambda _: {"the", "on"})
    assert sqlite.expression_text(of_words(words)) == '("cat") AND ("sofa")'
    assert WordQuery.from_texts(["The"], stop_words_in=lambda _: {"the"}).texts == ((("the",),),)


@given(st.text(max_size=60))
def test_any_text_makes_an_expression_that_fts5_takes_and_finds_itself(text):
    assert finds(text, text) == bool(tokens.units(text))


@given(st.text(max_size=40), st.text(max_size=12))
def test_the_reason_given_is_what_fts5_found(text, query):
    document = tokens.document_tokens(text)
    asked = tokens.units(query)
    assert (bool(asked) and all(tokens.has(document, unit) for unit in asked)) == finds(query, text)
