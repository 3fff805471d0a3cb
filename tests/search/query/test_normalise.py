import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from polyglance.errors import QueryError
from polyglance.languages.vocabulary import vocabulary
from polyglance.search.query.normalise import check_count, normalise


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("  snowy \t mountains\n", "snowy mountains"),
        ("cafe\u0301", "café"),
        ("\u200fجبل ثلجي\u200e", "جبل ثلجي"),
        ("cat\x07dog", "cat dog"),
        ("ＣＡＴ　１", "CAT 1"),
        ("ｶﾒﾗ ﾊﾟｽﾀ", "カメラ パスタ"),
        ("cafÃ© crÃ¨me", "café crème"),
        ("é›ªå±±", "雪山"),
        ("Ù‚Ø·Ø©", "قطة"),
        ("Её ёлка №5", "Её ёлка №5"),
        ("SÃO PAULO", "SÃO PAULO"),
        ("ÄÖÜ ß — “naïve”", "ÄÖÜ ß — “naïve”"),
        ("\ufeff雪山", "雪山"),
        ("C++ - what?", "C++ - what?"),
        ("👨‍👩‍👧 family", "👨‍👩‍👧 family"),
    ],
)
def test_what_is_typed_becomes_what_is_meant(typed, meant):
    assert normalise(typed, 100) == meant


@pytest.mark.parametrize("empty", ["", "   ", "\n\t", "\u200f", "\x07"])
def test_nothing_is_refused_with_an_example(empty):
    with pytest.raises(QueryError, match="for example"):
        normalise(empty, 100)


def test_a_megabyte_is_refused_at_once():
    with pytest.raises(QueryError, match="1,048,576 characters; the limit is 1,000"):
        normalise("x" * (1 << 20), 1000)


def test_nul_is_refused():
    with pytest.raises(QueryError, match="NUL"):
        normalise("cat\0dog", 100)


def test_bytes_that_are_no_text_are_refused():
    with pytest.raises(QueryError, match="not valid text"):
        normalise("caf\udce9", 100)


def test_no_word_of_the_nine_languages_is_taken_for_mojibake():
    words = {word for known in vocabulary().values() for word in known if word}
    spelled = words | {word.upper() for word in words} | {word.capitalize() for word in words}
    assert len(spelled) > 20_000
    changed = [word for word in spelled if normalise(word, 100) != " ".join(unicodedata.normalize("NFC", word).split())]
    assert changed == []


@given(st.text(max_size=200))
def test_any_text_is_refused_or_clean_and_stays_so(text):
    try:
        cleaned = normalise(text, 200)
    except QueryError:
        return
    cleaned.encode()
    assert "\n" not in cleaned
    assert normalise(cleaned, 1000) == cleaned


@pytest.mark.parametrize("count", [0, -1, 10**9])
def test_counts_out_of_range(count):
    with pytest.raises(QueryError, match=r"Ask for 1 to 10,000"):
        check_count(count)
