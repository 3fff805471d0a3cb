"""Errors over HTTP: problem documents (RFC 9457) with one line and the next step, never a traceback."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from ...answers.problems import Problem
from ...errors import (
    CatalogUnavailable,
    DecodersBusy,
    DiskFull,
    EncoderUnavailable,
    JobRunning,
    LibraryBusy,
    LibraryMissing,
    PhotoNotFound,
    PictureError,
    PictureUnreachable,
    PolyglanceError,
    RootNotFound,
    UsageError,
    VectorsUnavailable,
)
from .observing import request_id

STATUS = (
    (PhotoNotFound, HTTPStatus.NOT_FOUND),
    (LibraryMissing, HTTPStatus.CONFLICT),
    (RootNotFound, HTTPStatus.NOT_FOUND),
    (JobRunning, HTTPStatus.CONFLICT),
    (LibraryBusy, HTTPStatus.LOCKED),
    (DecodersBusy, HTTPStatus.SERVICE_UNAVAILABLE),
    (DiskFull, HTTPStatus.INSUFFICIENT_STORAGE),
    (EncoderUnavailable, HTTPStatus.SERVICE_UNAVAILABLE),
    (CatalogUnavailable, HTTPStatus.SERVICE_UNAVAILABLE),
    (VectorsUnavailable, HTTPStatus.SERVICE_UNAVAILABLE),
    (PictureUnreachable, HTTPStatus.SERVICE_UNAVAILABLE),
    (PictureError, HTTPStatus.UNPROCESSABLE_ENTITY),
    (UsageError, HTTPStatus.UNPROCESSABLE_ENTITY),
)
"""The first class that an error is an instance of gives its status; 500 if none does."""

MEDIA_TYPE = "application/problem+json"
MAX_DETAIL = 500

INTERNAL = "polyglance failed to answer this request."
INTERNAL_HINT = "The terminal that 'polyglance serve' runs in says more."

UNKNOWN_HINT = "/api/v1/docs lists the parameters."


def problem(
    status: int, detail: str, hint: str = "", code: str = "", values: Mapping[str, str] | None = None
) -> Response:
    """Return a problem document; `hint`, an extension of ours, is the next step, `code` and `values` the reason."""
    document = Problem(
        type="about:blank",
        title=HTTPStatus(status).phrase,
        status=int(status),
        detail=_printable(detail),
        hint=_printable(hint) if hint else None,
        code=code or None,
        values={name: _printable(value) for name, value in values.items()} if values else None,
        request_id=request_id(),
    )
    return Response(document.model_dump_json(exclude_none=True), status, media_type=MEDIA_TYPE)


def _printable(text: str) -> str:
    """Escape characters that UTF-8 cannot encode: an error may repeat what a client sent."""
    return text.encode("utf-8", "backslashreplace").decode()[:MAX_DETAIL]


def status_of(error: PolyglanceError) -> HTTPStatus:
    """Return the HTTP status that an error of ours stands for."""
    return next((code for kind, code in STATUS if isinstance(error, kind)), HTTPStatus.INTERNAL_SERVER_ERROR)


def register(app: FastAPI) -> None:
    """Answer every error that a route raises with a problem document."""

    @app.exception_handler(PolyglanceError)
    def _ours(_: Request, error: PolyglanceError) -> Response:
        return problem(status_of(error), error.message, error.hint, error.code, error.values)

    @app.exception_handler(RequestValidationError)
    def _invalid(_: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"][1:])
        detail = f"{name or 'The request'}: {first['msg']}."
        return problem(
            HTTPStatus.UNPROCESSABLE_ENTITY, detail, UNKNOWN_HINT if first["type"] == "extra_forbidden" else ""
        )

    @app.exception_handler(HTTPException)
    def _http(_: Request, error: HTTPException) -> Response:
        answer = problem(error.status_code, str(error.detail))
        answer.headers.update(error.headers or {})
        return answer
