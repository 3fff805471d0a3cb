"""Request lines: letters that are not percent-encoded are accepted, and what is no request gets a problem document."""

import json
import socket
from urllib.parse import quote, urlsplit

import pytest
from polyglance.ui.web.requests import encode_target

WORDS = ["雪山", "café", "кошка", "고양이", "قطة"]


@pytest.fixture(scope="module")
def place(serve_in_thread, library):
    address = urlsplit(serve_in_thread(library))
    return address.hostname, address.port


def answers(place, *pieces):
    """All that the server sends until it closes the connection, as (status, media type, body) of each answer."""
    with socket.create_connection(place, timeout=20) as connection:
        for piece in pieces:
            connection.sendall(piece)
        data = b"".join(iter(lambda: connection.recv(65536), b""))
    while data:
        head, _, rest = data.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").lower().split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines[1:])
        length = int(headers["content-length"])
        yield int(lines[0].split()[1]), headers["content-type"], rest[:length]
        data = rest[length:]


def search(word, more=""):
    return f"GET /api/v1/search?q={word}&k=1 HTTP/1.1\r\nHost: 127.0.0.1\r\n{more}\r\n".encode()


LAST = "Connection: close\r\n"


@pytest.mark.parametrize("word", WORDS)
def test_a_search_may_be_written_in_letters_as_they_are(place, word):
    ((status, _, body),) = answers(place, search(word, LAST))
    ((_, _, encoded),) = answers(place, search(quote(word), LAST))
    assert status == 200 and json.loads(body)["query"] == word
    assert json.loads(body)["results"] == json.loads(encoded)["results"]


def test_it_may_arrive_byte_by_byte_and_behind_other_requests(place):
    request = search("雪山", LAST)
    ((status, _, _),) = answers(place, *(request[at : at + 1] for at in range(len(request))))
    assert status == 200
    with_body = "POST /api/v1/similar?кошка HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 4\r\n\r\nк\r\n".encode()
    several = list(answers(place, search("雪山") + search("قطة") + with_body + search("café", LAST)))
    assert [status for status, _, _ in several] == [200, 200, 422, 200]
    assert [json.loads(several[at][2])["query"] for at in (0, 1, 3)] == ["雪山", "قطة", "café"]


@pytest.mark.parametrize(
    ("line", "encoded"),
    [
        ("GET /é?q=雪 HTTP/1.1\r\nX: é\r\n", "GET /%C3%A9?q=%E9%9B%AA HTTP/1.1\r\nX: é\r\n"),
        ("GET /é", "GET /é"),  # not complete
        ("GÉT / HTTP/1.1\r\n", "GÉT / HTTP/1.1\r\n"),
        ("GÉT\r\nX: 雪 山\r\n", "GÉT\r\nX: 雪 山\r\n"),
        ("\r\nX: 雪 山\r\n", "\r\nX: 雪 山\r\n"),
        ("GET /?q=a HTTP/1.1\r\nX: 雪 山\r\n", "GET /?q=a HTTP/1.1\r\nX: 雪 山\r\n"),
    ],
)
def test_only_the_target_of_a_complete_line_is_encoded(line, encoded):
    buffer = bytearray(line.encode())
    encode_target(buffer)
    assert buffer.decode() == encoded


BAD = {
    "a space": b"GET /api/v1/search?q=snowy mountains HTTP/1.1\r\nHost: x\r\n\r\n",
    "a control character": b"GET /\x01 HTTP/1.1\r\nHost: x\r\n\r\n",
    "no version": b"GET /\r\n\r\n",
    "letters in the method": "GÉT / HTTP/1.1\r\nHost: x\r\n\r\n".encode(),
    "letters in the version": "GET / HTTP/1.1é\r\nHost: x\r\n\r\n".encode(),
    "no HTTP": b"\x16\x03\x01\x02\x00\x01",
    "a header without end": b"GET / HTTP/1.1\r\nX: " + b"x" * 70_000,
    "two lengths": b"POST /api/v1/search HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
    "no chunk": b"POST /api/v1/search HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: multipart/form-data; boundary=x\r\n"
    b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
}


@pytest.mark.parametrize("request_bytes", BAD.values(), ids=BAD)
def test_what_is_no_request_gets_a_problem_document(place, request_bytes):
    ((status, kind, body),) = answers(place, request_bytes)
    document = json.loads(body)
    assert (status, kind, document["status"]) == (400, "application/problem+json", 400)
    assert document["title"] == "Bad Request" and document["detail"] and "--data-urlencode" in document["hint"]
