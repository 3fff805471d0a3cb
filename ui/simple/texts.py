"""The texts of the blocks: those of the page, in one language or in the reader's."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import gradio

from ...errors import UsageError
from ..page import assets

LANGUAGES = ("en", "zh", "es", "fr", "ru", "ja", "ko", "ar", "it")

KEYS = (
    "error.refused",
    "filter.button",
    "filter.camera",
    "filter.favourites",
    "filter.from",
    "filter.orientation",
    "filter.relevant",
    "filter.to",
    "home.tagline",
    "like.alt",
    "orientation.landscape",
    "orientation.portrait",
    "orientation.square",
    "photo.open",
    "results.label",
    "results.more",
    "results.none",
    "results.nothing",
    "results.partial",
    "search.go",
    "search.label",
    "search.placeholder",
    "sort.date",
    "sort.label",
    "sort.relevance",
)
"""Keys of words/*.json that the blocks use."""


@dataclass(frozen=True)
class Texts:
    """The texts in one language, or, if `language` is None, marks that each reader's browser replaces by its own."""

    language: str | None = None

    def __post_init__(self) -> None:
        if self.language is not None and self.language not in LANGUAGES:
            raise UsageError(f"There are no texts in {self.language[:20]}.", f"One of {', '.join(LANGUAGES)}.")

    def __getitem__(self, key: str) -> Any:
        """The text of a key, as a component takes it."""
        assert key in KEYS, key
        return gradio.I18n()(_mark(key)) if self.language is None else read(self.language)[key]

    def translations(self) -> gradio.I18n | None:
        """What the browser replaces the marks by; None if there are no marks."""
        if self.language is not None:
            return None
        marked = {code: {_mark(key): read(code)[key] for key in KEYS} for code in LANGUAGES}
        return gradio.I18n(**marked, **{f"zh-{region}": marked["zh"] for region in ("CN", "TW")})


def read(language: str) -> dict[str, Any]:
    """The page's texts by key."""
    texts: dict[str, Any] = json.loads(assets.text(f"words/{language}.json"))
    return texts


def _mark(key: str) -> str:
    return "polyglance_" + key.replace(".", "_")  # the browser would take a dot for a level of nesting
