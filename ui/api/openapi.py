"""The OpenAPI document: FastAPI's, with polyglance's errors and request bodies."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel

from ...answers.problems import Problem
from ..web import problems
from ..web.auth import Secret
from . import examples
from .parameters import PictureSearchForm

DESCRIPTION = """\
Search the photos of one library, look at them, and have folders indexed. Photos are addressed by id, never by path.

Errors are problem documents (RFC 9457) with a `hint` that says what to do. Where a password or token was set
(`--auth`), every request carries it: `Authorization: Basic …` or `Authorization: Bearer …`.
"""

PROBLEM = {
    "description": "What is wrong, and what to do",
    "content": {problems.MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}, "example": examples.PROBLEM}},
}
ERRORS: dict[int | str, dict[str, Any]] = {"default": PROBLEM, 422: PROBLEM}
"""The errors of every route."""

JPEG_OR_FILE: dict[int | str, dict[str, Any]] = {
    200: {"description": "The picture", "content": {"image/*": {"schema": {"type": "string", "format": "binary"}}}},
    304: {"description": "The client has it (If-None-Match)"},
}
JPEG: dict[int | str, dict[str, Any]] = {
    200: {"description": "The picture", "content": {"image/jpeg": {"schema": {"type": "string", "format": "binary"}}}},
}
PART: dict[int | str, dict[str, Any]] = {
    206: {"description": "The part asked for (Range)", "content": {"image/*": {}}},
    416: PROBLEM | {"description": "The file ends before that range"},
}
ZIP: dict[int | str, dict[str, Any]] = {
    200: {"description": "The zip", "content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}}},
}


def json_or_form(model: type[BaseModel]) -> dict[str, Any]:
    """A request body with the fields of `model`, as JSON or as a form."""
    kinds = ("application/json", "application/x-www-form-urlencoded", "multipart/form-data")
    return {"requestBody": {"required": True, "content": {kind: {"schema": _schema(model)} for kind in kinds}}}


def picture_body() -> dict[str, Any]:
    """A request body that is a picture's file."""
    binary = {"schema": {"type": "string", "format": "binary"}}
    return {"requestBody": {"required": True, "content": {"image/*": binary, "application/octet-stream": binary}}}


def picture_form() -> dict[str, Any]:
    """A form with a picture and the other parameters of a search."""
    schema = _schema(PictureSearchForm)
    schema["properties"]["picture"] = {"type": "string", "format": "binary", "description": "The picture's file."}
    return {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": schema}}}}


SECURITY_SCHEMES = {
    "password": {
        "type": "http",
        "scheme": "basic",
        "description": "User and password of `--auth`; if it has a token, any user with the token as password.",
    },
    "token": {"type": "http", "scheme": "bearer", "description": "The token of `--auth`, if it has one."},
}


def security(secret: Secret | None) -> list[dict[str, list[str]]]:
    """What a request must carry, one of the entries: without a secret nothing."""
    if secret is None:
        return [{}, {"password": []}, {"token": []}]
    return [{"password": []}, {"token": []}] if secret.is_token else [{"password": []}]


def install(app: FastAPI, secret: Secret | None) -> None:
    """Make the application serve this OpenAPI document."""
    make_default = app.openapi

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema_document = make_default()
            components = schema_document.setdefault("components", {})
            schemas = components.setdefault("schemas", {})
            schemas["Problem"] = _schema(Problem)
            for unused in ("HTTPValidationError", "ValidationError"):
                schemas.pop(unused, None)
            components["securitySchemes"] = SECURITY_SCHEMES
            schema_document["security"] = security(secret)
            _add_examples(schema_document)
            app.openapi_schema = schema_document
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]


def _add_examples(document: dict[str, Any]) -> None:
    by_operation = examples.answers()
    for operations in document["paths"].values():
        for operation in operations.values():
            for response in operation["responses"].values():
                if "application/json" in response.get("content", {}):
                    response["content"]["application/json"]["example"] = by_operation[operation["operationId"]]


def _schema(model: type[BaseModel]) -> dict[str, Any]:
    return model.model_json_schema(ref_template="#/components/schemas/{model}")
