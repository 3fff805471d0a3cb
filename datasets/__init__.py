"""Loaders of evaluation sets, from local copies in their published formats; docs/evaluation.md lists all files."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

from ..data.pictures.images import EXTENSIONS
from ..errors import DataMissing, UsageError
from . import cifar10, crossmodal, imagefolder, jsonl, karpathy, numbered, xtd10
from .sets import HALVES, ClassificationSet, RetrievalSet

Loader: TypeAlias = Callable[[Path, Path | None], RetrievalSet]

RETRIEVAL: dict[str, Loader] = {
    "jsonl": jsonl.load,
    "karpathy": karpathy.load,
    "flickr30k-cn": numbered.load_flickr30k_cn,
    "xtd10": xtd10.load,
    "crossmodal": crossmodal.load,
    "coco-cn": numbered.load_coco_cn,
}
"""Loaders of retrieval sets, by the name of the format."""

FOLDER_SIGNS = (
    ("xtd10", (f"XTD10/{xtd10.NAMES}", xtd10.NAMES)),
    ("coco-cn", numbered.COCO_CN_FILES),
    ("flickr30k-cn", numbered.FLICKR30K_CN_FILES),
)
"""Files by which a folder's format is recognised."""


def load_retrieval(path: Path, kind: str = "auto", images: Path | None = None) -> RetrievalSet:
    """Read the retrieval set at `path`, a file or folder, in the format `kind`; its pictures are in `images`.

    Raises UsageError if the format is unknown, DataMissing, DataError.
    """
    if not os.path.exists(path):
        raise DataMissing(f"There is no file or folder {path}.", "Check the spelling.")
    if images is not None and not images.is_dir():
        raise DataMissing(f"There is no folder {images}.", "Give the folder of the pictures with --images.")
    source, format_name = recognise(path) if kind == "auto" else (path, kind)
    if format_name not in RETRIEVAL:
        raise UsageError(f"There is no format {kind!r}.", f"Formats: auto, {', '.join(RETRIEVAL)}.")
    return RETRIEVAL[format_name](source, images)


def load_mixed(
    path: Path, kind: str = "auto", images: Path | None = None, half: str = "", among: Path | None = None
) -> RetrievalSet:
    """A retrieval set, or its `first` or `second` half, with the pictures in the folder `among` mixed in.

    Raises UsageError if the half is unknown, and what `load_retrieval` raises.
    """
    full_set = load_retrieval(path, kind, images)
    if half and half not in HALVES:
        raise UsageError(f"There is no half {half[:20]!r}.", f"Halves: {', '.join(HALVES)}.")
    if among is not None and not among.is_dir():
        raise DataMissing(f"There is no folder {among}.", "Give the folder of the other pictures with --among.")
    selected = full_set.half(half) if half else full_set
    if among is None:
        return selected
    other_pictures = (file for file in sorted(among.iterdir()) if os.fsencode(file.suffix.lower()) in EXTENSIONS)
    return selected.among(list(other_pictures))


def load_classification(name: str, path: Path, split: str | None = None) -> ClassificationSet:
    """Read the classification set `name`: `cifar10`, or a key of `imagefolder.INNER`. Only CIFAR-10 has splits.

    Raises UsageError if the set or split is unknown, DataMissing, DataError.
    """
    if name == "cifar10":
        return cifar10.load(path, split or "test")
    if name not in imagefolder.INNER:
        raise UsageError(f"There is no data set {name!r}.", f"There are: cifar10, {', '.join(imagefolder.INNER)}.")
    if split is not None:
        raise UsageError(f"{name} has no splits here.", "Give the folder of the split.")
    return imagefolder.load(name, path)


def recognise(path: Path) -> tuple[Path, str]:
    """(path to load, format) of a file or folder, judged by names and by the first line. Raises UsageError."""
    if path.is_dir():
        for kind, names in FOLDER_SIGNS:
            if any((path / name).is_file() for name in names):
                return path, kind
        for file in (path / "captions.jsonl", *sorted(path.glob("dataset_*.json")), *sorted(path.glob("*.jsonl"))):
            if file.is_file():
                return recognise(file)
        raise _unknown_format(path)
    if path.name == numbered.COCO_CN_CAPTIONS:
        return path, "coco-cn"
    if path.suffix == ".txt":
        return path, "flickr30k-cn"
    if path.suffix == ".json":
        return path, "karpathy"
    if path.suffix == ".jsonl":
        return path, "crossmodal" if _is_crossmodal(path) else "jsonl"
    raise _unknown_format(path)


def _is_crossmodal(path: Path) -> bool:
    with path.open("rb") as file:
        first = file.readline()
    try:
        return "image/key" in json.loads(first)
    except (ValueError, TypeError):
        return False  # the loader will report the error and its line


def _unknown_format(path: Path) -> UsageError:
    return UsageError(f"The format of {path} is not recognised.", f"Name it with --format: {', '.join(RETRIEVAL)}.")
