import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from polyglance.errors import QueryError
from polyglance.search.query.filters import NAMES, Filter
from polyglance.search.query.normalise import normalise
from polyglance.search.query.parse import Query, Term, parse


def text(value, weight=1.0):
    return Term("text", value, weight)


def file(value, weight=1.0):
    return Term("file", value, weight)


@pytest.mark.parametrize(
    ("typed", "terms"),
    [
        ("2: sunset + 1: beach.jpg - people", [text("sunset", 2), file("beach.jpg"), text("people", -1)]),
        ("雪山 + 夕焼け - 人", [text("雪山"), text("夕焼け"), text("人", -1)]),
        ("雪山　＋　2：　夕焼け", [text("雪山"), text("夕焼け", 2)]),
        ("قطة - كلب", [text("قطة"), text("كلب", -1)]),
        ("horse - 0.5: rider", [text("horse"), text("rider", -0.5)]),
        ("- people + beach", [text("people", -1), text("beach")]),
        ("1: beach.jpg", [file("beach.jpg")]),
        ("+ #1234", [Term("photo", "1234")]),
        ("#12", [Term("itself", "12")]),
        ("#12 - my cat.HEIC", [Term("photo", "12"), file("my cat.HEIC", -1)]),
        ("dusk + https://example.org/a.jpg", [text("dusk"), Term("url", "https://example.org/a.jpg")]),
        ("https://example.org/a.jpg", [Term("url", "https://example.org/a.jpg")]),
        ('cat + "beach.jpg"', [text("cat"), text("beach.jpg")]),
        ("a + - b", [text("a"), text("- b")]),
    ],
)
def test_sums(typed, terms):
    assert parse(typed, 200) == Query(tuple(terms))


@pytest.mark.parametrize(
    "typed",
    [
        *["snowy mountains", "C++", "rock-n-roll", "well-known", "AC/DC", "16:9", "12:30", "Re:Zero", "note: this"],
        *["beach.jpg", "IMG_1234.JPG", "sunset -", "2:", "Barcelona – Sagrada Familia", "Ünterwegs:heute"],
        *[
            "-people",
            "+1",
            '12" vinyl',
            "c:\\photos",
            "l'été",
            "¿qué?",
            "снег: вчера",
            "注意:雪",
            "고양이+강아지",
            "قطة+كلب",
        ],
    ],
)
def test_text_that_means_itself(typed):
    assert parse(typed, 200) == Query((text(typed),))


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ('"salt - pepper"', "salt - pepper"),
        ('"re:zero"', "re:zero"),
        ('"12: Angry" men', "12: Angry men"),
        (r'"say \"cheese\" \\ now"', r'say "cheese" \ now'),
        ('"雪 + 山"', "雪 + 山"),
    ],
)
def test_quotes_make_text_of_anything(typed, meant):
    assert parse(typed, 200) == Query((text(meant),))


def test_plain_makes_text_of_anything():
    assert parse("2: sunset - people after:2024", 200, plain=True).terms == (text("2: sunset - people after:2024"),)


def test_filters_stand_anywhere():
    query = parse('after:2024-05 雪 CAMERA:"X100 V" 山 folder:旅行 - 人 type：heic', 200)
    assert query.terms == (text("雪 山"), text("人", -1))
    assert query.filters == (
        *(Filter("after", "2024-05"), Filter("camera", "X100 V")),
        *(Filter("folder", "旅行"), Filter("type", "heic")),
    )


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ('"snowy mountains', "A quote is not closed"),
        ('camera:"X100V', "A quote is not closed"),
        ('"a"b', "A quote is not closed"),
        ("colour:red", "no filter colour:"),
        ("camra:x", "Did you mean camera:"),
        ("cat after:2024-13", "after:2024-13 is no date"),
        ("cat date:2023-02-29", "date:2023-02-29 is no date"),
        ("cat date:0000", "date:0000 is no date"),
        ("cat date:9999-12-31", "date:9999-12-31 is no date"),
        ("cat date:2024-05..2024-03", "ends before it begins"),
        ("- people", "only says what not to show"),
        ("- people - 2: cars", "only says what not to show"),
        ("0: cat", "weight of cat is 0"),
        ('cat + ""', "part of the query is empty"),
        (" + ".join(["cat"] * 17), "17 terms; the limit is 16"),
        ("type:docx", "no kind of picture"),
        ("near:here", "no place"),
        ("near:91,0", "no place"),
        ("near:nan,0,1", "no place"),
        ("near:1,2,0", "no place"),
        ("within:1,2,3", "no area"),
        ("within:nan,0,1,1", "no area"),
        ("within:2,0,1,1", "no area"),
        ("within:0,0,91,1", "no area"),
        ("within:0,-inf,1,1", "no area"),
        ("within:0,0,1,181", "no area"),
        ("is:old", "not known"),
        ("size:>big", "no size"),
        ("aspect:0:9", "aspect:0:9 is none"),
        ("aspect:16:0", "aspect:16:0 is none"),
        ("orientation:up", "is none"),
        ("is:old", "is:favourite"),
        ("has:fun", "has:place"),
        ('folder:"!"', "holds no word"),
        ('camera:""', "has no value"),
        ("cat\0dog", "NUL"),
        ("caf\udce9", "not valid text"),
        ("x" * 10_000_000, "10,000,000 characters; the limit is 200"),
    ],
)
def test_bad_input_is_one_clear_line(typed, message):
    with pytest.raises(QueryError) as caught:
        parse(typed, 200)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300


words = st.sampled_from(
    [
        *[
            "cat",
            "雪山",
            "قطة",
            "+",
            "-",
            "2:",
            "0.5:",
            "3:",
            '"',
            "\\",
            '"a - b"',
            "#12",
            "beach.jpg",
            ":",
            "after:2024",
        ],
        *["type:heic", 'folder:"a b"', "folder:a", "https://a.b/c", "nope:x", "Re:Zero", "＋", "’", 'a"b'],
    ]
)
queries = st.lists(words | st.text(max_size=6), max_size=12).map(" ".join) | st.text(max_size=80)


def parsed(typed):
    try:
        return parse(typed, 400)
    except QueryError as error:
        assert "\n" not in str(error)
        return None


@given(queries)
@example('1: 3: x.jpg + "2:" y')
@example('"\\" + "#1" - "a.jpg"')
def test_parsing_never_fails_otherwise_and_printing_it_can_be_parsed_again(typed):
    query = parsed(typed)
    if query is not None:
        assert parse(str(query), 10_000) == query


@given(st.text(max_size=80))
def test_text_without_signs_quotes_and_colons_is_itself(typed):
    try:
        cleaned = normalise(typed, 100)
    except QueryError:
        return
    if any(sign in cleaned for sign in '+-":'):
        return
    assert parse(typed, 100) == Query((text(cleaned),))


@given(st.sampled_from(NAMES), st.text(max_size=20))
def test_a_filter_takes_any_value_or_says_what_is_wrong(name, value):
    parsed(f"cat {name}:{value}")
