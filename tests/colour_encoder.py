"""A tiny encoder, and a catalog with its pipeline over one root. A pytest plugin."""

import os
import struct
import time
from dataclasses import dataclass, field

import numpy as np
import pytest
from PIL import Image
from polyglance.config import Settings
from polyglance.data import paths
from polyglance.data.catalog.catalog import Catalog
from polyglance.data.pictures.thumbnails import Thumbnails
from polyglance.encoders.base import Card, Fingerprint, checked
from polyglance.indexer.run.pipeline import Pipeline
from polyglance.indexer.run.places import Place
from polyglance.indexer.run.update import update

COLOURS = {"red": (255, 0, 99), "green": (0, 255, 99), "dark": (0, 0, 99)}
"""The words it can read; a picture that `draw` makes is nearest to one of them."""


@dataclass
class ColourEncoder:
    """A real, tiny encoder: a picture's vector is its mean colour; it counts the pictures it was given.

    `log` is a file that gets one byte for each picture, so that a process that is killed is counted too; beside it,
    `log.begun` gets it at the beginning of a batch.
    `seconds` is how long a picture takes.
    """

    name: str = "colour"
    dimension: int = 4
    card = Card(languages=("en",))
    image_side: int = 32
    logit_scale: float = 10.0
    batches: list[int] = field(default_factory=list)
    log: str | None = None
    seconds: float = 0.0

    @property
    def fingerprint(self):
        return Fingerprint(self.name, "mean", self.dimension, "l2", "float32")

    @property
    def encoded(self):
        return sum(self.batches)

    def encode_images(self, images):
        if images:
            self.batches.append(len(images))
            self._note(".begun", len(images))
            time.sleep(self.seconds * len(images))
            self._note("", len(images))
        return self._vectors([np.asarray(image).mean((0, 1)) for image in images])

    def encode_texts(self, texts):
        return self._vectors([COLOURS.get(text, (128, 128, 128)) for text in texts])

    def _note(self, suffix, count):
        if self.log:
            with open(self.log + suffix, "ab", buffering=0) as file:
                file.write(b"." * count)

    def _vectors(self, colours):
        rows = np.array([[*colour, 1] for colour in colours], np.float32).reshape(-1, 4)
        return checked(rows / np.linalg.norm(rows, axis=1, keepdims=True), len(rows), 4)


def create(name, _settings):
    """In place of `registry.create`: `colour`, `colour2` …, set up by the environment."""
    return ColourEncoder(name, log=os.environ.get("COLOUR_LOG"), seconds=float(os.environ.get("COLOUR_SECONDS", "0")))


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    return folder


def picture(path, number):
    """Write a picture of one colour; different numbers give different bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (48, 40), (number % 256, number // 256 % 256, 99)).save(path, "PNG")
    return path


def tiny(path, number):
    """Write the smallest picture that is its own: a BMP of two dots. Some 20,000 a second."""
    head = struct.pack("<2sIHHIIiiHHIIiiII", b"BM", 62, 0, 0, 54, 40, 2, 1, 1, 24, 0, 8, 0, 0, 0, 0)
    path.write_bytes(head + number.to_bytes(4, "little") + bytes(4))
    return path


@pytest.fixture
def draw():
    return picture


class Setup:
    """A catalog with its pipeline over one root."""

    def __init__(self, folder, photos, **settings):
        self.settings = Settings(library=folder, batch_size=4, decode_workers=2, **settings)
        self.catalog = Catalog(folder / "catalog.db", create=True)
        self.encoder = ColourEncoder()
        record = self.catalog.encoders.add("colour", self.encoder.fingerprint.digest, 4, "float32")
        self.thumbnails = Thumbnails(folder / "thumbnails", 64)
        self.pipeline = Pipeline(self.catalog, self.encoder, record.id, self.thumbnails, self.settings)
        self.root = self.catalog.roots.add(os.fsencode(photos))

    def update(self, *roots, below=b"", progress=lambda _: None):
        known = [root for root in self.catalog.roots.all() if root.id == self.root.id]  # as the last scan left it
        places = [Place(root, below) for root in roots or known]
        return update(self.pipeline, places, progress).tally

    def state(self):
        """What the catalog holds, without ids: path -> (hash, vector bytes)."""
        result = {}
        for root in self.catalog.roots.all():
            known = self.catalog.photos.known(root.id)
            hashes = self.catalog.photos.hashes([entry.photo_id for entry in known.values()])
            for path, entry in known.items():
                content_hash = hashes.get(entry.photo_id)
                vector = self.catalog.vectors.get(content_hash, 1) if content_hash else None
                result[paths.join(root.path, path)] = (
                    content_hash,
                    vector.tobytes() if vector is not None else None,
                )
        return result

    def ids(self):
        return {path: entry.photo_id for path, entry in self.catalog.photos.known(self.root.id).items()}


@pytest.fixture
def make_setup(tmp_path, photos):
    made = []

    def make(name="library", **settings):
        made.append(Setup(tmp_path / name, photos, **settings))
        return made[-1]

    yield make
    for setup in made:
        setup.catalog.close()


@pytest.fixture
def setup(make_setup):
    return make_setup()
