"""Pictures of the blocks: thumbnails as addresses, and the picture that is searched by, which is not stored."""

from __future__ import annotations

import base64
import binascii
import contextlib
import os
from collections.abc import Mapping
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Protocol

from gradio import utils

from ...data.pictures.decoding import ON_DEMAND, DecodeOptions
from ...errors import PictureError, PolyglanceError
from ...library import Library
from ...search.answer import Result
from ..web.limits import MAX_UPLOAD_BYTES, MAX_UPLOAD_PIXELS

KEPT_SIDE = 448
"""Longest side of the picture that is kept in the browser for further searches. Encoders look at 224 to 384 pixels."""

_JPEG = "data:image/jpeg;base64,"

NOT_SENT = "That is no picture that was sent."


class Addresses(Protocol):
    """Where the browser gets the pictures of results from."""

    def thumbnail(self, result: Result) -> str:
        """Address of the photo's thumbnail."""
        ...

    def original(self, result: Result) -> str | None:
        """Address of the photo itself; None if the browser cannot have it."""
        ...


class InPage:
    """Thumbnails are part of the answer: no server of polyglance is needed, and nothing is copied to a disk."""

    def thumbnail(self, result: Result) -> str:
        """The thumbnail as a `data:` address; the empty address if it is lost and cannot be made again."""
        try:
            jpeg = BytesIO()
            result.thumbnail().save(jpeg, "JPEG", quality=85)
        except PolyglanceError:
            return _JPEG
        return as_address(jpeg.getvalue())

    def original(self, result: Result) -> None:
        """A notebook has no address for it."""


class OnServer:
    """Pictures come from the HTTP API of the server that also serves the blocks."""

    def thumbnail(self, result: Result) -> str:
        """Address of the thumbnail, by id."""
        return f"/api/v1/photos/{result.photo.id}/thumbnail"

    def original(self, result: Result) -> str:
        """Address of the photo, by id."""
        return f"/api/v1/photos/{result.photo.id}/original"


def as_address(jpeg: bytes) -> str:
    """A JPEG file as a `data:` address."""
    return _JPEG + base64.b64encode(jpeg).decode()


def read(payload: object) -> bytes | None:
    """The file that a client has uploaded, which is deleted, or the picture that its browser keeps.

    `payload` is what Gradio's Image or a client sends; None is no picture. Raises PictureError.
    """
    if payload is None:
        return None
    if not isinstance(payload, Mapping):
        raise PictureError(NOT_SENT)
    address = payload.get("url")
    if isinstance(address, str) and address.startswith(_JPEG):
        try:
            return base64.b64decode(address.removeprefix(_JPEG), validate=True)
        except binascii.Error as error:
            raise PictureError("The picture is damaged.") from error
    path = payload.get("path")
    if not isinstance(path, str) or not _is_upload(path):
        raise PictureError(NOT_SENT)
    return _take(Path(path))


def _is_upload(path: str) -> bool:
    """Whether a path that a client names is FOLDER/HASH/NAME in Gradio's folder for uploads, through no link.

    Gradio checks only what it recognises as a file.
    """
    folder = os.path.realpath(utils.get_upload_folder())
    real = os.path.realpath(path)
    return path == real and os.path.dirname(os.path.dirname(real)) == folder


def _take(upload: Path) -> bytes:
    try:
        with upload.open("rb") as file:
            data = file.read(MAX_UPLOAD_BYTES + 1)
    except OSError as error:
        raise PictureError("The picture is no longer there.", "Send it again.") from error
    finally:
        delete(upload)
    if len(data) > MAX_UPLOAD_BYTES:
        raise PictureError(f"The picture is over the limit of {MAX_UPLOAD_BYTES >> 20} MB.")
    return data


def delete(upload: Path) -> None:
    """Delete an uploaded file and the folder that Gradio made for it."""
    upload.unlink(missing_ok=True)
    with contextlib.suppress(OSError):  # the same picture under another name is in it
        upload.parent.rmdir()


def shrink(library: Library, data: bytes) -> bytes:
    """The picture as a small JPEG file for the browser to keep. Raises PictureError."""
    options = DecodeOptions.from_settings(library.settings, KEPT_SIDE, pixels=False, jpeg_side=KEPT_SIDE)
    options = replace(options, max_pixels=min(options.max_pixels, MAX_UPLOAD_PIXELS))
    return ON_DEMAND.decode(data, options).jpeg


def names_web_address(payload: object) -> bool:
    """Whether a client's input has a file object, at any depth, with a web address, which Gradio would fetch."""
    if isinstance(payload, Mapping):
        path = payload.get("path")
        if isinstance(path, str) and not os.path.isabs(path):
            return True
        return any(map(names_web_address, payload.values()))
    return isinstance(payload, list) and any(map(names_web_address, payload))
