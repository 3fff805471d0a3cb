import os
import shutil
import subprocess
import threading
import time
from contextlib import contextmanager
from dataclasses import replace
from types import SimpleNamespace

import psutil
import pytest
from PIL import Image
from polyglance.errors import LibraryBusy, LibraryError
from polyglance.indexer.disk.exclude import Exclusion
from polyglance.indexer.run.stop import Stop
from polyglance.indexer.run.update import update
from polyglance.indexer.watch.service import Host, Service, Timing

QUICK = Timing(quiet=0.15, ceiling=1.5, rescan=3600, poll=0.5, tick=0.1, retry=0.1)


class Watching:
    """A service over a Setup, with what it did."""

    def __init__(self, setup, timing):
        self.setup, self.stop = setup, Stop()
        self.reports, self.coverage, self.places = [], [], []
        self.patterns, self.errors = [], []
        self.ticks = 0
        host = Host(
            roots=self._roots,
            some_paths=setup.catalog.photos.some_paths,
            exclusion=lambda: Exclusion(self.patterns),
            update=self._update,
            publish=lambda coverages: setattr(self, "coverage", list(coverages)),
            report=self.reports.append,
        )
        self.service = Service(host, timing, self.stop)
        self.thread = threading.Thread(target=self.service.run)

    def _update(self, places, missed):
        if self.errors:
            raise self.errors.pop(0)
        self.places.append(places)
        pipeline = replace(self.setup.pipeline, stop=self.stop)
        return update(pipeline, places, exclusion=Exclusion(self.patterns), strict=False, missed_before=missed)

    def until(self, condition, seconds=20):
        end = time.monotonic() + seconds
        while not condition():
            assert self.thread.is_alive(), "the service ended"
            assert time.monotonic() < end, f"still not: {self.names()} {self.coverage}"
            time.sleep(0.02)

    def _roots(self):
        """The service asks for them at every tick."""
        self.ticks += 1
        return self.setup.catalog.roots.all(counted=False)

    def settle(self):
        """Wait until nothing was compared during five ticks."""
        quiet_since, compared = self.ticks, len(self.places)

        def is_settled():
            nonlocal quiet_since, compared
            if len(self.places) > compared:
                quiet_since, compared = self.ticks, len(self.places)
            return self.ticks >= quiet_since + 5

        self.until(is_settled)

    def wait_for_ticks(self, count):
        """Wait until disks and observers were looked after so many times."""
        end = self.ticks + count
        self.until(lambda: self.ticks >= end)

    def names(self):
        """Absolute paths of all photos."""
        catalog = self.setup.catalog
        return {os.path.join(root.path, path) for root in catalog.roots.all() for path in catalog.photos.known(root.id)}

    def how(self):
        return [each.how for each in self.coverage]


@pytest.fixture
def watching(setup):
    @contextmanager
    def start(timing=QUICK, **changes):
        running = Watching(setup, replace(timing, **changes))
        running.thread.start()
        try:
            yield running
        finally:
            running.stop.ask()
            running.thread.join(10)
        assert not running.thread.is_alive()

    return start


def paths_of(*files):
    return {os.fsencode(file) for file in files}


def test_what_is_there_is_indexed_and_what_comes_is_followed(watching, photos, draw):
    a = draw(photos / "a.png", 1)
    with watching() as running:
        running.until(lambda: running.names() == paths_of(a))
        b = draw(photos / "deep" / "er" / "b.png", 2)
        running.until(lambda: running.names() == paths_of(a, b))
        a.unlink()
        running.until(lambda: running.names() == paths_of(b))
        shutil.rmtree(photos / "deep")
        running.until(lambda: running.names() == set())
        assert running.how() == ["native"]


def test_only_the_dirty_folder_is_compared(watching, photos, draw):
    for number in range(6):
        draw(photos / f"{number}" / "a.png", number)
    with watching() as running:
        running.until(lambda: len(running.names()) == 6)
        running.settle()
        before = len(running.places)
        draw(photos / "3" / "b.png", 99)
        running.until(lambda: len(running.names()) == 7)
        compared = [(place.below, place.deep) for places in running.places[before:] for place in places]
        assert set(compared) == {(b"3", False)}


def test_a_folder_moved_keeps_ids_and_costs_no_encoding(watching, setup, photos, draw):
    for number in range(8):
        draw(photos / "old" / f"{number}.png", number)
    with watching() as running:
        running.until(lambda: len(setup.ids()) == 8)
        before = setup.ids()
        (photos / "old").rename(photos / "new")
        running.until(lambda: all(path.startswith(b"new/") for path in setup.ids()))
        assert {path[4:]: photo for path, photo in before.items()} == {
            path[4:]: photo for path, photo in setup.ids().items()
        }
        assert setup.encoder.encoded == 8


