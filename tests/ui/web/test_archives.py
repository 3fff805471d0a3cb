"""Photos to take away: one as a file, many as a zip; names that every system can write; what is left out is listed."""

import os
import zipfile
from io import BytesIO

import pytest
from polyglance.ui.web import limits, originals
from polyglance.ui.web.archives import PhotoArchive
from polyglance.ui.web.file_names import MAX_NAME_BYTES, UniqueNames, safe_name

ADDRESS = "/api/v1/photos/zip"


def unzip(answer):
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/zip"
    with zipfile.ZipFile(BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        assert {entry.compress_type for entry in archive.infolist()} == {zipfile.ZIP_STORED}
        return {name: archive.read(name) for name in archive.namelist()}


def test_a_zip_holds_the_files_byte_for_byte(client, ids, pictures):
    names = ["rocket.jpg", "chelsea.png", "espresso.tiff"]
    answer = client.post(ADDRESS, json={"ids": [ids[name] for name in names] * 2})
    assert unzip(answer) == {name: (pictures / name).read_bytes() for name in names}
    assert answer.headers["content-disposition"] == "attachment; filename*=UTF-8''photos.zip"
    assert answer.headers["cache-control"] == "no-store"


def test_a_form_gets_the_same_zip(client, ids, pictures):
    chosen = f"{ids['rocket.jpg']},{ids['chelsea.png']}"
    for sent in ({"data": {"ids": chosen}}, {"files": {"ids": (None, chosen)}}):
        assert set(unzip(client.post(ADDRESS, **sent))) == {"rocket.jpg", "chelsea.png"}


def test_what_cannot_be_read_is_listed_in_the_zip(client, ids, pictures):
    photo = pictures / "grass.png"
    before = photo.read_bytes()
    photo.write_bytes(before[:-1] + b"x")
    try:
        chosen = [ids["grass.png"], ids["rocket.jpg"], 99_999_999]
        files = unzip(client.post(ADDRESS, json={"ids": chosen}))
    finally:
        photo.write_bytes(before)
    assert list(files) == ["rocket.jpg", "left-out.txt"]
    lines = files["left-out.txt"].decode().splitlines()[1:]
    assert lines == [
        f"{ids['grass.png']}\t{photo}\thas changed since it was indexed",
        "99999999\t\tno photo has this id",
    ]


@pytest.mark.parametrize("fault", ["changed", "unreadable"])
def test_a_file_that_is_spoilt_while_it_is_read_is_listed_and_the_zip_stays_whole(library, ids, monkeypatch, fault):
    whole = originals.Original.chunks

    def chunks(self, *part):
        yield next(iter(whole(self, *part)))[:-1] + b"x"
        if fault == "unreadable":
            raise OSError(5, "Input/output error")

    photo = library.photo(ids["rocket.jpg"])
    monkeypatch.setattr(originals.Original, "chunks", chunks)
    data = b"".join(PhotoArchive(library, [photo]).chunks())
    with zipfile.ZipFile(BytesIO(data)) as archive:
        assert archive.testzip() is None
        assert b"is not whole here" in archive.read("left-out.txt")


def test_ids_that_no_photo_has_are_not_found(client):
    assert client.post(ADDRESS, json={"ids": [99_999_999]}).status_code == 404


@pytest.mark.parametrize(
    "body",
    [b"", b"null", b"{}", b'{"ids": []}', b'{"ids": [0]}', b'{"ids": [9223372036854775808]}', b'{"ids": ["x"]}',
     b'{"ids": "1,,2"}', b'{"ids": [1], "more": 1}', b'{"ids": [[1]]}', b"[" * 60000, b"\xff", b'{"ids": [1e400]}'],
)  # fmt: skip
def test_a_body_that_names_no_photos_is_a_problem(client, body):
    answer = client.post(ADDRESS, content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"


def test_more_ids_than_may_be_asked_for_are_refused_with_the_number(client):
    ids = list(range(1, limits.MAX_CHOSEN + 2))
    answer = client.post(ADDRESS, json={"ids": ids})
    assert answer.status_code == 422 and str(limits.MAX_CHOSEN) in answer.json()["detail"]
    assert len(answer.content) < 2000
    answer = client.post(ADDRESS, json={"ids": list(range(1, 30_000))})
    assert answer.status_code == 413 and "64 KB" in answer.json()["detail"]


def test_ten_million_ids_are_not_received(raw_post):
    sent, answer = raw_post(ADDRESS, b"application/json", b'{"ids": [1', b",1", 10_000_000)
    assert sent < 10_000_000 and (not answer or b" 413 " in answer)


@pytest.fixture
def raw_post(serve_in_thread, library):
    """Send a body in pieces until the server stops reading it."""
    import socket
    from urllib.parse import urlsplit

    place = urlsplit(serve_in_thread(library))

    def post(path, kind, start, piece, count):
        head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {kind.decode()}\r\n"
        sent, block = 0, piece * 30_000
        with socket.create_connection((place.hostname, place.port), timeout=20) as connection:
            connection.sendall(head.encode() + b"Transfer-Encoding: chunked\r\n\r\n")
            connection.sendall(b"%x\r\n%s\r\n" % (len(start), start))
            try:
                while sent < count * len(piece):
                    connection.sendall(b"%x\r\n%s\r\n" % (len(block), block))
                    sent += len(block)
                return sent, connection.recv(65536)
            except OSError:
                return sent, b""

    return post


@pytest.mark.parametrize("kind", ["text/plain", "image/jpeg", "", "application/x-www-form-urlencoded"])
def test_a_body_of_another_kind_is_a_problem(client, kind):
    answer = client.post(ADDRESS, content=b"\xff" + b"a=1&" * 99, headers={"Content-Type": kind})
    assert answer.status_code in {400, 415, 422}
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "PATCH"])
@pytest.mark.parametrize("address", [ADDRESS, "/api/v1/photos/favourites"])
def test_other_methods_are_refused(client, method, address):
    assert client.request(method, address).status_code in {405, 422}


