"""Probes of process managers: `/healthz`, whether the process answers, and `/readyz`, whether it can search.

Neither asks for the password, because probes cannot send one without keeping it in the open; neither tells names, paths
or numbers.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from http import HTTPStatus

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.responses import PlainTextResponse, Response

from ...errors import LibraryMissing
from ...library import Library
from .problems import problem

log = logging.getLogger("polyglance")

ALIVE = "/healthz"
READY = "/readyz"
OPEN_PATHS = frozenset({ALIVE, READY})

FRESH_SECONDS = 1.0
"""How long an answer is given again: strangers may ask, and asking must not cost the catalog much."""
PATIENCE_SECONDS = 2.0
"""How long a check is waited for. It goes on, and no other one begins beside it."""

NO_CATALOG = "The catalog does not answer."
NO_SEARCH = "The encoder or the vectors cannot be loaded."
CHECKING = "The encoder and the vectors are being loaded."


class Readiness:
    """Whether this process can answer searches; `clock` gives seconds."""

    def __init__(self, library: Library, clock: Callable[[], float] = time.monotonic) -> None:
        self._library = library
        self._clock = clock
        self._task: asyncio.Task[str | None] | None = None
        self._missing: str | None = CHECKING
        self._checked_at = float("-inf")
        self._searched: tuple[int, str] | None = None
        """Id and name of the encoder that has answered a search."""

    async def missing(self) -> str | None:
        """What is missing, in one line; None if nothing is."""
        if self._clock() - self._checked_at < FRESH_SECONDS:
            return self._missing
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._check_later())
        try:
            return await asyncio.wait_for(asyncio.shield(self._task), PATIENCE_SECONDS)
        except TimeoutError:
            return CHECKING if self._searched is None else NO_CATALOG

    async def _check_later(self) -> str | None:
        self._missing = await run_in_threadpool(self._check)
        self._checked_at = self._clock()
        return self._missing

    def _check(self) -> str | None:
        try:
            self._library.generation()
            encoder = self._library.active_encoder()
        except Exception as error:
            log.debug("The catalog does not answer.", exc_info=error)
            return NO_CATALOG
        if encoder is None or self._searched == (encoder.id, encoder.name):
            return None  # nothing is indexed yet: folders can be added
        try:
            self._library.search("a first search", 1)
        except LibraryMissing:
            return None
        except Exception as error:
            log.debug("The first search failed.", exc_info=error)
            return NO_SEARCH
        self._searched = (encoder.id, encoder.name)
        return None


def router(library: Library) -> APIRouter:
    """Return the routes of both probes."""
    routes = APIRouter(include_in_schema=False)
    readiness = Readiness(library)

    @routes.get(ALIVE)
    async def alive() -> Response:
        """The process answers."""
        return PlainTextResponse("ok", headers={"Cache-Control": "no-store"})

    @routes.get(READY)
    async def ready() -> Response:
        """The process can search."""
        if missing := await readiness.missing():
            answer = problem(HTTPStatus.SERVICE_UNAVAILABLE, missing, "The log of the server says more.")
            answer.headers["Retry-After"] = "2"
            return answer
        return PlainTextResponse("ready", headers={"Cache-Control": "no-store"})

    return routes
