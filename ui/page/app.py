"""The page: one Gradio component with our HTML; its scripts are a client of the HTTP API."""

from __future__ import annotations

import asyncio
import re
from http import HTTPStatus

import gradio
from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from ..web.problems import problem
from . import assets

TITLE = "polyglance"

HEAD = (
    '<link rel="icon" type="image/svg+xml" href="ui/icon.svg"><meta name="color-scheme" content="light dark">'
    # First, so that a dark page is not white while it loads, and the texts are fetched early.
    '<script type="module" src="ui/look.js"></script><script type="module" src="ui/i18n.js"></script>'
    + "".join(f'<link rel="stylesheet" href="ui/{name}">' for name in assets.names(".css"))
    + "".join(f'<link rel="modulepreload" href="ui/{name}">' for name in assets.names(".js"))
)

ON_LOAD = "import(new URL('ui/page.js', document.baseURI)).then((page) => page.start(element));"

NEEDED_PATHS = re.compile(r"/|/theme\.css|/manifest\.json|/assets/[\w.-]+|/static/[\w./-]+")
"""Paths of Gradio that the page needs. All others (events, files, uploads, proxy, …) are not found."""


def make_blocks() -> gradio.Blocks:
    """Return the page."""
    with gradio.Blocks(analytics_enabled=False, title=TITLE, fill_width=True) as page:
        gradio.HTML(html_template=assets.text("page.html"), js_on_load=ON_LOAD, apply_default_css=False)
    return page


def build() -> FastAPI:
    """Return Gradio's application with the page at `/`."""

    async def build_inside_loop() -> FastAPI:
        return _build()

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        # Outside an event loop Gradio makes a loop for each of its locks, and never closes it.
        return asyncio.run(build_inside_loop())
    return _build()


def _build() -> FastAPI:
    app = FastAPI(openapi_url=None)
    gradio.mount_gradio_app(
        app,
        make_blocks(),
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
    """Fonts of the system (a theme's own come from the network) and, while the page loads, the colours of base.css."""
    theme = gradio.themes.Base(font=["system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"])
    return theme.set(body_background_fill="#fbfbf9", body_background_fill_dark="#131514")


class PageRoutes:
    """ASGI application: serves the routes of Gradio that the page needs, and answers 404 to all others."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        refusal = scope["type"] == "http" and self._refuse(scope)
        await (refusal or self._app)(scope, receive, send)

    def _refuse(self, scope: Scope) -> ASGIApp | None:
        if scope["method"] in {"GET", "HEAD"} and NEEDED_PATHS.fullmatch(scope["path"]) and ".." not in scope["path"]:
            return None
        return problem(HTTPStatus.NOT_FOUND, "There is nothing at this address.")
