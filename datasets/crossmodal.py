"""Loader of Crossmodal-3600: 3600 pictures, each with about two captions in each of 36 languages, our nine included.

Each line of `captions.jsonl` is `{"image/key": "…", "image/locale": "…", "en": {"caption": ["…", …], …}, …}`; picture
KEY is `images/KEY.jpg`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..config import LANGUAGES
from ..errors import DataError
from .reading import Builder, clean_caption, find_image, locate, read_json_lines
from .sets import RetrievalSet

CAPTIONS = "captions.jsonl"


def load(path: Path, images: Path | None = None) -> RetrievalSet:
    """Read the nine languages' captions. `path` is `captions.jsonl` or its folder. Raises DataMissing, DataError."""
    file = path / CAPTIONS if path.is_dir() else path
    folder = images or file.parent
    builder = Builder()
    for number, row in read_json_lines(file):
        where = locate(file, number)
        key = row.get("image/key")
        if not isinstance(key, str) or not key:
            raise DataError(f'{where}: "image/key" is missing.', "Is it Crossmodal-3600's captions.jsonl?")
        if builder.has(key):
            raise DataError(f"{where}: the picture {key} has a line of its own already.")
        owner = builder.add_image(key, find_image(folder, f"{key}.jpg", ("", "images")))
        for language in LANGUAGES:
            for text in _texts(row, language, where):
                builder.add_caption(language, clean_caption(text, where), owner)
    return RetrievalSet("crossmodal-3600", tuple(builder.images), builder.captions())


def _texts(row: dict[str, Any], language: str, where: str) -> list[Any]:
    value = row.get(language)
    texts = value.get("caption") if isinstance(value, dict) else None
    if not isinstance(texts, list) or not texts:
        raise DataError(f"{where}: no captions in {language}.", "Fetch captions.zip again.")
    return texts
