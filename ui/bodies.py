"""The body of a request: bounded in length and in time, before anybody reads it."""

from __future__ import annotations

import asyncio
from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import Message, Receive, Scope

from . import limits


def most_of(scope: Scope) -> int:
    """How many bytes the body of this request may have."""
    takes_picture = scope["method"] == "POST" and scope["path"] in limits.TAKE_PICTURES
    return limits.MAX_UPLOAD_BYTES + limits.MAX_BODY_BYTES if takes_picture else limits.MAX_BODY_BYTES


class Bounded:
    """Receives the body, raising HTTPException as soon as it is too long or does not come."""

    def __init__(self, scope: Scope, receive: Receive) -> None:
        headers = Headers(scope=scope)
        length = headers.get("content-length", "0")
        self._receive = receive
        self._most = most_of(scope)
        self._announced = int(length[:19]) if length.isdecimal() else 0
        self._read = 0
        self.is_left = bool(self._announced) or "transfer-encoding" in headers
        """Whether there is more of it to come."""

    async def __call__(self) -> Message:
        """The next message of the body; after its end, the one that tells when the client is gone."""
        if not self.is_left:
            return await self._receive()
        if self._announced > self._most:
            raise too_long(self._most)
        try:
            message = await asyncio.wait_for(self._receive(), limits.BODY_SECONDS)
        except TimeoutError:
            raise HTTPException(HTTPStatus.REQUEST_TIMEOUT, "The rest of the request did not come.") from None
        if message["type"] == "http.request":
            self._read += len(message.get("body", b""))
            self.is_left = message.get("more_body", False)
            if self._read > self._most:
                self.is_left = True
                raise too_long(self._most)
        return message


def too_long(most: int) -> HTTPException:
    """The error of a body that is longer than `most` bytes."""
    shown = f"{most // 2**20} MB" if most >= 2**20 else f"{most // 2**10} KB"
    return HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"The body is over the limit of {shown}.")
