import random
import shutil
import time

import children
import pytest
from compare import assert_same, count
from PIL import Image
from polyglance.library import labelling

pytestmark = pytest.mark.torture

BATCH = 4  # as children.settings has it


def kill_at_random_moments(kills, photos, tmp_path, log):
    """Kill index runs until that many were hit, each going on with what the last one left; compare at every end."""
    moments = random.Random(7)
    slow = {"COLOUR_LOG": str(log), "COLOUR_SECONDS": "0.002"}
    start = time.monotonic()
    children.finish(children.index, tmp_path / "reference", [photos], environment=slow)
    took = time.monotonic() - start
    assert count(log) == 240
    library = tmp_path / "library"
    done = hit = 0
    log.unlink()
    while done < kills:
        process = children.start(children.index, library, [photos], environment=slow)
        process.join(moments.uniform(0, took / 3))
        process.kill()
        process.join()
        if process.exitcode == 0:  # it was done before
            assert_same(library, tmp_path / "reference")
            assert count(log) <= 240 + hit * BATCH
            shutil.rmtree(library)
            log.unlink()
            hit = 0
        else:
            done += 1
            hit += 1
    children.finish(children.index, library, [photos], environment=slow)
    assert_same(library, tmp_path / "reference")
    assert count(log) <= 240 + hit * BATCH, "more than the batch in hand was lost at a kill"


@pytest.mark.parametrize("kills", [8, pytest.param(50, marks=pytest.mark.full)])
def test_killed_at_random_moments_it_ends_as_if_nothing_had_happened(photos, many, tmp_path, kills):
    many(photos, 240)
    kill_at_random_moments(kills, photos, tmp_path, tmp_path / "log")


CITIES = ((41.89, 12.51), (48.86, 2.35), (35.01, 135.77), (55.75, 37.62), (30.04, 31.24))
"""Latitude and longitude of Rome, Paris, Kyoto, Moscow and Cairo."""


def draw_journeys(folder, count):
    """Photos that were taken in these cities."""
    for number in range(count):
        latitude, longitude = CITIES[number % len(CITIES)]
        exif = Image.Exif()
        exif.get_ifd(0x8825).update({1: "N", 2: (latitude, 0.0, 0.0), 3: "E", 4: (longitude, 0.0, 0.0)})
        Image.new("RGB", (8, 8), (number, 90, 255 - number)).save(folder / f"{number}.jpg", exif=exif)


def labels(library):
    return sorted(library.catalog.labels.photos("thing") + library.catalog.labels.photos("place"))


def test_killed_while_it_labels_it_goes_on_there_and_ends_with_the_same_labels(photos, tmp_path):
    draw_journeys(photos, 90)
    folder = tmp_path / "library"
    with children.opened(folder) as library:
        library.index([photos])
        expected = labels(library)
        for kind in ("thing", "place"):
            library.catalog.labels.begin(kind, library.catalog.labels.extent(kind)._replace(last=0))
    assert len(expected) >= 90
    moments, counts = random.Random(3), [0]
    for _ in range(4):
        process = children.start(children.label_in_small_batches, folder, 3, 0.05)
        with children.opened(folder) as library:
            until = time.monotonic() + 60
            while len(labels(library)) == counts[-1] and time.monotonic() < until:
                time.sleep(0.01)
        process.join(moments.uniform(0, 0.2))
        process.kill()
        process.join()
        assert process.exitcode == -9, "it was done before it was killed"
        with children.opened(folder) as library:
            counts.append(len(labels(library)))
            assert library.check().findings == []
            assert set(labels(library)) < set(expected)
            assert not labelling.is_complete(library._parts)
    assert counts == sorted(set(counts)), "a run began anew"
    with children.opened(folder) as library:
        library.label()
        assert labelling.is_complete(library._parts)
        assert labels(library) == expected
        assert library.check().findings == []
