"""What a shell completes: names from a library that is only read. It opens nothing else and is quick."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from .. import config
from ..data import paths
from ..data.catalog import suggestions as stored

CATALOG = "catalog.db"


def suggest(folder: Path | None, what: Literal["roots", "cameras", "encoders"]) -> list[str]:
    """Roots, cameras or encoders of the library in `folder` (None: the settings'), as text that can be typed.

    A root whose path is not printable text is left out. Raises OSError, sqlite3.Error, UsageError.
    """
    settings = config.load()
    place = Path(folder).expanduser().absolute() if folder else settings.library
    names = stored.suggestions(place / CATALOG, settings.catalog_url, what)
    return [name.decode() for name in names if paths.display(name).encode() == name]
