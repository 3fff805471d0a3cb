"""The page: Gradio's document with our HTML in it; its scripts are a client of the HTTP API."""

from __future__ import annotations

import json
import re
from html import escape
from typing import Any

import gradio
from fastapi import FastAPI

from ...config import LANGUAGES
from ..simple import building
from . import assets, installing

TITLE = "polyglance"

UI = f"ui/{assets.version()}"

FIRST = "api/v1/timeline?first=160"
"""What the start page asks for first: see timelineapi.js."""

_FILLED_IN = {"LANGUAGES": list(LANGUAGES), "UI": UI, "FIRST": FIRST}

HEAD = (
    f'<link rel="icon" type="image/svg+xml" href="{UI}/icon.svg"><meta name="color-scheme" content="light dark">'
    + "<script>{"
    + "".join(f"const {name} = {json.dumps(value)};" for name, value in _FILLED_IN.items())
    + assets.text("early.js")
    + f'}}</script><link rel="stylesheet" href="{UI}/page.css"><script type="module" src="{UI}/page.mjs"></script>'
    + installing.HEAD
)

_OWN_SCRIPT = re.compile(r'<script type="module"[^>]* src="([^"]+)"></script>')
_MANIFEST = re.compile(r'<link rel="manifest"[^>]*>')  # Gradio's own
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


def make_document(html: str, map_tiles: str | None = None) -> str:
    """Return Gradio's document with the page in its frame, so that the browser shows it before Gradio's scripts run.

    `static/start.js` starts the page, and then Gradio's script. `map_tiles` is the setting of that name.
    """
    script = _OWN_SCRIPT.search(html)
    frame = _FRAME.search(html)
    if script is None or frame is None:
        raise RuntimeError("This Gradio has another document: see static/start.js.")
    # Gradio would set the title of the window, which says what is searched for.
    opening = f'<gradio-app control_page_title="false" embed="false" eager="true" data-script="{script[1]}">'
    page = assets.text("page.html")
    if map_tiles:
        page = page.replace('<div class="pg"', f'<div class="pg" data-map-tiles="{escape(map_tiles)}"', 1)
    with_page = _MANIFEST.sub("", html).replace(frame[0], f"{opening}<div>{page}</div></gradio-app>")
    return with_page.replace(script[0], HEAD)


def mount(app: FastAPI) -> None:
    """Put the page at `/` of `app`, below everything that `app` already serves."""
    with gradio.Blocks(analytics_enabled=False, title=TITLE, fill_width=True) as blocks:
        pass  # the page is in Gradio's document
    building.let_rest(blocks)
    gradio.mount_gradio_app(app, blocks, path="/", theme=theme(), **SHUT)


def theme() -> gradio.themes.Base:
    """Fonts of the system (a theme's own come from the network) and, while the page loads, the colours of base.css."""
    theme = gradio.themes.Base(font=["system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"])
    return theme.set(body_background_fill="#fbfbf9", body_background_fill_dark="#131514")
