"""What `polyglance check` can find: the codes, which stay the same for scripts, and one finding."""

from __future__ import annotations

from dataclasses import dataclass, replace

INDEX_AGAIN = "Run 'polyglance index FOLDER' for its folder: it is read and encoded again."

CODES = {
    "catalog-unreadable": "SQLite cannot open the catalog",
    "catalog-header": "the beginning of the catalog's file is damaged",
    "catalog-schema": "the catalog's tables are not described as this version made them",
    "catalog-version": "the catalog does not say of which schema it is",
    "catalog-structure": "pages of the catalog are damaged",
    "catalog-index": "an index of the catalog disagrees with its table",
    "rows-lost": "rows of the catalog could not be saved",
    "setting-damaged": "a setting is not what was written",
    "generation": "the count of changes is missing or no number",
    "active-encoder": "the encoder that answers is not among the library's",
    "encoder-damaged": "the record of an encoder is not what was written",
    "root-damaged": "the record of a folder is not what was written",
    "photo-damaged": "the record of a photo is not what was written",
    "photo-contradiction": "a photo is both failed and read",
    "photo-without-facts": "a photo lacks its content hash, size or format",
    "photo-without-root": "a photo belongs to no folder",
    "facts-disagree": "photos of the same bytes have other sizes or formats",
    "photo-without-vector": "a photo cannot be found for want of its vector",
    "vector-damaged": "a vector is not what was written",
    "vector-invalid": "a vector has another length than its encoder's, or is no unit vector",
    "vector-without-encoder": "a vector belongs to no encoder",
    "vector-orphan": "a vector belongs to no photo",
    "vector-ids": "vector ids could be given twice",
    "favourite-damaged": "the mark of a favourite is not what was written",
    "words-disagree": "the index of words does not say what the photos' records say",
    "snapshot-damaged": "a snapshot of the vector index is damaged",
    "snapshot-orphan": "a snapshot belongs to no encoder of the library",
    "thumbnail-missing": "a photo has no thumbnail",
    "thumbnail-damaged": "a thumbnail cannot be shown",
    "thumbnail-orphan": "a thumbnail belongs to no photo",
    "leftover-file": "a temporary file of a killed process",
    "content-changed": "a file has other bytes than were indexed, under the same size and time",
}
"""Every code with what it means; docs/check.md also says what repair does."""


HARMLESS = frozenset({"vector-orphan", "snapshot-orphan", "thumbnail-orphan", "leftover-file"})
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
