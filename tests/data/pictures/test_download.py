"""Fetching a picture from a server that takes its time: over real sockets."""

import contextlib
import socket
import threading
import time

import pytest
from polyglance.data.pictures import download
from polyglance.errors import PictureError


@pytest.fixture
def serve(monkeypatch):
    """Start a server that answers each connection with pieces, one every so often; it gives its address."""
    monkeypatch.setenv("no_proxy", "*")
    with socket.create_server(("127.0.0.1", 0)) as listener, contextlib.ExitStack() as threads:
        over = threading.Event()

        def answer(pieces, interval):
            with contextlib.suppress(OSError):
                while not over.is_set():
                    client, _ = listener.accept()
                    with client, contextlib.suppress(OSError):
                        client.recv(65536)
                        for piece in pieces:
                            client.sendall(piece)
                            if over.wait(interval):
                                return

        def start(pieces, interval=0.05):
            thread = threading.Thread(target=answer, args=(pieces, interval))
            thread.start()
            threads.callback(thread.join, 10)
            return f"http://127.0.0.1:{listener.getsockname()[1]}/x.jpg"

        yield start
        over.set()
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)


HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"
DRIPS = {
    "a body": [HEAD.replace(b"5", b"1000"), *[b"x"] * 1000],
    "a body without end": [b"HTTP/1.1 200 OK\r\n\r\n", *[b"x"] * 1000],
    "headers": [b"HTTP/1.1 200 OK\r\nX: ", *[b"x"] * 1000],
    "a status": [b"H", *[b"x"] * 1000],
}


@pytest.mark.parametrize("pieces", DRIPS.values(), ids=DRIPS.keys())
def test_a_server_that_drips_is_left_when_the_time_is_over(serve, pieces):
    address = serve(pieces)
    start = time.monotonic()
    with pytest.raises(PictureError) as caught:
        download.fetch(address, total_seconds=1)
    assert caught.value.message == "cannot be fetched: it takes more than 1 seconds"
    assert time.monotonic() - start < 20  # all of it would take 50


def test_what_comes_in_time_is_whole(serve):
    assert download.fetch(serve([HEAD, *[b"x"] * 5])) == b"xxxxx"


def test_other_errors_are_said_as_they_are(serve):
    with pytest.raises(PictureError, match="the server says 404"):
        download.fetch(serve([b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"]))
    with pytest.raises(PictureError, match="is no web address"):
        download.fetch("file:///etc/passwd")
