"""`serve --processes 2` as real processes, and what they share."""

import base64
import concurrent.futures
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections import Counter

import children
import colour_encoder
import psutil
import pytest
from compare import until
from polyglance.benchmarks import sleeping_encoder
from polyglance.benchmarks.pictures import photo_like
from polyglance.cli import serve
from polyglance.config import Settings
from polyglance.data import watch_state
from polyglance.encoders import registry
from polyglance.errors import JobRunning
from polyglance.library import Library
from polyglance.ui.web import supervisor
from polyglance.ui.web.attempts import CLIENT
from polyglance.ui.web.devices import Devices
from polyglance.ui.web.job_board import JobBoard
from polyglance.ui.web.jobs import Job
from polyglance.ui.web.limits import LIMITS
from polyglance.ui.web.shared_attempts import SharedAttempts
from polyglance.ui.web.sharing import shared_by

pytestmark = pytest.mark.skipif(os.name == "nt", reason="many processes are for Linux and macOS")

TOKEN = "0123456789abcdef"
AUTHORIZATION = "Basic " + base64.b64encode(f"me:{TOKEN}".encode()).decode()


class Server:
    """A running `polyglance serve --processes 2`."""

    def __init__(self, folder, environment):
        self.errors = folder / "errors"
        command = [sys.executable, "-m", "polyglance", "--library", str(folder / "library"), "serve", "--port", "0"]
        command += ["--processes", "2", "--log-format", "json"]
        with self.errors.open("wb") as errors:
            self.process = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=errors, text=True, env=environment, start_new_session=True
            )
        self.address = self.process.stdout.readline().split()[3]

    def get(self, path, method="GET", body=None):
        headers = {"Authorization": AUTHORIZATION, "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.address + path, data, headers, method=method)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.loads(answer.read()) if "json" in answer.headers["content-type"] else answer.read()

    def workers(self):
        children = psutil.Process(self.process.pid).children()
        living = [child for child in children if child.status() != psutil.STATUS_ZOMBIE]
        return {child.pid for child in living if "spawn_main" in " ".join(child.cmdline())}

    def answered(self):
        """How many requests each process has answered, as the log says."""
        lines = [json.loads(line) for line in self.errors.read_text().splitlines()]
        return Counter(line["process"] for line in lines if line["logger"] == "polyglance.requests")

    def both_answer(self):
        """Ask until each of two processes has answered a new request."""
        before = self.answered()
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda _: self.get("/healthz"), range(16)))
        return len(self.answered() - before) == 2


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("many")
    (folder / "photos").mkdir()
    photo_like(64, 48, 1).save(folder / "photos" / "1.png")
    with Library.open(folder / "library", settings=Settings(), encoder=sleeping_encoder.SleepingEncoder(0)) as library:
        library.index([folder / "photos"])
    environment = sleeping_encoder.register(folder / "packages") | {"POLYGLANCE_AUTH": f"me:{TOKEN}"}
    started = Server(folder, environment)
    started.folder = folder
    until(started.both_answer, 120)
    yield started
    started.process.kill()
    started.process.wait()
    started.process.stdout.close()


def test_what_one_process_indexes_the_other_finds(server):
    assert server.get("/api/v1/search?q=a&all=true")["results"][0]["path"].endswith("1.png")
    photo_like(64, 48, 2).save(server.folder / "photos" / "2.png")
    server.get("/api/v1/jobs", "POST", {"root": None})

    def jobs():
        return [server.get("/api/v1/jobs/current")["job"] for _ in range(8)]

    until(lambda: all(job is not None and job["state"] == "done" for job in jobs()), 60)
    assert {(job["id"], job["report"]["added"]) for job in jobs()} == {(1, 1)}  # whichever process answers
    results = Counter()

    def both_searched():  # the system gives a connection to either process, and may give many in a row to one
        before = server.answered()
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            answers = pool.map(server.get, [f"/api/v1/search?q=b{number}&all=true" for number in range(12)])
            results.update(len(answer["results"]) for answer in answers)
        return len(server.answered() - before) == 2

    until(both_searched, 60)
    assert set(results) == {2}


def test_wrong_passwords_count_whichever_process_they_reach(server):
    def ask(token):
        header = "Basic " + base64.b64encode(f"me:{token}".encode()).decode()
        try:
            urllib.request.urlopen(
                urllib.request.Request(f"{server.address}/api/v1/status", headers={"Authorization": header})
            )
        except urllib.error.HTTPError as error:
            with error:
                return error.code
        return 200

    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        statuses = Counter(pool.map(ask, [f"wrong-{number}" for number in range(30)]))
    assert statuses[401] <= CLIENT.free + 2  # one process alone lets free + 1 be checked
    assert statuses[401] + statuses[429] == 30
    until(lambda: ask(TOKEN) == 200, 120)


