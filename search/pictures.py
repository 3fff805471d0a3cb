"""Where the pictures of queries come from: files, addresses, what was sent along."""

from __future__ import annotations

import os
from collections.abc import Callable

from PIL import Image

from ..config import Settings
from ..data import download, images, paths
from ..encoders.base import Encoder
from ..errors import PictureError, UsageError
from .engine import Reader, unreadable
from .parse import Term
from .sent import Sent


def reader(
    encoder: Callable[[], Encoder], settings: Settings, *, files: bool = True, sent: Sent | None = None
) -> Reader | None:
    """What reads the pictures of a query: the one sent with it, and (`files`) those it names; None if neither."""
    if sent is None and not files:
        return None

    def read(term: Term) -> Image.Image:
        side = encoder().image_side
        if term.kind == "picture" and sent is not None:
            return sent.read(side, settings.max_pixels)
        if not files:
            raise unreadable(term)
        if term.kind == "url":
            return from_url(term.value, side, settings)
        return from_file(paths.absolute(term.value), side, settings)

    return read


def from_file(path: bytes, side: int, settings: Settings) -> Image.Image:
    """Read one file as an upright RGB picture for an encoder of this `side`.

    Raises UsageError, PictureError, naming the file.
    """
    if not os.path.lexists(path):
        raise UsageError(f"There is no file {paths.display(path)}.", "Check the spelling.")
    if os.path.isdir(path):
        raise UsageError(f"{paths.display(path)} is a folder, not a picture.", "Give one picture in it.")
    try:
        data = images.read_bytes(path, max_bytes=settings.max_file_bytes)
        return images.decode(data, side=side, max_pixels=settings.max_pixels).image
    except PictureError as error:
        raise PictureError(f"{paths.display(path)} {error.message}", error.hint) from error


def from_url(url: str, side: int, settings: Settings) -> Image.Image:
    """Fetch a picture, where the settings allow it. Raises UsageError, PictureError, naming the address."""
    if not settings.allow_urls:
        raise UsageError(
            f"{url[:80]} is not fetched: polyglance does not use the network unless you say so.",
            "Save the picture and give the file, or set POLYGLANCE_ALLOW_URLS=1.",
        )
    try:
        return images.decode(download.fetch(url), side=side, max_pixels=settings.max_pixels).image
    except PictureError as error:
        raise PictureError(f"{url[:80]} {error.message}", error.hint) from error
