"""Encoding by workers of Ray: a real cluster of several raylets, real kills, a clock that differs."""

import fcntl
import importlib.util
import os
import threading
import time
from pathlib import Path

import colour_encoder
import pytest
from polyglance.benchmarks import ray_cluster
from polyglance.config import Settings
from polyglance.data import paths
from polyglance.errors import EncoderError, PolyglanceError, Stopped, UsageError
from polyglance.indexer.run import ray_connection, ray_workers
from polyglance.indexer.run.ray_address import Address, Crew
from polyglance.indexer.run.stop import Stop
from polyglance.library import Library

needs_ray = [
    pytest.mark.cluster,
    pytest.mark.slow,
    pytest.mark.timeout(900),  # some minutes on a machine that does much else
    pytest.mark.xdist_group("ray"),
    pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="Ray is not installed: extra cluster"),
]
HOUR = 3600


@pytest.fixture(scope="module")
def cluster():
    tests = str(Path(colour_encoder.__file__).parent)  # the workers have to find the encoder
    with ray_cluster.running(raylets=2, PYTHONPATH=tests) as running:
        yield running


@pytest.fixture
def photo_folder(tmp_path):
    folder = tmp_path / "photos"
    for number in range(40):
        colour_encoder.picture(folder / f"{number % 3}" / f"{number}.png", number)
    (folder / "broken.png").write_bytes(b"no picture")
    (folder / "copy.png").write_bytes((folder / "0" / "0.png").read_bytes())
    return folder


@pytest.fixture
def open_library(tmp_path):
    opened = []

    def open_it(name, workers=None, **encoder):
        settings = Settings(library=tmp_path / name, workers=workers, batch_size=4, decode_workers=2)
        log = str(tmp_path / f"{name}.log")
        own = colour_encoder.ColourEncoder(log=log, **encoder)
        opened.append(Library.open(tmp_path / name, settings=settings, encoder=own))
        return opened[-1]

    yield open_it
    for each in opened:
        each.close()


def rows(library):
    """Every row of the library, without ids: path -> (hash, vector, error)."""
    result = {}
    record = library.catalog.encoders.active()
    for root in library.catalog.roots.all():
        for path, known in library.catalog.photos.known(root.id).items():
            photo = library.catalog.photos.get(known.photo_id)
            vector = library.catalog.vectors.get(photo.content_hash, record.id) if photo.content_hash else None
            key = paths.join(root.path, path)
            facts = (photo.width, photo.height, photo.format, photo.size, photo.mtime_ns)
            result[key] = (photo.content_hash, None if vector is None else vector.tobytes(), photo.error, facts)
    return result


def encoded(library):
    return Path(f"{library.folder}.log").stat().st_size


