"""The page: Gradio's document with our HTML in it; its scripts are a client of the HTTP API."""

from __future__ import annotations

import re
from typing import Any

import gradio
from fastapi import FastAPI

from . import assets

TITLE = "polyglance"

UI = f"ui/{assets.version()}"

HEAD = (
    f'<link rel="icon" type="image/svg+xml" href="{UI}/icon.svg"><meta name="color-scheme" content="light dark">'
    # First, so that a dark page is not white while it loads, and the texts are fetched early.
    f'<script type="module" src="{UI}/look.js"></script><script type="module" src="{UI}/i18n.js"></script>'
    + "".join(f'<link rel="stylesheet" href="{UI}/{name}">' for name in assets.names(".css"))
    + "".join(f'<link rel="modulepreload" href="{UI}/{name}">' for name in assets.names(".js"))
    + f'<script type="module" src="{UI}/start.js"></script>'
)

_OWN_SCRIPT = re.compile(r'<script type="module"[^>]* src="([^"]+)"></script>')
_FRAME = re.compile(r"<gradio-app\s[^>]*>\s*</gradio-app>")

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


def make_document(html: str) -> str:
    """Return Gradio's document with the page in its frame, so that the browser shows it before Gradio's scripts run.

    `static/start.js` starts the page, and then Gradio's script.
    """
    script = _OWN_SCRIPT.search(html)
    frame = _FRAME.search(html)
    if script is None or frame is None:
        raise RuntimeError("This Gradio has another document: see static/start.js.")
    # Gradio would set the title of the window, which says what is searched for.
    opening = f'<gradio-app control_page_title="false" embed="false" eager="true" data-script="{script[1]}">'
    with_page = html.replace(frame[0], f"{opening}<div>{assets.text('page.html')}</div></gradio-app>")
    return with_page.replace(script[0], HEAD)


def mount(app: FastAPI) -> None:
    """Put the page at `/` of `app`, below everything that `app` already serves."""
    with gradio.Blocks(analytics_enabled=False, title=TITLE, fill_width=True) as blocks:
        pass  # the page is in Gradio's document
    gradio.mount_gradio_app(app, blocks, path="/", theme=theme(), **SHUT)


def theme() -> gradio.themes.Base:
    """Fonts of the system (a theme's own come from the network) and, while the page loads, the colours of base.css."""
    theme = gradio.themes.Base(font=["system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"])
    return theme.set(body_background_fill="#fbfbf9", body_background_fill_dark="#131514")
