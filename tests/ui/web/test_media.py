import asyncio
import errno
import os
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO

import psutil
import pytest
from PIL import Image
from polyglance.data.pictures import decoding
from polyglance.ui.web import media, originals
from polyglance.ui.web.originals import open_original
from starlette.requests import ClientDisconnect, Request


def test_a_thumbnail_is_a_small_jpeg(client, ids):
    answer = client.get(f"/api/v1/photos/{ids['rocket.jpg']}/thumbnail")
    assert answer.headers["content-type"] == "image/jpeg"
    assert Image.open(BytesIO(answer.content)).size == (384, 256)


def test_a_lost_thumbnail_is_made_again(client, library, ids):
    path = library.thumbnail(ids["horse.png"])
    path.unlink()
    assert client.get(f"/api/v1/photos/{ids['horse.png']}/thumbnail").status_code == 200
    assert path.exists()


def test_a_lost_thumbnail_on_a_full_disk_is_a_problem_with_the_next_step(client, library, ids, monkeypatch):
    path = library.thumbnail(ids["horse.png"])
    path.unlink()

    def refuse(self, target):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as full:
        full.setattr("pathlib.Path.replace", refuse)
        answer = client.get(f"/api/v1/photos/{ids['horse.png']}/thumbnail")
    assert (answer.status_code, answer.headers["content-type"]) == (507, "application/problem+json")
    assert "the disk of the library is full" in answer.json()["detail"]
    assert answer.json()["hint"] == f"Free some space on the disk of {library.folder}."
    assert list(path.parent.iterdir()) == []
    assert client.get(f"/api/v1/photos/{ids['horse.png']}/thumbnail").status_code == 200


@pytest.mark.parametrize(("name", "kind"), [("rocket.jpg", "image/jpeg"), ("chelsea.png", "image/png")])
def test_a_photo_browsers_show_is_sent_byte_for_byte(client, ids, pictures, name, kind):
    answer = client.get(f"/api/v1/photos/{ids[name]}/original")
    assert answer.headers["content-type"] == kind
    assert answer.content == (pictures / name).read_bytes()


def test_a_photo_browsers_do_not_show_becomes_a_jpeg(client, ids):
    answer = client.get(f"/api/v1/photos/{ids['espresso.tiff']}/original")
    assert answer.headers["content-type"] == "image/jpeg"
    assert Image.open(BytesIO(answer.content)).size == (600, 400)


@pytest.mark.parametrize("route", ["thumbnail", "original"])
def test_pictures_carry_headers_that_keep_them_pictures(client, ids, route):
    headers = client.get(f"/api/v1/photos/{ids['chelsea.png']}/{route}").headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'; sandbox"
    assert headers["cache-control"].startswith("private")
    assert headers["cross-origin-resource-policy"] == "same-origin"


@pytest.mark.parametrize("route", ["thumbnail", "original"])
def test_a_picture_the_browser_has_is_not_sent_again(client, ids, route):
    address = f"/api/v1/photos/{ids['chelsea.png']}/{route}"
    etag = client.get(address).headers["etag"]
    again = client.get(address, headers={"If-None-Match": f'"other", W/{etag}'})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)
    assert client.get(address, headers={"If-None-Match": '"other"'}).status_code == 200


def test_the_etag_of_a_photo_follows_its_file(client, ids, pictures):
    address = f"/api/v1/photos/{ids['page.png']}/original"
    etag = client.get(address).headers["etag"]
    os.utime(pictures / "page.png", ns=(1, 1))
    assert client.get(address, headers={"If-None-Match": etag}).status_code == 200


@pytest.mark.parametrize("route", ["thumbnail", "original"])
@pytest.mark.parametrize("unknown", ["99999", "9223372036854775807"])
def test_an_unknown_id_is_not_found(client, route, unknown):
    answer = client.get(f"/api/v1/photos/{unknown}/{route}")
    assert answer.status_code == 404
    assert answer.json()["detail"].startswith("No photo has the id")


@pytest.mark.parametrize("wrong", ["0", "-1", "9223372036854775808", "cat", "%2e%2e%2fcatalog.db", "1.5"])
@pytest.mark.parametrize("route", ["thumbnail", "original"])
def test_what_is_no_id_is_refused(client, route, wrong):
    answer = client.get(f"/api/v1/photos/{wrong}/{route}")
    assert answer.status_code in {404, 422}
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_file_that_is_gone_is_not_found_and_its_thumbnail_stays(client, ids, pictures):
    (pictures / "gone" / "gone.png").unlink()
    answer = client.get(f"/api/v1/photos/{ids['gone.png']}/original")
    assert answer.status_code == 404
    assert answer.json()["detail"] == "The photo is gone."
    assert client.get(f"/api/v1/photos/{ids['gone.png']}/thumbnail").status_code == 200


