"""What `polyglance check` looks at, and what it can find: the codes, which stay the same for scripts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from ..catalog.integrity import CheckedConnection
from ..catalog.own_data import Rows
from ..pictures.decoding import DecodeOptions
from ..pictures.thumbnails import Thumbnails

INDEX_AGAIN = "Run 'polyglance index FOLDER' for its folder: it is read and encoded again."

CODES = {
    "catalog-missing": "the catalog is gone, and a backup of folders, exclusions and favourites is there",
    "catalog-unreadable": "SQLite cannot read the catalog",
    "catalog-structure": "pages of the catalog are damaged",
    "catalog-schema": "the catalog's tables are not described as this version made them",
    "catalog-version": "the catalog was made by an older or a newer version",
    "rows-lost": "rows of the catalog could not be saved",
    "backup-damaged": "a backup of folders, exclusions and favourites is not what was written",
    "setting-damaged": "a setting is not what was written",
    "active-encoder": "the encoder that answers is not among the library's",
    "encoder-damaged": "the record of an encoder is not what was written",
    "root-damaged": "the record of a folder is not what was written",
    "favourite-damaged": "the mark of a favourite is not what was written",
    "photo-damaged": "the record of a photo is not what was written",
    "photo-without-root": "a photo belongs to no folder",
    "photo-without-vector": "a photo cannot be found because it has no vector",
    "vector-damaged": "a vector is not what was written",
    "vector-invalid": "a vector has another length than its encoder's, or is no unit vector",
    "vector-without-encoder": "a vector belongs to no encoder",
    "vector-orphan": "a vector belongs to no photo",
    "words-disagree": "the index of words is damaged, or does not say what the photos' records say",
    "snapshot-damaged": "a snapshot of the vector index is damaged",
    "snapshot-orphan": "a snapshot belongs to no encoder of the library",
    "engine-unreachable": "Milvus or pgvector, which searches the vectors, does not answer",
    "engine-differs": "Milvus or pgvector does not hold the library's vectors as the catalog does",
    "engine-orphan": "Milvus or pgvector has vectors of an encoder that does not answer now",
    "thumbnail-missing": "a photo has no thumbnail",
    "thumbnail-damaged": "a thumbnail cannot be shown",
    "thumbnail-orphan": "a thumbnail belongs to no photo",
    "leftover-file": "a temporary file of a killed process",
    "content-changed": "a file has other bytes than were indexed, under the same size and time",
}
"""Every code with its meaning; docs/check.md also says what repair does."""


HARMLESS = frozenset({"vector-orphan", "snapshot-orphan", "engine-orphan", "thumbnail-orphan", "leftover-file"})
"""What takes space and nothing else: a killed process leaves it behind, and so does a photo on its way between two
roots. The next writer, or the next run over all roots, removes it; it makes no library unsound."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong. `subject` is what it is about, `message` one line, `advice` what is left to do."""

    code: str
    subject: str
    message: str
    repaired: bool = False
    advice: str = ""

    @property
    def is_harmless(self) -> bool:
        """Whether it can stay."""
        return self.code in HARMLESS

    def mended(self, advice: str = "") -> Finding:
        """The same, after it was mended; `advice` if something is left to do all the same."""
        return replace(self, repaired=True, advice=advice)


def found(code: str, subject: object, message: str = "", advice: str = "Run 'polyglance check --repair'.") -> Finding:
    """A finding of one of the CODES; the message defaults to the code's."""
    return Finding(code, str(subject), message or CODES[code], advice=advice)


@dataclass(slots=True)
class Examination:
    """A readable catalog and the files beside it. `busy` if another process writes: what it has in hand is no finding.

    `own` are the rows of the newest backup; `steps` is told how many more rows or files were looked at.
    """

    db: CheckedConnection
    folder: Path
    thumbnails: Thumbnails
    options: DecodeOptions
    repair: bool
    deep: bool
    busy: bool
    own: Rows
    steps: Callable[[int], None]
    photos: int = 0
    vectors: int = 0
    compared: int = 0
    not_compared: int = 0
