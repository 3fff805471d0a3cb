"""What the blocks do: one search, for the components and for clients."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

from ...data import paths
from ...errors import QueryError
from ...library import Library
from ...search.answer import Answer, Result
from ...search.query.sent import SentPicture
from ..web.limits import MAX_TEXT, MAX_UPLOAD_PIXELS
from .pictures import Addresses

PAGE = 40
"""Photos that are shown at first, and added by each "Show more photos"."""

MAX_PHOTOS = 400


@dataclass(frozen=True)
class Wish:
    """What the components ask for."""

    text: str = ""
    after: str = ""
    before: str = ""
    camera: str | None = None
    orientation: str | None = None
    favourites: bool = False
    relevant: bool = False
    sort: str = "relevance"

    def __post_init__(self) -> None:
        """Raises QueryError: a client may send anything."""
        texts = (self.text, self.after, self.before, self.camera or "", self.orientation or "", self.sort)
        if not all(isinstance(text, str) and len(text) <= MAX_TEXT for text in texts):
            raise QueryError("That is no text, or too long.")

    @property
    def filters(self) -> dict[str, list[str]]:
        """The filters that are set, by name."""
        values = {
            "after": self.after,
            "before": self.before,
            "camera": self.camera,
            "orientation": self.orientation,
            "is": "favourite" if self.favourites else "",
        }
        return {name: [value.strip()] for name, value in values.items() if value and value.strip()}


@dataclass(frozen=True)
class Searching:
    """Searches of one library, whose results have `addresses`."""

    library: Library
    addresses: Addresses

    def search(self, wish: Wish, picture: bytes | None, count: int) -> Answer | None:
        """The answer; None if nothing is asked for. Raises PolyglanceError."""
        text = wish.text.strip()
        if not text and picture is None and not wish.filters:
            return None
        return self.library.search(
            text,
            max(1, min(count, MAX_PHOTOS)),
            filters=wish.filters,
            files=False,
            sort="date" if wish.sort == "date" else "relevance",
            only_relevant=wish.relevant,
            picture=None if picture is None else SentPicture(picture, 1.0, MAX_UPLOAD_PIXELS),
        )

    def tiles(self, answer: Answer) -> list[dict[str, Any]]:
        """The results as Gradio's Gallery shows them. They have no `meta`: Gradio copies no file for them."""
        return [
            {"image": {"path": None, "url": self.addresses.thumbnail(result)}, "caption": name_of(result)}
            for result in answer
        ]


def name_of(result: Result) -> str:
    """The name of the photo's file as text for reading, without its folder."""
    return paths.display(os.path.basename(result.photo.path))
