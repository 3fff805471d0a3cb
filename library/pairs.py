"""Pictures with texts, taken from the library to train with: captions, keywords, names of folders, favourites."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import atomic
from ..config import LANGUAGES
from ..data import paths
from ..data.catalog.records import PhotoRecord, RootRecord
from ..errors import LibraryMissing, UsageError
from ..languages.detect import detect
from .parts import Parts

BATCH = 1000
HELD_OUT_MARK = "held-out"
"""`split` of a line whose picture validates, as `train align` reads it."""

SAYS_NOTHING = re.compile(
    r"[\W\d_]*|dcim|\d{3}\w{5}|camera|pictures|photos|images|screenshots|downloads", re.IGNORECASE
)
"""Names of folders that cameras and systems give."""


@dataclass(frozen=True)
class PairOptions:
    """Which pictures and texts are written."""

    favourites_only: bool = False
    folders: bool = True
    """Whether the name of a picture's folder counts as a text."""
    held_out: float = 0.1
    """Share of the pictures that validate; chosen by content, so that the same ones are held out every time."""
    language: str = "en"
    """The language of texts that do not show theirs."""


@dataclass(frozen=True)
class Pairs:
    """What was written: pictures, how many of them are held out and favourites, and texts by language."""

    pictures: int
    held_out: int
    favourites: int
    texts: dict[str, int]
    without_text: int
    """Pictures of the library that have no text."""
    left_out: int
    """Pictures whose path is not UTF-8, which JSON cannot hold."""


def write_pairs(parts: Parts, output: Path, options: PairOptions) -> Pairs:
    """Write the pictures of the library that have texts to `output`, one line each; photo folders are only read.

    Copies are one picture with the texts of all. Raises LibraryMissing if there is none, UsageError, OSError.
    """
    if options.language not in LANGUAGES:
        raise UsageError(f"There is no language {options.language!r}.", f"Choose one of: {', '.join(LANGUAGES)}.")
    lines: dict[bytes, dict[str, Any]] = {}
    seen: set[bytes] = set()
    left_out = 0
    for root, photo, is_favourite in _photos(parts):
        if photo.content_hash is None or (options.favourites_only and not is_favourite):
            continue
        try:
            path = photo.path.decode("utf-8")
        except UnicodeDecodeError:
            left_out += 1
            continue
        seen.add(photo.content_hash)
        texts = list(_texts(root, photo, options))
        if not texts:
            continue
        line = lines.setdefault(photo.content_hash, {"image": path, "captions": {}})
        for text in texts:
            captions = line["captions"].setdefault(_language_of(text, options), [])
            if text not in captions:
                captions.append(text)
        if is_favourite:
            line["favourite"] = True
        if int.from_bytes(photo.content_hash[:4]) / 2**32 < options.held_out:
            line["split"] = HELD_OUT_MARK
    if not lines:
        raise LibraryMissing(
            f"No picture of the library {parts.folder} has a text.", "Give photos captions, keywords, or named folders."
        )
    with atomic.whole_file(output) as temporary, temporary.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(line, ensure_ascii=False) + "\n" for line in lines.values())
    counts: dict[str, int] = {}
    for line in lines.values():
        for language, captions in line["captions"].items():
            counts[language] = counts.get(language, 0) + len(captions)
    return Pairs(
        pictures=len(lines),
        held_out=sum("split" in line for line in lines.values()),
        favourites=sum("favourite" in line for line in lines.values()),
        texts=counts,
        without_text=len(seen) - len(lines),
        left_out=left_out,
    )


def _photos(parts: Parts) -> Iterator[tuple[RootRecord, PhotoRecord, bool]]:
    """(root, photo, whether it is a favourite) of all readable photos, in order of roots and paths."""
    for root in parts.catalog.roots.all(counted=False):
        known = sorted(parts.catalog.photos.known(root.id).items())
        ids = [each.photo_id for _, each in known if not each.failed]
        for start in range(0, len(ids), BATCH):
            batch = ids[start : start + BATCH]
            records = parts.catalog.photos.get_many(batch)
            favourites = parts.catalog.favourites.among(batch)
            for photo_id in batch:
                if photo_id in records and b"\0" not in records[photo_id].path:
                    yield root, records[photo_id], photo_id in favourites


def _texts(root: RootRecord, photo: PhotoRecord, options: PairOptions) -> Iterator[str]:
    """Caption, keywords as one text, and the name of the folder below the root."""
    facts = photo.facts
    candidates = [facts.caption or "", ", ".join(facts.keywords)]
    if options.folders:
        folder = os.path.basename(os.path.dirname(paths.relative_to(photo.path, root.path)))
        name = re.sub(r"[_\s]+", " ", folder.decode("utf-8", "replace")).strip()
        candidates.append("" if SAYS_NOTHING.fullmatch(name) or "\ufffd" in name else name)
    for text in candidates:
        if text := " ".join(text.split()):
            yield text


def _language_of(text: str, options: PairOptions) -> str:
    detected = detect(text)
    return detected if detected in LANGUAGES else options.language
