"""Reading the pictures of a query: from files, from web addresses, and pictures that were sent with it."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace

from PIL import Image

from ...config import Settings
from ...data import paths
from ...data.catalog import failures
from ...data.pictures import download, files
from ...data.pictures.decoding import ON_DEMAND, DecodeOptions
from ...encoders.base import Encoder
from ...errors import PictureError, QueryError, UsageError
from .parse import Term
from .sent import SentPicture

Reader = Callable[[Term], Image.Image]
"""Reads the picture of a term (`file`, `url` or `picture`), upright and RGB. Raises UsageError, PictureError."""


def reader(
    encoder: Callable[[], Encoder], settings: Settings, *, by_path: bool = True, sent: SentPicture | None = None
) -> Reader | None:
    """The function that reads the pictures of a query: the `sent` one and, if `by_path`, those it names.

    None if there is nothing to read.
    """
    if sent is None and not by_path:
        return None

    def read(term: Term) -> Image.Image:
        side = encoder().image_side
        if term.kind == "picture" and sent is not None:
            return from_sent(sent, DecodeOptions.from_settings(settings, side))
        if not by_path:
            raise unreadable(term)
        if term.kind == "url":
            return from_url(term.value, side, settings)
        return from_file(paths.absolute(term.value), side, settings)

    return read


def from_file(path: bytes, side: int, settings: Settings) -> Image.Image:
    """Read one file as an upright RGB picture for an encoder whose input has `side` pixels.

    Raises UsageError, PictureError, which name the file.
    """
    if not os.path.lexists(path):
        raise UsageError(f"There is no file {paths.display(path)}.", "Check the spelling.")
    if os.path.isdir(path):
        raise UsageError(f"{paths.display(path)} is a folder, not a picture.", "Give one picture in it.")
    try:
        return _decode(
            files.read_bytes(path, max_bytes=settings.max_file_bytes), DecodeOptions.from_settings(settings, side)
        )
    except PictureError as error:
        raise PictureError(f"{paths.display(path)} {error.message}", error.hint) from error


def from_url(url: str, side: int, settings: Settings) -> Image.Image:
    """Fetch a picture, if the settings allow it. Raises UsageError, PictureError, which name the address."""
    if not settings.allow_urls:
        raise UsageError(
            f"{url[:80]} is not fetched: polyglance does not use the network unless you say so.",
            "Save the picture and give the file, or set POLYGLANCE_ALLOW_URLS=1.",
        )
    try:
        return _decode(download.fetch(url), DecodeOptions.from_settings(settings, side))
    except PictureError as error:
        raise PictureError(f"{url[:80]} {error.message}", error.hint) from error


def from_sent(sent: SentPicture, options: DecodeOptions) -> Image.Image:
    """Decode a picture that was sent with a query. Raises PictureError."""
    try:
        return _decode(sent.data, replace(options, max_pixels=min(options.max_pixels, sent.max_pixels)))
    except PictureError as error:
        shown = PictureError(f"The picture {error.message}.", error.hint)
        raise shown.with_code(f"picture_{failures.kind_of(error.message)}") from error


def _decode(data: bytes, options: DecodeOptions) -> Image.Image:
    image = ON_DEMAND.decode(data, options).image
    assert image is not None, "the options ask for its pixels"
    return image


def unreadable(term: Term) -> QueryError:
    """The error for a query that names a picture where none may be read."""
    excerpt = term.value[:60]
    error = QueryError(f"{excerpt} is a picture, which cannot be read from here.", f'As text: "{excerpt}"')
    return error.with_code("file", text=excerpt, quoted=f'"{excerpt}"')
