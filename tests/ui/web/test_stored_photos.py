"""Photos of a bucket over HTTP: whole, in parts, converted, in a zip; objects that are gone; a bucket that is away."""

import contextlib
import io
import socket
import threading
import zipfile
from types import SimpleNamespace

import colour_encoder
import object_storage
import pytest
from object_storage import storage  # noqa: F401 - a fixture
from PIL import Image
from polyglance.config import Settings
from polyglance.data import objects
from polyglance.library import Library
from polyglance.ui.web.server import build
from starlette.testclient import TestClient

pytestmark = [pytest.mark.cluster, pytest.mark.xdist_group("moto")]

NAMES = ("red.png", "two words/雪山 #1?.png", "wide.tiff")


@pytest.fixture(scope="module")
def served(storage, tmp_path_factory):  # noqa: F811
    """A library of a bucket and a folder, served; each photo by the name of its file."""
    folder = tmp_path_factory.mktemp("photos")
    for number, name in enumerate(NAMES):
        (folder / "stored" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (40 + number, 30), (200, 20 * number, 90)).save(folder / "stored" / name)
        storage.put(f"served/{name}", (folder / "stored" / name).read_bytes())
    colour_encoder.picture(folder / "disk" / "near.png", 9)
    place = tmp_path_factory.mktemp("library")
    settings = Settings(library=place, thumbnail_side=64)
    with Library.open(place, settings=settings, encoder=colour_encoder.ColourEncoder()) as library:
        library.index([f"{storage.url}/served", folder / "disk"])
        with TestClient(build(library), base_url="http://127.0.0.1:7860") as client:
            photos = {photo.path.rpartition(b"/")[2].decode(): photo for photo in library.newest(10)}
            yield SimpleNamespace(
                client=client,
                library=library,
                data={name.rpartition("/")[2]: (folder / "stored" / name).read_bytes() for name in NAMES},
                near=(folder / "disk" / "near.png").read_bytes(),
                ids={name: photo.id for name, photo in photos.items()},
                get=lambda name, what="original", **more: client.get(
                    f"/api/v1/photos/{photos[name].id}/{what}", **more
                ),
            )


@contextlib.contextmanager
def changed(storage, key, data):  # noqa: F811
    """The object has other bytes, or is gone; afterwards it is as it was."""
    before = objects.read(f"{storage.url}/{key}".encode(), max_bytes=1 << 20)
    storage.delete(key) if data is None else storage.put(key, data)
    yield
    storage.put(key, before)


def require_problem(answer, status, detail, hint):
    """The answer is one problem document without addresses and credentials."""
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert detail in answer.json()["detail"] and hint in answer.json()["hint"]
    text = answer.text + str(answer.headers)
    assert not any(secret in text for secret in (object_storage.SECRET, "127.0.0.1", "Signature"))


