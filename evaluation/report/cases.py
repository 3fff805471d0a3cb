"""The report's queries with the worst ranks as HTML, with thumbnails of the pictures."""

from __future__ import annotations

import base64
import functools
import io
import os
from collections.abc import Callable
from html import escape
from typing import Any, TypeAlias

from ...config import Settings
from ...data.pictures import files, images
from ...errors import PictureError

THUMBNAIL = 168
"""Pixels of a thumbnail's long side: twice its size on the page, for dense screens."""

QUALITY = 72
Thumbnail: TypeAlias = Callable[[str], str]
"""Path of a picture -> its thumbnail as a `data:` URL, or the empty string."""


def render_worst_cases(cases: dict[str, Any], settings: Settings) -> str:
    """Render `worst` of `document.build`; empty if no query failed."""
    thumbnail = functools.cache(functools.partial(_make_thumbnail, settings=settings))
    parts = ["<h2>Worst failures</h2>"]
    if cases["text_to_image"]:
        cards = "".join(_render_text_case(case, thumbnail) for case in cases["text_to_image"])
        parts.append(f'<h3>A caption did not find its picture</h3><div class="cases">{cards}</div>')
    if cases["image_to_text"]:
        cards = "".join(_render_image_case(case, thumbnail) for case in cases["image_to_text"])
        parts.append(f'<h3>A picture did not find its caption</h3><div class="cases">{cards}</div>')
    return "".join(parts) if len(parts) > 1 else ""


def _render_text_case(case: dict[str, Any], thumbnail: Thumbnail) -> str:
    results = "".join(_render_figure(path, f"{rank}", thumbnail) for rank, path in enumerate(case["found"], start=1))
    expected = _render_figure(case["image"], "wanted", thumbnail, "right")
    caption = f'<p class="caption" {_language_attributes(case)}>{escape(case["text"])}</p>'
    return (
        f'<article class="case">{_render_case_head(case)}{caption}'
        f'<div class="row"><div class="own">{expected}</div>{results}</div></article>'
    )


def _render_image_case(case: dict[str, Any], thumbnail: Thumbnail) -> str:
    own = "".join(f'<p class="caption" {_language_attributes(case)}>{escape(text)}</p>' for text in case["texts"])
    results = "".join(f"<li {_language_attributes(case)}>{escape(text)}</li>" for text in case["found"])
    picture = _render_figure(case["image"], "picture", thumbnail, "right")
    return (
        f'<article class="case">{_render_case_head(case)}{own}<div class="row"><div class="own">{picture}</div>'
        f"<ol>{results}</ol></div></article>"
    )


def _render_case_head(case: dict[str, Any]) -> str:
    return (
        f"<header><span>{escape(case['language'])}</span><span>rank {case['rank']:g} of {case['of']:,}</span></header>"
    )


def _language_attributes(case: dict[str, Any]) -> str:
    """HTML attributes for the language and the direction of a text."""
    return f'lang="{escape(case["language"])}" dir="auto"'


def _render_figure(path: str, label: str, thumbnail: Thumbnail, kind: str = "") -> str:
    source = thumbnail(path)
    name = os.path.basename(path)
    picture = f'<img src="{source}" alt="{escape(name)}">' if source else '<div class="none"></div>'
    return f'<figure class="{kind}" title="{escape(name)}">{picture}<figcaption>{escape(label)}</figcaption></figure>'


def _make_thumbnail(path: str, settings: Settings) -> str:
    """A small JPEG as a `data:` URL; empty if the picture is gone or its path was escaped for display."""
    try:
        data = files.read_bytes(os.fsencode(path), max_bytes=settings.max_file_bytes)
        image = images.decode(data, side=THUMBNAIL, max_pixels=settings.max_pixels).image
    except PictureError:
        return ""
    image.thumbnail((THUMBNAIL, THUMBNAIL))
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=QUALITY)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()
