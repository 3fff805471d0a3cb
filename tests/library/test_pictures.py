"""The pictures of results: whole, as thumbnails, in a notebook, and after the library was closed."""

import os
import pickle
import re
import shutil
from base64 import b64decode
from dataclasses import replace
from html.parser import HTMLParser
from io import BytesIO

import numpy as np
import pytest
from colour_encoder import ColourEncoder
from PIL import Image, ImageOps
from polyglance import Library, Settings
from polyglance.errors import LibraryMissing, PictureError, PolyglanceError
from polyglance.search import showing

HOSTILE = "a <img src=x onerror=hacked()> & b.png"
LARGE = (3000, 2000)


@pytest.fixture
def photos(tmp_path):
    """A large photo that lies on its side, a small transparent one, and one with a name that is markup."""
    folder = tmp_path / "photos"
    folder.mkdir()
    exif = Image.Exif()
    exif[0x0112] = 6
    large = Image.new("RGB", LARGE, (255, 0, 99))
    large.paste((0, 0, 255), (0, 0, 1000, 500))
    large.save(folder / "large.jpg", exif=exif)
    Image.new("RGBA", (40, 30), (0, 255, 99, 255)).save(folder / "small.png")
    Image.new("RGB", (50, 50), (0, 0, 99)).save(folder / HOSTILE)
    return folder


@pytest.fixture
def answer(photos, tmp_path):
    """All photos; the library is closed again, and has a password for its server."""
    settings = Settings(encoder="colour", auth="me:correct horse")
    with Library.open(tmp_path / "library", settings=settings, encoder=ColourEncoder()) as library:
        library.index([photos])
        return library.search("", filters={"type": ["jpg", "png"]})


def by_name(answer):
    return {os.path.basename(result.path): result for result in answer}


def test_the_whole_picture_is_upright_rgb_at_its_full_size(answer, photos):
    results = by_name(answer)
    image = results["large.jpg"].image()
    upright = ImageOps.exif_transpose(Image.open(photos / "large.jpg"))
    assert (image.mode, image.size) == ("RGB", upright.size) and image.size == LARGE[::-1]
    assert np.array_equal(image, upright)
    small = results["small.png"].image()
    assert (small.mode, small.size, small.getpixel((0, 0))) == ("RGB", (40, 30), (0, 255, 99))


def test_the_thumbnail_is_the_one_that_the_library_keeps(answer, tmp_path):
    result = by_name(answer)["large.jpg"]
    image, name = result.thumbnail(), f"{result.photo.content_hash.hex()}.jpg"
    (kept,) = (tmp_path / "library/thumbnails").rglob(name)
    assert image.mode == "RGB" and image.width < image.height <= 384
    assert np.array_equal(image, Image.open(kept))


def test_a_lost_thumbnail_is_made_again(answer, tmp_path):
    result = by_name(answer)["small.png"]
    before = np.asarray(result.thumbnail())
    shutil.rmtree(tmp_path / "library/thumbnails")
    assert np.array_equal(result.thumbnail(), before)
    assert len(list((tmp_path / "library/thumbnails").rglob("*.jpg"))) == 1


def test_a_file_that_is_gone_or_changed_is_refused_and_named(answer, photos):
    results = by_name(answer)
    (photos / "small.png").unlink()
    Image.new("RGB", (50, 50)).save(photos / HOSTILE)
    for name, message in (("small.png", "is no longer there"), (HOSTILE, "has changed since it was indexed")):
        with pytest.raises(PictureError) as caught:
            results[name].image()
        assert str(caught.value).startswith(f"{photos / name} {message}")
        assert Image.open(BytesIO(results[name]._repr_jpeg_())).size == results[name].thumbnail().size


def test_a_file_behind_a_link_is_not_opened(answer, photos, tmp_path):
    shutil.copy(photos / "small.png", tmp_path / "elsewhere.png")
    (photos / "small.png").unlink()
    (photos / "small.png").symlink_to(tmp_path / "elsewhere.png")
    with pytest.raises(PictureError, match="was replaced by a link"):
        by_name(answer)["small.png"].image()


def test_results_can_be_pickled_without_the_password_and_keep_their_pictures(answer):
    data = pickle.dumps(answer)
    assert b"correct horse" not in data
    copy = pickle.loads(data)
    assert copy == answer and repr(copy) == repr(answer)
    assert copy[0].image().size == answer[0].image().size
    assert b64decode(grid_of(copy).sources[0].partition(",")[2])


