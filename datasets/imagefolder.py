"""Loader of trees with one folder for each class: ImageNet and its test sets, and the user's own.

ImageNet's validation set, -A, -R and -Sketch name folders by WordNet id, -V2 by class number 0 to 999. The existing
folders define the classes: -A and -R have 200 of the 1000.
"""

from __future__ import annotations

import os
from pathlib import Path

from ..data import paths
from ..data.pictures.images import EXTENSIONS
from ..errors import DataError, DataMissing
from . import prompts
from .sets import ClassificationSet

INNER = {
    "imagenet": ("val", "ILSVRC/Data/CLS-LOC/val"),
    "imagenet-v2": (
        "imagenetv2-matched-frequency-format-val",
        "imagenetv2-threshold0.7-format-val",
        "imagenetv2-top-images-format-val",
    ),
    "imagenet-a": ("imagenet-a",),
    "imagenet-r": ("imagenet-r",),
    "imagenet-sketch": ("sketch",),
    "imagefolder": (),
}
"""Data sets of this layout -> folders in their archives, which may be omitted from the path."""

NUMBERED_SET = "imagenet-v2"


def load(name: str, path: Path) -> ClassificationSet:
    """Read the tree `path` of the data set `name`, a key of INNER.

    Classes are WordNet ids, or folder names for `imagefolder`. Raises DataMissing, DataError.
    """
    root = next((path / inner for inner in INNER[name] if (path / inner).is_dir()), path)
    if not root.is_dir():
        raise DataMissing(f"There is no folder {root}.", "Give the folder that holds one folder a class.")
    folders = sorted(entry for entry in root.iterdir() if entry.is_dir() and not entry.name.startswith("."))
    if not folders:
        raise DataMissing(f"There are no class folders in {root}.", "Pictures lie in one folder a class.")
    keys = [_class_key(name, folder) for folder in folders]
    order = sorted(range(len(keys)), key=keys.__getitem__)
    images: list[Path] = []
    labels: list[int] = []
    for label, number in enumerate(order):
        pictures = _list_pictures(folders[number])
        images += pictures
        labels += [label] * len(pictures)
    return ClassificationSet(name, tuple(images), tuple(labels), tuple(keys[number] for number in order))


def _class_key(name: str, folder: Path) -> str:
    if name == "imagefolder":
        return paths.display(os.fsencode(folder.name))
    synsets = prompts.imagenet_classes()
    if name == NUMBERED_SET:
        if folder.name.isdecimal() and int(folder.name) < len(synsets):
            return list(synsets)[int(folder.name)]
        raise DataError(f"{folder}: ImageNet-V2's folders are numbered 0 to 999.", "Take other folders out.")
    if folder.name not in synsets:
        raise DataError(f"{folder}: no class of ImageNet has this WordNet id.", "Take other folders out.")
    return folder.name


def _list_pictures(folder: Path) -> list[Path]:
    pictures = sorted(
        entry for entry in folder.iterdir() if entry.is_file() and os.fsencode(entry.suffix.lower()) in EXTENSIONS
    )
    if not pictures:
        raise DataError(f"{folder}: the class has no picture.", "Remove the folder or put its pictures back.")
    return pictures
