"""Reading pictures that clients send into memory, never to a disk; `bodies` bounds them while they arrive."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Generic, TypeVar
from urllib.parse import parse_qsl

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException, MultiPartParser

from . import limits
from .bodies import too_long

_Fields = TypeVar("_Fields", bound=BaseModel)

MAX_FIELDS = 64


@dataclass(frozen=True)
class Form(Generic[_Fields]):
    """A form's fields, checked, and the file in it, if any."""

    fields: _Fields
    file: bytes | None


class _Parser(MultiPartParser):
    spool_max_size = 2 * limits.MAX_UPLOAD_BYTES  # a larger file would become a temporary file


async def read_body(request: Request) -> bytes:
    """Read a body that is a picture. Raises HTTPException if it is too long."""
    data = await request.body()
    if len(data) > limits.MAX_UPLOAD_BYTES:
        raise too_long(limits.MAX_UPLOAD_BYTES)
    return data


async def read_form(request: Request, model: type[_Fields], file_field: str) -> Form[_Fields]:
    """Read a form with at most one file, in `file_field`. Raises HTTPException, RequestValidationError."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "multipart/form-data":
        raise HTTPException(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "The body must be multipart/form-data.")
    parser = _Parser(
        request.headers, request.stream(), max_files=1, max_fields=MAX_FIELDS, max_part_size=limits.MAX_BODY_BYTES
    )
    try:
        parsed = await parser.parse()
    except MultiPartException as error:
        raise HTTPException(HTTPStatus.BAD_REQUEST, f"The form cannot be read: {error.message}") from error
    file: bytes | None = None
    fields: dict[str, Any] = {}
    values_by_name = defaultdict(list)
    for name, value in parsed.multi_items():
        if isinstance(value, UploadFile):
            file = await value.read()
            await value.close()
            if name != file_field:
                raise HTTPException(HTTPStatus.BAD_REQUEST, f"The file of the form goes in the field {file_field}.")
        else:
            values_by_name[name].append(value)
    for name, values in values_by_name.items():
        fields[name] = values if _is_list(model, name) else values[-1]
    return Form(_validate(lambda: model.model_validate(fields), "form"), file)


async def read_fields(request: Request, model: type[_Fields]) -> _Fields:
    """Read fields from JSON, or from a form without files, each once. Raises HTTPException, RequestValidationError."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        return (await read_form(request, model, "")).fields
    body = await request.body()
    if kind == "application/json":
        return _validate(lambda: model.model_validate_json(body), "body")
    if kind == "application/x-www-form-urlencoded":
        try:
            fields = dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=MAX_FIELDS))
        except ValueError as error:  # among them: no UTF-8
            raise HTTPException(HTTPStatus.BAD_REQUEST, "The form cannot be read.") from error
        return _validate(lambda: model.model_validate(fields), "form")
    raise HTTPException(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "The body must be JSON or a form.")


def _validate(make: Callable[[], _Fields], place: str) -> _Fields:
    try:
        return make()
    except ValidationError as error:
        raise RequestValidationError([{**each, "loc": (place, *each["loc"])} for each in error.errors()]) from error


def _is_list(model: type[BaseModel], name: str) -> bool:
    return any(
        name in {field, about.alias} and isinstance(about.default, list) for field, about in model.model_fields.items()
    )
