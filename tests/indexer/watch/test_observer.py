import logging
import os
import shutil
import sys
import time

import pytest
from polyglance.indexer.disk.exclude import USUAL, Exclusion
from polyglance.indexer.watch.observer import RootWatch, Troubles, WatchRefused


class Hints(list):
    def add(self, folder, deep):
        self.append((folder, deep))

    def wait_for(self, hint, seconds=10):
        end = time.monotonic() + seconds
        while hint not in self:
            assert time.monotonic() < end, f"{hint} not among {self}"
            time.sleep(0.01)


@pytest.fixture
def hints():
    return Hints()


@pytest.fixture
def watched(photos, hints):
    (photos / "old").mkdir()
    (photos / "old" / "a.jpg").touch()
    watch = RootWatch(os.fsencode(photos), Exclusion(["drafts/"]), hints.add)
    yield watch
    watch.stop()


def test_a_written_file_makes_its_folder_dirty(watched, photos, hints):
    (photos / "old" / "b.jpg").write_bytes(b"x")
    hints.wait_for((b"old", False))


def test_a_new_folder_is_dirty_in_depth_and_watched_from_then_on(watched, photos, hints):
    (photos / "new" / "deep").mkdir(parents=True)
    hints.wait_for((b"new", True))
    time.sleep(0.2)
    (photos / "new" / "deep" / "c.jpg").write_bytes(b"x")
    hints.wait_for((b"new/deep", False))


def test_both_ends_of_a_move_are_dirty(watched, photos, hints):
    (photos / "old").rename(photos / "renamed")
    hints.wait_for((b"old", True))
    hints.wait_for((b"renamed", True))


def test_a_folder_moved_in_and_one_moved_out_are_dirty(watched, photos, hints, tmp_path):
    shutil.copytree(photos / "old", tmp_path / "outside")
    (tmp_path / "outside").rename(photos / "in")
    hints.wait_for((b"in", True))
    (photos / "old").rename(tmp_path / "out")
    hints.wait_for((b"old", True))


def test_a_hard_link_makes_its_folder_dirty(watched, photos, hints):
    os.link(photos / "old" / "a.jpg", photos / "link.jpg")
    hints.wait_for((b"", False))


def test_a_deleted_file_makes_its_folder_dirty(watched, photos, hints):
    (photos / "old" / "a.jpg").unlink()
    hints.wait_for((b"old", False))


def test_what_is_excluded_or_no_picture_gives_no_hint(watched, photos, hints):
    (photos / "drafts").mkdir()
    (photos / ".hidden").mkdir()
    time.sleep(0.2)
    for name in ("drafts/a.jpg", ".hidden/b.jpg", "notes.txt", "old/.c.jpg"):
        (photos / name).write_bytes(b"x")
    (photos / "last.jpg").write_bytes(b"x")
    hints.wait_for((b"", False))
    assert set(hints) == {(b"", False)}


def test_names_that_are_no_text_are_watched(watched, photos, hints):
    folder = os.path.join(os.fsencode(photos), b"\xff\xfe")
    os.mkdir(folder)
    hints.wait_for((b"\xff\xfe", True))


def test_a_handler_that_cannot_cope_asks_for_everything(photos, hints):
    class Broken(Exclusion):
        def reaches(self, relative, *, folder):
            raise ValueError

    watch = RootWatch(os.fsencode(photos), Broken(), hints.add)
    (photos / "a.jpg").write_bytes(b"x")
    hints.wait_for((b"", True))
    (photos / "b.jpg").write_bytes(b"x")
    assert watch.is_alive
    watch.stop()


def test_a_dead_thread_is_noticed(watched):
    assert watched.is_alive
    watched._threads[-1].stop()
    watched._threads[-1].join(5)
    assert not watched.is_alive


def test_a_root_exchanged_for_another_folder_is_noticed(watched, photos):
    photos.rename(photos.with_name("aside"))
    assert not watched.is_alive
    photos.mkdir()
    assert not watched.is_alive


def test_a_folder_that_is_not_there_is_refused(tmp_path, hints):
    with pytest.raises(WatchRefused, match="No such file"):
        RootWatch(os.fsencode(tmp_path / "none"), USUAL, hints.add)


@pytest.mark.skipif(sys.platform != "linux", reason="inotify counts its watches")
def test_every_folder_is_watched_and_none_after_the_end(photos, hints):
    for number in range(20):
        (photos / f"{number}" / "deep").mkdir(parents=True)
    watch = RootWatch(os.fsencode(photos), USUAL, hints.add)
    assert watch.watched == 41
    other = RootWatch(os.fsencode(photos / "1"), USUAL, hints.add)
    assert (watch.watched, other.watched) == (41, 2)
    other.stop()
    watch.stop()
    assert not any(thread.is_alive() for thread in [*watch._threads, *other._threads])


def test_what_watchdog_only_logs_is_trouble_and_stays_out_of_the_terminal(capfd):
    seen = []
    with Troubles(lambda: seen.append(1)):
        logging.getLogger("watchdog.observers.inotify_c").warning("Inotify queue overflowed; events were lost")
        logging.getLogger("watchdog.observers.inotify_c").debug("nothing")
    assert seen == [1]
    assert capfd.readouterr().err == ""
    logging.getLogger("watchdog.observers.inotify_c").warning("afterwards")
    assert seen == [1]
