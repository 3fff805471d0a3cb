"""Calibrations that were fitted to captioned pictures: one small JSON file for each fingerprint of an encoder."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path

from .. import atomic
from .base import Fingerprint, Margin

logger = logging.getLogger(__name__)


def path(folder: Path, fingerprint: Fingerprint) -> Path:
    """The file of a fingerprint. Both its sides count, because scores are made of pictures and texts."""
    return folder / f"{fingerprint.text_digest}.json"


def _files(folder: Path, fingerprint: Fingerprint) -> Iterator[Path]:
    """The file of a fingerprint, and those of precisions and earlier versions with the same vectors or near ones."""
    for digest in (*(each.text_digest for each in fingerprint.alike()), *fingerprint.earlier_text):
        yield folder / f"{digest}.json"


def read(folder: Path, fingerprint: Fingerprint) -> Margin | None:
    """The calibration of the encoder with this fingerprint; None if there is none, or if its file is damaged.

    One that was fitted in another precision, whose vectors may be compared with these, holds too.
    """
    file = next((file for file in _files(folder, fingerprint) if file.exists()), path(folder, fingerprint))
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
        return Margin(float(document["slope"]), float(document["offset"]))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        logger.warning("%s is not used (%s); run 'polyglance calibrate' again.", file, type(error).__name__)
        return None


def write(folder: Path, name: str, fingerprint: Fingerprint, margin: Margin) -> Path:
    """Store the calibration of the encoder called `name`; return its file. Raises OSError."""
    file = path(folder, fingerprint)
    folder.mkdir(parents=True, exist_ok=True)
    document = {"encoder": name, "slope": margin.slope, "offset": margin.offset}
    with atomic.whole_file(file) as unfinished:
        unfinished.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    return file


def encoder_names(folder: Path) -> frozenset[str]:
    """The names of the encoders that have a calibration, of whatever fingerprint."""
    names = set()
    for file in folder.glob("*.json"):
        try:
            names.add(str(json.loads(file.read_text(encoding="utf-8"))["encoder"]))
        except (OSError, ValueError, KeyError, TypeError):
            continue  # `read` reports it when the encoder is used
    return frozenset(names)