def test_a_file_moved_to_another_root_keeps_its_id(watching, setup, photos, draw, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    second = setup.catalog.roots.add(os.fsencode(other))
    draw(photos / "a.png", 1)
    draw(photos / "stays.png", 2)
    with watching() as running:
        running.until(lambda: len(setup.ids()) == 2)
        photo_id = setup.ids()[b"a.png"]
        (photos / "a.png").rename(other / "b.png")
        running.until(lambda: b"b.png" in setup.catalog.photos.known(second.id) and len(setup.ids()) == 1)
        assert setup.catalog.photos.known(second.id)[b"b.png"].photo_id == photo_id
        assert setup.encoder.encoded == 2


def test_a_root_added_meanwhile_is_followed_and_a_forgotten_one_is_not(watching, setup, photos, tmp_path, draw):
    other = tmp_path / "other"
    other.mkdir()
    with watching() as running:
        running.until(lambda: running.how() == ["native"])
        root = setup.catalog.roots.add(os.fsencode(other))
        running.until(lambda: running.how() == ["native", "native"])
        a = draw(other / "a.png", 1)
        running.until(lambda: running.names() == paths_of(a))
        setup.catalog.roots.remove(root.id)
        running.until(lambda: running.how() == ["native"])


def test_a_file_still_being_written_is_not_read(watching, setup, photos, draw, tmp_path):
    data = draw(tmp_path / "whole.png", 5).read_bytes()
    with watching(quiet=0.4) as running:
        running.until(lambda: running.how() == ["native"])
        with (photos / "slow.png").open("wb") as file:
            for start in range(0, len(data), 20):
                file.write(data[start : start + 20])
                file.flush()
                (photos / f"other{start}.png").write_bytes(data)  # keeps the folder busy
                time.sleep(0.1)
        running.until(lambda: b"slow.png" in setup.ids())
        assert not [failure for report in running.reports for failure in report.tally.failures]


def test_a_file_that_is_always_written_is_read_at_the_ceiling(watching, setup, photos, draw):
    stop = threading.Event()

    def webcam():
        number = 0
        while not stop.wait(0.05):
            number += 1
            draw(photos / "webcam.png", number)

    with watching(quiet=0.3, ceiling=1) as running:
        running.until(lambda: running.how() == ["native"])
        writer = threading.Thread(target=webcam)
        writer.start()
        try:
            running.until(lambda: b"webcam.png" in setup.ids(), 8)
        finally:
            stop.set()
            writer.join()


def test_lost_events_are_made_good_by_the_rescan(watching, photos, draw, monkeypatch):
    monkeypatch.setattr(Service, "_on_event", lambda *_: None)
    with watching(rescan=0.5) as running:
        running.until(lambda: running.how() == ["native"])
        a = draw(photos / "a.png", 1)
        running.until(lambda: running.names() == paths_of(a))


def test_trouble_is_answered_by_a_rescan(watching, photos, draw, monkeypatch):
    hint, lost = Service._on_event, []

    def lose_events(self, root, folder, deep):
        if deep:
            hint(self, root, folder, deep)
        else:
            lost.append(folder)

    monkeypatch.setattr(Service, "_on_event", lose_events)
    with watching() as running:
        running.until(lambda: running.how() == ["native"])
        running.settle()
        a = draw(photos / "a.png", 1)
        running.until(lambda: lost)
        running.settle()
        assert running.names() == set()
        running.service._on_trouble()
        running.until(lambda: running.names() == paths_of(a))


def test_a_dead_observer_is_started_again_and_what_it_missed_is_found(watching, photos, draw):
    with watching(tick=0.5) as running:
        running.until(lambda: running.how() == ["native"])
        running.wait_for_ticks(1)
        (followed,) = running.service._followed.values()
        dead = followed.watch
        for thread in dead._threads:
            thread.stop()
        for thread in dead._threads:
            thread.join(5)
        a = draw(photos / "a.png", 1)
        running.until(lambda: running.names() == paths_of(a))
        assert followed.watch is not dead
        b = draw(photos / "b.png", 2)
        running.until(lambda: running.names() == paths_of(a, b))


def test_a_root_that_goes_away_is_offline_loses_nothing_and_is_found_again(watching, setup, photos, draw):
    for number in range(5):
        draw(photos / f"{number}.png", number)
    with watching() as running:
        running.until(lambda: len(running.names()) == 5)
        aside = photos.rename(photos.with_name("unplugged"))
        running.until(lambda: running.how() == ["offline"])
        photos.mkdir()  # an empty mount point
        running.wait_for_ticks(6)
        assert len(running.names()) == 5
        photos.rmdir()
        draw(aside / "new.png", 77)
        aside.rename(photos)
        running.until(lambda: running.how() == ["native"] and len(running.names()) == 6)
        assert setup.encoder.encoded == 6


def test_a_network_disk_is_polled(watching, setup, photos, draw, monkeypatch):
    share = SimpleNamespace(device="nas:/photos", mountpoint=str(photos), fstype="nfs4", opts="rw")
    table = [*psutil.disk_partitions(all=True), share]
    monkeypatch.setattr(psutil, "disk_partitions", lambda **_: table)
    with watching() as running:
        running.until(lambda: running.how() == ["polling"])
        assert "nfs4" in running.coverage[0].note
        assert next(iter(running.service._followed.values())).watch is None
        a = draw(photos / "a.png", 1)
        running.until(lambda: running.names() == paths_of(a))


def test_new_patterns_apply_without_a_restart(watching, photos, draw):
    a, b = draw(photos / "a.png", 1), draw(photos / "drafts" / "b.png", 2)
    with watching() as running:
        running.until(lambda: running.names() == paths_of(a, b))
        running.patterns = ["drafts/"]
        running.until(lambda: running.names() == paths_of(a))
        running.patterns = []
        running.until(lambda: running.names() == paths_of(a, b))


@pytest.mark.parametrize(
    "error", [LibraryBusy("busy"), LibraryError("The disk is full."), OSError(28, "No space left")]
)
def test_what_fails_is_tried_again_and_loses_nothing(watching, photos, draw, error):
    with watching() as running:
        running.until(lambda: running.how() == ["native"])
        running.settle()
        running.errors = [error, error]
        a = draw(photos / "deep" / "a.png", 1)
        running.until(lambda: running.names() == paths_of(a))
        assert running.errors == []


def test_it_stops_after_the_batch_in_hand(watching, setup, photos, draw, monkeypatch):
    for number in range(40):
        draw(photos / f"{number}.png", number)
    encode = setup.encoder.encode_images

    def slowly(images):
        time.sleep(0.2)
        return encode(images)

    monkeypatch.setattr(setup.encoder, "encode_images", slowly)
    with watching() as running:
        running.until(lambda: setup.encoder.encoded >= 4)
        running.stop.ask()
        running.thread.join(5)
        assert not running.thread.is_alive()
        done = len(setup.catalog.vectors.ids(1))
        assert done == setup.encoder.encoded < 40
        running.thread = threading.Thread(target=time.sleep, args=(0,))
        running.thread.start()


@pytest.mark.parametrize("roots", [1, 0])
def test_idle_it_costs_next_to_nothing(watching, setup, photos, draw, roots):
    draw(photos / "a.png", 1)
    if not roots:
        setup.catalog.roots.remove(setup.root.id)
    others = set(threading.enumerate())  # what other tests left running in this process

    def seconds():
        ours = set(threading.enumerate()) - others
        return sum(time.clock_gettime(time.pthread_getcpuclockid(thread.ident)) for thread in ours)

    with watching(tick=1) as running:
        running.until(lambda: len(running.names()) == roots)
        time.sleep(1)
        before = seconds()
        time.sleep(2)
        assert before > 0
        assert seconds() - before < 0.1


def test_a_disk_mounted_inside_a_root_goes_and_comes(watching, setup, photos, draw, tmp_path):
    disk = tmp_path / "disk"
    for number in range(3):
        draw(disk / f"{number}.png", number)
    point = photos / "point"
    point.mkdir()
    here = draw(photos / "here.png", 50)
    if os.geteuid() != 0 or subprocess.run(["mount", "--bind", disk, point]).returncode:
        pytest.skip("mounting is not permitted here")
    mounted = True
    try:
        with watching() as running:
            running.until(lambda: len(running.names()) == 4)
            running.settle()
            subprocess.run(["umount", point], check=True)
            mounted = False
            second = draw(photos / "second.png", 51)
            running.until(lambda: os.fsencode(second) in running.names())
            running.wait_for_ticks(6)
            assert len(running.names()) == 5
            subprocess.run(["mount", "--bind", disk, point], check=True)
            mounted = True
            draw(disk / "new.png", 60)
            running.until(lambda: len(running.names()) == 6)
            here.unlink()
            running.until(lambda: len(running.names()) == 5)
            assert setup.encoder.encoded == 6
    finally:
        if mounted:
            subprocess.run(["umount", point], check=True)


def test_pictures_are_drawn_differently(tmp_path, draw):
    assert Image.open(draw(tmp_path / "a.png", 1)).tobytes() != Image.open(draw(tmp_path / "b.png", 2)).tobytes()
