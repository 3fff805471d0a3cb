"""A library asked as people ask it, from Python and the command line."""

import http.server
import os
import shutil
import threading

import pytest
from PIL import Image
from polyglance import Library, Settings
from polyglance.cli import run
from polyglance.data.pictures import download
from polyglance.data.sample import copy_sample
from polyglance.errors import PictureError, QueryError, UsageError


def taken(path, when, camera, caption=None, place=None):
    exif = Image.Exif()
    exif[0x0110] = camera
    if caption:
        exif[0x9C9B] = caption.encode("utf-16-le")  # Windows' title: EXIF's own is ASCII
    exif.get_ifd(0x8769).update({0x9003: when})
    if place:
        exif.get_ifd(0x8825).update({1: "N", 2: place[0], 3: "E", 4: place[1]})
    Image.open(path).convert("RGB").save(path.with_suffix(".jpg"), exif=exif)
    path.unlink()


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """The demo's pictures, some with a date, a camera, a place and folders in several languages."""
    folder = tmp_path_factory.mktemp("Pictures")
    copy_sample(folder)
    (folder / "旅行").mkdir()
    (folder / "Мои фото").mkdir()
    shutil.move(folder / "chelsea.png", folder / "旅行" / "chelsea.png")
    shutil.move(folder / "rocket.jpg", folder / "Мои фото" / "rocket.png")
    taken(
        folder / "旅行" / "chelsea.png",
        "2024:05:03 10:00:00",
        "X100V",
        "Un chat à la fenêtre",
        ((48, 51, 30), (2, 17, 40)),
    )
    taken(folder / "Мои фото" / "rocket.png", "2019:07:16 09:32:00", "Zenit E")
    shutil.copy(folder / "旅行" / "chelsea.jpg", folder / "duplicate.jpg")
    return folder


@pytest.fixture(scope="module")
def folder(photos, tmp_path_factory):
    place = tmp_path_factory.mktemp("library")
    with Library.open(place, settings=Settings(encoder="lite")) as library:
        library.index([photos])
    return place


@pytest.fixture(scope="module")
def library(folder):
    with Library.open(folder, settings=Settings(encoder="lite")) as opened:
        yield opened


def names(answer):
    return [os.path.basename(one.photo.path).decode() for one in answer.results]


CAT = "chelsea.jpg"


@pytest.mark.parametrize(
    "query",
    [
        *["cat folder:旅行", "猫 after:2024", "gato date:2024-05", "chat camera:x100v", "кошка has:place"],
        *["猫 near:48.86,2.29,2", "고양이 type:jpg orientation:landscape after:2020", "قطة before:2025 after:2024"],
        *["gatto aspect:3:2 date:2024", "after:2024", "fenetre", "2: 猫 + gato - кошка", "cat + 0.5: gatto - rocket"],
    ],
)
def test_the_cat_is_found_in_any_language_with_any_filter(library, query):
    best = library.search(query, 3).results[0]
    assert best.photo.path.endswith((CAT.encode(), b"duplicate.jpg"))
    assert best.count == (1 if "folder:" in query else 2)  # the copy lies elsewhere


def test_filters_given_beside_the_text_and_alone(library):
    assert names(library.search("cat", 5, filters={"folder": "фото"})) == ["rocket.jpg"]
    found = names(library.search("", 5, filters={"camera": ["zenit", "x100v"]}, collapse=False))
    assert (sorted(found[:2]), found[2:]) == ([CAT, "duplicate.jpg"], ["rocket.jpg"])
    with pytest.raises(QueryError, match="empty"):
        library.search("")


def test_plain_text_has_no_filters_and_no_sums(library):
    answer = library.search("cat - after:2024", plain=True)
    assert answer.query == '"cat - after:2024"'
    assert len(answer.results) > 5