def test_a_photo_replaced_by_a_link_is_refused(client, ids, pictures, tmp_path):
    secret = tmp_path / "secret.png"
    Image.new("RGB", (50, 50), "red").save(secret)
    photo = pictures / "linked" / "linked.png"
    photo.unlink()
    photo.symlink_to(secret)
    assert client.get(f"/api/v1/photos/{ids['linked.png']}/original").status_code == 404
    photo.unlink()
    photo.symlink_to(pictures / "chelsea.png")
    answer = client.get(f"/api/v1/photos/{ids['linked.png']}/original")
    assert (answer.status_code, answer.json()["detail"]) == (404, "The photo was replaced by a link.")


def test_a_photo_whose_folder_became_a_link_to_elsewhere_is_refused(client, ids, pictures, tmp_path):
    (tmp_path / "moved.png").write_bytes((pictures / "moved" / "moved.png").read_bytes())
    (pictures / "moved").rename(pictures / "was-here")
    (pictures / "moved").symlink_to(tmp_path)
    answer = client.get(f"/api/v1/photos/{ids['moved.png']}/original")
    assert (answer.status_code, answer.json()["detail"]) == (404, "The photo was replaced by a link.")


def test_a_photo_replaced_by_a_page_is_not_sent(client, ids, pictures):
    photo = pictures / "grass.png"
    before = photo.read_bytes()
    photo.write_text("<script>alert(1)</script>")
    try:
        answer = client.get(f"/api/v1/photos/{ids['grass.png']}/original")
        assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
    finally:
        photo.write_bytes(before)


@pytest.mark.skipif(os.name == "nt", reason="there are no pipes in the file system")
def test_a_photo_replaced_by_a_pipe_does_not_hang(client, ids, pictures):
    photo = pictures / "gravel.png"
    photo.unlink()
    os.mkfifo(photo)
    answer = client.get(f"/api/v1/photos/{ids['gravel.png']}/original")
    assert answer.status_code == 404
    assert answer.json()["detail"] == "The photo was replaced by something that is no file."


@pytest.fixture
def whole(client, ids, pictures):
    """Address, bytes and ETag of a photo that is sent as it is."""
    address = f"/api/v1/photos/{ids['rocket.jpg']}/original"
    return address, (pictures / "rocket.jpg").read_bytes(), client.get(address).headers["etag"]


@pytest.mark.parametrize(
    ("header", "part"),
    [
        ("bytes=0-99", slice(0, 100)),
        ("bytes=100-", slice(100, None)),
        ("bytes=-100", slice(-100, None)),
        ("bytes=5-5", slice(5, 6)),
        ("bytes=10-99999999999", slice(10, None)),
        ("bytes=-99999999999", slice(0, None)),
        ("BYTES = 1 - 2", slice(1, 3)),
    ],
)
def test_a_part_of_a_photo(client, whole, header, part):
    address, data, _ = whole
    answer = client.get(address, headers={"Range": header})
    first, last, _ = part.indices(len(data))
    assert (answer.status_code, answer.content) == (206, data[part])
    assert answer.headers["content-range"] == f"bytes {first}-{last - 1}/{len(data)}"
    assert answer.headers["content-length"] == str(last - first)


@pytest.mark.parametrize("header", ["bytes=0-1,5-6", "bytes=", "bytes=-", "bytes=x-y", "lines=1-2", "bytes=5-2", "5-9"])
def test_what_is_no_single_range_gets_the_whole_photo(client, whole, header):
    address, data, _ = whole
    answer = client.get(address, headers={"Range": header})
    assert (answer.status_code, answer.content) == (200, data)
    assert answer.headers["accept-ranges"] == "bytes"


@pytest.mark.parametrize("header", ["bytes={size}-", "bytes={size}-9999999999999", "bytes=-0"])
def test_a_range_beyond_the_end_is_refused_with_the_size(client, whole, header):
    address, data, _ = whole
    answer = client.get(address, headers={"Range": header.format(size=len(data))})
    assert (answer.status_code, answer.headers["content-range"]) == (416, f"bytes */{len(data)}")
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_part_is_not_mixed_with_another_version_of_the_file(client, whole):
    address, data, etag = whole
    part = {"Range": "bytes=0-9"}
    assert client.get(address, headers=part | {"If-Range": etag}).status_code == 206
    for other in ('"another"', f"W/{etag}", "Wed, 21 Oct 2015 07:28:00 GMT"):
        assert client.get(address, headers=part | {"If-Range": other}).content == data
    assert client.get(address, headers=part | {"If-None-Match": etag}).status_code == 304


