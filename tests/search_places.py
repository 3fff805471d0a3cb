"""A catalog of photos whose vectors are chosen, and an encoder whose words are. A pytest plugin."""

import hashlib
from dataclasses import dataclass

import numpy as np
import pytest
from polyglance.data.catalog.catalog import Catalog
from polyglance.data.catalog.records import Content, Entry, FileStat
from polyglance.data.pictures.exif import Facts
from polyglance.data.vectors.in_memory import InMemoryStore
from polyglance.encoders.base import Card, Fingerprint
from polyglance.search.answer import View
from polyglance.search.engine import Engine
from polyglance.search.query.filters import from_mapping
from polyglance.search.query.parse import parse, with_filters

DIMENSION = 16
MEANINGS = {
    word: number
    for number, words in enumerate(["beach plage playa 海滩", "sunset закат", "people gente", "cat 猫"])
    for word in words.split()
}


def unit(*parts, noise=0.0, seed=0):
    """A unit vector with these leading parts, and a little of everything."""
    vector = np.zeros(DIMENSION)
    vector[: len(parts)] = parts
    vector += noise * np.random.default_rng(seed).normal(size=DIMENSION)
    return (vector / np.linalg.norm(vector)).astype(np.float32)


@dataclass
class WordEncoder:
    """Texts are the sum of the axes of their known words; unknown ones lie on the last axis."""

    name: str = "words"
    dimension: int = DIMENSION
    card = Card(languages=("en",))
    image_side: int = 32
    logit_scale: float = 10.0
    fingerprint = Fingerprint("words", "none", DIMENSION, "l2", "float32")

    def encode_texts(self, texts):
        rows = np.zeros((len(texts), DIMENSION), np.float32)
        for row, text in zip(rows, texts, strict=True):
            for word in text.lower().split():
                row[MEANINGS.get(word, DIMENSION - 1)] += 1
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)

    def encode_images(self, images):
        return np.stack([unit(*np.asarray(image).mean((0, 1))) for image in images])


class Place:
    """A catalog under test, with the engine over it."""

    def __init__(self, folder):
        self.catalog = Catalog(folder / "catalog.db", create=True)
        self.encoder = WordEncoder()
        self.encoder_id = self.catalog.encoders.add("words", self.encoder.fingerprint.digest, DIMENSION, "float32").id
        self.root = self.catalog.roots.add(b"/photos")
        self.fresh()

    def fresh(self, store=InMemoryStore):
        """The same with an engine that knows of nothing yet, over a store of this class."""
        self.store = store(self.catalog, self.encoder_id, DIMENSION)
        self.engine = Engine(self.catalog, self.encoder, self.store)
        return self

    def add(self, *photos):
        """Photos as (path, vector, facts of the camera, a key if the bytes are those of another photo)."""
        entries, vectors = [], {}
        for path, vector, *rest in photos:
            facts = rest[0] if rest else {}
            key = hashlib.sha256((facts.pop("bytes_of", None) or path).encode()).digest()
            content = Content(key, 640, 480, "JPEG", Facts(**facts))
            entries.append(Entry(self.root.id, path.encode(), FileStat(1, 1, 1), content))
            vectors[key] = vector
        self.catalog.changes.commit(entries, vectors, self.encoder_id)

    def crowd(self, count, start=0, folder="crowd"):
        """Pictures of nothing in particular, each unlike the others."""
        self.add(*((f"{folder}/x{n}y.jpg", unit(noise=1, seed=n)) for n in range(start, start + count)))

    def find(self, text, count=20, *, filters=None, read=None, **view):
        query = with_filters(parse(text, 1000), from_mapping(filters or {}))
        return self.engine.find(query, View(count, **view), read)

    def names(self, text, count=20, **options):
        return names(self.find(text, count, **options))


def names(answer):
    return [result.photo.path.decode().removeprefix("/photos/") for result in answer.results]


@pytest.fixture
def place(tmp_path):
    place = Place(tmp_path)
    yield place
    place.catalog.close()
