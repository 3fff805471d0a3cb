"""Loader of our own format, JSON lines: `{"image": "relative/path.jpg", "captions": {"en": ["…", …], "zh": ["…"]}}`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..config import LANGUAGES
from ..encoders.transformers.known import LANGUAGES_OF_M18
from ..errors import DataError
from .reading import Builder, clean_caption, locate, read_json_lines
from .sets import RetrievalSet

KNOWN_LANGUAGES = (*LANGUAGES, *(code for code in LANGUAGES_OF_M18 if code not in LANGUAGES))


def load(path: Path, images: Path | None = None) -> RetrievalSet:
    """Read the file `path`; pictures are relative to `images`, by default the file's folder.

    A caption that several pictures have, in one language, is right for all of them. Raises DataMissing, DataError.
    """
    folder = images or path.parent
    builder = Builder()
    for number, row in read_json_lines(path):
        where = locate(path, number)
        name = row.get("image")
        if not isinstance(name, str) or not name or "\0" in name:
            raise DataError(f'{where}: "image" must be the path of a picture.')
        if builder.has(name):
            raise DataError(f"{where}: the picture {name} has a line of its own already.", "Put its captions together.")
        owner = builder.add_image(name, folder / name)
        for language, text in _captions(row.get("captions"), where):
            builder.add_caption(language, text, owner)
    return RetrievalSet(path.parent.resolve().name, tuple(builder.images), builder.captions(), shared=True)


def _captions(value: Any, where: str) -> list[tuple[str, str]]:
    if not isinstance(value, dict) or not value:
        raise DataError(f'{where}: "captions" must hold captions by language, as {{"en": ["…"]}}.')
    pairs = []
    for language, texts in value.items():
        if language not in KNOWN_LANGUAGES:
            known = ", ".join(KNOWN_LANGUAGES)
            raise DataError(f"{where}: there is no language {language!r}.", f"Codes are ISO 639-1: {known}.")
        if not isinstance(texts, list) or not texts:
            raise DataError(f"{where}: the captions of {language} must be a list that is not empty.")
        pairs += [(language, clean_caption(text, where)) for text in texts]
    return pairs
