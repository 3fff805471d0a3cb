"""What makes the page installable: its manifest, its icons, and the service worker that keeps its own files."""

from __future__ import annotations

import json

from fastapi import APIRouter
from starlette.responses import JSONResponse, Response

from . import assets

FOLDER = f"ui/{assets.version()}"
MANIFEST = {
    "name": "polyglance",
    "short_name": "polyglance",
    "id": "./",
    "start_url": "./",
    "scope": "./",
    "display": "standalone",
    "background_color": "#fbfbf9",
    "theme_color": "#fbfbf9",
    "categories": ["photo"],
    "icons": [
        {"src": f"{FOLDER}/pwa/icon-192.png", "sizes": "192x192", "type": "image/png"},
        {"src": f"{FOLDER}/pwa/icon-512.png", "sizes": "512x512", "type": "image/png"},
        {"src": f"{FOLDER}/pwa/maskable-512.png", "sizes": "512x512", "type": "image/png", "purpose": "maskable"},
        {"src": f"{FOLDER}/icon.svg", "sizes": "any", "type": "image/svg+xml"},
    ],
}
"""Addresses are relative to the manifest's, so that the page also works below a path of a proxy."""

HEAD = (
    # With credentials: the manifest needs the password too.
    '<link rel="manifest" href="manifest.json" crossorigin="use-credentials">'
    f'<link rel="apple-touch-icon" href="{FOLDER}/pwa/touch-180.png">'
    '<meta name="theme-color" content="#fbfbf9" media="(prefers-color-scheme: light)">'
    '<meta name="theme-color" content="#131514" media="(prefers-color-scheme: dark)">'
)

KEPT = ("page.css", "page.mjs", "icon.svg")
"""What the worker keeps of the top folder; the nine languages are kept too, the map is not."""


def worker() -> str:
    """The service worker's script, with the version and the files that it keeps."""
    files = [*KEPT, *(name for name in assets.contents() if name.startswith("words/"))]
    return (
        f"const VERSION = {json.dumps(assets.version())}, FILES = {json.dumps(files)};\n{assets.text('pwa/worker.js')}"
    )


def router() -> APIRouter:
    """Return the routes `/manifest.json` and `/worker.js`, which must lie beside the page."""
    routes = APIRouter()
    script = worker()

    @routes.get("/manifest.json", include_in_schema=False)
    def get_manifest() -> Response:
        return JSONResponse(MANIFEST, media_type="application/manifest+json", headers={"Cache-Control": "no-cache"})

    @routes.get("/worker.js", include_in_schema=False)
    def get_worker() -> Response:
        return Response(script, media_type="text/javascript", headers={"Cache-Control": "no-cache"})

    return routes
