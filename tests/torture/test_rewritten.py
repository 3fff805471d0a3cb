"""A file that is written again while it is read: what is kept is always what the file holds in the end."""

import os
import random
import threading
import time

import children
import pytest
from colour_encoder import Setup, picture
from compare import assert_equals_disk

pytestmark = pytest.mark.torture

ROUNDS = [10, pytest.param(60, marks=pytest.mark.full)]


def content(number, folder):
    """The bytes of a picture that is of one size for every number, near enough, and another one for each."""
    return picture(folder / "drawn.png", number).read_bytes()


def in_place(path, data):
    with path.open("r+b") as file:
        half = len(data) // 2
        file.write(data[:half])
        file.flush()
        time.sleep(0)
        file.write(data[half:])
        file.truncate()


def replaced(path, data):
    aside = path.with_name("aside.tmp")
    aside.write_bytes(data)
    aside.replace(path)


def appended(path, data):
    path.write_bytes(data[: len(data) // 2])
    with path.open("ab") as file:
        file.write(data[len(data) // 2 :])


@pytest.mark.parametrize("write", [in_place, replaced, appended], ids=lambda write: write.__name__)
@pytest.mark.parametrize("rounds", ROUNDS)
def test_what_is_kept_is_what_the_file_holds(photos, tmp_path, write, rounds):
    moments = random.Random(3)
    setup = Setup(tmp_path / "library", photos)
    drawn = [content(number, tmp_path) for number in range(40)]
    files = [photos / f"{number}.png" for number in range(3)]

    def rewrite():
        for _ in range(moments.randint(1, 6)):
            time.sleep(moments.choice([0, 0, 0.001, 0.004, 0.01]))
            write(moments.choice(files), moments.choice(drawn))

    for file in files:
        file.write_bytes(drawn[0])
    for _ in range(rounds):
        writer = threading.Thread(target=rewrite)
        writer.start()
        setup.update()
        writer.join()
        setup.update()
        assert_equals_disk(tmp_path / "library", photos)
        setup.update()
        assert_equals_disk(tmp_path / "library", photos)
    setup.catalog.close()


@pytest.mark.parametrize("rounds", [25, pytest.param(150, marks=pytest.mark.full)])
def test_two_writings_within_one_tick_of_the_clock_are_told_apart(photos, tmp_path, rounds):
    """Of one size, one inode and one time: only the reading comes late enough.

    New kernels give a file that was looked at a finer time; what others do is done by hand, within their tick.
    """
    setup = Setup(tmp_path / "library", photos)
    file = photos / "a.png"
    one, other = content(1, tmp_path), content(2, tmp_path)
    assert len(one) == len(other)
    file.write_bytes(one)
    alike = 0
    for turn in range(8 * rounds):  # as many as it takes, on a busy machine, until enough of them fell into one tick
        if turn >= rounds and alike > rounds // 4:
            break
        in_place(file, one if turn % 2 else other)
        first = file.stat()
        reader = threading.Thread(target=setup.update)
        reader.start()
        time.sleep(0.0005 * (turn % 8))
        in_place(file, other if turn % 2 else one)
        os.utime(file, ns=(first.st_atime_ns, first.st_mtime_ns))
        in_tick = time.time_ns() - first.st_mtime_ns < 10_000_000
        alike += in_tick
        reader.join()
        if not in_tick:
            os.utime(file)
        setup.update()
        assert_equals_disk(tmp_path / "library", photos)
    assert alike > rounds // 4, "hardly any two writings fell into one tick: this proved nothing"
    setup.catalog.close()


def test_under_watch_too(photos, tmp_path, watch, until_equal):
    moments = random.Random(5)
    drawn = [content(number, tmp_path) for number in range(40)]
    files = [photos / f"{number}.png" for number in range(3)]
    for file in files:
        file.write_bytes(drawn[0])
    watched = watch(photos)
    for _ in range(6):
        for _ in range(60):
            moments.choice([in_place, replaced, appended])(moments.choice(files), moments.choice(drawn))
            time.sleep(moments.choice([0, 0.001, 0.02]))
        until_equal(watched, photos)


def test_times_set_by_hand_do_not_deceive_it(photos, tmp_path):
    """The clock goes back and forward: times of long ago, of the future, and the old time on new bytes."""
    setup = Setup(tmp_path / "library", photos)
    year = 365 * 24 * 3600 * 10**9
    now = time.time_ns()
    for number, offset in enumerate([-60 * year, -year, 0, 10**10, year, 200 * year]):
        file = picture(photos / f"{number}.png", number)
        os.utime(file, ns=(now + offset, now + offset))
    start = time.monotonic()
    assert setup.update().added == 6
    assert setup.update().unchanged == 6
    assert_equals_disk(tmp_path / "library", photos)
    for number in range(6):  # the time goes back, and the bytes are others
        file = photos / f"{number}.png"
        before = file.stat()
        picture(file, 300 + number)
        os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns - year))
    assert setup.update().changed == 6
    assert_equals_disk(tmp_path / "library", photos)
    file = photos / "0.png"
    before = file.stat()
    replaced(file, content(999, tmp_path))  # another file under the old name, size and time, as `rsync -t` leaves it
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert file.stat().st_ino != before.st_ino
    assert setup.update().changed == 1
    assert_equals_disk(tmp_path / "library", photos)
    assert time.monotonic() - start < 60, "it waited for a time of the future"
    setup.catalog.close()


def test_a_clock_that_jumps_while_it_watches_holds_nothing_up(photos, watch, until_equal):
    """No root may set this machine's clock for a test: our own readings of it are shifted, by years, in the watcher."""
    picture(photos / "0.png", 0)
    watched = watch(photos)
    watched.stop()
    for years in (-30, 30):
        watched.start(children.watch_by_another_clock, years)
        picture(photos / f"{years}.png", 40 + years)
        os.utime(picture(photos / f"{years} too.png", 80 + years))
        until_equal(watched, photos)
        watched.stop()
    assert watched.encoded() == 5
