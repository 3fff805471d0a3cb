"""The page's pure modules, run by a real Chromium: addresses, photos in a query, days, rows."""

import pytest
from polyglance.search.query.parse import parse


@pytest.fixture(scope="module")
def run(browser, album_address):
    """Evaluate JavaScript that has the modules' exports: `run("shifted(day, 1)", day="2024-02-28")`."""
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(f"{album_address}/api/v1/status")
        names = ["address", "query", "days", "layout", "typed"]

        def evaluate(expression, **given):
            return page.evaluate(
                """async ([names, expression, given]) => {
                    const modules = await Promise.all(names.map((name) => import(`/ui/${name}.js`)));
                    const known = Object.assign({}, ...modules, given);
                    return new Function(...Object.keys(known), `return ${expression}`)(...Object.values(known));
                }""",
                [names, expression, given],
            )

        yield evaluate


@pytest.mark.parametrize(
    "address",
    [
        "",
        "?q=%E9%9B%AA%E5%B1%B1&after=2024",
        "?q=%D9%82%D8%B7%D8%A9&folder=a%2Fb&camera=X100V&camera=EOS+R6&orientation=portrait&photo=12",
        "?is=favourite&relevant=true&all=true&sort=date",
        "?q=cat&near=48.85%2C2.35%2C5",
    ],
)
def test_an_address_is_a_view_and_back(run, address):
    assert run("formatAddress(parseAddress(address))", address=address) == address


@pytest.mark.parametrize(
    ("address", "kept"),
    [
        ("?q=++", ""),
        ("?photo=0", ""),
        ("?photo=-1", ""),
        ("?photo=1e9", ""),
        ("?photo=99999999999999999999", ""),
        ("?sort=size&relevant=yes&unknown=1&__proto__=x", ""),
        ("?after=&after=2024", "?after=2024"),
        ("?q=cat&q=dog", "?q=cat"),
    ],
)
def test_what_makes_no_sense_in_an_address_is_left_out(run, address, kept):
    assert run("formatAddress(parseAddress(address))", address=address) == kept


def test_filters_are_counted_and_replaced(run):
    view = run("parseAddress('?q=cat&camera=A&camera=B&relevant=true&photo=3')")
    assert run("countFilters(view)", view=view) == 3
    assert run("formatAddress(withFilter(view, 'camera', ['C']))", view=view) == "?q=cat&camera=C&relevant=true"
    assert run("formatAddress(withFilter(view, 'camera', []))", view=view) == "?q=cat&relevant=true"


@pytest.mark.parametrize(
    ("q", "words", "photos"),
    [
        ("", "", []),
        ("snowy mountains", "snowy mountains", []),
        ("sunset + #12 - #34", "sunset", [(12, 1), (34, -1)]),
        ("雪山 - 0.5: #7", "雪山", [(7, -0.5)]),
        ("1: #12", "", [(12, 1)]),
        ("2: #12 - #5", "", [(12, 2), (5, -1)]),
        ("sunset + #12 - people", "sunset + #12 - people", []),
        ("#12", "#12", []),
        ('"a + #12"', '"a + #12"', []),
        ("C++ #12", "C++ #12", []),
    ],
)
def test_photos_at_the_end_of_a_query_are_taken_apart_from_its_words(run, q, words, photos):
    liked = [{"id": photo, "weight": weight} for photo, weight in photos]
    assert run("splitQuery(q)", q=q) == {"words": words, "photos": liked}
    assert run("joinQuery(splitQuery(q).words, splitQuery(q).photos)", q=q) == q


@pytest.mark.parametrize(
    "words",
    [
        "cat",
        "雪山の夕焼け",
        "قطة",
        "beach.jpg",
        "my beach.HEIC",
        "cat -",
        "C++ meetup",
        "16:9",
        "2: sunset + beach - people",
        '"salt - pepper"',
        'say "beach.jpg"',
    ],
)
def test_words_mean_the_same_with_a_photo_beside_them(run, words):
    alone = parse(words, 1000).terms
    both = parse(run("withPhoto(words, 77, -1)", words=words), 1000).terms
    assert both[:-1] == alone
    assert (both[-1].kind, both[-1].value, both[-1].weight) == ("photo", "77", -1)
    assert run("withoutPhoto(withPhoto(words, 77, -1), 77)", words="two words") == "two words"


