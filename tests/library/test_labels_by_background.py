"""Labels by an encoder that knows no kinds: things are judged by the whole library, as searches are."""

import shutil

import children
import colour_encoder
import numpy as np
import pytest
from PIL import Image
from polyglance import Library, Settings
from polyglance.languages.things import things
from polyglance.library import labelling

KEYS = ("dog", "cat", "poncho", "ski", "axe", "wine", "cup", "tree", "car", "bird")


def draw(folder, numbers):
    folder.mkdir(exist_ok=True)
    for number in numbers:
        random = np.random.default_rng(number)
        small = random.integers(0, 255, (6, 6, 3), np.uint8)
        Image.fromarray(small).resize((48, 48)).save(folder / f"{number}.png")


def require_the_same_verdicts(library):
    """Require that exactly the photos have a label that a search for its name calls relevant by their looks."""
    labelled = {}
    for key, photo_id, _ in library.catalog.labels.photos("thing"):
        labelled.setdefault(key, set()).add(photo_id)
    for key in KEYS:
        found = library.search(things()[key].name("en"), 100, collapse=False, only_relevant=True)
        assert {result.photo.id for result in found if "looks like" in result.why} == labelled.get(key, set()), key
    assert sum(len(labelled.get(key, ())) for key in KEYS) >= 3  # there is something to compare


def test_labels_of_a_dual_encoder_are_the_verdicts_of_searches_also_when_the_library_has_grown(
    tiny_altclip, tmp_path, monkeypatch
):
    monkeypatch.setattr(labelling, "SAMPLE", 10)
    folder = tmp_path / "photos"
    draw(folder, range(4))
    with Library.open(tmp_path / "library", settings=Settings(encoder=str(tiny_altclip))) as library:
        library.index([folder])
        assert library.catalog.labels.photos("thing") == []  # too few to judge by
        draw(folder, range(20))
        library.rescan()
        assert library.catalog.labels.extent("thing").total == 20
        draw(folder, range(24))
        library.rescan()
        assert (
            library.catalog.labels.extent("thing").total == 20
        )  # nearly the same background: only new photos are judged
        draw(folder, range(40))
        library.rescan()
        assert library.catalog.labels.extent("thing").total == 40
    monkeypatch.setattr(labelling, "SAMPLE", 2048)
    with Library.open(tmp_path / "library", settings=Settings(encoder=str(tiny_altclip))) as library:
        library.label()
        require_the_same_verdicts(library)


@pytest.mark.parametrize(
    ("before", "last"),
    [
        (range(24), range(26)),
        (range(14), range(2, 16)),  # as many as before
        (range(14), range(6)),  # too few to judge by
    ],
    ids=str,
)
def test_labels_of_a_small_library_do_not_depend_on_its_history(tmp_path, before, last):
    expected, basis = labels_and_basis(tmp_path, "at once", last)
    assert bool(expected) == (len(last) > 6)
    assert labels_and_basis(tmp_path, "after another", before, last) == (expected, basis)


def labels_and_basis(tmp_path, name, *steps):
    """The labels of a library whose folder had each of the `steps` in turn, and what they depend on."""
    folder = tmp_path / "photos"
    with children.opened(tmp_path / name) as library:
        for numbers in steps:
            shutil.rmtree(folder, ignore_errors=True)
            for number in numbers:
                colour_encoder.picture(folder / f"{number}.png", number if number < 12 else 1000 + number)
            library.index([folder])
            assert labelling.is_complete(library._parts)
        with library.catalog.database.reading() as connection:
            rows = connection.exec_driver_sql("SELECT key, content_hash FROM label ORDER BY 1, 2")
            labels = [tuple(row) for row in rows]
        extent = library.catalog.labels.extent("thing")
        return labels, extent and extent.basis
