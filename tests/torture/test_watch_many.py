"""Floods under watch: the queue of the kernel holds 16,384 events, and what does not fit is lost."""

import os
import signal

import pytest
from colour_encoder import tiny
from compare import assert_equals_disk, ids, in_catalog, until

pytestmark = pytest.mark.torture

BIG = {"batch_size": 512}
SIZES = [600, *(pytest.param(size, marks=pytest.mark.full) for size in (6_000, 60_000))]


def fill(folder, count, first=0):
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(first, first + count):
        tiny(folder / f"{number:06}.bmp", number)


@pytest.mark.parametrize("size", SIZES)
def test_floods_of_creations_and_renames_leave_catalog_and_disk_equal(watch, photos, size):
    fill(photos / "first", 10, first=10**6)
    watched = watch(photos, **BIG)
    for part in range(6):
        fill(photos / f"{part}", size // 6, first=part * size)
    until(lambda: len(in_catalog(watched.library)) == size + 10, 600)
    assert_equals_disk(watched.library, photos)
    assert watched.encoded() == size + 10
    before = ids(watched.library)
    for part in range(6):
        for number in range(part * size, part * size + size // 6):
            os.rename(photos / f"{part}" / f"{number:06}.bmp", photos / f"{5 - part}" / f"new {number}.bmp")
    until(lambda: sum(b"/new " in path for _, path in in_catalog(watched.library)) == size, 600)
    until(lambda: len(in_catalog(watched.library)) == size + 10, 600)
    assert_equals_disk(watched.library, photos)
    assert watched.encoded() == size + 10, "a rename was encoded"
    assert sorted(ids(watched.library).values()) == sorted(before.values())


def test_events_that_the_kernel_dropped_are_made_good(watch, photos, until_equal):
    """While the watcher stands still the queue overflows; what happens after that reaches it in no event."""
    fill(photos / "flood", 300)
    fill(photos / "quiet", 10, first=10**6)
    watched = watch(photos, **BIG)
    os.kill(watched.process.pid, signal.SIGSTOP)
    for turn in range(31):  # 18,600 events
        for number in range(300):
            names = [photos / "flood" / f"{number:06}.bmp", photos / "flood" / f"other {number:06}.bmp"]
            os.rename(names[turn % 2], names[1 - turn % 2])
    fill(photos / "quiet", 5, first=2 * 10**6)
    (photos / "quiet" / "1000000.bmp").unlink()
    os.kill(watched.process.pid, signal.SIGCONT)
    until(lambda: watched.troubles.exists() and "overflow" in watched.troubles.read_text())
    until_equal(watched, photos)
    assert watched.encoded() == 315
    fill(photos / "flood" / "afterwards", 3, first=3 * 10**6)  # it watches as before
    until(lambda: len(in_catalog(watched.library)) == 317)


@pytest.mark.parametrize(
    "size",
    [500, *(pytest.param(size, marks=pytest.mark.full) for size in (10_000, 100_000))],
)
def test_a_renamed_folder_costs_no_encoding_however_large(watch, photos, size):
    for part in range(5):
        fill(photos / "old" / f"{part}", size // 5, first=part * size)
    watched = watch(photos, **BIG)
    before = {path.removeprefix(b"old/"): photo_id for (_, path), photo_id in ids(watched.library).items()}
    (photos / "old").rename(photos / "new")
    until(lambda: all(path.startswith(b"new/") for _, path in in_catalog(watched.library)), 600)
    assert_equals_disk(watched.library, photos)
    assert {path.removeprefix(b"new/"): photo_id for (_, path), photo_id in ids(watched.library).items()} == before
    assert watched.encoded() == size
