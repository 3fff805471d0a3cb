"""Fetching one picture from the network, if the settings allow it."""

from __future__ import annotations

import contextlib
import http.client
import socket
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

from ...errors import PictureError

TIMEOUT_SECONDS = 15.0
"""Longest wait for the next bytes of the server."""
TOTAL_SECONDS = 60.0
"""Longest fetch, redirections included."""
MAX_BYTES = 64 * 1024 * 1024
CHUNK_BYTES = 1 << 20


class _HttpOnly(urllib.request.HTTPRedirectHandler):
    """Follows redirections to http and https only: never to a file of this machine."""

    def redirect_request(self, req: Any, fp: Any, code: Any, msg: Any, headers: Any, newurl: str) -> Any:
        if urlsplit(newurl).scheme not in {"http", "https"}:
            raise PictureError(f"leads to {newurl[:60]}, which is no web address")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


class _Deadline:
    """Shuts the connections of one fetch when its time is over; a socket's timeout starts again with every byte."""

    def __init__(self, seconds: float) -> None:
        self.is_over = False
        self._sockets: list[socket.socket] = []
        self._lock = threading.Lock()
        self._timer = threading.Timer(seconds, self._end)

    def watch(self, connected: socket.socket) -> None:
        """Add a connection to shut at the deadline; it is shut at once if the time is over."""
        with self._lock:
            self._sockets.append(connected)
            if self.is_over:
                _shut_down(connected)

    def _end(self) -> None:
        with self._lock:
            self.is_over = True
            for connected in self._sockets:
                _shut_down(connected)

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Run the clock during this block."""
        self._timer.daemon = True
        self._timer.start()
        try:
            yield
        finally:
            self._timer.cancel()


def _shut_down(connected: socket.socket) -> None:
    with contextlib.suppress(OSError):
        # Not SSLSocket's method, which must not run while another thread reads.
        socket.socket.shutdown(connected, socket.SHUT_RDWR)


def _make_watched(
    kind: type[http.client.HTTPConnection], deadline: _Deadline
) -> Callable[..., http.client.HTTPConnection]:
    """Return a class of connections that `deadline` shuts."""

    class Watched(kind):  # type: ignore[misc, valid-type]
        def connect(self) -> None:
            super().connect()
            deadline.watch(self.sock)

    return Watched


class _Http(urllib.request.HTTPHandler, urllib.request.HTTPSHandler):
    """Opens connections that end with a deadline."""

    def __init__(self, deadline: _Deadline) -> None:
        super().__init__()
        self._deadline = deadline

    def http_open(self, req: urllib.request.Request) -> Any:
        return self.do_open(_make_watched(http.client.HTTPConnection, self._deadline), req)

    def https_open(self, req: urllib.request.Request) -> Any:
        return self.do_open(_make_watched(http.client.HTTPSConnection, self._deadline), req)


def fetch(url: str, *, max_bytes: int = MAX_BYTES, total_seconds: float = TOTAL_SECONDS) -> bytes:
    """Return the bytes at an http or https address.

    Raises PictureError if it cannot be reached, is longer than `max_bytes`, takes longer than `total_seconds`, or the
    address is of another kind.
    """
    deadline = _Deadline(total_seconds)
    try:
        with deadline.running():
            data = _fetch(url, max_bytes, deadline)
    except PictureError as error:
        if deadline.is_over:
            raise _too_slow(total_seconds) from error
        raise
    if deadline.is_over:  # the answer may have been cut by the deadline
        raise _too_slow(total_seconds)
    return data


def _too_slow(seconds: float) -> PictureError:
    return PictureError(f"cannot be fetched: it takes more than {seconds:.0f} seconds")


def _fetch(url: str, max_bytes: int, deadline: _Deadline) -> bytes:
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        _Http(deadline),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        _HttpOnly(),
    ):
        opener.add_handler(handler)
    try:
        if urlsplit(url).scheme.lower() not in {"http", "https"}:
            raise PictureError("is no web address")
        request = urllib.request.Request(url, headers={"User-Agent": "polyglance", "Accept": "image/*"})
        with opener.open(request, timeout=TIMEOUT_SECONDS) as answer:
            return _read(answer, max_bytes)
    except urllib.error.HTTPError as error:
        error.close()
        raise PictureError(f"cannot be fetched: the server says {error.code}") from error
    except urllib.error.URLError as error:
        raise PictureError(f"cannot be fetched: {error.reason}") from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise PictureError(f"cannot be fetched: {error or type(error).__name__}") from error


def _read(answer: Any, max_bytes: int) -> bytes:
    data = bytearray()
    while part := answer.read(CHUNK_BYTES):
        data += part
        if len(data) > max_bytes:
            raise PictureError(f"is over the limit of {max_bytes / 2**20:.0f} MB")
    return bytes(data)
