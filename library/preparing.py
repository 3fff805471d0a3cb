"""Preparing the library's encoder for this machine, with some of the library's own pictures."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO

from PIL import Image

from ..encoders.base import Preparable
from ..errors import EncoderError, PictureError, UsageError
from . import encoders
from .parts import Parts
from .pictures import LibraryPictures

PICTURES = 40
"""Pictures that are used, spread over the library."""
FEWEST = 8


def prepare(parts: Parts, say: Callable[[str], object]) -> None:
    """Measure what computes the active encoder fastest here, and keep it. See `Library.prepare`."""
    encoder = encoders.load_active(parts)
    if not isinstance(encoder, Preparable):
        raise EncoderError(f"{encoder.name} needs no preparing.", "It is for AltCLIP and the encoders of its kind.")
    pictures = _pictures(parts)
    if len(pictures) < FEWEST:
        raise UsageError(
            f"The library has {len(pictures)} pictures that can be read, and preparing takes {FEWEST}.",
            "Index more: polyglance index FOLDER",
        )
    encoder.prepare(pictures, say)


def _pictures(parts: Parts) -> list[Image.Image]:
    """Thumbnails of photos spread over the library, upright RGB."""
    ids = [photo.id for photo in parts.catalog.browsing.photos()]
    chosen = sorted({ids[number * len(ids) // PICTURES] for number in range(PICTURES)}) if ids else []
    shown = LibraryPictures.from_parts(parts)
    pictures = []
    for photo in parts.catalog.photos.get_many(chosen).values():
        try:
            pictures.append(Image.open(BytesIO(shown.thumbnail(photo))).convert("RGB"))
        except (PictureError, OSError):
            continue  # another photo does as well
    return pictures