def test_the_handle_is_no_part_of_what_a_result_is(answer):
    bare = replace(answer[0], pictures=None)
    assert bare == answer[0] and hash(bare) == hash(answer[0]) and "pictures" not in repr(answer[0])
    with pytest.raises(PictureError, match="not from Library"):
        bare.thumbnail()


def test_results_keep_no_library_open(answer, tmp_path):
    def open_files():
        return {os.path.realpath(f"/proc/self/fd/{name}") for name in os.listdir("/proc/self/fd")}

    answer[0].image(), answer[0].thumbnail(), answer._repr_html_()
    assert not [path for path in open_files() if path.startswith(str(tmp_path))]
    shutil.rmtree(tmp_path / "library")
    with pytest.raises(LibraryMissing):
        answer[0].image()
    with pytest.raises(PolyglanceError):
        answer[0].thumbnail()
    assert answer[0]._repr_jpeg_() is None  # a notebook then shows the line
    assert len(grid_of(answer).sources) == 0


def test_copies_and_similar_photos_have_their_pictures_too(photos, tmp_path):
    with Library.open(tmp_path / "library", settings=Settings(), encoder=ColourEncoder()) as library:
        library.index([photos])
        first = library.search("red")[0]
        for results in (library.similar(first.photo.id), library.alike(first.photo.id)):
            assert all(result.thumbnail().mode == "RGB" for result in results)


class Grid(HTMLParser):
    """The pictures, texts and tags of a grid."""

    def __init__(self, html):
        super().__init__()
        self.sources, self.texts, self.tags, self.styles = [], [], [], []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        self.tags.append(tag)
        self.styles.append(values.get("style") or "")
        assert set(values) <= {"class", "style", "title", "alt", "src", "dir"}
        if tag == "img":
            self.sources.append(values["src"])

    def handle_data(self, data):
        self.texts.append(data)


def grid_of(answer):
    return Grid(answer._repr_html_())


def test_a_notebook_shows_an_answer_as_thumbnails_with_captions(answer, photos):
    grid = grid_of(answer)
    assert set(grid.tags) <= {"div", "figure", "img", "figcaption", "bdi"}
    assert len(grid.sources) == 3 and all(source.startswith("data:image/jpeg;base64,") for source in grid.sources)
    pictures = [Image.open(BytesIO(b64decode(source.partition(",")[2]))) for source in grid.sources]
    assert [picture.size for picture in pictures] == [result.thumbnail().size for result in answer]
    assert grid.texts[0].endswith(": 3 results")
    assert HOSTILE in grid.texts and f"#{answer[0].photo.id}" in grid.texts
    # On a light page and on a dark one: no colour of text or ground is set.
    assert not [style for style in grid.styles if re.search(r"background|(?<![-\w])color:(?!inherit)", style)]


def test_a_thumbnail_that_cannot_be_shown_is_replaced_by_the_reason(answer, photos, tmp_path):
    shutil.rmtree(tmp_path / "library/thumbnails")
    (photos / "small.png").unlink()
    grid = grid_of(answer)
    assert len(grid.sources) == 2
    assert any(text.startswith(f"{photos / 'small.png'} is no longer there") for text in grid.texts)


def test_a_long_answer_shows_its_first_pictures(answer):
    long = replace(answer, results=[answer[0]] * 100, next="1-100")
    grid = grid_of(long)
    assert len(grid.sources) == showing.MAX_FIGURES
    assert grid.texts[0].endswith(": 100 results; there are more") and "first 60" in grid.texts[1]


def test_a_notebook_shows_a_result_as_its_picture(answer):
    image = Image.open(BytesIO(by_name(answer)["large.jpg"]._repr_jpeg_()))
    assert image.size == (683, 1024)


def test_an_answer_is_a_sequence_of_its_results(answer):
    assert len(answer) == 3 and list(answer) == answer.results and answer[-1] is answer.results[-1]
    assert answer[:2] == answer.results[:2] and answer[0] in answer and answer.index(answer[1]) == 1
    assert list(reversed(answer)) == answer.results[::-1]
    assert not replace(answer, results=[])


def test_each_is_one_line(answer):
    assert repr(answer) == f"<Answer {answer.query}: 3 results>"
    result = by_name(answer)["small.png"]
    assert repr(result) == f"<Result {result.rank}: #{result.photo.id} {result.path}>"
    odd = replace(answer, query="a\nb\x1b[31m\u2028c", results=answer[:1], is_relevant=False, next="1-1")
    assert repr(odd) == "<Answer a b\\x1b[31m c: 1 result; nothing relevant was found; there are more>"
