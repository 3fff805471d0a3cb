"""Loader of XTD10: 1000 pictures of MS-COCO 2014 with one caption in each language, MIC's and STAIR's included.

Files are as in the repository Cross-lingual-Test-Dataset-XTD10: `XTD10/test_image_names.txt`,
`XTD10/test_1kcaptions_XX.txt`, `MIC/test_1kcaptions_XX.txt` (English, French), `STAIR/test_1kcaptions_jp.txt`
(Japanese). They may also be in one folder.
"""

from __future__ import annotations

from pathlib import Path

from ..config import LANGUAGES
from ..errors import DataError, DataMissing
from .reading import COCO_FOLDERS, Builder, clean_caption, find_image, locate, read_lines
from .sets import RetrievalSet

NAMES = "test_image_names.txt"
CAPTIONS = "test_1kcaptions_{code}.txt"
FOLDERS = ("XTD10", "", "MIC", "STAIR")
PUBLISHED_CODES = {"ja": ("jp", "ja")}
"""Codes in file names that are not ISO 639-1."""


def load(path: Path, images: Path | None = None) -> RetrievalSet:
    """Read the captions of the nine languages, as far as there are files (XTD10 has none in Arabic).

    `path` is the repository's folder. Raises DataMissing, DataError.
    """
    names_file = _find_file(path, NAMES)
    if names_file is None:
        raise DataMissing(f"There is no {NAMES} in {path} or {path / 'XTD10'}.", "Give the folder of the repository.")
    names = [line.strip() for line in read_lines(names_file)]
    folder = images or path / "images"
    builder = Builder()
    for number, name in enumerate(names, start=1):
        if not name or builder.has(name):
            problem = f"the picture {name} is listed twice" if name else "the line is empty"
            raise DataError(f"{locate(names_file, number)}: {problem}.")
        builder.add_image(name, find_image(folder, name, COCO_FOLDERS))
    for language in LANGUAGES:
        codes = PUBLISHED_CODES.get(language, (language,))
        file = next((candidate for code in codes if (candidate := _find_file(path, CAPTIONS.format(code=code)))), None)
        if file is not None:
            _add_captions(builder, language, file, names_file, len(names))
    captions = builder.captions()
    if not captions:
        raise DataMissing(f"There is no {CAPTIONS.format(code='XX')} in {path}.", "Give the folder of the repository.")
    return RetrievalSet("xtd10", tuple(builder.images), captions)


def _add_captions(builder: Builder, language: str, file: Path, names_file: Path, count: int) -> None:
    lines = read_lines(file)
    if len(lines) != count:
        line = min(len(lines), count) + 1
        raise DataError(
            f"{locate(file, line)}: {len(lines)} captions for the {count} pictures of {names_file.name}.",
            "Fetch both files again: line n of one belongs to line n of the other.",
        )
    for owner, text in enumerate(lines):
        builder.add_caption(language, clean_caption(text, locate(file, owner + 1)), owner)


def _find_file(path: Path, name: str) -> Path | None:
    return next((path / folder / name for folder in FOLDERS if (path / folder / name).is_file()), None)
