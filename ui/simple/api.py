"""Endpoints for `gradio_client`: `/search` and `/search_by_picture`, by id and never by path."""

from __future__ import annotations

from typing import Any

import gradio

from ...answers.searching import result_fields
from ...errors import PolyglanceError, QueryError
from ...search.answer import Answer
from ...search.query.sent import SentPicture
from ..web.limits import MAX_COUNT, MAX_TEXT, MAX_UPLOAD_PIXELS, MAX_VALUES
from . import pictures
from .searching import Searching, name_of

FIELDS = ("rank", "id", "score", "relevance", "verdict", "taken_at", "width", "height", "why", "count")


def add(searching: Searching) -> None:
    """Add the endpoints to the `gr.Blocks` that is being made."""

    def search(text: str, k: int = 20, filters: dict[str, str | list[str]] | None = None) -> dict[str, Any]:
        """Find the photos that show a text in any of nine languages; `filters` are those of docs/searching.md."""
        return _answer(searching, text, k, filters, None)

    def search_by_picture(
        picture: dict[str, Any], text: str = "", k: int = 20, filters: dict[str, str | list[str]] | None = None
    ) -> dict[str, Any]:
        """Find the photos like a picture, `handle_file("beach.jpg")`, and like what the text says beside it."""
        try:
            data = pictures.read(picture)
        except PolyglanceError as error:
            raise gradio.Error(str(error), print_exception=False) from error
        return _answer(searching, text, k, filters, data)

    for endpoint in (search, search_by_picture):
        gradio.api(endpoint, api_name=endpoint.__name__, api_description=endpoint.__doc__)


def _answer(
    searching: Searching, text: str, k: int, filters: dict[str, str | list[str]] | None, picture: bytes | None
) -> dict[str, Any]:
    try:
        answer = searching.library.search(
            _text(text),
            _count(k),
            filters=_filters(filters),
            files=False,
            picture=None if picture is None else SentPicture(picture, 1.0, MAX_UPLOAD_PIXELS),
        )
    except PolyglanceError as error:
        raise gradio.Error(str(error), print_exception=False) from error
    return document(answer, searching)


def document(answer: Answer, searching: Searching) -> dict[str, Any]:
    """The answer as JSON, without paths."""
    results = []
    for result in answer:
        fields = result_fields(result)
        results.append(
            {name: fields[name] for name in FIELDS}
            | {"name": name_of(result), "thumbnail": searching.addresses.thumbnail(result)}
        )
    return {
        "query": answer.query,
        "language": answer.language,
        "encoder": answer.encoder,
        "relevant": answer.is_relevant,
        "results": results,
        "partial": answer.is_partial,
    }


def _text(value: object) -> str:
    if not isinstance(value, str) or len(value) > MAX_TEXT:
        raise QueryError("The text is no text, or too long.")
    return value


def _count(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= MAX_COUNT:
        raise QueryError(f"k is no number from 1 to {MAX_COUNT}.")
    return value


def _filters(value: object) -> dict[str, list[str]]:
    filters = {} if value is None else value
    if not isinstance(filters, dict):
        raise QueryError("The filters are no object.", 'For example: {"after": "2024-05", "type": ["jpg", "heic"]}')
    lists = {name: each if isinstance(each, list) else [each] for name, each in filters.items()}
    if any(
        len(values) > MAX_VALUES or not all(isinstance(one, str) and len(one) <= MAX_TEXT for one in values)
        for values in lists.values()
    ):
        raise QueryError(f"The values of a filter are at most {MAX_VALUES} texts.")
    return lists
