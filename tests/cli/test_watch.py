import json
import os
import shutil
import signal
import subprocess
import sys

import children
import colour_encoder
import pytest
from compare import until
from polyglance import Library
from polyglance.answers.status import Status
from polyglance.data import watch_state
from polyglance.data.catalog.locks import is_watched, watcher_lock
from polyglance.encoders import registry
from polyglance.errors import LibraryError

SLOW = {"COLOUR_SECONDS": "0.03", "POLYGLANCE_BATCH_SIZE": "4"}
"""A picture takes a while, so that a run can be met half-way."""


@pytest.fixture
def colour(monkeypatch):
    """Commands in this process have the tiny encoder."""
    monkeypatch.setattr(registry, "create", colour_encoder.create)


@pytest.fixture
def photos(tmp_path, sample):
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in ("coffee.png", "rocket.jpg"):
        shutil.copy(sample / name, folder)
    return folder


@pytest.fixture
def child_of(tmp_path):
    """Start a `polyglance` command in a process of its own; what still runs at the end is killed."""
    started = []

    def start(*arguments, kind=Forked):
        started.append(kind(tmp_path, arguments))
        return started[-1]

    yield start
    for child in started:
        child.kill()


class Child:
    """A `polyglance` command in a process of its own, over the library `library` of its folder."""

    def __init__(self, place):
        self.library, self.out, self.err = place / "library", place / "out", place / "err"
        self.out.write_text("")
        self.err.write_text("")
        self.environment = {"POLYGLANCE_LIBRARY": str(self.library)}

    def status(self):
        try:
            with Library.open(self.library, create=False) as library:
                return Status.from_library(library.status()).model_dump()
        except LibraryError:  # it is only just being made
            return {"photos": 0, "watch": None}

    def until(self, condition):
        def is_so():
            assert self.is_alive(), self.err.read_text()
            return condition(self.status())

        until(is_so, 60)

    def end(self, number):
        """Its exit code after the signal, and what it wrote."""
        os.kill(self.pid, number)
        return self.wait(), self.out.read_text(), self.err.read_text()


class Forked(Child):
    """One with the tiny encoder, forked from a server that has everything imported."""

    def __init__(self, place, arguments):
        super().__init__(place)
        self._process = children.start(
            children.command_line, arguments, self.out, self.err, environment=self.environment | SLOW
        )
        self.pid = self._process.pid

    def is_alive(self):
        return self._process.is_alive()

    def wait(self):
        self._process.join(30)
        return self._process.exitcode

    def kill(self):
        self._process.kill()
        self._process.join()


class Real(Child):
    """One as a user starts it."""

    def __init__(self, place, arguments):
        super().__init__(place)
        command = [sys.executable, "-m", "polyglance", *map(str, arguments)]
        with self.out.open("w") as out, self.err.open("w") as err:
            self._process = subprocess.Popen(command, env=os.environ | self.environment, stdout=out, stderr=err)
        self.pid = self._process.pid

    def is_alive(self):
        return self._process.poll() is None

    def wait(self):
        return self._process.wait(30)

    def kill(self):
        self._process.kill()
        self._process.wait()


@pytest.mark.parametrize(
    ("kind", "encoder", "number"),
    [
        pytest.param(Real, "lite", signal.SIGTERM, marks=pytest.mark.slow),
        (Forked, "colour", signal.SIGINT),
    ],
)
def test_watch_indexes_follows_and_ends_well(child_of, photos, sample, kind, encoder, number):
    child = child_of("watch", photos, "--encoder", encoder, kind=kind)
    child.until(lambda status: status["photos"] == 2 and status["watch"] and status["watch"]["roots"])
    assert child.status()["watch"] == {
        "process": child.pid,
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


@pytest.mark.usefixtures("colour")
def test_other_commands_work_beside_a_watcher_and_a_second_watcher_is_refused(
    polyglance, child_of, tmp_path, photos, sample
):
    child = child_of("watch", photos, "--encoder", "colour")
    child.until(lambda status: status["watch"] and status["watch"]["roots"])
    more = tmp_path / "more"
    more.mkdir()
    shutil.copy(sample / "chelsea.png", more)
    assert polyglance("index", more, "--json").json["added"] == 1
    shutil.copy(sample / "coins.png", more)
    child.until(lambda status: status["photos"] == 4)
    second = polyglance("watch")
    assert (second.code, second.err.count("Error")) == (4, 1)
    assert f"is being watched by process {child.pid}" in second.err
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


@pytest.mark.parametrize("number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)])
def test_index_stopped_keeps_the_batch_in_hand(child_of, tmp_path, sample, number):
    many = tmp_path / "many"
    for copy in range(3):
        (many / str(copy)).mkdir(parents=True)
        for name in sample.iterdir():
            data = name.read_bytes() + bytes([copy])  # other bytes after the picture's end, so another photo
            (many / str(copy) / name.name).write_bytes(data)
    child = child_of("index", many, "--encoder", "colour")
    child.until(lambda status: status["photos"] > 0)
    code, out, err = child.end(number)
    assert (code, out) == (1, "")
    assert err.splitlines()[-1] == "Error: Stopped. What was done is kept; run the same command to go on."
    assert err.count("Error") == 1 and "Traceback" not in err
    kept = child.status()["photos"]
    assert 0 < kept < 3 * len(list(sample.iterdir()))
    again = child_of("index", many, "--encoder", "colour", "--json")
    assert again.wait() == 0
    assert json.loads(again.out.read_text())["unchanged"] == kept


def test_serve_can_watch(child_of, photos, sample):
    assert child_of("index", photos, "--encoder", "colour").wait() == 0
    child = child_of("serve", "--port", "0", "--watch")
    until(lambda: child.out.read_text().startswith("polyglance is at"), 60)
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


@pytest.mark.usefixtures("colour")
def test_exclude_lists_adds_and_removes(polyglance, tmp_path, sample):
    photos = tmp_path / "photos"
    shutil.copytree(sample, photos)
    (photos / "drafts").mkdir()
    shutil.copy(sample / "chelsea.png", photos / "drafts" / "draft.png")
    everything = len(list(sample.iterdir())) + 1
    assert polyglance("index", photos, "--encoder", "colour", "--json").json["added"] == everything
    assert polyglance("exclude", "drafts/", "*.gif", "--json").json == {"excluded": ["drafts/", "*.gif"]}
    assert polyglance("index", photos, "--json").json["removed"] == 1
    assert polyglance("exclude").out == "drafts/\n*.gif\n"
    assert polyglance("exclude", "drafts/", "--remove", "--json").json == {"excluded": ["*.gif"]}
    assert polyglance("index", photos, "--json").json["added"] == 1
    wrong = polyglance("exclude", "nothing/", "--remove")
    assert (wrong.code, wrong.err.count("\n")) == (2, 1)
    assert polyglance("exclude", "# comment").code == 2


@pytest.mark.usefixtures("colour")
def test_forget_drops_a_folder_below_a_root_only_when_it_is_gone(polyglance, tmp_path, sample):
    photos = tmp_path / "photos"
    (photos / "disk").mkdir(parents=True)
    shutil.copy(sample / "chelsea.png", photos / "disk")
    shutil.copy(sample / "coins.png", photos)
    polyglance("index", photos, "--encoder", "colour")
    refused = polyglance("forget", photos / "disk")
    assert refused.code == 2
    assert "polyglance exclude" in refused.err
    shutil.rmtree(photos / "disk")
    assert polyglance("forget", photos / "disk", "--json").json["forgotten"] == 1
    assert polyglance("status", "--json").json["photos"] == 1
