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


def bounded(scope: Scope, receive: Receive) -> Receive:
    """Receive the body, raising HTTPException as soon as it is too long or does not come."""
    most, read, is_complete = most_of(scope), 0, False
    announced = Headers(scope=scope).get("content-length", "")

    async def receiving() -> Message:
        nonlocal read, is_complete
        if is_complete:
            return await receive()  # tells when the client is gone
        if announced.isdecimal() and int(announced[:19]) > most:
            raise too_long(most)
        try:
            message = await asyncio.wait_for(receive(), limits.BODY_SECONDS)
        except TimeoutError:
            raise HTTPException(HTTPStatus.REQUEST_TIMEOUT, "The rest of the request did not come.") from None
        if message["type"] == "http.request":
            read += len(message.get("body", b""))
            is_complete = not message.get("more_body", False)
            if read > most:
                raise too_long(most)
        return message

    return receiving


def too_long(most: int) -> HTTPException:
    """The error of a body that is longer than `most` bytes."""
    shown = f"{most // 2**20} MB" if most >= 2**20 else f"{most // 2**10} KB"
    return HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"The body is over the limit of {shown}.")