@pytest.mark.parametrize("name", ["red.png", "雪山 #1?.png"])
def test_the_original_comes_byte_for_byte_and_is_known_by_its_etag(served, name):
    answer = served.get(name)
    assert (answer.status_code, answer.content) == (200, served.data[name])
    assert (answer.headers["content-type"], answer.headers["accept-ranges"]) == ("image/png", "bytes")
    again = served.get(name, headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    head = served.client.head(f"/api/v1/photos/{served.ids[name]}/original")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == str(len(served.data[name]))


def test_a_download_has_the_bytes_and_the_name_whatever_the_format(served):
    answer = served.get("wide.tiff", params={"download": 1})
    assert (answer.status_code, answer.content) == (200, served.data["wide.tiff"])
    assert answer.headers["content-disposition"] == "attachment; filename*=UTF-8''wide.tiff"


def test_parts_of_an_original_are_sent(served):
    data = served.data["red.png"]
    part = served.get("red.png", headers={"Range": "bytes=5-9"})
    assert (part.status_code, part.content) == (206, data[5:10])
    assert part.headers["content-range"] == f"bytes 5-9/{len(data)}"
    same = {"Range": "bytes=-3", "If-Range": part.headers["etag"]}
    assert served.get("red.png", headers=same).content == data[-3:]
    other = served.get("red.png", headers={"Range": "bytes=-3", "If-Range": '"other"'})
    assert (other.status_code, other.content) == (200, data)
    beyond = served.get("red.png", headers={"Range": f"bytes={len(data)}-"})
    assert (beyond.status_code, beyond.headers["content-range"]) == (416, f"bytes */{len(data)}")


def test_a_format_that_browsers_do_not_show_becomes_a_jpeg(served):
    answer = served.get("wide.tiff")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/jpeg")
    with Image.open(io.BytesIO(answer.content)) as shown, Image.open(io.BytesIO(served.data["wide.tiff"])) as original:
        assert shown.size == original.size


def test_a_thumbnail_is_made_again_from_the_bucket(served):
    served.library.thumbnail(served.ids["red.png"]).unlink()
    answer = served.get("red.png", "thumbnail")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/jpeg")
    assert Image.open(io.BytesIO(answer.content)).format == "JPEG"


def test_a_zip_has_photos_of_bucket_and_folder_and_lists_what_is_missing(served, storage):  # noqa: F811
    chosen = [served.ids[name] for name in ("red.png", "near.png", "wide.tiff")]
    with changed(storage, "served/wide.tiff", None):
        answer = served.client.post("/api/v1/photos/zip", json={"ids": chosen})
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["red.png", "near.png", "left-out.txt"]
        assert archive.read("red.png") == served.data["red.png"] and archive.read("near.png") == served.near
        assert archive.read("left-out.txt").decode().splitlines()[1:] == [
            f"{chosen[2]}\ts3://photos/served/wide.tiff\tis gone"
        ]


@pytest.mark.parametrize("download", [0, 1])
@pytest.mark.parametrize("name", ["red.png", "wide.tiff"])
def test_an_object_that_is_gone_or_changed_is_a_problem_with_the_next_step(served, storage, name, download):  # noqa: F811
    for data, detail in ((None, "is gone"), (b"x", "has changed"), (served.data[name][:-1] + b"x", "has changed")):
        with changed(storage, f"served/{name}", data):
            answer = served.get(name, params={"download": download})
        require_problem(answer, 404, f"The photo {detail}", "polyglance index")


def test_an_object_of_another_size_is_not_fetched(served, storage):  # noqa: F811
    target = io.BytesIO()
    assert objects.fetch(f"{storage.url}/served/red.png".encode(), target, size=1) is None
    assert target.getvalue() == b""


@contextlib.contextmanager
def silent_server():
    """A server that accepts connections and never answers."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(64)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.mark.parametrize(
    ("fault", "reason", "hint"),
    [
        ("silent", "it does not answer in time", "try again"),
        ("refused", "its endpoint cannot be reached", "Check the network and the endpoint."),
        ("forbidden", "permission denied", "Let these credentials"),
    ],
)
def test_a_bucket_that_cannot_be_reached_is_a_problem_and_holds_up_nothing_else(
    served, monkeypatch, fault, reason, hint
):
    with silent_server() if fault != "refused" else contextlib.nullcontext("http://127.0.0.1:9") as endpoint:
        monkeypatch.setenv("AWS_ENDPOINT", endpoint)
        monkeypatch.setitem(objects.CLIENT, "read_timeout", "1s")
        monkeypatch.setitem(objects.RETRIES, "max_retries", 0)
        if fault == "forbidden":
            monkeypatch.setattr(objects, "_locate", forbidden)
        objects.forget_stores()
        asked = threading.Thread(target=lambda: answers.append(served.get("red.png")))
        answers = []
        asked.start()
        assert served.get("near.png").content == served.near
        assert served.get("red.png", "thumbnail").status_code == 200
        asked.join(30)
    objects.forget_stores()
    require_problem(answers[0], 503, f"The photo cannot be read: {reason}", hint)


def test_a_zip_asks_a_bucket_that_is_away_once(served, monkeypatch):
    asked = []
    monkeypatch.setattr(objects, "_locate", lambda url: (asked.append(url), forbidden(url)))
    chosen = [served.ids[name] for name in ("red.png", "near.png", "wide.tiff")]
    answer = served.client.post("/api/v1/photos/zip", json={"ids": chosen})
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.namelist() == ["near.png", "left-out.txt"]
        lines = archive.read("left-out.txt").decode().splitlines()[1:]
    assert [line.partition("\t")[0] for line in lines] == [str(chosen[0]), str(chosen[2])]
    assert all(line.endswith("\tcannot be read: permission denied") for line in lines)
    assert len(asked) == 1
    assert object_storage.SECRET not in "".join(lines)


def forbidden(url):
    from obstore.exceptions import PermissionDeniedError

    raise PermissionDeniedError(f"403 for {url} with {object_storage.SECRET} at http://127.0.0.1")
