"""How answers and results are shown in a notebook, and what they need of a library for that."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Protocol

from PIL import Image

from ..data.catalog.records import PhotoRecord

PREVIEW_SIDE = 1024
"""The longer side of the picture of one result, in pixels."""

MAX_FIGURES = 60
"""Most thumbnails in one grid: each adds about 30 KB to the notebook."""

_GRID = "display:grid;grid-template-columns:repeat(auto-fill,minmax(150px,1fr));gap:12px;color:inherit"
_FIGURE = "margin:0;min-width:0;overflow-wrap:anywhere;font-size:12px;line-height:1.35"
_PICTURE = "display:block;width:100%;height:150px;object-fit:contain;border-radius:4px"
_BOX = "height:150px;box-sizing:border-box;padding:8px;border:1px solid rgba(128,128,128,.4);border-radius:4px"
_FAINT = "opacity:.7"


class Pictures(Protocol):
    """Opens the pictures of photos of one library, also after that library was closed.

    Every method raises PictureError if the file is gone, has changed since it was indexed, or cannot be read;
    PhotoNotFound and LibraryMissing if the photo or the library no longer exists; DiskFull.
    """

    def image(self, photo: PhotoRecord) -> Image.Image:
        """The picture in the photo's file, upright, RGB, at its full size."""
        ...

    def preview(self, photo: PhotoRecord, side: int) -> bytes:
        """The picture in the photo's file as a JPEG file within `side` x `side` pixels."""
        ...

    def thumbnail(self, photo: PhotoRecord) -> bytes:
        """The JPEG file of the thumbnail that the library keeps; it is made again if it was lost."""
        ...


@dataclass(frozen=True, slots=True)
class Figure:
    """One picture of a grid. `jpeg` is a JPEG file; None if it cannot be shown, for the `reason`."""

    name: str
    path: str
    caption: str
    jpeg: bytes | None = None
    reason: str = ""


def grid(heading: Sequence[str], figures: Sequence[Figure]) -> str:
    """Return an HTML grid of `figures` below the lines of `heading`. It takes its colours from the page around it."""
    lines = "".join(f'<div dir="auto" style="margin-bottom:8px">{escape(line)}</div>' for line in heading)
    return f'<div class="polyglance">{lines}<div style="{_GRID}">{"".join(map(_figure, figures))}</div></div>'


def _figure(figure: Figure) -> str:
    name = escape(figure.name)
    if figure.jpeg is None:
        picture = f'<div style="{_BOX}">{escape(figure.reason)}</div>'
    else:
        picture = (
            f'<img alt="{name}" style="{_PICTURE}" src="data:image/jpeg;base64,{b64encode(figure.jpeg).decode()}">'
        )
    caption = f'<bdi>{name}</bdi><div style="{_FAINT}">{escape(figure.caption)}</div>'
    return (
        f'<figure title="{escape(figure.path)}" style="{_FIGURE}">{picture}<figcaption>{caption}</figcaption></figure>'
    )
