"""Small JPEG copies of the photos, kept in the library's folder and named by content hash."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Container
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from PIL import Image

from ... import atomic

QUALITY = 82
"""JPEG quality of a thumbnail: artefacts are not visible at its size, and the file is about 25 KB."""

REDUCING_GAP = 1.0
"""Pictures are averaged by a whole factor before they are resized: half the time, 37 to 46 dB from resizing alone."""

SUFFIX = ".jpg"


@dataclass(frozen=True)
class Thumbnails:
    """The thumbnails below `folder`, each at most `side` x `side` pixels."""

    folder: Path
    side: int

    def path(self, content_hash: bytes) -> Path:
        """Return where the thumbnail of `content_hash` lies: `ab/cd/abcd….jpg`, whether it exists or not."""
        digits = content_hash.hex()
        return self.folder / digits[:2] / digits[2:4] / f"{digits}{SUFFIX}"

    def write(self, content_hash: bytes, data: bytes) -> Path:
        """Write a thumbnail, the bytes of a JPEG file from `encode_jpeg`, and return its path.

        It appears whole or not at all, also if another thread or process writes the same one. Raises OSError (disk
        full, no permission).
        """
        target = self.path(content_hash)
        try:
            _write_whole(data, target)
        except FileNotFoundError:  # another process has removed the folder or the temporary file: `sweep`
            _write_whole(data, target)
        return target

    def sweep(self, content_hashes: Container[bytes]) -> None:
        """Remove what a killed process left: temporary files, and thumbnails of contents not in `content_hashes`."""
        for folder, _, names in os.walk(self.folder):
            for name in names:
                stem, suffix = os.path.splitext(name)
                if name.startswith(".") or (
                    suffix == SUFFIX and _is_hash(stem) and bytes.fromhex(stem) not in content_hashes
                ):
                    with contextlib.suppress(OSError):
                        Path(folder, name).unlink()

    def remove(self, content_hash: bytes) -> None:
        """Remove the thumbnail of `content_hash`, if there is one."""
        self.path(content_hash).unlink(missing_ok=True)


def encode_jpeg(image: Image.Image, side: int, quality: int = QUALITY) -> bytes:
    """Return an upright RGB picture as a JPEG file within `side` x `side` pixels, without any metadata.

    A picture that fits keeps its size.
    """
    target = BytesIO()
    _shrink_to_fit(image, side).save(target, "JPEG", quality=quality)
    return target.getvalue()


def _write_whole(data: bytes, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with atomic.whole_file(target, durable=False) as temporary:
        temporary.write_bytes(data)


def _is_hash(stem: str) -> bool:
    return len(stem) == 64 and set(stem) <= set("0123456789abcdef")


def _shrink_to_fit(image: Image.Image, side: int) -> Image.Image:
    """Return a new picture within `side` x `side` with the same proportions and no metadata."""
    scale = min(1.0, side / max(image.size))
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    fits = size == image.size
    small = image.copy() if fits else image.resize(size, Image.Resampling.BICUBIC, reducing_gap=REDUCING_GAP)
    small.info = {}
    return small
