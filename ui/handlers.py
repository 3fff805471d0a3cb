"""The functions the page calls: everything they are given is checked here, every error becomes a sentence.

Gradio runs them in threads, and hands over whatever JSON the browser sent. Each returns `{"document": …}` or
`{"error": {"message": …, "hint": …}}`.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from typing import Any, TypeAlias

from .. import documents
from ..errors import PolyglanceError, UsageError
from ..library import Library
from .limits import MAX_COUNT, MAX_ID
from .problems import INTERNAL, INTERNAL_HINT

log = logging.getLogger("polyglance")

Document: TypeAlias = dict[str, Any]
Handler: TypeAlias = Callable[[Any], Document]


def handlers(library: Library) -> list[Handler]:
    """Return the functions over `library` that the page may call, each under the name it has here."""

    def search(request: Any) -> Document:
        """`{query, count}` -> an answer."""
        return documents.answer(library.search(_text(request, "query"), _count(request), files=False, collapse=False))

    def similar(request: Any) -> Document:
        """`{photo, count}` -> an answer."""
        return documents.answer(library.similar(_number(request, "photo", MAX_ID), _count(request)))

    def photo(request: Any) -> Document:
        """`{photo}` -> the photo's facts."""
        return documents.photo(library.photo(_number(request, "photo", MAX_ID)))

    def status(_: Any) -> Document:
        """Anything -> what the library holds."""
        return documents.status(library.status())

    return [_answering(function) for function in (search, similar, photo, status)]


def _answering(function: Handler) -> Handler:
    @functools.wraps(function)
    def answer(request: Any) -> Document:
        try:
            return {"document": function(request)}
        except PolyglanceError as error:
            return {"error": {"message": error.message, "hint": error.hint}}
        except Exception as error:  # the page must go on, whatever failed
            log.error("%s failed: %s: %s", function.__name__, type(error).__name__, error)
            log.debug("The handler's traceback:", exc_info=error)
            return {"error": {"message": INTERNAL, "hint": INTERNAL_HINT}}

    return answer


def _field(request: Any, name: str) -> Any:
    return request.get(name) if isinstance(request, dict) else None


def _text(request: Any, name: str) -> str:
    value = _field(request, name)
    if not isinstance(value, str):
        raise UsageError(f"The request's {name} is no text.", "Reload the page.")
    return value


def _number(request: Any, name: str, most: int) -> int:
    value = _field(request, name)
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= most:
        raise UsageError(f"The request's {name} is no number from 1 to {most}.", "Reload the page.")
    return value


def _count(request: Any) -> int:
    return _number(request, "count", MAX_COUNT)
