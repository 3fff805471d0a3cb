"""The page: one Gradio component with our HTML; its scripts are a client of the HTTP API."""

from __future__ import annotations

from typing import Any

import gradio
from fastapi import FastAPI

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

SHUT: dict[str, Any] = {
    "footer_links": [],
    "run_history": False,
    "show_error": False,
    "ssr_mode": False,
    "mcp_server": False,
    "enable_monitoring": False,
    "pwa": False,
}
"""Parts of Gradio that no page here uses."""


def make_blocks() -> gradio.Blocks:
    """Return the page."""
    with gradio.Blocks(analytics_enabled=False, title=TITLE, fill_width=True) as page:
        gradio.HTML(html_template=assets.text("page.html"), js_on_load=ON_LOAD, apply_default_css=False)
    return page


def mount(app: FastAPI) -> None:
    """Put the page at `/` of `app`, below everything that `app` already serves."""
    gradio.mount_gradio_app(app, make_blocks(), path="/", theme=theme(), head=HEAD, **SHUT)


def theme() -> gradio.themes.Base:
    """Fonts of the system (a theme's own come from the network) and, while the page loads, the colours of base.css."""
    theme = gradio.themes.Base(font=["system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"])
    return theme.set(body_background_fill="#fbfbf9", body_background_fill_dark="#131514")
