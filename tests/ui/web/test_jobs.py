"""Roots, index jobs and failures over HTTP, on a library of its own with a tiny real encoder."""

import json
import os
import sys
import threading
import time
from contextlib import contextmanager

import colour_encoder
import pytest
from polyglance import priority
from polyglance.config import Settings
from polyglance.data.catalog import locks
from polyglance.encoders import registry
from polyglance.indexer.run.stop import Stop
from polyglance.indexer.watch.service import Timing
from polyglance.library import Library
from polyglance.ui.web.server import build
from starlette.testclient import TestClient


@pytest.fixture
def colours(monkeypatch):
    """Libraries are made with the tiny encoder; how long a picture takes can be set."""
    slow = {"seconds": 0.0}
    monkeypatch.setattr(registry, "create", lambda name, _: colour_encoder.ColourEncoder(name, seconds=slow["seconds"]))
    return slow


@pytest.fixture
def own(tmp_path, colours):
    with Library.open(tmp_path / "library", settings=Settings(encoder="colour", batch_size=2)) as opened:
        yield opened


@pytest.fixture
def api(own):
    with TestClient(build(own), base_url="http://127.0.0.1/api/v1/") as opened:
        yield opened


def fill(folder, count, first=0):
    for number in range(first, first + count):
        colour_encoder.picture(folder / f"{number:03}.png", number * 7)


