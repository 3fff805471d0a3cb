"""The body of a request, bounded in length, time and memory while it is received."""

from __future__ import annotations

import asyncio
import time
from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import Message, Receive, Scope

from . import limits
from .limits import BodyLimits


def takes_picture(scope: Scope) -> bool:
    """Whether the body of this request may be a picture."""
    return scope["method"] == "POST" and scope["path"] in limits.PICTURE_PATHS


def longest_body(scope: Scope) -> int:
    """How many bytes the body of this request may have."""
    if takes_picture(scope):
        return limits.MAX_BODY_BYTES + limits.MAX_UPLOAD_BYTES
    return limits.MAX_EVENT_BYTES if scope["path"] == limits.EVENT_PATH else limits.MAX_BODY_BYTES


class UploadMemory:
    """Bounds the bytes of pictures in memory. Requests beyond the limit wait, except the oldest."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._bytes: dict[object, int] = {}  # by request, oldest first
        self._freed = asyncio.Event()

    async def reserve(self, request: object, count: int) -> None:
        """Count bytes that `request` has received, and wait until there is room for more.

        The oldest request never waits, so there is always one that ends and frees its bytes.
        """
        self._bytes[request] = self._bytes.get(request, 0) + count
        while sum(self._bytes.values()) > self._limit and next(iter(self._bytes)) is not request:
            self._freed.clear()
            await self._freed.wait()

    def release(self, request: object) -> None:
        """Free the bytes of `request`, if it has any."""
        if self._bytes.pop(request, None) is not None:
            self._freed.set()


class BoundedBody:
    """Receives the body. Raises HTTPException as soon as it is too long or does not arrive in time."""

    def __init__(self, scope: Scope, receive: Receive, memory: UploadMemory, bounds: BodyLimits) -> None:
        headers = Headers(scope=scope)
        length = headers.get("content-length", "0")
        self._receive = receive
        self._memory = memory
        self._bounds = bounds
        self._is_picture = takes_picture(scope)
        self._max_bytes = longest_body(scope)
        self._announced = int(length[:19]) if length.isdecimal() else 0
        self._read = 0
        self._spent = 0.0
        """Seconds spent waiting for the client to send the body."""
        self.is_left = bool(self._announced) or "transfer-encoding" in headers
        """Whether a part of the body was not received yet."""

    async def __call__(self) -> Message:
        """Return the next message of the body; after its end, the message that the client has disconnected."""
        if not self.is_left:
            return await self._receive()
        if self._announced > self._max_bytes:
            raise too_long(self._max_bytes)
        message = await self._receive_piece()
        if message["type"] == "http.request":
            count = len(message.get("body", b""))
            self._read += count
            self.is_left = message.get("more_body", False)
            if self._read > self._max_bytes:
                self.is_left = True
                raise too_long(self._max_bytes)
            if self._is_picture:
                await self._reserve(count)
        return message

    def release(self) -> None:
        """Free the memory of the body: the request is answered."""
        self._memory.release(self)

    async def _receive_piece(self) -> Message:
        seconds = min(self._bounds.piece_seconds, self._bounds.seconds(self._read) - self._spent)
        start = time.monotonic()
        try:
            return await asyncio.wait_for(self._receive(), max(0.0, seconds))
        except TimeoutError:
            raise HTTPException(HTTPStatus.REQUEST_TIMEOUT, "The rest of the request did not come in time.") from None
        finally:
            self._spent += time.monotonic() - start

    async def _reserve(self, count: int) -> None:
        try:
            await asyncio.wait_for(self._memory.reserve(self, count), self._bounds.piece_seconds)
        except TimeoutError:
            self.is_left = True  # so that `Gate` closes the connection
            busy = "Too many pictures are being sent at this time."
            raise HTTPException(HTTPStatus.SERVICE_UNAVAILABLE, busy, {"Retry-After": "10"}) from None


def too_long(max_bytes: int) -> HTTPException:
    """Return the error for a body that is longer than `max_bytes`."""
    limit = f"{max_bytes // 2**20} MB" if max_bytes >= 2**20 else f"{max_bytes // 2**10} KB"
    return HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"The body is over the limit of {limit}.")
