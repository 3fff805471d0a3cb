import json
import os
import shutil
import signal
import subprocess
import sys
import time

import pytest
from polyglance import Library
from polyglance.answers.status import Status
from polyglance.data import watch_state
from polyglance.data.catalog.locks import is_watched, watcher_lock
from polyglance.errors import LibraryError


@pytest.fixture
def photos(tmp_path, sample):
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in ("coffee.png", "rocket.jpg"):
        shutil.copy(sample / name, folder)
    return folder


@pytest.fixture
def child_of(tmp_path):
    """Start a real `polyglance` command; what still runs at the end is killed."""
    children = []

    def start(*arguments):
        children.append(Child(tmp_path, *arguments))
        return children[-1]

    yield start
    for child in children:
        if child.process.poll() is None:
            child.process.kill()
        child.process.communicate()


class Child:
    """A real `polyglance` command in a process of its own."""

    def __init__(self, tmp_path, *arguments):
        self.library = tmp_path / "library"
        self.process = subprocess.Popen(
            [sys.executable, "-m", "polyglance", *map(str, arguments)],
            env={**os.environ, "POLYGLANCE_LIBRARY": str(self.library)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def status(self):
        try:
            with Library.open(self.library, create=False) as library:
                return Status.from_library(library.status()).model_dump()
        except LibraryError:  # it is only just being made
            return {"photos": 0, "watch": None}

    def until(self, condition, seconds=60):
        end = time.monotonic() + seconds
        while not condition(self.status()):
            assert self.process.poll() is None, self.process.communicate()
            assert time.monotonic() < end, self.status()
            time.sleep(0.1)

    def end(self, number):
        self.process.send_signal(number)
        start = time.monotonic()
        out, err = self.process.communicate(timeout=30)
        assert time.monotonic() - start < 5
        return self.process.returncode, out, err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_watch_indexes_follows_and_ends_well(child_of, photos, sample, number):
    child = child_of("watch", photos, "--encoder", "lite")
    child.until(lambda status: status["photos"] == 2 and status["watch"] and status["watch"]["roots"])
    assert child.status()["watch"] == {
        "process": child.process.pid,
        "roots": [{"path": str(photos), "how": "native", "note": ""}],
    }
    shutil.copy(sample / "chelsea.png", photos / "new.png")
    child.until(lambda status: status["photos"] == 3)
    code, out, err = child.end(number)
    assert code == 0
    assert "2 added" in out and "1 added" in out
    assert err.count("Error") == 0
    assert "Stopped watching" in err
    assert child.status()["watch"] is None


def test_other_commands_work_beside_a_watcher_and_a_second_watcher_is_refused(
    polyglance, child_of, tmp_path, photos, sample
):
    child = child_of("watch", photos, "--encoder", "lite")
    child.until(lambda status: status["watch"] and status["watch"]["roots"])
    more = tmp_path / "more"
    more.mkdir()
    shutil.copy(sample / "chelsea.png", more)
    assert polyglance("index", more, "--json").json["added"] == 1
    shutil.copy(sample / "coins.png", more)
    child.until(lambda status: status["photos"] == 4)
    second = polyglance("watch")
    assert (second.code, second.err.count("Error")) == (4, 1)
    assert f"is being watched by process {child.process.pid}" in second.err
    assert child.end(signal.SIGTERM)[0] == 0


def test_watch_without_a_library_says_what_to_do(polyglance):
    done = polyglance("watch")
    assert done.code == 2
    assert "polyglance index FOLDER" in done.err


def test_watch_refuses_a_folder_that_is_not_there(polyglance, tmp_path):
    done = polyglance("watch", tmp_path / "nowhere")
    assert done.code == 2
    assert "There is no folder" in done.err
    assert not (tmp_path / "library").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_index_stopped_keeps_the_batch_in_hand(child_of, tmp_path, sample, number):
    many = tmp_path / "many"
    for copy in range(5):
        (many / str(copy)).mkdir(parents=True)
        for name in sample.iterdir():
            data = name.read_bytes() + bytes([copy])  # other bytes after the picture's end, so another photo
            (many / str(copy) / name.name).write_bytes(data)
    child = child_of("index", many, "--encoder", "lite")
    child.until(lambda status: status["photos"] > 0)
    code, out, err = child.end(number)
    assert (code, out) == (1, "")
    assert err == "Error: Stopped. What was done is kept; run the same command to go on.\n"
    kept = child.status()["photos"]
    assert 0 < kept < 5 * len(list(sample.iterdir()))
    second = child_of("index", many, "--encoder", "lite", "--json")
    report = json.loads(second.process.communicate()[0])
    assert report["unchanged"] == kept


def test_serve_can_watch(child_of, photos, sample):
    first = child_of("index", photos, "--encoder", "lite")
    first.process.communicate(timeout=60)
    child = child_of("serve", "--port", "0", "--watch")
    assert child.process.stdout.readline().startswith("polyglance is at")
    child.until(lambda status: status["watch"] and status["watch"]["roots"])
    shutil.copy(sample / "chelsea.png", photos / "new.png")
    child.until(lambda status: status["photos"] == 3)
    assert child.end(signal.SIGINT)[0] == 0
    assert child.status()["watch"] is None


def test_status_says_who_watches_and_where_not_all_is_seen(polyglance, indexed, tmp_path):
    library = tmp_path / "copied"
    shutil.copytree(indexed, library)
    assert "Watched   no" in polyglance("status", "--library", library).out
    with watcher_lock(library):
        note = "8 of 20 folders; raise the limit with 'sysctl fs.inotify.max_user_watches=…'"
        watch_state.publish(library, [watch_state.Coverage(1, "partly", note)])
        status = polyglance("status", "--library", library)
        assert f"Watched   by process {os.getpid()}" in status.out
        assert f"partly ({note})" in status.out
        (library / watch_state.FILE).write_text("{torn")
        assert polyglance("status", "--library", library, "--json").json["watch"] is None
    assert not is_watched(library)


def test_exclude_lists_adds_and_removes(polyglance, tmp_path, sample):
    photos = tmp_path / "photos"
    shutil.copytree(sample, photos)
    (photos / "drafts").mkdir()
    shutil.copy(sample / "chelsea.png", photos / "drafts" / "draft.png")
    everything = len(list(sample.iterdir())) + 1
    assert polyglance("index", photos, "--encoder", "lite", "--json").json["added"] == everything
    assert polyglance("exclude", "drafts/", "*.gif", "--json").json == {"excluded": ["drafts/", "*.gif"]}
    assert polyglance("index", photos, "--json").json["removed"] == 1
    assert polyglance("exclude").out == "drafts/\n*.gif\n"
    assert polyglance("exclude", "drafts/", "--remove", "--json").json == {"excluded": ["*.gif"]}
    assert polyglance("index", photos, "--json").json["added"] == 1
    wrong = polyglance("exclude", "nothing/", "--remove")
    assert (wrong.code, wrong.err.count("\n")) == (2, 1)
    assert polyglance("exclude", "# comment").code == 2


def test_forget_drops_a_folder_below_a_root_only_when_it_is_gone(polyglance, tmp_path, sample):
    photos = tmp_path / "photos"
    (photos / "disk").mkdir(parents=True)
    shutil.copy(sample / "chelsea.png", photos / "disk")
    shutil.copy(sample / "coins.png", photos)
    polyglance("index", photos, "--encoder", "lite")
    refused = polyglance("forget", photos / "disk")
    assert refused.code == 2
    assert "polyglance exclude" in refused.err
    shutil.rmtree(photos / "disk")
    assert polyglance("forget", photos / "disk", "--json").json["forgotten"] == 1
    assert polyglance("status", "--json").json["photos"] == 1
