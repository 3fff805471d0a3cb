"""One photo in the running page: zoom and pan, how it was taken, its folder, its neighbours, taking it away."""

import pytest
from playwright.sync_api import expect

from ..conftest import EACH_LANGUAGE, LOCALES, Words

expect.set_options(timeout=20_000)

TRANSFORM = "document.querySelector('.pg-large').style.transform"


def open_photo(page, name):
    """Open the photo of that name by its tile, and wait until its file has come."""
    page.fill(".pg-query", name)
    page.press(".pg-query", "Enter")
    page.locator(".pg-tile a", has_text=name).first.click()
    page.wait_for_selector(".pg-details .pg-path")
    page.wait_for_function("document.querySelector('.pg-large').naturalWidth > 0")
    return page.locator("dialog.pg-details")


def scale(page):
    """How many times the photo is enlarged beyond the size at which it fits."""
    return page.evaluate(f"Number(/scale\\(([\\d.]+)\\)/.exec({TRANSFORM})?.[1] ?? 1)")


def under(page, x, y):
    """Which part of the photo, 0 to 1 across and down, is at a point of the window."""
    return page.evaluate(
        """([x, y]) => {
            const { left, top, width, height } = document.querySelector('.pg-large').getBoundingClientRect();
            return [(x - left) / width, (y - top) / height];
        }""",
        [x, y],
    )


@pytest.mark.parametrize(
    ("zoom", "expected"),
    [
        ({"scale": 1, "x": 50, "y": -50}, {"scale": 1, "x": 0, "y": 0}),
        ({"scale": 2, "x": 900, "y": 900}, {"scale": 2, "x": 300, "y": 150}),
        ({"scale": 99, "x": -99999, "y": 0}, {"scale": 8, "x": -2100, "y": 0}),
        ({"scale": 0.1, "x": 1, "y": 1}, {"scale": 1, "x": 0, "y": 0}),
    ],
)
def test_a_zoomed_photo_leaves_no_gap_at_the_edge(visit, album_address, zoom, expected):
    page = visit(album_address)
    sizes = {"frame": {"width": 600, "height": 500}, "picture": {"width": 600, "height": 400}, "most": 8}
    bounded = page.evaluate(
        "async ([zoom, sizes]) => (await import('/ui/zooming.js')).bounded(zoom, sizes)", [zoom, sizes]
    )
    assert {key: value or 0 for key, value in bounded.items()} == expected


def test_the_wheel_zooms_at_the_pointer_and_a_drag_moves_the_photo(visit, album_address):
    page = visit(album_address)
    open_photo(page, "rocket.jpg")
    box = page.locator(".pg-large").bounding_box()
    x, y = box["x"] + box["width"] * 0.55, box["y"] + box["height"] * 0.45
    page.mouse.move(x, y)
    before = under(page, x, y)
    for _ in range(4):
        page.mouse.wheel(0, -200)
    page.wait_for_function(f"{TRANSFORM} !== ''")
    assert scale(page) > 2
    assert under(page, x, y) == pytest.approx(before, abs=0.02)

    page.mouse.down()
    page.mouse.move(x + 60, y + 40, steps=4)
    page.mouse.up()
    assert under(page, x + 60, y + 40) == pytest.approx(before, abs=0.02)

    page.mouse.dblclick(x, y)
    page.wait_for_function(f"{TRANSFORM} === ''")
    page.mouse.dblclick(x, y)
    page.wait_for_function(f"{TRANSFORM} !== ''")


def test_keys_zoom_and_arrows_move_the_zoomed_photo_instead_of_stepping(visit, album_address):
    page = visit(album_address)
    details = open_photo(page, "rocket.jpg")
    page.keyboard.press("-")
    assert scale(page) == 1
    for _ in range(3):
        page.keyboard.press("+")
    assert scale(page) == pytest.approx(1.5**3, rel=0.01)
    expect(details.locator("output")).to_contain_text("%")
    before = page.evaluate(TRANSFORM)
    page.keyboard.press("ArrowRight")
    assert page.evaluate(TRANSFORM) != before
    expect(details.locator("h2")).to_have_text("rocket.jpg")
    page.keyboard.press("0")
    assert scale(page) == 1
    page.keyboard.press("ArrowRight")
    expect(details.locator("h2")).not_to_have_text("rocket.jpg")
    assert scale(page) == 1
    details.get_by_role("button", name=Words("en").say("photo.zoomIn")).click()
    assert scale(page) == pytest.approx(1.5, rel=0.01)


