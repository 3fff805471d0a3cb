"""The views Explore and Map, and the installed page, in a real Chromium."""

import json
import re
import shutil
from io import BytesIO
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from PIL import Image
from playwright.sync_api import expect
from polyglance.config import Settings
from polyglance.data.sample import copy_sample
from polyglance.library import Library
from polyglance.ui.web.auth import Secret
from polyglance.ui.web.policy import Policy

from ..conftest import LOCALES, Words

PLACES = {
    "Paris": (48.8566, 2.3522),
    "Kyoto": (35.0116, 135.7681),
    "Suva": (-18.1248, 178.4501),
    "Apia": (-13.83, -171.77),
}
"""The last two lie on either side of the date line."""

EACH = 3
"""Photos at each place."""

TILES = "https://tiles.example.org/{z}/{x}/{y}.png"


def exif_at(latitude, longitude):
    exif = Image.Exif()
    exif[0x010F], exif[0x0110] = "Canon", "Canon EOS R6"
    degrees = [(float(int(value)), 0.0, value % 1 * 3600) for value in map(abs, (latitude, longitude))]
    north, east = "N" if latitude > 0 else "S", "E" if longitude > 0 else "W"
    exif.get_ifd(0x8825).update({1: north, 2: degrees[0], 3: east, 4: degrees[1]})
    return exif


