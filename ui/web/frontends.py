"""The two Gradio applications, the page at `/` and the blocks at `/simple`, and which of their routes are open."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import re
import threading
from collections.abc import AsyncIterator
from http import HTTPStatus

from fastapi import FastAPI
from starlette.responses import HTMLResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ...library import Library
from ..simple import uploads
from .problems import problem

READ = re.compile(
    r"(/|/simple/)(theme\.css|manifest\.json|assets/[\w.-]+|static/[\w./-]+)?"
    r"|/simple/gradio_api/(queue/data|startup-events|heartbeat/\w{1,40}|upload_progress)"
)
WRITTEN = re.compile(r"/simple/gradio_api/(queue/join|upload)")
"""Paths that page and blocks need, for GET and for POST. All others (files, proxy, monitoring, …) are not found."""

API_READ = re.compile(r"/simple/(config|gradio_api/info|gradio_api/call/\w{1,40}/\w{1,40})")
API_WRITTEN = re.compile(r"/simple/gradio_api/call/\w{1,40}")
"""What `gradio_client` needs beside these."""


def build(library: Library, *, has_api: bool = False) -> FastAPI:
    """Return both applications in one. It imports Gradio, which takes seconds."""
    from ..page import app as page
    from ..simple import building
    from ..simple import mount as simple

    def make() -> FastAPI:
        app = FastAPI(openapi_url=None)
        simple.mount(app, library, has_api=has_api)
        page.mount(app)
        return app

    return building.build_inside_loop(make)


class Frontends:
    """ASGI application: the routes of `build` that are needed, and 404 for all others.

    It is built in a thread while the server already answers: at the first request for it, or at the start if `ahead`.
    Requests for it wait, the server's end does not. `has_api` is that of `build`. Without `has_blocks` there is nothing
    at `/simple`: its events come in two requests, which two processes would answer.
    """

    def __init__(
        self, library: Library, *, has_api: bool = False, ahead: bool = False, has_blocks: bool = True
    ) -> None:
        self._library = library
        self._has_blocks = has_blocks
        self._has_api = has_api
        self._ahead = ahead
        self._built: FastAPI | None = None
        self._app: asyncio.Future[FastAPI]
        self._needed: asyncio.Event

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Build the applications and start them; stop them at the end of the block."""
        self._app = asyncio.get_running_loop().create_future()
        self._needed, stop = asyncio.Event(), asyncio.Event()
        if self._ahead:
            self._needed.set()
        task = asyncio.create_task(self._run(stop))  # one task, in which both contexts begin and end
        yield
        stop.set()
        if not self._app.done():
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    async def _run(self, stop: asyncio.Event) -> None:
        await self._needed.wait()
        try:
            if self._built is None:
                self._built = await self._build_in_daemon()
            app = self._built
            async with app.router.lifespan_context(app):
                self._app.set_result(app)
                await stop.wait()
        except Exception as error:
            if self._app.done():
                raise
            self._app.set_exception(error)

    async def _build_in_daemon(self) -> FastAPI:
        """Build in a daemon thread: unlike a thread of the pool it does not hold up the process's end."""
        built: concurrent.futures.Future[FastAPI] = concurrent.futures.Future()

        def work() -> None:
            built.set_running_or_notify_cancel()
            try:
                built.set_result(build(self._library, has_api=self._has_api))
            except Exception as error:  # noqa: BLE001 - every request for it reports the error
                built.set_exception(error)

        threading.Thread(target=work, daemon=True, name="polyglance-frontends").start()
        return await asyncio.wrap_future(built)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        refusal = self._refuse(scope)
        if refusal is not None:
            await refusal(scope, receive, send)
            return
        self._needed.set()
        app = await asyncio.shield(self._app)
        if scope["path"] != "/":
            await app(scope, receive, send)
            return
        from ..page.app import make_document  # Gradio is imported by now

        html = make_document(await _read(app, scope), self._library.settings.map_tiles)
        await HTMLResponse(html, headers={"Cache-Control": "no-cache"})(scope, receive, send)

    def _refuse(self, scope: Scope) -> ASGIApp | None:
        method, path = scope["method"], scope["path"]
        if not self._has_blocks and path.startswith("/simple"):
            return problem(HTTPStatus.NOT_FOUND, "A server with many processes does not have this page.", "Use / .")
        patterns = {"GET": [READ], "HEAD": [READ], "POST": [WRITTEN]}.get(method, [])
        if self._has_api and patterns:
            patterns.append(API_WRITTEN if method == "POST" else API_READ)
        if ".." in path or not any(pattern.fullmatch(path) for pattern in patterns):
            return problem(HTTPStatus.NOT_FOUND, "There is nothing at this address.")
        if path.endswith("/upload") and not uploads.has_room():
            return problem(HTTPStatus.SERVICE_UNAVAILABLE, "Too many pictures are being sent at this time.")
        return None


async def _read(app: ASGIApp, scope: Scope) -> str:
    """The document that `app` answers to a GET."""
    parts: list[bytes] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        parts.append(message.get("body", b""))

    headers = [(name, value) for name, value in scope["headers"] if name != b"accept-encoding"]
    await app({**scope, "method": "GET", "headers": headers}, receive, send)
    return b"".join(parts).decode()
