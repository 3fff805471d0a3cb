"""Loader of Karpathy's split files: `dataset_flickr30k.json`, `dataset_flickr8k.json`, `dataset_coco.json`; English."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..errors import DataError
from .reading import Builder, clean_caption, find_image, find_line, locate, read_json
from .sets import RetrievalSet

FOLDERS = ("", "flickr30k-images", "flickr30k_images", "images", "Images")
"""Folders beside the JSON file in which the pictures of Flickr30k are searched."""


def load(path: Path, images: Path | None = None, split: str = "test") -> RetrievalSet:
    """Read `{"dataset": "flickr30k", "images": [{"filename", "split", "sentences": [{"raw"}], "filepath"?}]}`.

    Only pictures of `split` are read; `filepath` is MS-COCO's folder (`val2014`). Raises DataMissing, DataError.
    """
    document, text = read_json(path)
    rows = document.get("images") if isinstance(document, dict) else None
    if not isinstance(rows, list):
        raise DataError(f'{locate(path, 1)}: expected {{"images": [...]}}.', "Is it a Karpathy split file?")
    builder = Builder()
    folder = images or path.parent
    for number, row in enumerate(rows):
        name = row.get("filename") if isinstance(row, dict) else None
        if not isinstance(name, str) or not isinstance(row.get("sentences"), list):
            line = find_line(text, '"sentences"', number + 1)
            raise DataError(f'{locate(path, line)}: picture {number + 1} lacks "filename" or "sentences".')
        if row.get("split") == split:
            _add_picture(builder, row, folder, path, text)
    if not builder.images:
        raise DataError(f"{path}: no picture belongs to the split {split!r}.")
    return RetrievalSet(str(document.get("dataset") or path.stem), tuple(builder.images), builder.captions())


def _add_picture(builder: Builder, row: dict[str, Any], folder: Path, path: Path, text: str) -> None:
    name, inner = row["filename"], row.get("filepath")
    where = locate(path, find_line(text, f'"{name}"', 2 if builder.has(name) else 1))
    if builder.has(name):
        raise DataError(f"{where}: the picture {name} is listed twice.", "Fetch the file again.")
    if not row["sentences"]:
        raise DataError(f"{where}: the picture {name} has no captions.")
    folders = (inner, *FOLDERS) if isinstance(inner, str) else FOLDERS
    owner = builder.add_image(name, find_image(folder, name, folders))
    for sentence in row["sentences"]:
        raw = sentence.get("raw") if isinstance(sentence, dict) else None
        builder.add_caption("en", clean_caption(raw, where), owner)