@pytest.fixture(scope="module")
def journeys(tmp_path_factory):
    """A library of the demo's pictures, parts of them at four places, and one file twice."""
    folder = tmp_path_factory.mktemp("journeys")
    copy_sample(folder / "demo")
    whole = [Image.open(path).convert("RGB") for path in sorted((folder / "demo").iterdir())]
    for at, (name, (latitude, longitude)) in enumerate(PLACES.items()):
        (folder / name).mkdir()
        for number in range(EACH):
            picture = whole[at * EACH + number]
            part = picture.crop((0, 0, picture.width * 4 // 5, picture.height)).resize((300, 240))
            part.save(folder / name / f"{number}.jpg", exif=exif_at(latitude + number / 100, longitude))
    shutil.copy(folder / "demo" / "coffee.png", folder / "coffee again.png")
    with Library.open(tmp_path_factory.mktemp("journeys-library"), settings=Settings(encoder="lite")) as opened:
        opened.index([folder])
        opened.explore("en")  # computed once
        yield opened


@pytest.fixture(scope="module")
def address(journeys, serve_in_thread):
    return serve_in_thread(journeys)


def explore(page):
    page.click(".pg-nav [data-view=explore]")
    expect(page.locator(".pg-card").first).to_be_visible()


def open_map(visit, address, query="", **options):
    page = visit(f"{address}/?view=map{query}", **options)
    page.wait_for_selector(".pg-cluster")
    return page


def place_of(page):
    """Latitude, longitude and zoom in the address."""
    return [float(part) for part in parse_qs(urlsplit(page.url).query)["at"][0].split(",")]


def test_no_tile_leads_to_nothing(visit, address):
    page = visit(address, viewport={"width": 390, "height": 844})
    explore(page)
    few = page.locator(".pg-card").count()
    for button in page.locator(".pg-show-all").all():
        button.click()
    links = page.locator(".pg-card, .pg-countries a")
    assert links.count() > few
    for address_of_tile in links.evaluate_all("links => links.map((link) => link.getAttribute('href'))"):
        answer = httpx.get(f"{address}/api/v1/search{address_of_tile}", params=None).json()
        assert answer["results"], address_of_tile


def test_a_tile_shows_its_photos_and_back_returns_to_it(visit, address):
    page = visit(address)
    explore(page)
    page.get_by_role("link", name=re.compile("^Kyoto, Japan, 3 photos")).click()
    expect(page.locator(".pg-chip")).to_contain_text("Kyoto")
    expect(page.locator(".pg-tile")).to_have_count(EACH)
    page.go_back()
    expect(page.locator(".pg-card").first).to_be_visible()
    expect(page.locator(".pg-nav [aria-current]")).to_have_text("Explore")


def test_duplicates_open_the_library_panel(visit, address):
    page = visit(address)
    explore(page)
    page.get_by_role("button", name="Duplicates").click()
    expect(page.locator(".pg-panel .pg-twin").first).to_be_in_viewport()


@pytest.mark.slow
@pytest.mark.parametrize(("language", "france"), [("zh", "法国"), ("ar", "فرنسا")])
def test_countries_have_the_names_of_the_language(visit, address, language, france):
    page = visit(address, locale=LOCALES[language])
    explore(page)
    expect(page.locator(".pg-countries")).to_contain_text(france)


def test_nothing_to_explore_and_no_place(visit, empty_address, album_address):
    page = visit(f"{empty_address}/?view=explore")
    expect(page.locator(".pg-explore-empty")).to_have_text(Words("en").say("explore.empty"))
    page = visit(f"{album_address}/?view=map&camera=nobody")
    expect(page.locator(".pg-map-none")).to_have_text(Words("en").say("map.empty"))


def test_clusters_part_and_then_show_their_photos(visit, address):
    page = open_map(visit, address, "&at=48.8,2.3,2")
    expect(page.locator(".pg-cluster")).to_have_count(4)
    page.get_by_title("3 photos here").first.click()
    page.wait_for_function("() => !location.search.includes('%2C2&') && !location.search.endsWith('%2C2')")
    zoomed = place_of(page)
    assert zoomed[2] > 2
    while page.locator(".pg-map-frame").is_visible():
        page.locator(".pg-cluster").first.click()
        page.wait_for_timeout(700)
    expect(page.locator(".pg-chip")).to_contain_text("Area on the map")
    assert 1 <= page.locator(".pg-tile").count() <= EACH
    page.go_back()
    page.wait_for_selector(".pg-cluster")
    assert place_of(page)[2] == 9


def test_the_map_shows_what_passes_the_filters(visit, address, journeys):
    folder = next(each.key for each in journeys.explore("en").folders if each.name == "Kyoto")
    page = open_map(visit, address, f"&in={folder}")
    expect(page.locator(".pg-map-summary")).to_have_text("3 photos here")
    page.locator(".pg-chip").click()
    expect(page.locator(".pg-map-summary")).to_have_text("12 photos here")


def test_a_photo_s_place_is_marked_above_the_countries(visit, address, journeys):
    folder = next(each.key for each in journeys.explore("en").folders if each.name == "Kyoto")
    page = visit(f"{address}/?in={folder}&q=photo", color_scheme="light")
    page.locator(".pg-tile a").first.click()
    page.wait_for_function("document.querySelectorAll('.pg-minimap .pg-country').length > 400")  # they are drawn later
    drawn = Image.open(BytesIO(page.locator(".pg-minimap").screenshot())).convert("RGB")
    assert drawn.getpixel((drawn.width // 2, drawn.height // 2)) == (0x0F, 0x76, 0x6E)


def test_an_area_is_drawn(visit, address):
    page = open_map(visit, address, "&at=48.8,2.3,4")
    page.get_by_role("button", name="Choose an area").click()
    expect(page.locator(".pg-map-summary")).to_have_text(Words("en").say("map.selectHint"))
    box = page.locator(".pg-cluster").bounding_box()
    page.mouse.move(box["x"] - 20, box["y"] - 20)
    page.mouse.down()
    page.mouse.move(box["x"] + 80, box["y"] + 80, steps=4)
    page.mouse.up()
    expect(page.locator(".pg-chip")).to_contain_text("Area on the map")
    expect(page.locator(".pg-tile")).to_have_count(EACH)
    page.click(".pg-nav [data-view=map]")  # the area is where the map opens
    expect(page.locator(".pg-map-summary")).to_have_text("3 photos here")


def test_an_area_across_the_date_line(visit, address):
    page = open_map(visit, address, "&at=-16,183,4")
    expect(page.locator(".pg-map-summary")).to_have_text("6 photos here")
    page.get_by_role("button", name="Show the photos of this area").click()
    expect(page.locator(".pg-tile")).to_have_count(2 * EACH)


def test_the_map_by_keyboard(visit, address):
    page = open_map(visit, address, "&at=48.8,2.3,4")
    page.locator(".pg-map-frame").focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function("() => !location.search.includes('2.3')")
    page.wait_for_function("() => document.querySelector('.pg-cluster-at')")
    page.keyboard.press("Tab")
    expect(page.locator(":focus")).to_have_class(re.compile("pg-cluster-at"))
    zoom = place_of(page)[2]
    page.keyboard.press("Enter")
    page.wait_for_function(f"() => Number(new URLSearchParams(location.search).get('at').split(',')[2]) > {zoom}")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("language", "kyoto", "here"), [("zh", "京都", "此处有 3 张照片"), ("ar", "كيوتو", "٣ صور هنا")]
)
def test_places_are_named_where_borders_say_nothing(visit, address, language, kyoto, here):
    page = open_map(visit, address, "&at=35,135.8,8", locale=LOCALES[language])
    expect(page.locator(".pg-place-name")).to_have_text([kyoto])
    expect(page.locator(".pg-map-summary")).to_have_text(here)


@pytest.mark.parametrize("view", ["explore", "map"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(visit, address, axe, view, scheme):
    page = visit(f"{address}/?view={view}", color_scheme=scheme)
    page.wait_for_selector(".pg-card img, .pg-cluster")
    axe(page)


@pytest.mark.parametrize(
    "value",
    [
        "http://tiles.example.org/{z}/{x}/{y}.png",
        "https://tiles.example.org/{z}/{x}.png",
        "https://tiles.example.org; script-src *;/{z}/{x}/{y}",
        "https://{z}.example.org/{x}/{y}",
        "javascript:{z}{x}{y}",
    ],
)
def test_a_setting_that_is_no_tile_server_is_refused(value):
    with pytest.raises(ValueError, match="https://"):
        Settings(map_tiles=value)


def test_a_tile_server_is_asked_only_if_it_is_set(visit, journeys, address, serve_in_thread, tmp_path):
    assert "tiles" not in httpx.get(address, timeout=60).text
    with Library.open(tmp_path, settings=Settings(encoder="lite", map_tiles=TILES)) as opened:
        tiled = serve_in_thread(opened)
        answer = httpx.get(tiled, timeout=60)
        assert "img-src 'self' blob: https://tiles.example.org data:" in answer.headers["content-security-policy"]
        page = visit(tiled)
        asked = []
        png = BytesIO()
        Image.new("RGB", (256, 256)).save(png, "PNG")
        page.context.route(
            "https://tiles.example.org/**",
            lambda route: (
                asked.append(route.request.url),
                route.fulfill(body=png.getvalue(), content_type="image/png"),
            ),
        )
        page.goto(f"{tiled}/?view=map&at=48.8,2.3,12")
        page.wait_for_selector(".leaflet-tile-loaded")
        assert any(url.startswith("https://tiles.example.org/12/") for url in asked)
        expect(page.locator(".leaflet-control-attribution")).to_have_text("© tiles.example.org")


def test_the_manifest_names_icons_that_exist(address):
    manifest = httpx.get(f"{address}/manifest.json").json()
    assert (manifest["name"], manifest["display"]) == ("polyglance", "standalone")
    for icon in manifest["icons"]:
        answer = httpx.get(f"{address}/{icon['src']}")
        assert answer.headers["content-type"] == icon["type"]
        if icon["type"] == "image/png":
            assert "{}x{}".format(*Image.open(BytesIO(answer.content)).size) == icon["sizes"]
    assert {icon.get("purpose", "any") for icon in manifest["icons"]} == {"any", "maskable"}


def test_the_installed_page_opens_without_its_server_and_keeps_no_photo(browser, address):
    with browser.new_context(locale="en-GB") as context:
        page = context.new_page()
        page.goto(address)
        page.wait_for_selector(".pg-tile img")
        page.evaluate("navigator.serviceWorker.register('worker.js').then(() => navigator.serviceWorker.ready)")
        page.wait_for_function(
            "() => navigator.serviceWorker.ready.then((ready) => ready.active.state === 'activated')"
        )
        page.reload()
        page.wait_for_selector(".pg-tile img")
        page.click(".pg-tile a >> nth=0")
        page.wait_for_selector(".pg-details[open]")
        kept = page.evaluate(
            "caches.keys().then(([name]) => caches.open(name)).then((cache) => cache.keys())"
            ".then((requests) => requests.map(({ url }) => new URL(url).pathname))"
        )
        assert "/" in kept
        assert [path for path in kept if path != "/" and not path.startswith("/ui/")] == []
        context.set_offline(True)
        page.goto(address)
        expect(page.locator(".pg-error")).to_contain_text(Words("en").say("error.silent"))


def test_a_worker_of_another_version_is_forgotten(browser, address):
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(address)
        page.evaluate("caches.open('polyglance-0123456789abcdef').then(() => caches.open('of another program'))")
        page.evaluate("navigator.serviceWorker.register('worker.js').then(() => navigator.serviceWorker.ready)")
        page.wait_for_function(
            "() => navigator.serviceWorker.ready.then((ready) => ready.active.state === 'activated')"
        )
        names = page.evaluate("caches.keys()")
        assert "of another program" in names
        assert "polyglance-0123456789abcdef" not in names


def test_the_password_covers_manifest_and_worker(journeys, serve_in_thread):
    guarded = serve_in_thread(journeys, policy=Policy(secret=Secret.from_text("me:let me in please")))
    for path in ("manifest.json", "worker.js"):
        assert httpx.get(f"{guarded}/{path}").status_code == 401
        assert httpx.get(f"{guarded}/{path}", auth=("me", "let me in please")).status_code == 200


def test_the_worker_keeps_files_that_are_served(address):
    first = httpx.get(f"{address}/worker.js").text.split("\n", 1)[0]
    version, files = re.fullmatch(r'const VERSION = "(\w+)", FILES = (\[.*\]);', first).groups()
    for name in json.loads(files):
        assert httpx.get(f"{address}/ui/{version}/{name}").status_code == 200