def finished(api, seconds=120):
    """The job when it has ended. It gives way to all else that runs, so a busy machine needs far more time."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        job = api.get("jobs/current").json()["job"]
        if job["state"] != "running":
            return job
        time.sleep(0.02)
    raise AssertionError(job)


@contextmanager
def running(api, colours, photos, count=40):
    """A job that takes a while: some 0.1 s a picture."""
    fill(photos, count)
    colours["seconds"] = 0.1
    answer = api.post("roots", json={"path": str(photos)})
    assert answer.status_code == 202, answer.text
    until = time.monotonic() + 120
    while not api.get("jobs/current").json()["job"]["done"]:
        assert time.monotonic() < until
        time.sleep(0.02)
    yield answer.json()["job"]


def test_a_folder_is_added_indexed_searched_and_forgotten(api, photos):
    fill(photos, 5)
    assert api.get("jobs/current").json() == {"job": None}
    started = api.post("roots", json={"path": str(photos)})
    assert started.status_code == 202
    job = finished(api)
    assert job["id"] == started.json()["job"]["id"]
    assert (job["state"], job["done"], job["total"], job["report"]["added"]) == ("done", 5, 5, 5)
    assert job["root"] == str(photos)
    assert len(api.get("search?q=red&all=true").json()["results"]) == 5
    (root,) = api.get("roots").json()["roots"]
    assert (root["path"], root["state"], root["photos"], root["watch"]) == (str(photos), "online", 5, None)
    assert api.delete(f"roots/{root['id']}").json() == {"forgotten": 5, "favourites": 0}
    assert api.get("roots").json() == {"roots": []}
    assert len(list(photos.iterdir())) == 5


def test_a_rescan_takes_one_root_or_all_and_leaves_what_is_offline(api, tmp_path, photos):
    other = tmp_path / "other"
    fill(photos, 2)
    fill(other, 3, 10)
    for folder in (photos, other):
        api.post("roots", json={"path": str(folder)})
        finished(api)
    fill(photos, 1, 50)
    fill(other, 1, 60)
    root = next(each["id"] for each in api.get("roots").json()["roots"] if each["path"] == str(other))
    assert api.post("jobs", json={"root": root}).status_code == 202
    assert finished(api)["report"]["added"] == 1
    other.rename(tmp_path / "away")
    assert api.post("jobs", json={}).status_code == 202
    job = finished(api)
    assert (job["state"], job["root"], job["report"]["added"]) == ("done", None, 1)
    (offline,) = job["report"]["offline"]
    assert str(other) in offline["message"]
    assert api.get("status").json()["photos"] == 7


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("nowhere/at/all", "does not begin at the root"),
        ("/nowhere/at/all", "There is no folder"),
        ("/etc/passwd", "is a file"),
        ("", "does not begin at the root"),
        ("/a\0b", "no valid text"),
        ("/a\ud800b", "a valid string"),
    ],
)
def test_what_is_no_folder_is_refused_at_once(api, path, says):
    body = json.dumps({"path": path}).encode()
    answer = api.post("roots", content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert says in answer.json()["detail"]
    assert api.get("jobs/current").json() == {"job": None}


def test_progress_comes_with_rate_and_time_left_and_searching_goes_on(api, colours, photos):
    with running(api, colours, photos) as started:
        job = api.get("jobs/current").json()["job"]
        assert (job["id"], job["state"], job["phase"], job["total"]) == (started["id"], "running", "indexing", 40)
        assert 0 < job["done"] < 40
        assert 0 < job["rate"] < 20  # the encoder takes its time; a busy machine more of it
        assert 0 < job["seconds_left"] < 300
        found = api.get("search?q=red&k=1").json()["results"]
        start = time.monotonic()
        assert api.put(f"photos/{found[0]['id']}/favourite").json()["favourite"] is True
        assert time.monotonic() - start < 1
        for answer in (api.post("jobs", json={}), api.delete("roots/1"), api.post("failures/retry")):
            assert answer.status_code == 409
            assert "running already" in answer.json()["detail"]
        api.delete("jobs/current")
        assert finished(api)["state"] == "stopped"


@pytest.mark.skipif(sys.platform != "linux", reason="threads have no priority of their own")
def test_a_job_gives_way_to_searches(api, colours, photos):
    before = os.getpriority(os.PRIO_PROCESS, 0)
    with running(api, colours, photos):
        job = next(thread for thread in threading.enumerate() if thread.name == "polyglance-job")
        assert os.getpriority(os.PRIO_PROCESS, job.native_id) == max(priority.NICENESS, before)
        assert os.getpriority(os.PRIO_PROCESS, 0) == before


def test_a_job_stops_with_its_batch_and_a_rescan_does_the_rest(api, colours, photos):
    with running(api, colours, photos):
        assert api.delete("jobs/current").status_code == 200
        job = finished(api)
        assert job["state"] == "stopped"
        assert 0 < api.get("status").json()["photos"] < 40
    colours["seconds"] = 0.0
    api.post("jobs", json={"root": 1})
    finished(api)
    assert api.get("status").json()["photos"] == 40


def test_the_end_of_the_server_ends_the_job_in_good_order(own, colours, photos):
    with TestClient(build(own), base_url="http://127.0.0.1/api/v1/") as api, running(api, colours, photos):
        pass
    for thread in threading.enumerate():
        if thread.name == "polyglance-job":  # a busy machine: the server no longer waited for it
            thread.join(60)
            assert not thread.is_alive()
    assert 0 < own.status().photos < 40
    assert own.check().ok


def test_while_another_process_writes_a_job_is_refused(api, own, photos, monkeypatch):
    monkeypatch.setattr(locks, "PATIENCE_SECONDS", 0.1)
    fill(photos, 1)
    with locks.writer_lock(own.folder):
        for answer in (api.post("roots", json={"path": str(photos)}), api.post("jobs", json={})):
            assert answer.status_code == 423
            assert "writing to the library" in answer.json()["detail"]
    assert api.post("roots", json={"path": str(photos)}).status_code == 202
    assert finished(api)["state"] == "done"


def test_a_job_that_fails_says_why(api, photos, monkeypatch):
    def broken(*_, **__):
        raise RuntimeError("secret detail")

    monkeypatch.setattr(Library, "index", broken)
    api.post("roots", json={"path": str(photos)})
    job = finished(api)
    assert (job["state"], job["error"]["message"]) == ("failed", "The index job failed.")
    assert "secret" not in json.dumps(job)


def test_files_that_cannot_be_read_are_listed_in_pages_and_tried_again(api, photos):
    fill(photos, 2)
    good = (photos / "000.png").read_bytes()
    for number in range(5):
        bad = photos / f"bad{number}.png"
        bad.write_bytes(bytes([number]) * len(good))
    api.post("roots", json={"path": str(photos)})
    assert finished(api)["failed"] == 5
    first = api.get("failures?k=3").json()
    second = api.get("failures", params={"k": 3, "cursor": first["next"]}).json()
    assert (len(first["failures"]), len(second["failures"]), second["next"]) == (3, 2, None)
    assert first["total"] == second["total"] == 5
    assert len({each["path"] for each in first["failures"] + second["failures"]}) == 5
    assert all(each["reason"] and each["hint"] for each in first["failures"])
    # Mended without a change that a scan would see: only trying again helps.
    stat = bad.stat()
    bad.write_bytes(good)
    os.utime(bad, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    api.post("jobs", json={})
    assert finished(api)["report"]["still_failed"] == 5
    assert api.post("failures/retry").status_code == 202
    report = finished(api)["report"]
    assert (report["added"] + report["changed"], report["failed"]) == (1, 4)
    assert api.get("failures").json()["total"] == 4


def test_a_watcher_follows_a_root_that_was_added(api, own, photos, tmp_path):
    fill(photos, 1)
    api.post("roots", json={"path": str(photos)})
    finished(api)
    stop = Stop()
    timing = Timing(quiet=0.1, tick=0.2, poll=0.5)
    watcher = threading.Thread(target=own.watch, kwargs={"stop": stop, "timing": timing})
    watcher.start()
    try:
        other = tmp_path / "other"
        fill(other, 2, 10)
        assert api.post("roots", json={"path": str(other)}).status_code == 202
        assert finished(api)["state"] == "done"
        until = time.monotonic() + 20
        while not all(root["watch"] for root in api.get("roots").json()["roots"]):
            assert time.monotonic() < until
            time.sleep(0.1)
        fill(other, 1, 20)
        while api.get("status").json()["photos"] < 4:
            assert time.monotonic() < until
            time.sleep(0.1)
    finally:
        stop.ask()
        watcher.join(20)
    assert not watcher.is_alive()


def test_folders_to_choose_from_are_folders_and_nothing_else(api, tmp_path):
    top = tmp_path / "top"
    for name in ("beach", "Alps", ".hidden", "evil\u202ename"):
        (top / name).mkdir(parents=True)
    (top / "secret.txt").write_text("x")
    found = api.get("folders", params={"path": str(top)}).json()
    assert found == {
        "path": str(top),
        "parent": str(tmp_path),
        "folders": [{"name": "Alps", "path": str(top / "Alps")}, {"name": "beach", "path": str(top / "beach")}],
    }
    assert "secret" not in json.dumps(found)
    assert api.get("folders", params={"path": "/"}).json()["parent"] is None
    assert api.get("folders").status_code == 200
    assert api.get("folders", params={"path": str(top / "secret.txt")}).status_code == 422
    assert api.get("folders", params={"path": "some/where"}).status_code == 422


def test_unknown_roots_are_not_found(api):
    assert api.delete("roots/7").status_code == 404
    assert api.post("jobs", json={"root": 7}).status_code == 404
    assert api.post("jobs", json={"root": "../x"}).status_code == 422
