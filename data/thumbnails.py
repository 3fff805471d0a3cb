"""Small JPEG copies of the photos, kept in the library's folder and named by content hash."""

from __future__ import annotations

import contextlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

QUALITY = 82
"""JPEG quality of a thumbnail: artefacts are not visible at its size, and the file is about 25 KB."""


@dataclass(frozen=True)
class Thumbnails:
    """The thumbnails below `folder`, each at most `side` x `side` pixels."""

    folder: Path
    side: int

    def path(self, content_hash: bytes) -> Path:
        """Return where the thumbnail of `content_hash` lies: `ab/cd/abcd….jpg`, whether it exists or not."""
        digits = content_hash.hex()
        return self.folder / digits[:2] / digits[2:4] / f"{digits}.jpg"

    def write(self, content_hash: bytes, image: Image.Image) -> Path:
        """Write the thumbnail of an upright RGB picture, without any metadata, and return its path.

        It appears whole or not at all, whoever else writes the same one at the time. A picture that fits
        keeps its size. Raises OSError (disk full, no permission).
        """
        target = self.path(content_hash)
        target.parent.mkdir(parents=True, exist_ok=True)
        small = _fitted(image, self.side)
        handle, temporary = tempfile.mkstemp(prefix=".", suffix=".part", dir=target.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                small.save(file, "JPEG", quality=QUALITY)
            Path(temporary).replace(target)
        except BaseException:
            with contextlib.suppress(OSError):
                Path(temporary).unlink()
            raise
        return target

    def remove(self, content_hash: bytes) -> None:
        """Remove the thumbnail of `content_hash`, if there is one."""
        self.path(content_hash).unlink(missing_ok=True)


def _fitted(image: Image.Image, side: int) -> Image.Image:
    """Return a new picture within `side` x `side` with the same proportions and no metadata."""
    scale = min(1.0, side / max(image.size))
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    fits = size == image.size
    small = image.copy() if fits else image.resize(size, Image.Resampling.BICUBIC, reducing_gap=2.0)
    small.info = {}
    return small
