"""A small real library, made once a session and copied for tests that damage it. A pytest plugin."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from polyglance import Library, Settings

PHOTO_COLUMNS = (
    "size, mtime_ns, inode, content_hash, error, width, height, format, taken_at, camera, lens, latitude, longitude,"
    " caption, keywords"
)


@dataclass
class SmallLibrary:
    """A library folder, whose photos are shared with other copies of it: only read them."""

    folder: Path
    photos: Path

    @property
    def catalog(self) -> Path:
        return self.folder / "catalog.db"

    def open(self) -> Library:
        return Library.open(self.folder, settings=Settings(encoder="lite"))

    def index(self) -> Any:
        with self.open() as library:
            return library.index([self.photos])

    def damage(self, *statements: str) -> None:
        """Change the catalog behind polyglance's back."""
        with contextlib.closing(sqlite3.connect(self.catalog)) as db:
            db.execute("PRAGMA foreign_keys=OFF")
            for statement in statements:
                db.execute(statement)
            db.commit()

    def ask(self, statement: str) -> list[tuple[Any, ...]]:
        with contextlib.closing(sqlite3.connect(self.catalog)) as db:
            return db.execute(statement).fetchall()

    def state(self) -> dict[str, Any]:
        """What the catalog holds, without ids and times of indexing."""
        roots = dict(self.ask("SELECT id, path FROM root"))
        active = self.ask("SELECT value FROM setting WHERE key = 'active_encoder'")
        vectors = self.ask(
            f"SELECT content_hash, vector FROM vector WHERE encoder_id = {active[0][0] if active else 0}"
        )
        photos = self.ask(f"SELECT root_id, path, {PHOTO_COLUMNS} FROM photo")
        return {
            "photos": {(roots.get(root), path): facts for root, path, *facts in photos},
            "vectors": dict(vectors),
            "encoders": sorted(self.ask("SELECT name, fingerprint, dimension, dtype FROM encoder")),
        }


def draw(path: Path, number: int) -> Path:
    """A picture of two colours; another number, another picture."""
    image = Image.new("RGB", (64, 48), (number * 37 % 256, number * 91 % 256, 120))
    image.paste((number * 53 % 256, 40, 200), (0, 0, 20 + number % 30, 30))
    image.save(path)
    return path


@pytest.fixture(scope="session")
def small_library_template(tmp_path_factory: pytest.TempPathFactory) -> SmallLibrary:
    """Ten pictures, one of them twice, and a file that is none; indexed, with thumbnails and a snapshot."""
    place = tmp_path_factory.mktemp("template")
    made = SmallLibrary(place / "library", place / "photos")
    (made.photos / "deep").mkdir(parents=True)
    for number in range(10):
        draw(made.photos / f"{number}.png", number)
    shutil.copy(made.photos / "3.png", made.photos / "deep" / "copy of 3.png")
    (made.photos / "bad.png").write_text("no picture")
    made.index()
    assert not made.catalog.with_name("catalog.db-wal").exists()
    return made


@pytest.fixture
def copy_library(small_library_template: SmallLibrary, tmp_path: Path) -> Callable[[str], SmallLibrary]:
    """Copy the small library under a name; its photos stay where they are."""

    def copy(name: str = "library") -> SmallLibrary:
        shutil.copytree(small_library_template.folder, tmp_path / name)
        return SmallLibrary(tmp_path / name, small_library_template.photos)

    return copy


@pytest.fixture
def small_library(copy_library: Callable[[str], SmallLibrary]) -> SmallLibrary:
    """A copy of the small library."""
    return copy_library("library")
