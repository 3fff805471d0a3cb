"""Loader of caption files with lines `PICTURE#NUMBER caption`: Flickr30k-CN and COCO-CN."""

from __future__ import annotations

import re
from pathlib import Path

from ..errors import DataError, DataMissing
from .karpathy import FOLDERS
from .reading import COCO_FOLDERS, Builder, clean_caption, find_image, locate, read_lines
from .sets import RetrievalSet

_LINE = re.compile(r"(?P<image>[^\s#]+)#(?:[a-z]+#)?(?P<number>\d+)[\t ]+(?P<caption>.*)")

FLICKR30K_CN_FILES = (
    "flickr30k_cn_test.txt",
    "test/flickr30k_cn_test.txt",
    "flickr30kzhmbosontest/TextData/seg.flickr30kzhmbosontest.caption.txt",
)
"""Paths of the test captions in a folder: in Flickr30k-CNA's archive, and in that of the first release."""

COCO_CN_CAPTIONS = "imageid.human-written-caption.txt"
COCO_CN_FILES = (COCO_CN_CAPTIONS, f"coco-cn-version1805v1.1/{COCO_CN_CAPTIONS}")
COCO_CN_SPLIT = "coco-cn_{split}.txt"


def load_flickr30k_cn(path: Path, images: Path | None = None) -> RetrievalSet:
    """Read the 5000 captions of the 1000 test pictures: `1007129816.jpg#0<TAB>…`, or `1007129816#zhm#0 …`.

    `path` is the caption file, or a folder with it. Raises DataMissing, DataError.
    """
    file = path if not path.is_dir() else _find_file(path, FLICKR30K_CN_FILES)
    builder = Builder()
    _read_captions(file, builder, images or (path if path.is_dir() else file.parent), FOLDERS)
    return RetrievalSet("flickr30k-cn", tuple(builder.images), builder.captions())


def load_coco_cn(path: Path, images: Path | None = None, split: str = "test") -> RetrievalSet:
    """Read the captions in `imageid.human-written-caption.txt` of the pictures that `coco-cn_test.txt` lists.

    `path` is the caption file, or the folder with both files. Raises DataMissing, DataError.
    """
    file = path if not path.is_dir() else _find_file(path, COCO_CN_FILES)
    listed = file.parent / COCO_CN_SPLIT.format(split=split)
    names = [line.strip() for line in read_lines(listed)]
    for number, name in enumerate(names, start=1):
        if name in names[: number - 1]:
            raise DataError(f"{locate(listed, number)}: the picture {name} is listed twice.")
    builder = Builder()
    _read_captions(file, builder, images or (path if path.is_dir() else file.parent), COCO_FOLDERS, set(names))
    for number, name in enumerate(names, start=1):
        if not builder.has(name):
            raise DataError(f"{locate(listed, number)}: the picture {name} has no caption in {file.name}.")
    return RetrievalSet("coco-cn", tuple(builder.images), builder.captions())


def _read_captions(
    file: Path, builder: Builder, folder: Path, folders: tuple[str, ...], names: set[str] | None = None
) -> None:
    seen: set[tuple[str, str]] = set()
    for number, line in enumerate(read_lines(file), start=1):
        match = _LINE.fullmatch(line)
        if not match:
            raise DataError(f"{locate(file, number)}: expected PICTURE#NUMBER and a caption, found {line[:40]!r}.")
        name = match["image"].removesuffix(".jpg")
        if names is not None and name not in names:
            continue
        if (name, match["number"]) in seen:
            raise DataError(f"{locate(file, number)}: caption {match['number']} of {name} stands there twice.")
        seen.add((name, match["number"]))
        owner = builder.add_image(name, find_image(folder, f"{name}.jpg", folders))
        builder.add_caption("zh", clean_caption(match["caption"], locate(file, number)), owner)


def _find_file(folder: Path, names: tuple[str, ...]) -> Path:
    for name in names:
        if (folder / name).is_file():
            return folder / name
    raise DataMissing(f"There is no {' or '.join(names)} in {folder}.", "Give the caption file itself.")
