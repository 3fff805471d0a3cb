"""Labels by an encoder that knows no kinds: things are judged by the whole library, as searches are."""

import numpy as np
from PIL import Image
from polyglance import Library, Settings
from polyglance.languages.things import things

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


def test_labels_of_a_dual_encoder_are_the_verdicts_of_searches_also_when_the_library_has_grown(tiny_altclip, tmp_path):
    folder = tmp_path / "photos"
    draw(folder, range(4))
    with Library.open(tmp_path / "library", settings=Settings(encoder=str(tiny_altclip))) as library:
        library.index([folder])
        assert library.catalog.labels.photos("thing") == []  # too few to judge by
        draw(folder, range(20))
        library.rescan()
        assert library.catalog.labels.extent("thing").total == 20
        require_the_same_verdicts(library)
        draw(folder, range(24))
        library.rescan()
        assert (
            library.catalog.labels.extent("thing").total == 20
        )  # nearly the same background: only new photos are judged
        draw(folder, range(40))
        library.rescan()
        assert library.catalog.labels.extent("thing").total == 40
        require_the_same_verdicts(library)