def test_a_photo_alone_becomes_a_part_of_a_sum_with_another(run):
    assert str(parse(run("withPhoto('#12', 77, -1)"), 1000)) == "#12 - #77"


@pytest.mark.parametrize(
    "typed",
    [
        "cat after:2024-05 camera:X100V",
        'after:2024 cat Camera:"EOS R6" folder:旅行 folder:"New York"',
        "is:favorite",
        "orientation:Portrait is:favourite size:2..8mp aspect:16:9 near:48.85,2.35,5",
        "sunset type:heic + beach - people",
        '"re:zero" Re:Zero 16:9 note: this https://example.org/x date:2023-12..2024-02',
        r'folder:"a \"b\"" "say \"cheese\" after:2024"',
        "猫　after：２０２４",
        "cat after:2024 after:2025",
        "plage root:Pictures in:Pictures/2024 has:place",
        'cat "after:2024"',
        "C++ meetup",
    ],
)
def test_typed_filters_are_those_of_the_query_language(run, typed):
    query, split = parse(typed, 1000), run("splitFilters(typed)", typed=typed)
    expected = {}
    for filter_ in query.filters:
        is_a_word = filter_.name in {"is", "orientation"}
        value = filter_.value.lower().replace("favorite", "favourite") if is_a_word else filter_.value
        expected.setdefault(filter_.name, []).append(value)
    assert split["filters"] == expected
    assert parse(split["words"] or "x", 1000).terms == (query.terms or parse("x", 1000).terms)


@pytest.mark.parametrize("typed", ['"cat after:2024', 'cat camera:"X100V', "colour:red", "cat after:", ": after"])
def test_what_is_no_filter_stays_in_the_text(run, typed):
    assert run("splitFilters(typed)", typed=typed) == {"words": typed, "filters": {}}


def test_typed_filters_join_those_of_the_view(run):
    view = run("parseAddress('?q=cat+after:2024+camera:B&camera=A&after=2023')")
    assert (view["q"], view["filters"]) == ("cat", {"after": ["2024"], "camera": ["A", "B"]})
    assert run("formatAddress(view)", view=view) == "?q=cat&after=2024&camera=A&camera=B"


def test_a_photo_is_in_a_query_once(run):
    assert run("withPhoto('cat + #12', 12, -1)") == "cat - #12"
    assert run("withPhoto('', 12, 1)") == "1: #12"
    assert [term.value for term in parse(run("withPhoto('1: #12', 13, 1)"), 1000).terms] == ["12", "13"]


@pytest.mark.parametrize(
    ("value", "day"),
    [("2024", "2024-01-01"), ("2024-2", "2024-02-01"), ("2024-02-29", "2024-02-29"), ("2023-02-29", None), ("x", None)],
)
def test_the_first_day_of_what_a_filter_takes(run, value, day):
    assert run("firstDay(value)", value=value) == day


def test_days_are_counted_across_months_and_leap_years(run):
    assert run("[shifted('2024-02-28', 1), shifted('2024-01-01', -1)]") == ["2024-02-29", "2023-12-31"]


def test_rows_fill_the_width_and_full_ones_stay_when_photos_come(run):
    aspects = [1.5, 0.7, 1.0, 3.2, 0.45, 1.3, 1.5, 0.8, 1.9, 1.1, 0.6]
    few = run("justify(aspects, 1000, 200, 8)", aspects=aspects[:8])
    many = run("justify(aspects, 1000, 200, 8)", aspects=aspects)
    assert 0 < few["full"] < 8
    assert many["places"][: few["full"]] == few["places"][: few["full"]]
    rows = {}
    for aspect, place in zip(aspects, many["places"][: many["full"]], strict=False):
        assert place["width"] == pytest.approx(aspect * place["height"])
        rows.setdefault(place["height"], []).append(place["width"])
    assert all(sum(row) + 8 * (len(row) - 1) == pytest.approx(1000) for row in rows.values())


def test_a_view_beside_the_photos_is_in_the_address_with_its_filters(run):
    assert run("formatAddress(parseAddress('?view=map&camera=X100V'))") == "?camera=X100V&view=map"
    assert run("formatAddress(parseAddress('?view=photos'))") == ""
    assert run("formatAddress(parseAddress('?view=constructor'))") == ""
    assert run("searchParameters(parseAddress('?view=map&q=cat')).toString()") == "q=cat"
