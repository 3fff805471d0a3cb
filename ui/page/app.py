"""The page itself: one Gradio component that holds our markup; its scripts are a client of the HTTP API."""

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
    # Before the rest: the one keeps a page that is to be dark from flashing, the other fetches the reader's words.
    '<script type="module" src="ui/look.js"></script><script type="module" src="ui/i18n.js"></script>'
    + "".join(f'<link rel="stylesheet" href="ui/{name}">' for name in assets.names(".css"))
    + "".join(f'<link rel="modulepreload" href="ui/{name}">' for name in assets.names(".js"))
)

ON_LOAD = "import(new URL('ui/page.js', document.baseURI)).then((page) => page.start(element));"

NEEDED = re.compile(r"/|/theme\.css|/manifest\.json|/assets/[\w.-]+|/static/[\w./-]+")
"""What Gradio serves that the page needs. All else it offers (events, files, uploads, proxy, …) is shut."""


def blocks() -> gradio.Blocks:
    """Return the page."""
    with gradio.Blocks(analytics_enabled=False, title=TITLE, fill_width=True) as page:
        gradio.HTML(html_template=assets.text("page.html"), js_on_load=ON_LOAD, apply_default_css=False)
    return page


def mounted() -> FastAPI:
    """Return an application that is Gradio's, with the page at `/`."""

    async def inside() -> FastAPI:
        return _mounted()

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        # Outside an event loop Gradio makes one for each of its locks, and never closes any of them.
        return asyncio.run(inside())
    return _mounted()


def _mounted() -> FastAPI:
    app = FastAPI(openapi_url=None)
    gradio.mount_gradio_app(
        app,
        blocks(),
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


class OnlyThePage:
    """ASGI application: of Gradio's routes, those that the page needs; the rest is not found."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        refused = scope["type"] == "http" and self._refusal(scope)
        await (refused or self._app)(scope, receive, send)

    def _refusal(self, scope: Scope) -> ASGIApp | None:
        if scope["method"] in {"GET", "HEAD"} and NEEDED.fullmatch(scope["path"]) and ".." not in scope["path"]:
            return None
        return problem(HTTPStatus.NOT_FOUND, "There is nothing at this address.")