class TestOnACluster:
    pytestmark = needs_ray

    def test_workers_give_what_this_process_gives_and_a_second_run_encodes_nothing(
        self, cluster, open_library, photo_folder
    ):
        here, there = open_library("here"), open_library("there", cluster.url)
        here.index([photo_folder])
        ticks = []
        report = there.index([photo_folder], progress=ticks.append)
        assert rows(there) == rows(here)
        assert (report.tally.added, len(report.tally.failures)) == (41, 1)
        assert ticks[-1].done == ticks[-1].total == 42
        assert {each.name for each in there.folder.glob("thumbnails/**/*.jpg")} == {
            each.name for each in here.folder.glob("thumbnails/**/*.jpg")
        }
        before = encoded(there)
        for path in photo_folder.rglob("*.png"):
            path.touch()
        (photo_folder / "another copy.png").write_bytes((photo_folder / "1" / "1.png").read_bytes())
        tally = there.rescan().tally
        assert (tally.unchanged, tally.added, tally.encoded) == (41, 1, 0)
        assert encoded(there) == before, "the workers ask what the library has"

    def test_while_it_runs_no_other_cluster_is_started_here(self, cluster):
        with open(ray_cluster.LOCK, "w") as file, pytest.raises(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def test_a_killed_worker_loses_nothing_and_doubles_nothing(self, cluster, open_library, photo_folder):
        here, there = open_library("here"), open_library("there", cluster.url, seconds=0.1)
        here.index([photo_folder])
        killed = []

        def kill_once(tick):
            if tick.done > 8 and not killed:
                killed.append(cluster.kill_worker())

        tally = there.index([photo_folder], progress=kill_once).tally
        assert killed
        assert (tally.added, len(tally.failures)) == (41, 1)
        assert rows(there) == rows(here)
        # Two batches of the worker may have been encoded without having come back.
        assert encoded(here) <= encoded(there) <= encoded(here) + ray_workers.AHEAD * 4

    def test_a_clock_that_differs_by_an_hour_changes_nothing(self, cluster, open_library, photo_folder):
        for number, path in enumerate(sorted(photo_folder.rglob("*.png"))):
            moment = time.time() + (HOUR, -HOUR, 0)[number % 3]  # as a file server writes them
            os.utime(path, (moment, moment))
        here, there = open_library("here"), open_library("there", cluster.url)
        here.index([photo_folder])
        assert there.index([photo_folder]).tally.added == 41
        assert rows(there) == rows(here)
        assert there.rescan().tally.unchanged == 41

    def test_a_run_that_is_asked_to_stop_keeps_what_was_read_and_the_next_one_goes_on(
        self, cluster, open_library, photo_folder
    ):
        there = open_library("there", cluster.url, seconds=0.05)
        stop = Stop()
        with pytest.raises(Stopped):
            there.index([photo_folder], progress=lambda tick: stop.ask(), stop=stop)
        begun = len(rows(there))
        assert 0 < begun < 42
        assert there.index([photo_folder]).tally.added + begun in {41, 42}
        assert len(rows(there)) == 42

    def test_a_worker_with_another_encoder_is_refused_in_one_line(self, cluster, open_library, photo_folder):
        there = open_library("there", cluster.url)
        there.index([photo_folder])
        colour_encoder.picture(photo_folder / "new.png", 99)
        there._parts.own_encoder = None
        with pytest.raises(EncoderError, match=r"worker on .* cannot make the encoder colour") as raised:
            there.rescan()
        assert "\n" not in str(raised.value)
        assert len(rows(there)) == 42

    @pytest.mark.parametrize("kills", [1, ray_connection.CONNECT_ATTEMPTS])
    def test_a_client_server_of_ray_that_dies_at_its_start_is_started_again(
        self, cluster, open_library, photo_folder, monkeypatch, caplog, kills
    ):
        monkeypatch.setattr(ray_connection, "RETRY_SECONDS", 0.1)
        there = open_library("there", cluster.url)
        is_over = threading.Event()  # one that ends by itself takes an attempt, and is not there to be killed
        killer = threading.Thread(target=cluster.kill_client_servers, args=(kills, is_over), daemon=True)
        killer.start()
        if kills < ray_connection.CONNECT_ATTEMPTS:
            assert there.index([photo_folder]).tally.added == 41
        else:
            with pytest.raises(PolyglanceError, match=r"Ray does not answer at 127.0.0.1:\d+: Init.*") as raised:
                there.index([photo_folder])
            assert "\n" not in str(raised.value)
            assert not rows(there)
        is_over.set()
        killer.join()
        again = caplog.text.count("Ray did not start a server for this process, trying again")
        assert min(kills, ray_connection.CONNECT_ATTEMPTS - 1) <= again < ray_connection.CONNECT_ATTEMPTS

    def test_a_killed_machine_loses_nothing_and_doubles_nothing(self, cluster, open_library, photo_folder):
        """The last test of the cluster, which has a machine less after it."""
        here, there = open_library("here"), open_library("there", cluster.url, seconds=0.1)
        here.index([photo_folder])
        killed = []

        def kill_once(tick):
            if tick.done > 8 and not killed:
                killed.append(cluster.kill_machine())

        assert there.index([photo_folder], progress=kill_once).tally.added == 41
        assert killed
        assert rows(there) == rows(here)
        assert encoded(there) <= encoded(here) + ray_workers.AHEAD * 4


def test_a_cluster_that_does_not_answer_is_said_in_one_line(open_library, photo_folder):
    pytest.importorskip("ray")
    library = open_library("there", f"ray://127.0.0.1:{ray_cluster.free_port()}")
    with pytest.raises(PolyglanceError, match="Ray does not answer") as raised:
        library.index([photo_folder])
    assert raised.value.hint
    assert not rows(library)


@pytest.mark.parametrize(
    ("url", "machines", "crew"),
    [
        ("ray://h", [(16, 0), (16, 0)], Crew(8, 4, 0)),
        ("ray://h", [(2, 0)], Crew(1, 2, 0)),
        ("ray://h", [(0, 0), (1, 0), (1, 0)], Crew(2, 1, 0)),
        ("ray://h:1", [(16, 2), (8, 0)], Crew(2, 8, 1)),
        ("ray://h?gpus=0.5", [(8, 1)], Crew(2, 4, 0.5)),
        ("ray://h?gpus=0", [(8, 1)], Crew(2, 4, 0)),
        ("ray://h?workers=4", [(4, 0)], Crew(4, 1, 0)),
        ("ray://h?gpus=1", [(8, 0)], Crew(0, 1, 1)),
    ],
)
def test_workers_are_counted_by_gpus_or_by_groups_of_cores(url, machines, crew):
    assert Address.from_url(url).crew(machines) == crew


def test_addresses():
    assert Address.from_url("ray://[::1]:5?cpus=2") == Address("::1", 5, 0, 2.0)
    assert Address.from_url("ray://local").is_local
    with pytest.raises(UsageError, match="no option wrong"):
        Address.from_url("ray://h?wrong=1")
    with pytest.raises(UsageError, match="numbers"):
        Address.from_url("ray://h?workers=x")
    for url in ("http://h", "ray://", "ray://h/path", "ray://user:secret@h"):
        with pytest.raises(ValueError, match="ray://host:10001"):
            Settings(workers=url)