def test_fingers_pinch_and_tap_twice(visit, album_address):
    page = visit(album_address, viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    open_photo(page, "rocket.jpg")
    touch = page.context.new_cdp_session(page)

    def send(kind, *points):
        fingers = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(points)]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": fingers})

    send("touchStart", (150, 200), (230, 200))
    for step in range(1, 6):
        send("touchMove", (150 - 20 * step, 200), (230 + 20 * step, 200))
    send("touchEnd")
    page.wait_for_function(f"{TRANSFORM} !== ''")
    assert scale(page) == pytest.approx(280 / 80, rel=0.15)
    for _ in range(2):
        page.touchscreen.tap(190, 200)
    page.wait_for_function(f"{TRANSFORM} === ''")
    for _ in range(2):
        page.touchscreen.tap(190, 200)
    page.wait_for_function(f"{TRANSFORM} !== ''")


def test_a_photo_leads_to_its_folder_and_can_be_downloaded(visit, album_address, album):
    page = visit(album_address)
    details = open_photo(page, "part 4.jpg")
    with page.expect_download() as download:
        details.get_by_role("link", name=Words("en").say("photo.download")).click()
    assert download.value.suggested_filename == "part 4.jpg"
    assert download.value.path().read_bytes() == (album / "2024" / "Paris" / "Montmartre" / "part 4.jpg").read_bytes()
    details.get_by_role("link", name="Montmartre").click()
    expect(details).to_be_hidden()
    expect(page.locator(".pg-chip")).to_contain_text("Montmartre")
    expect(page.locator(".pg-summary")).to_contain_text("22")


def test_photos_taken_before_and_after_are_shown_in_order_of_time(visit, album_address):
    page = visit(album_address)
    details = open_photo(page, "part 4.jpg")
    around = details.get_by_role("region", name=Words("en").say("photo.around")).get_by_role("button")
    expect(around.first).to_be_visible()
    names = around.evaluate_all("(all) => all.map((one) => one.getAttribute('aria-label'))")
    at = around.evaluate_all("(all) => all.findIndex((one) => one.getAttribute('aria-current'))")

    def taken(number):
        year = (2023, 2024, 2024)[number % 3]
        return f"{year}-{1 + number % 12:02}-{1 + number % 28:02} 10:{number % 60:02}"

    order = [f"part {number}.jpg" for number in sorted(range(66), key=taken)]
    place = order.index("part 4.jpg")
    assert names[at - 2 : at + 3] == order[place - 2 : place + 3]
    around.nth(at + 1).click()
    expect(details.locator("h2")).to_have_text(order[place + 1])


@pytest.mark.parametrize("language", EACH_LANGUAGE)
def test_exposure_is_written_as_photographers_do(visit, album_address, language):
    page = visit(album_address, locale=LOCALES[language])
    equivalent = Words(language).say("exif.equivalent")
    exif = {"f_number": 1.8, "exposure": 0.004, "iso": 12800, "focal_length": 35, "focal_length_35": 52.5}
    parts = page.evaluate("async (exif) => (await import('/ui/exif.js')).exposureParts(exif)", exif)
    assert [part.replace("\u2068", "").replace("\u2069", "") for part in parts] == {
        "en": ["f/1.8", "1/250 s", "ISO 12800", "35 mm", equivalent.replace("{length}", "52.5 mm")],
        "zh": ["f/1.8", "1/250 秒", "ISO 12800", "35毫米", equivalent.replace("{length}", "52.5毫米")],
        "ar": ["f/١٫٨", "١/٢٥٠ ث", "ISO ١٢٨٠٠", "٣٥ مم", equivalent.replace("{length}", "٥٢٫٥ مم")],
    }[language]
    unknown = page.evaluate("async () => (await import('/ui/exif.js')).exposureParts({ exposure: 2 })")
    assert unknown == {"en": ["2 s"], "zh": ["2 秒"], "ar": ["\u2068٢\u2069 ث"]}[language]
