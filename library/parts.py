"""The parts of an opened library: settings, catalog, thumbnails, and the encoders and engines loaded so far."""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from ..config import Settings
from ..data import excluded, paths
from ..data.catalog.catalog import Catalog
from ..data.excluded import ExcludedVectors
from ..data.pictures.decoding import DecodeOptions
from ..data.pictures.thumbnails import Thumbnails
from ..encoders.base import Encoder
from ..search.engine import Engine
from .caching import Cache

CATALOG = "catalog.db"
THUMBNAILS = "thumbnails"

EncoderKey: TypeAlias = tuple[int, str]
"""The id of a record stands for vectors of pictures; its name changes when another text tower is adopted."""

AnyPath: TypeAlias = str | bytes | os.PathLike[str] | os.PathLike[bytes]


@dataclass(slots=True, eq=False)
class Parts:
    """What the functions of this package work on; threads share it."""

    folder: Path
    settings: Settings
    catalog: Catalog
    own_encoder: Encoder | None = None
    """The caller's encoder object, which goes before a registered encoder of the same name."""
    thumbnails: Thumbnails = field(init=False)
    encoders: dict[EncoderKey, Encoder] = field(default_factory=dict)
    """By id and name of the encoder's record, as `engines`; both change only under `loading`."""
    engines: dict[EncoderKey, Engine] = field(default_factory=dict)
    loading: threading.RLock = field(default_factory=threading.RLock)
    guests: threading.Lock = field(default_factory=threading.Lock)
    """Held by a short write that shares the writer lock of a run in this process; the run ends after it."""
    cache: Cache = field(default_factory=Cache)
    """What was computed from the whole catalog."""
    is_writing: bool = False
    """Whether this process holds the writer lock."""

    def __post_init__(self) -> None:
        self.thumbnails = thumbnails_in(self.folder, self.settings)

    @property
    def vectors(self) -> str:
        """The setting `vectors`; empty for FAISS."""
        return self.settings.vectors.get_secret_value() if self.settings.vectors else ""

    def excluded_vectors(self) -> ExcludedVectors:
        """The kept vectors of excluded photos, as they are on the disk now."""
        return ExcludedVectors(self.folder / excluded.FOLDER, self.catalog)


def folder_of(folder: AnyPath | None, settings: Settings) -> Path:
    """The absolute folder of the library: `folder`, or the settings' if it is None."""
    return settings.library if folder is None else Path(os.fsdecode(paths.absolute(folder)))


def thumbnails_in(folder: Path, settings: Settings) -> Thumbnails:
    """The thumbnails of the library in `folder`."""
    return Thumbnails(folder / THUMBNAILS, settings.thumbnail_side)


def thumbnail_options(settings: Settings) -> DecodeOptions:
    """Return the options to decode a photo whose thumbnail was lost: the thumbnail alone, no pixels for an encoder."""
    side = settings.thumbnail_side
    return DecodeOptions.from_settings(settings, side, pixels=False, jpeg_side=side)
