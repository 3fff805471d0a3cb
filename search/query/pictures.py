"""Where the pictures of queries come from: files, addresses, what was sent along."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace

from PIL import Image

from ...config import Settings
from ...data import paths
from ...data.pictures import download, files
from ...data.pictures.decoding import ON_DEMAND, DecodeOptions
from ...encoders.base import Encoder
from ...errors import PictureError, QueryError, UsageError
from .parse import Term
from .sent import Sent

Reader = Callable[[Term], Image.Image]
"""Reads the picture of a term (`file` or `url`), upright and RGB. Raises UsageError, PictureError."""


def reader(
    encoder: Callable[[], Encoder], settings: Settings, *, by_path: bool = True, sent: Sent | None = None
) -> Reader | None:
    """What reads the pictures of a query: the one sent with it, and (`by_path`) those it names; None if neither."""
    if sent is None and not by_path:
        return None

    def read(term: Term) -> Image.Image:
        side = encoder().image_side
        if term.kind == "picture" and sent is not None:
            return decoded_sent(sent, DecodeOptions.from_settings(settings, side))
        if not by_path:
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
        return decoded(
            files.read_bytes(path, max_bytes=settings.max_file_bytes), DecodeOptions.from_settings(settings, side)
        )
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
        return decoded(download.fetch(url), DecodeOptions.from_settings(settings, side))
    except PictureError as error:
        raise PictureError(f"{url[:80]} {error.message}", error.hint) from error


def decoded_sent(sent: Sent, options: DecodeOptions) -> Image.Image:
    """Decode a picture that came with a query. Raises PictureError."""
    try:
        return decoded(sent.data, replace(options, max_pixels=min(options.max_pixels, sent.max_pixels)))
    except PictureError as error:
        raise PictureError(f"The picture {error.message}.", error.hint) from error


def decoded(data: bytes, options: DecodeOptions) -> Image.Image:
    """Decode a file's bytes to an upright RGB picture. Raises PictureError."""
    image = ON_DEMAND.decode(data, options).image
    assert image is not None, "the options ask for its pixels"
    return image


def unreadable(term: Term) -> QueryError:
    """The error of a picture that a query names where it must not."""
    shown = term.value[:60]
    return QueryError(f"{shown} is a picture, which cannot be read from here.", f'As text: "{shown}"')