def test_no_file_stays_open_when_the_reader_goes_away(library, ids):
    if not os.path.isdir("/proc/self/fd"):
        pytest.skip("open files are counted through /proc")
    photos = list(library.photos(list(ids.values())).values())
    before = len(os.listdir("/proc/self/fd"))
    for count in range(1, 12):
        chunks = PhotoArchive(library, photos).chunks()
        for _ in range(count):
            next(chunks)
        chunks.close()
    assert len(os.listdir("/proc/self/fd")) <= before


@pytest.mark.parametrize("name", ["rocket.jpg", "espresso.tiff"])
def test_a_download_is_the_file_itself_as_an_attachment(client, ids, pictures, name):
    address = f"/api/v1/photos/{ids[name]}/original?download=1"
    answer = client.get(address)
    assert answer.content == (pictures / name).read_bytes()
    assert answer.headers["content-disposition"] == f"attachment; filename*=UTF-8''{name}"
    assert client.get(address, headers={"Range": "bytes=0-9"}).content == answer.content[:10]
    assert client.head(address).headers["content-length"] == str(len(answer.content))
    assert client.get(address.replace("=1", "=perhaps")).status_code == 422


def test_a_download_of_a_format_that_no_browser_shows_does_not_claim_to_be_a_jpeg(client, ids):
    answer = client.get(f"/api/v1/photos/{ids['espresso.tiff']}/original?download=true")
    assert answer.headers["content-type"] == "application/octet-stream"


def test_several_photos_are_marked_and_unmarked_together(client, ids):
    address, chosen = "/api/v1/photos/favourites", [ids["rocket.jpg"], ids["chelsea.png"]]
    marked = client.post(address, json={"ids": [*chosen, 99_999_999], "favourite": True})
    assert marked.json() == {"favourite": True, "ids": sorted(chosen)}
    assert client.get(f"/api/v1/photos/{chosen[0]}").json()["favourite"]
    unmarked = client.post(address, json={"ids": chosen, "favourite": False})
    assert unmarked.json() == {"favourite": False, "ids": sorted(chosen)}
    assert not client.get(f"/api/v1/photos/{chosen[0]}").json()["favourite"]
    assert client.post(address, json={"ids": [99_999_999], "favourite": True}).status_code == 404
    for wrong in ({"ids": chosen}, {"ids": chosen, "favourite": None}, {"ids": [], "favourite": True}):
        assert client.post(address, json=wrong).status_code == 422


@pytest.mark.parametrize(
    ("path", "name"),
    [
        (b"a/b/c.jpg", "c.jpg"),
        (b"../../etc/passwd", "passwd"),
        (b"a\\..\\b.jpg", "a_.._b.jpg"),
        (b"..", "photo"),
        (b"a/. . .", "photo"),
        (b"x\0y\n\x1b[31m\x7f.jpg", "x_y__[31m_.jpg"),
        ("moon\u202egnp.exe.png".encode(), "moon_gnp.exe.png"),
        ("\u2066a\u200e\u061c\ufeff.png".encode(), "_a___.png"),
        ("می‌خواهم 👩‍👧.jpg".encode(), "می‌خواهم 👩‍👧.jpg"),
        ("e\u0301.jpg".encode(), "é.jpg"),
        (b"\xe9t\xe9.jpg", "_t_.jpg"),
        (b'<img src="x" onerror=1>.png', "_img src=_x_ onerror=1_.png"),
        (b"CON.jpg", "_CON.jpg"),
        (b"nul", "_nul"),
        ("lpt¹ .tar.gz".encode(), "_lpt¹ .tar.gz"),
        (b"console.jpg", "console.jpg"),
        (b" spaces. ", "spaces"),
        (b".hidden", ".hidden"),
        (b"C:stream.jpg", "C_stream.jpg"),
    ],
)
def test_a_safe_name_is_a_name_of_a_file_on_every_system(path, name):
    assert safe_name(path) == name


def test_a_long_name_keeps_its_ending():
    name = safe_name(("雪" * 300 + ".jpeg").encode())
    assert name.endswith("雪.jpeg") and MAX_NAME_BYTES - 3 < len(name.encode()) <= MAX_NAME_BYTES
    assert len(safe_name(b"x" * 250).encode()) == MAX_NAME_BYTES


def test_names_are_unique_also_where_case_does_not_count():
    names = UniqueNames(["left-out.txt"])
    given = ["a.jpg", "A.JPG", "a (2).jpg", "a.jpg", "Left-Out.TXT", "b", "b", "straße.png", "STRASSE.png"]
    assert [names.add(name) for name in given] == [
        "a.jpg",
        "A (2).JPG",
        "a (2) (2).jpg",
        "a (3).jpg",
        "Left-Out (2).TXT",
        "b",
        "b (2)",
        "straße.png",
        "STRASSE (2).png",
    ]
    long = ["x" * MAX_NAME_BYTES] * 12
    assert len({names.add(name) for name in long}) == 12


def test_many_equal_names_take_no_longer_than_others():
    names = UniqueNames()
    assert len({names.add("IMG.jpg") for _ in range(100_000)}) == 100_000  # quadratic, it would take minutes