def test_a_picture_file_in_a_sum(library, photos, tmp_path):
    picture = shutil.copy(photos / "旅行" / CAT, tmp_path / "my cat.jpg")
    assert library.search(f"1: {picture}", 1).results[0].score == pytest.approx(1, abs=1e-3)
    assert names(library.search(f"rocket + 0.1: {picture}", 1)) == ["rocket.jpg"]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("none.jpg", None, "There is no file"),
        ("text.jpg", b"this is no picture", "is not a picture polyglance can read"),
        ("empty.png", b"", "is empty"),
        ("half.png", "half", "truncated"),
    ],
)
def test_a_picture_that_is_none_is_one_clear_line(library, photos, tmp_path, name, content, said):
    path = tmp_path / name
    if content == "half":
        whole = (photos / "coffee.png").read_bytes()
        content = whole[: len(whole) // 2]
    if content is not None:
        path.write_bytes(content)
    with pytest.raises((UsageError, PictureError), match=said) as caught:
        library.search(f"cat + {path}")
    assert "\n" not in str(caught.value)
    assert name in str(caught.value)


# --- the network -------------------------------------------------------------------------------


@pytest.fixture
def server(photos):
    asked = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            if self.path == "/cat.jpg":
                self.send_response(200)
                self.end_headers()
                self.wfile.write((photos / "旅行" / CAT).read_bytes())
            elif self.path == "/moved":
                self.send_response(302)
                self.send_header("Location", "/cat.jpg")
                self.end_headers()
            elif self.path == "/local":
                self.send_response(302)
                self.send_header("Location", "file:///etc/passwd")
                self.end_headers()
            else:
                self.send_error(404)

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as opened:
        threading.Thread(target=opened.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{opened.server_port}", asked
        opened.shutdown()


@pytest.mark.parametrize("ask", ["cat + {}/cat.jpg", "{}/cat.jpg"])
def test_no_address_is_fetched_unless_allowed(library, server, ask):
    address, asked = server
    for call in (lambda: library.search(ask.format(address)), lambda: library.similar(f"{address}/cat.jpg")):
        with pytest.raises(UsageError, match="POLYGLANCE_ALLOW_URLS=1"):
            call()
    assert asked == []


def test_where_allowed_a_picture_is_fetched(folder, server):
    address, _ = server
    with Library.open(folder, settings=Settings(encoder="lite", allow_urls=True)) as library:
        assert library.search(f"{address}/cat.jpg", 1).results[0].score == pytest.approx(1, abs=1e-3)
        assert library.similar(f"{address}/moved", 1).results[0].score == pytest.approx(1, abs=1e-3)
        for path, said in (("/none", "the server says 404"), ("/local", "the server says 302")):
            with pytest.raises(PictureError, match=said):
                library.similar(f"{address}{path}")
        with pytest.raises(PictureError, match="cannot be fetched"):
            library.similar("http://127.0.0.1:9/x.jpg")


def test_a_download_ends_at_the_limit_and_reads_nothing_but_the_web(server):
    address, _ = server
    with pytest.raises(PictureError, match="over the limit"):
        download.fetch(f"{address}/cat.jpg", max_bytes=100)
    with pytest.raises(PictureError, match="no web address"):
        download.fetch("file:///etc/passwd")


# --- favourites --------------------------------------------------------------------------------


def test_favourites_are_found_until_they_are_none(library):
    photo_id = library.search("rocket", 1).results[0].photo.id
    library.mark([photo_id])
    assert [one.photo.id for one in library.search("is:favourite").results] == [photo_id]
    library.mark([photo_id])
    library.mark([photo_id], favourite=False)
    assert library.search("is:favourite").results == []


def test_a_favourite_stays_one_when_it_moves(tmp_path, photos):
    place = shutil.copytree(photos, tmp_path / "photos")
    with Library.open(tmp_path / "library", settings=Settings(encoder="lite")) as library:
        library.index([place])
        library.mark([library.search("rocket", 1).results[0].photo.id])
        (place / "Мои фото").rename(place / "архив")
        library.index([place])
        (found,) = library.search("is:favourite folder:архив").results
        assert found.photo.path.endswith("архив/rocket.jpg".encode())


# --- the command line --------------------------------------------------------------------------


@pytest.fixture
def polyglance(folder, capsys):
    def call(*words):
        code = run([*words, "--library", str(folder)])
        said = capsys.readouterr()
        return code, said.out, said.err

    return call


def test_options_are_the_filters_of_the_query(polyglance):
    code, out, _ = polyglance("search", "cat", "--folder", "旅行", "--after", "2024", "--near", "48.86,2.29")
    assert (code, len(out.splitlines())) == (0, 1)
    assert "旅行/chelsea.jpg" in out
    code, out, _ = polyglance("search", "--camera", "zenit", "--camera", "x100v", "--all")
    assert len(out.splitlines()) == 3


def test_near_duplicates_are_counted_and_shown_with_all(polyglance):
    _, out, _ = polyglance("search", "chat fenêtre", "-k", "1")
    assert "(+1 alike)" in out
    assert out.rstrip().endswith("caption]")
    _, out, _ = polyglance("search", "chat", "-k", "2", "--all")
    assert "alike" not in out
    assert {line.rpartition("/")[2].split()[0] for line in out.splitlines()} == {"chelsea.jpg", "duplicate.jpg"}


def test_the_next_page_is_named_and_shown(polyglance):
    _, first, said = polyglance("search", "cat", "-k", "5")
    cursor = said.split("--cursor ")[1].split()[0]
    code, second, _ = polyglance("search", "cat", "-k", "5", "--cursor", cursor)
    assert code == 0
    assert [line.split()[0] for line in second.splitlines()] == ["6", "7", "8", "9", "10"]
    assert not {line.split("#")[1] for line in first.splitlines()} & {
        line.split("#")[1] for line in second.splitlines()
    }


def test_marking_favourites(polyglance):
    _, out, _ = polyglance("search", "rocket", "-k", "1")
    number = out.split("#")[1].split()[0]
    assert polyglance("favourite", f"#{number}")[0] == 0
    assert len(polyglance("search", "is:favourite")[1].splitlines()) == 1
    assert polyglance("favourite", number, "--remove")[0] == 0
    code, out, said = polyglance("search", "is:favourite")
    assert (code, out) == (0, "")
    assert "No photo was found" in said


@pytest.mark.parametrize(
    "words",
    [
        *(
            ["search", "- people"],
            ["search", "cat", "--after", "2024-13"],
            ["search", '"cat'],
            ["search", "colour:red"],
        ),
        *(["search", "cat", "-k", "0"], ["search", "cat", "-k", "1000000000"], ["search", "cat - cat"]),
        *(["search", "cat", "--sort", "size"], ["search", "cat", "--cursor", "x"], ["search", "cat root:nowhere"]),
        *(
            ["search", "cat + none.jpg"],
            ["search", "cat + #99999"],
            ["search"],
            ["favourite", "x"],
            ["favourite", "9999"],
        ),
        *(["search", "x" * 100_000], ["search", "caf\udce9"], ["search", "after:2024 before:2023"]),
    ],
)
def test_bad_input_is_one_line_and_code_2(polyglance, words):
    code, out, said = polyglance(*words)
    assert (code, out) == (2, "")
    assert said.startswith("Error: ")
    assert len(said.splitlines()) == 1
    assert len(said) < 400
