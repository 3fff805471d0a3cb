import random
import shutil
import time

import children
import pytest
from compare import assert_same, count
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


def labels(library):
    """All labels; the last bits of a score depend on the size of the batch."""
    rows = library.catalog.labels.photos("thing") + library.catalog.labels.photos("place")
    return sorted((row.key, row.photo_id, round(row.score, 4)) for row in rows)


def test_killed_while_it_labels_it_goes_on_there_and_ends_with_the_same_labels(photos, many, tmp_path):
    many(photos, 120)
    folder = tmp_path / "library"
    with children.opened(folder) as library:
        library.index([photos])
        expected, extent = labels(library), library.catalog.labels.extent("thing")
        library.catalog.labels.begin("thing", extent._replace(last=0))
    assert expected
    moments, lasts = random.Random(3), []
    while len(lasts) < 4:
        process = children.start(children.label_in_small_batches, folder, 3, 0.03)
        with children.opened(folder) as library:
            began = library.catalog.labels.extent("thing").last
            until = time.monotonic() + 60
            while library.catalog.labels.extent("thing").last == began and time.monotonic() < until:
                time.sleep(0.005)
        process.join(moments.uniform(0, 0.15))
        process.kill()
        process.join()
        assert process.exitcode == -9, "it was done before it was killed"
        with children.opened(folder) as library:
            lasts.append(library.catalog.labels.extent("thing").last)
            assert library.check().findings == []
            assert set(labels(library)) <= set(expected)
            assert not labelling.is_complete(library._parts)
    assert lasts == sorted(set(lasts)), "a run began anew"
    with children.opened(folder) as library:
        library.label()
        assert labelling.is_complete(library._parts)
        assert labels(library) == expected
        assert library.check().findings == []
