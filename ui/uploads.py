"""Reading what a client sends: counted while it comes, refused as soon as it is too long, never written to a disk."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Generic, TypeVar

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException, MultiPartParser

from . import limits

_Fields = TypeVar("_Fields", bound=BaseModel)

FIELDS = 64
SLACK_BYTES = 64 * 1024
"""What the other fields of a form and its separators may take beside the picture."""

AT_ONCE = 4
"""Pictures held in memory at one time; further requests wait."""

_turn = asyncio.Semaphore(AT_ONCE)


@dataclass(frozen=True)
class Form(Generic[_Fields]):
    """A form's fields, checked, and the file in it, if any."""

    fields: _Fields
    file: bytes | None


class _Parser(MultiPartParser):
    spool_max_size = 2 * limits.MAX_UPLOAD_BYTES  # else it would become a temporary file


@asynccontextmanager
async def one_at_a_time() -> AsyncIterator[None]:
    """Wait until few enough other pictures are in memory."""
    async with _turn:
        yield


async def body(request: Request, most: int | None = None) -> bytes:
    """Read the body, giving up as soon as it is too long, whatever its Content-Length says."""
    chunks = [chunk async for chunk in _bounded(request, limits.MAX_UPLOAD_BYTES if most is None else most)]
    return b"".join(chunks)


async def form(request: Request, model: type[_Fields], file_field: str) -> Form[_Fields]:
    """Read a form with at most one file, in `file_field`. Raises HTTPException, RequestValidationError."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "multipart/form-data":
        raise HTTPException(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "The body must be multipart/form-data.")
    stream = _bounded(request, limits.MAX_UPLOAD_BYTES + SLACK_BYTES)
    parser = _Parser(request.headers, stream, max_files=1, max_fields=FIELDS, max_part_size=SLACK_BYTES)
    try:
        parsed = await parser.parse()
    except MultiPartException as error:
        raise HTTPException(HTTPStatus.BAD_REQUEST, f"The form cannot be read: {error.message}") from error
    file: bytes | None = None
    fields: dict[str, Any] = {}
    several = defaultdict(list)
    for name, value in parsed.multi_items():
        if isinstance(value, UploadFile):
            file = await value.read()
            await value.close()
            if name != file_field:
                raise HTTPException(HTTPStatus.BAD_REQUEST, f"The file of the form goes in the field {file_field}.")
        else:
            several[name].append(value)
    for name, values in several.items():
        fields[name] = values if _takes_several(model, name) else values[-1]
    try:
        return Form(model.model_validate(fields), file)
    except ValidationError as error:
        raise RequestValidationError([{**each, "loc": ("form", *each["loc"])} for each in error.errors()]) from error


def _takes_several(model: type[BaseModel], name: str) -> bool:
    return any(
        name in {field, about.alias} and isinstance(about.default, list) for field, about in model.model_fields.items()
    )


async def _bounded(request: Request, most: int) -> AsyncGenerator[bytes, None]:
    read = 0
    async for chunk in request.stream():
        read += len(chunk)
        if read > most:
            raise HTTPException(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"The body is over the limit of {most // 2**10} KB."
            )
        yield chunk
