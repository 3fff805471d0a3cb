import random
import shutil
import time

import children
import pytest
from compare import assert_same, count

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
