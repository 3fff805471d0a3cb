"""The page's pure modules, run by a real Chromium: addresses, photos in a query, days, rows."""

import pytest
from polyglance.search.query.parse import parse


@pytest.fixture(scope="module")
def run(browser, album_address):
    """Evaluate JavaScript that has the modules' exports: `run("shifted(day, 1)", day="2024-02-28")`."""
    with browser.new_context(bypass_csp=True) as context:  # the expressions are compiled, which the policy forbids
        page = context.new_page()
        page.goto(f"{album_address}/api/v1/status")
        names = ["address", "query", "days", "layout", "blocks", "typed"]

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
        "?camera=X100V&view=map&at=-48.85%2C2.35%2C5",
        "?view=explore",
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
        ("?at=48.85%2C2.35%2C5", ""),
        ("?view=map&at=48.85%2C2.35", "?view=map"),
        ("?view=explore&at=48.85%2C2.35%2C5", "?view=explore"),
        ("?view=__proto__", ""),
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


@pytest.mark.parametrize("continues", [False, True])
def test_rows_of_a_part_of_a_month_are_full_if_more_follows(run, continues):
    aspects = [1.5, 0.7, 1.0, 2.2, 0.6, 1.3, 1.5, 0.8, 1.9, 0.6]
    places = run("justify(aspects, 1000, 200, 8, continues).places", aspects=aspects, continues=continues)
    rows = {}
    for place in places:
        rows.setdefault(place["height"], []).append(place["width"])
    full = [sum(row) + 8 * (len(row) - 1) == pytest.approx(1000) for row in rows.values()]
    assert len(places) == len(aspects)
    assert all(full[:-1])
    assert full[-1] == continues


def test_a_row_that_is_the_only_one_is_larger(run):
    assert run("justify([1.5], 1000, 200, 8).places[0].height") > 300
    assert run("justify([1.5, 1.5, 1.5, 1.5, 1.5], 1000, 200, 8).places[4].height") == 200


def test_short_months_lie_side_by_side_and_nothing_overlaps(run):
    groups = [[1.5], [1.5, 0.7], [1.0] * 9, [0.7], [1.2]]
    placed = run(
        "placeGroups(groups.map((aspects) => ({aspects, hasHeading: true, continues: false})), "
        "{width: 1000, ideal: 200, gap: 8, heading: 40, narrowest: 150})",
        groups=groups,
    )
    tops = [heading["top"] for heading in placed["headings"]]
    assert tops[0] == tops[1] < tops[2] < tops[3] == tops[4]
    boxes = placed["headings"] + placed["tiles"]
    assert len(placed["tiles"]) == 14
    for at, one in enumerate(boxes):
        assert one["left"] + one["width"] <= 1000.5
        assert one["top"] + one["height"] <= placed["height"]
        for other in boxes[at + 1 :]:
            first, second = sorted((one, other), key=lambda box: box["left"])
            upper, lower = sorted((one, other), key=lambda box: box["top"])
            is_beside = first["left"] + first["width"] <= second["left"] + 0.5
            assert is_beside or upper["top"] + upper["height"] <= lower["top"] + 0.5


def test_months_become_blocks_that_hold_every_photo_once(run):
    months = [{"month": "2024-05", "photos": 500}, {"month": "2024-04", "photos": 3}, {"month": "2024-03", "photos": 1}]
    blocks = run("blocksOf(months)", months=months)
    assert [block["count"] for block in blocks] == [160, 160, 160, 20, 4]
    assert [block["start"] for block in blocks] == [0, 160, 320, 480, 500]
    assert [part["continues"] for block in blocks for part in block["parts"]] == [True, True, True, False, False, False]
    assert run("[5, 10, 30].map((top) => indexAt([{top: 10}, {top: 20}, {top: 40}], 'top', top))") == [0, 0, 1]
