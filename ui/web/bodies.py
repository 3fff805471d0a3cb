"""The body of a request: bounded in length, time and memory, before anybody reads it."""

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
    return scope["method"] == "POST" and scope["path"] in limits.TAKE_PICTURES


class Memory:
    """Bytes of pictures that clients send, held at one time. Requests beyond it wait, all but the oldest."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._held: dict[object, int] = {}  # in the order they began
        self._freed = asyncio.Event()

    async def hold(self, holder: object, count: int) -> None:
        """Count bytes that `holder` has received, and wait until there is room for more.

        The oldest holder never waits, so one of them always ends and frees what it holds.
        """
        self._held[holder] = self._held.get(holder, 0) + count
        while sum(self._held.values()) > self._most and next(iter(self._held)) is not holder:
            self._freed.clear()
            await self._freed.wait()

    def release(self, holder: object) -> None:
        """Free what `holder` holds, if anything."""
        if self._held.pop(holder, None) is not None:
            self._freed.set()


class Bounded:
    """Receives the body, raising HTTPException as soon as it is too long or does not come."""

    def __init__(self, scope: Scope, receive: Receive, memory: Memory, bounds: BodyLimits) -> None:
        headers = Headers(scope=scope)
        length = headers.get("content-length", "0")
        self._receive = receive
        self._memory = memory
        self._bounds = bounds
        self._is_picture = takes_picture(scope)
        self._most = limits.MAX_BODY_BYTES + (limits.MAX_UPLOAD_BYTES if self._is_picture else 0)
        self._announced = int(length[:19]) if length.isdecimal() else 0
        self._read = 0
        self._spent = 0.0
        """Seconds that the client has had to send the body."""
        self.is_left = bool(self._announced) or "transfer-encoding" in headers
        """Whether there is more of it to come."""

    async def __call__(self) -> Message:
        """The next message of the body; after its end, the one that tells when the client is gone."""
        if not self.is_left:
            return await self._receive()
        if self._announced > self._most:
            raise too_long(self._most)
        message = await self._piece()
        if message["type"] == "http.request":
            count = len(message.get("body", b""))
            self._read += count
            self.is_left = message.get("more_body", False)
            if self._read > self._most:
                self.is_left = True
                raise too_long(self._most)
            if self._is_picture:
                await self._hold(count)
        return message

    def release(self) -> None:
        """Free the memory of the body: the request is answered."""
        self._memory.release(self)

    async def _piece(self) -> Message:
        left = min(self._bounds.piece_seconds, self._bounds.seconds(self._read) - self._spent)
        start = time.monotonic()
        try:
            return await asyncio.wait_for(self._receive(), max(0.0, left))
        except TimeoutError:
            raise HTTPException(HTTPStatus.REQUEST_TIMEOUT, "The rest of the request did not come in time.") from None
        finally:
            self._spent += time.monotonic() - start

    async def _hold(self, count: int) -> None:
        try:
            await asyncio.wait_for(self._memory.hold(self, count), self._bounds.piece_seconds)
        except TimeoutError:
            self.is_left = True  # closes the connection
            busy = "Too many pictures are being sent at this time."
            raise HTTPException(HTTPStatus.SERVICE_UNAVAILABLE, busy, {"Retry-After": "10"}) from None


def too_long(most: int) -> HTTPException:
    """The error of a body that is longer than `most` bytes."""
    shown = f"{most // 2**20} MB" if most >= 2**20 else f"{most // 2**10} KB"
    return HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"The body is over the limit of {shown}.")
