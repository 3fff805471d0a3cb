"""Libraries made by older code: what is in them, how they are made, and what is asked of them.

`tests/fixtures/old_libraries.zip` holds, by schema, a library folder and the answers of the code that made it:

- `0003`: commit 4eac193, the newest code with that schema (favourites belong to photos)
- `0004`: commit d1e48b6, the last one before the packages were rearranged

A library is added by the code of its commit, so this file uses only what old and new code have in common:

    git worktree add /tmp/old d1e48b6
    mkdir /tmp/path && ln -s /tmp/old /tmp/path/polyglance
    PYTHONPATH=/tmp/path python tests/old_libraries.py 0004

Photos are sample pictures of scikit-image, copied from the installed package, and three pictures from the zip itself,
drawn with EXIF facts. Thumbnails are left out, because they are copies of the sample.
"""

from __future__ import annotations

import contextlib
import io
import json
import shutil
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

ARCHIVE = Path(__file__).parent / "fixtures" / "old_libraries.zip"
MADE_AT = "/tmp/polyglance-old-library"
"""The folder that a library is made in; the archive keeps the paths of its roots below it."""

EXCLUDED = "private/"
FAVOURITES = ("rocket.jpg", "drawn_1.jpg")
"""Pictures without a copy: in schema 0003 a copy did not share the mark."""

QUESTIONS = {
    "English": ["search", "a cat", "-k", "30", "--all"],
    "Chinese": ["search", "火箭", "-k", "30", "--all"],
    "Arabic": ["search", "دراجة نارية", "-k", "30", "--all"],
    "a sum": ["search", "coffee - cat", "-k", "5"],
    "a name": ["search", "motorcycle_left", "-k", "3"],
    "keywords": ["search", "собака", "-k", "3"],
    "copies as one": ["search", "gato", "-k", "3"],
    "a camera": ["search", "camera:Pentacon"],
    "dates": ["search", "before:2010", "--sort", "date"],
    "a folder": ["search", "--folder", "work", "-k", "30", "moon"],
    "favourites": ["search", "--is", "favourite"],
    "status": ["status"],
}


def arrange(photos: Path, archive: zipfile.ZipFile) -> list[Path]:
    """Make the photo folders; return the two that are roots."""
    from polyglance.data.sample import copy_sample

    holidays, work = photos / "holidays", photos / "work"
    pictures = sorted(copy_sample(photos / "sample"))
    for number, picture in enumerate(pictures):
        target = (holidays if number % 2 else work) / picture.name
        target.parent.mkdir(exist_ok=True)
        picture.rename(target)
    (photos / "sample").rmdir()
    (holidays / "private").mkdir()
    cat = next(photos.glob("*/chelsea.png"))
    shutil.copy(cat, holidays / "private" / "secret.png")
    shutil.copy(cat, work / "chelsea copy.png")
    (work / "broken.jpg").write_bytes(b"\xff\xd8\xff but no picture")
    for name in archive.namelist():
        if name.startswith("drawn/"):
            (holidays / Path(name).name).write_bytes(archive.read(name))
    return [holidays, work]


def answers(library: Path, photos: Path) -> dict[str, Any]:
    """What the command line answers to QUESTIONS, with paths below `photos` as relative ones."""
    result = {}
    for name, arguments in QUESTIONS.items():
        text = _run([*arguments, "--json", "--library", str(library)])
        result[name] = without(json.loads(text.replace(f"{photos}/", "")), {"took_ms", "library", "seconds"})
    return result


def _run(arguments: list[str]) -> str:
    from polyglance.cli import run

    with contextlib.redirect_stdout(io.StringIO()) as printed, contextlib.redirect_stderr(io.StringIO()) as notes:
        code = run(arguments)
    if code not in {0, 3}:
        raise RuntimeError(f"{arguments} ended with {code}: {notes.getvalue()}")
    return printed.getvalue()


def without(value: Any, keys: set[str]) -> Any:
    if isinstance(value, dict):
        return {key: without(each, keys) for key, each in value.items() if key not in keys}
    return [without(each, keys) for each in value] if isinstance(value, list) else value


def main(name: str) -> None:
    """Make the library `name` with the code on the path, and put it into the archive with its answers."""
    from polyglance import Library

    if not ARCHIVE.exists():
        _draw()
    place = Path(MADE_AT)
    place.mkdir()  # fails where it is in use
    try:
        with zipfile.ZipFile(ARCHIVE) as archive:
            roots = arrange(place / "photos", archive)
        with Library.open(place / "library") as library:
            library.exclude([EXCLUDED])
            library.index(roots, encoder="lite")
            photos = library.search("a picture", 100, collapse=False).results
            library.mark([each.photo.id for each in photos if Path(each.path).name in FAVOURITES])
            library.index(roots)
        recorded = answers(place / "library", place / "photos")
        with zipfile.ZipFile(ARCHIVE, "a", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
            for path in sorted((place / "library").rglob("*")):
                if path.is_file() and path.suffix != ".lock" and "thumbnails" not in path.parts:
                    archive.write(path, f"{name}/library/{path.relative_to(place / 'library')}")
            archive.writestr(f"{name}/answers.json", json.dumps(recorded, ensure_ascii=False, indent=1))
    finally:
        shutil.rmtree(place)


def _draw() -> None:
    """Begin the archive with drawn pictures that have EXIF facts."""
    from PIL import Image, ImageDraw

    ARCHIVE.parent.mkdir(exist_ok=True)
    with zipfile.ZipFile(ARCHIVE, "w", zipfile.ZIP_DEFLATED) as archive, tempfile.TemporaryDirectory() as folder:
        for number in range(3):
            image = Image.new("RGB", (160, 120), (40 * number, 120, 200))
            ImageDraw.Draw(image).ellipse((20, 20, 60 + 20 * number, 100), (240, 200, 40 * number))
            exif = image.getexif()
            exif[0x010F], exif[0x0110] = "Pentacon", f"Six {number}"
            exif[0x9C9E] = "собака;dog".encode("utf-16-le")
            exif.get_ifd(0x8769)[0x9003] = f"200{number}:05:01 10:00:00"
            path = Path(folder) / f"drawn_{number}.jpg"
            image.save(path, exif=exif)
            archive.write(path, f"drawn/{path.name}")


if __name__ == "__main__":
    main(sys.argv[1])
