"""Order does not matter: the same vectors whatever the batch size, number of decoders, names, and stops of a run.

Stored vectors have 16 bits a component. lite's are the same bytes. Those of a tower of transformers may differ in the
last bits, because a batch is multiplied in other blocks: TOLERANCE bounds every component.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from polyglance import Library, Settings
from polyglance.benchmarks.pictures import photo_like
from polyglance.errors import Stopped
from polyglance.indexer.run.stop import Stop

PICTURES = 7
TOLERANCE = {"lite": 0.0, "altclip": 5e-4}


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    for number in range(PICTURES):
        photo_like(200 + 60 * number, 150, number).save(folder / f"{number}.jpg")
    return folder


def stored_vectors(library: Library) -> dict[bytes, np.ndarray]:
    """Content hash -> vector of the active encoder."""
    active = library.catalog.encoders.active()
    vectors = {each: library.catalog.vectors.get(each, active.id) for each in library.catalog.photos.contents()}
    assert len(vectors) == PICTURES
    return vectors


def index(folder: Path, pictures: Path, encoder: str, **settings: int) -> dict[bytes, np.ndarray]:
    with Library.open(folder, settings=Settings(**settings)) as library:
        library.index([pictures], encoder=encoder)
        return stored_vectors(library)


def index_with_a_stop(folder: Path, pictures: Path, encoder: str) -> dict[bytes, np.ndarray]:
    """Stop after the first batch, and resume in another process's place: a library that is opened anew."""
    stop = Stop()
    with Library.open(folder, settings=Settings(batch_size=2)) as library:
        with pytest.raises(Stopped):
            library.index([pictures], encoder=encoder, stop=stop, progress=lambda tick: tick.done and stop.ask())
        assert 0 < len(library.catalog.photos.contents()) < PICTURES
    with Library.open(folder, settings=Settings(batch_size=3)) as library:
        library.rescan()
        return stored_vectors(library)


def renamed(pictures: Path, folder: Path) -> Path:
    """The same files in the opposite order of names."""
    folder.mkdir()
    for path in pictures.iterdir():
        shutil.copy(path, folder / f"{PICTURES - int(path.stem)}.jpg")
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("encoder", TOLERANCE)
def test_vectors_depend_on_their_pictures_alone(encoder, pictures, tiny_altclip, tmp_path):
    name = str(tiny_altclip) if encoder == "altclip" else encoder
    expected = index(tmp_path / "one", pictures, name, batch_size=1, decode_workers=1)
    runs = [
        index(tmp_path / "many", pictures, name, batch_size=32, decode_workers=4),
        index(tmp_path / "names", renamed(pictures, tmp_path / "renamed"), name, batch_size=3, decode_workers=2),
        index_with_a_stop(tmp_path / "stopped", pictures, name),
    ]
    for vectors in runs:
        assert vectors.keys() == expected.keys()
        for content_hash, vector in vectors.items():
            assert np.abs(vector - expected[content_hash]).max() <= TOLERANCE[encoder]
    apart = np.stack(list(expected.values()))
    assert np.abs(apart[0] - apart[1:]).max(axis=1).min() > 20 * TOLERANCE["altclip"], "the pictures differ"
