"""Errors over HTTP: problem documents (RFC 9457), one line and what to do, never a stack trace."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from ..errors import (
    EncoderUnavailable,
    LibraryBusy,
    LibraryMissing,
    PhotoNotFound,
    PictureError,
    PolyglanceError,
    RootNotFound,
    UsageError,
)
from .jobs import JobRunning

STATUS = (
    (PhotoNotFound, HTTPStatus.NOT_FOUND),
    (LibraryMissing, HTTPStatus.CONFLICT),
    (RootNotFound, HTTPStatus.NOT_FOUND),
    (JobRunning, HTTPStatus.CONFLICT),
    (LibraryBusy, HTTPStatus.LOCKED),
    (EncoderUnavailable, HTTPStatus.SERVICE_UNAVAILABLE),
    (PictureError, HTTPStatus.UNPROCESSABLE_ENTITY),
    (UsageError, HTTPStatus.UNPROCESSABLE_ENTITY),
)
"""The first class that an error is an instance of gives its status; 500 if none does."""

INTERNAL = "polyglance failed to answer this request."
INTERNAL_HINT = "The terminal that 'polyglance serve' runs in says more."


def problem(status: int, detail: str, hint: str = "") -> JSONResponse:
    """Return a problem document; `hint`, an extension of ours, says what to do."""
    content: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": int(status),
        "detail": detail,
    }
    if hint:
        content["hint"] = hint
    return JSONResponse(content, status, media_type="application/problem+json")


def status_of(error: PolyglanceError) -> HTTPStatus:
    """Return the HTTP status that an error of ours stands for."""
    return next((code for kind, code in STATUS if isinstance(error, kind)), HTTPStatus.INTERNAL_SERVER_ERROR)


def register(app: FastAPI) -> None:
    """Answer every error that a route raises with a problem document."""

    @app.exception_handler(PolyglanceError)
    def _ours(_: Request, error: PolyglanceError) -> JSONResponse:
        return problem(status_of(error), error.message, error.hint)

    @app.exception_handler(RequestValidationError)
    def _invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"][1:])
        return problem(HTTPStatus.UNPROCESSABLE_ENTITY, f"{name or 'The request'}: {first['msg']}.")

    @app.exception_handler(HTTPException)
    def _http(_: Request, error: HTTPException) -> JSONResponse:
        return problem(error.status_code, str(error.detail))
