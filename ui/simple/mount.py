"""The blocks at `/simple` of the server."""

from __future__ import annotations

import gradio
from fastapi import FastAPI

from ...library import Library
from ..page import app as page
from ..web.limits import MAX_UPLOAD_BYTES
from . import layout, pictures, uploads

PATH = "/simple"

RIGHT_TO_LEFT = """<script>
if (navigator.language.startsWith("ar")) document.documentElement.dir = "rtl";
</script>"""

CSS = "[dir=rtl] .gradio-container { direction: rtl; }"
"""Gradio translates its texts, but lays all languages out from left to right."""


def mount(app: FastAPI, library: Library, *, has_api: bool = False) -> None:
    """Put the blocks at `/simple` of `app`; `has_api` is that of `layout.make`."""
    uploads.folder()
    gradio.mount_gradio_app(
        app,
        layout.make(library, None, pictures.OnServer(), has_api=has_api),
        path=PATH,
        theme=page.theme(),
        head=RIGHT_TO_LEFT,
        css=CSS,
        max_file_size=MAX_UPLOAD_BYTES,
        **page.SHUT,
    )
