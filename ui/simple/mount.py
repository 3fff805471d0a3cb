"""The blocks at `/simple` of the server."""

from __future__ import annotations

import gradio
from fastapi import FastAPI

from ...library import Library
from ..page import app as page
from ..web.limits import MAX_UPLOAD_BYTES
from . import layout, pictures, uploads

PATH = "/simple"


def mount(app: FastAPI, library: Library, *, has_api: bool = False) -> None:
    """Put the blocks at `/simple` of `app`; `has_api` is that of `layout.make`."""
    uploads.folder()
    gradio.mount_gradio_app(
        app,
        layout.make(library, None, pictures.OnServer(), has_api=has_api),
        path=PATH,
        theme=page.theme(),
        max_file_size=MAX_UPLOAD_BYTES,
        **page.SHUT,
    )