@pytest.mark.parametrize("name", ["rocket.jpg", "espresso.tiff"])
@pytest.mark.parametrize("route", ["thumbnail", "original"])
def test_head_says_what_get_would(client, ids, route, name):
    address = f"/api/v1/photos/{ids[name]}/{route}"
    head, get = client.head(address), client.get(address)
    assert (head.status_code, head.content) == (200, b"")
    own = {"content-length", "x-request-id"}  # of each answer
    assert {key: value for key, value in get.headers.items() if key not in own} == {
        key: value for key, value in head.headers.items() if key not in own
    }
    if name == "rocket.jpg":
        assert head.headers["content-length"] == get.headers["content-length"]


def test_a_photo_is_saved_under_its_name(client, ids):
    for name, file in (("rocket.jpg", "rocket.jpg"), ("espresso.tiff", "espresso.tiff.jpg")):
        said = client.head(f"/api/v1/photos/{ids[name]}/original").headers["content-disposition"]
        assert said == f"inline; filename*=UTF-8''{file}"
    hostile = next(name for name in ids if "onerror" in name)
    said = client.head(f"/api/v1/photos/{ids[hostile]}/original").headers["content-disposition"]
    assert said.startswith("inline; filename*=UTF-8''") and not set('<>;"') & set(said.removeprefix("inline;"))


@pytest.mark.parametrize("kind", ["svg", "html"])
def test_a_photo_replaced_by_a_drawing_with_a_script_is_not_sent(client, ids, pictures, kind):
    photo = pictures / "brick.png"
    before = photo.read_bytes()
    script = "<script>alert(1)</script>"
    text = {"svg": f'<svg xmlns="http://www.w3.org/2000/svg">{script}</svg>', "html": f"<html>{script}</html>"}[kind]
    photo.write_text(text)
    try:
        answer = client.get(f"/api/v1/photos/{ids['brick.png']}/original")
        assert answer.status_code == 404
        assert "script" not in answer.text
    finally:
        photo.write_bytes(before)


def test_a_photo_with_other_bytes_is_not_sent_even_if_its_size_and_time_are_the_same(client, ids, pictures):
    photo = pictures / "cell.png"
    before, info = photo.read_bytes(), photo.stat()
    try:
        address = f"/api/v1/photos/{ids['cell.png']}/original"
        assert client.get(address).content == before
        photo.write_bytes(before[:-1] + b"x")
        os.utime(photo, ns=(info.st_atime_ns, info.st_mtime_ns))
        answer = client.get(address)
        assert (answer.status_code, answer.json()["detail"]) == (404, "The photo has changed since it was indexed.")
    finally:
        photo.write_bytes(before)


def test_few_photos_are_converted_at_one_time(client, ids):
    address = f"/api/v1/photos/{ids['espresso.tiff']}/original"
    decoding.end_idle()
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: client.get(address).status_code, range(24)))
    assert answers == [200] * 24
    workers = [child for child in psutil.Process().children() if "polyglance.data.pictures.worker" in child.cmdline()]
    assert 1 <= len(workers) <= 2


def test_a_thumbnail_is_kept_for_good_only_under_the_version_of_the_photo_s_bytes(client, ids, library):
    def kept(number, version):
        answer = client.get(f"/api/v1/photos/{number}/thumbnail", params={"version": version} if version else {})
        assert answer.status_code == 200
        return answer.headers["cache-control"]

    number, version = ids["rocket.jpg"], library.photo(ids["rocket.jpg"]).version
    assert kept(number, version) == "private, max-age=31536000, immutable"
    assert kept(number, None) == kept(number, "") == kept(number, "0" * 16) == "private, no-cache"
    assert version not in {library.photo(ids["horse.png"]).version, ""}


def test_a_file_is_closed_although_its_client_is_gone_before_the_first_byte(library, ids, monkeypatch):
    opened = []
    monkeypatch.setattr(originals, "open_original", lambda *place: opened.append(open_original(*place)) or opened[-1])

    async def is_gone(*_):
        raise OSError(errno.EPIPE, os.strerror(errno.EPIPE))

    scope = {
        "type": "http",
        "method": "GET",
        "headers": [],
        "path": "/",
        "query_string": b"",
        "asgi": {"spec_version": "2.4"},
    }
    answer = media.original(library, ids["coffee.png"], Request(scope))
    # In a thread of its own: the browser's driver has an event loop running in this one.
    with ThreadPoolExecutor() as pool, pytest.raises(ClientDisconnect):
        pool.submit(asyncio.run, answer(scope, is_gone, is_gone)).result()
    assert opened[0].file.closed
