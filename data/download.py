"""Fetching one picture from the network, where the user allowed that."""

from __future__ import annotations

import urllib.error
import urllib.request
from http.client import HTTPException
from typing import Any
from urllib.parse import urlsplit

from ..errors import PictureError

TIMEOUT_SECONDS = 15.0
MAX_BYTES = 64 * 1024 * 1024
AT_ONCE = 1 << 20


class _HttpOnly(urllib.request.HTTPRedirectHandler):
    """Follows redirections to http and https only: never to a file of this machine."""

    def redirect_request(self, req: Any, fp: Any, code: Any, msg: Any, headers: Any, newurl: str) -> Any:
        if urlsplit(newurl).scheme not in {"http", "https"}:
            raise PictureError(f"leads to {newurl[:60]}, which is no web address")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def fetch(url: str, *, max_bytes: int = MAX_BYTES) -> bytes:
    """The bytes at an http or https address. Raises PictureError: not reachable, too long, another kind of address."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
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
    except (OSError, HTTPException, ValueError) as error:
        raise PictureError(f"cannot be fetched: {error or type(error).__name__}") from error


def _read(answer: Any, max_bytes: int) -> bytes:
    data = bytearray()
    while part := answer.read(AT_ONCE):
        data += part
        if len(data) > max_bytes:
            raise PictureError(f"is over the limit of {max_bytes / 2**20:.0f} MB")
    return bytes(data)
