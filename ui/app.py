"""The page itself: one Gradio component that holds our markup and calls our handlers."""

from __future__ import annotations

import asyncio
import re
from http import HTTPStatus

import gradio
from fastapi import FastAPI
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from ..library import Library
from . import assets
from .handlers import handlers
from .problems import problem

TITLE = "polyglance"

SCRIPTS = (
    "page",
    "details",
    "errors",
    "grid",
    "languages",
    "layout",
    "library",
    "text",
    "jobs",
    "progress",
    "libraryapi",
    "api",
    "addfolder",
    "roots",
)

STYLES = ("page", "panel")

HEAD = (
    "".join(f'<link rel="stylesheet" href="ui/{name}.css">' for name in STYLES)
    + '<link rel="icon" type="image/svg+xml" href="ui/icon.svg">'
    '<meta name="color-scheme" content="light dark">'
    # Started at once, not with the rest: it fetches the words of the reader's language while Gradio starts.
    '<script type="module" src="ui/i18n.js"></script>'
    + "".join(f'<link rel="modulepreload" href="ui/{name}.js">' for name in SCRIPTS)
)

ON_LOAD = "import(new URL('ui/page.js', document.baseURI)).then((page) => page.start(element, server));"

CALLS = "/gradio_api/component_server/"
"""Where the page's calls of our handlers arrive."""

MAX_CALL_BYTES = 64 * 1024

NEEDED = re.compile(r"/|/theme\.css|/manifest\.json|/assets/[\w.-]+|/static/[\w./-]+")
"""What Gradio serves that the page needs. All else it offers (files, uploads, proxy, history, …) is shut."""


def blocks(library: Library) -> gradio.Blocks:
    """Return the page over `library`."""
    with gradio.Blocks(analytics_enabled=False, title=TITLE, fill_width=True) as page:
        gradio.HTML(
            html_template=assets.text("page.html"),
            js_on_load=ON_LOAD,
            apply_default_css=False,
            server_functions=handlers(library),
        )
    return page


def mounted(library: Library) -> FastAPI:
    """Return an application that is Gradio's, with the page at `/`."""

    async def inside() -> FastAPI:
        return _mounted(library)

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        # Outside an event loop Gradio makes one for each of its locks, and never closes any of them.
        return asyncio.run(inside())
    return _mounted(library)


def _mounted(library: Library) -> FastAPI:
    app = FastAPI(openapi_url=None)
    gradio.mount_gradio_app(
        app,
        blocks(library),
        path="/",
        footer_links=[],
        run_history=False,
        show_error=False,
        ssr_mode=False,
        mcp_server=False,
        enable_monitoring=False,
        pwa=False,
        theme=_theme(),
        head=HEAD,
    )
    return app


def _theme() -> gradio.themes.Base:
    """Fonts of the system (a theme's own come from the network) and, while the page loads, the colours of page.css."""
    theme = gradio.themes.Base(font=["system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"])
    return theme.set(body_background_fill="#fbfbf9", body_background_fill_dark="#131514")


class OnlyThePage:
    """ASGI application: of Gradio's routes, those that the page needs; the rest is not found."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        refused = scope["type"] == "http" and self._refusal(scope)
        await (refused or self._app)(scope, receive, send)

    def _refusal(self, scope: Scope) -> ASGIApp | None:
        path, method = scope["path"], scope["method"]
        if method in {"GET", "HEAD"} and NEEDED.fullmatch(path) and ".." not in path:
            return None
        if method != "POST" or path != CALLS:
            return problem(HTTPStatus.NOT_FOUND, "There is nothing at this address.")
        headers = Headers(scope=scope)
        # Gradio stores the parts of a multipart body as files; a call of ours is a small JSON document.
        if headers.get("content-type", "").partition(";")[0].strip() != "application/json":
            return problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "A call is a JSON document.")
        length = headers.get("content-length", "")
        if not length.isdecimal() or int(length) > MAX_CALL_BYTES:
            return problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The call is too long.")
        return None