def test_a_process_that_dies_is_replaced_and_the_server_answers_on(server):
    victim = min(server.workers())
    os.kill(victim, signal.SIGKILL)
    assert server.get("/healthz") == b"ok"
    until(lambda: len(server.workers() - {victim}) == 2 and server.both_answer(), 60)
    assert f"Process {victim} of the server ended by signal 9" in server.errors.read_text()


def test_a_signal_ends_all_processes_within_the_limit(server):
    workers, start = server.workers(), time.monotonic()
    os.killpg(server.process.pid, signal.SIGINT)  # as a terminal does it: to every process of the group
    assert server.process.wait(supervisor.END_SECONDS + 10) == 0
    assert time.monotonic() - start < supervisor.END_SECONDS
    assert not [pid for pid in workers if psutil.pid_exists(pid)]
    assert "Traceback" not in server.errors.read_text()


def test_another_process_takes_over_when_the_one_that_watches_dies(tmp_path, monkeypatch):
    monkeypatch.setattr(serve, "WATCHER_SECONDS", 0.1)
    monkeypatch.setattr(registry, "create", colour_encoder.create)
    photos, folder = tmp_path / "photos", tmp_path / "library"
    colour_encoder.picture(photos / "1.png", 1)
    with children.opened(folder) as library:
        library.index([photos])
        first = children.start(children.watch, folder)
        until(lambda: (state := watch_state.read(folder)) is not None and state.process == first.pid, 60)
        with serve.watching(library, waits=True):
            time.sleep(0.3)  # it has asked by now, and was refused
            assert watch_state.read(folder).process == first.pid
            first.kill()
            first.join()
            until(lambda: (state := watch_state.read(folder)) is not None and state.process == os.getpid(), 60)
            colour_encoder.picture(photos / "2.png", 2)
            until(lambda: library.status().photos == 2, 60)


# --- what they share, in one process -------------------------------------------------------------


def test_a_process_that_dies_again_and_again_is_started_after_longer_and_longer_pauses():
    assert [supervisor.pause_after(lives) for lives in (0, 1, 2, 5, 6, 60)] == [0, 1, 2, 16, 30, 30]


def test_two_processes_count_the_attempts_of_a_client_together():
    with shared_by(2) as sharing:
        one, other = (SharedAttempts(sharing.folder, lambda: 100.0) for _ in range(2))
        for attempts in (one, other) * 3:
            attempts.failed("10.0.0.1")
        assert one.seconds_to_wait("10.0.0.1") == other.seconds_to_wait("10.0.0.1") == 1
        one.succeeded("10.0.0.2")
        for _ in range(150):
            other.failed("10.0.0.3")
        assert other.seconds_to_wait("10.0.0.2") == 0 < other.seconds_to_wait("10.0.0.4")
    assert not sharing.folder.exists()


def test_the_cookie_of_one_process_is_known_to_the_other():
    with shared_by(2) as sharing:
        cookie = Devices(sharing.device_key).cookie(is_encrypted=False).partition(";")[0]
        assert Devices(sharing.device_key).name(cookie)
        assert Devices().name(cookie) is None


def test_memory_for_pictures_is_divided_and_one_picture_always_passes():
    assert LIMITS.of_each(1) == LIMITS
    four, many = LIMITS.of_each(4), LIMITS.of_each(64)
    assert (four.body.memory_bytes * 4, four.pictures_at_once * 4) == (
        LIMITS.body.memory_bytes,
        LIMITS.pictures_at_once,
    )
    assert (many.pictures_at_once, many.connections) == (1, LIMITS.connections)


def test_a_job_of_another_process_is_seen_stopped_and_known_to_have_died(tmp_path):
    one, other = JobBoard(tmp_path), JobBoard(tmp_path)
    assert other.read() is None
    job = Job(3, "/photos")
    with one.held():
        one.publish(job.document())
        assert (other.read().id, other.read().state) == (3, "running")
        other.ask_stop(3)
        assert one.is_stop_asked(3) and not one.is_stop_asked(4)
        with pytest.raises(JobRunning), other.held():
            pass
    died = other.read()  # nobody holds the lock, and the file still says that it runs
    assert (died.state, died.error.code) == ("failed", "job_failed")
    assert not one.is_stop_asked(3)
    one.clear(3)
    assert other.read() is None


@pytest.mark.parametrize("text", ["", "{", "[]", '{"id": 1}', "\0"])
def test_a_damaged_file_of_the_job_is_no_job(tmp_path, text):
    (tmp_path / "job.json").write_text(text)
    assert JobBoard(tmp_path).read() is None
