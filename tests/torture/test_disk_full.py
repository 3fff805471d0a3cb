import contextlib
import json
import os
import shutil
import signal

import children
import pytest
from colour_encoder import picture
from compare import assert_same, rows, until
from polyglance.errors import DiskFull

pytestmark = pytest.mark.torture

SMALL = {"POLYGLANCE_THUMBNAIL_SIDE": "64"}


def run(library, *arguments):
    """(exit code, what it said) of a command."""
    said = library.parent.parent / "said"
    said.unlink(missing_ok=True)
    process = children.start(children.command_line, [*arguments, "--library", library], said, environment=SMALL)
    process.join()
    return process.exitcode, said.read_text()


def assert_is_full(text):
    errors = [line for line in text.splitlines() if line.startswith("Error: ")]
    assert len(errors) == 1, text
    assert "Traceback" not in text
    assert "inside polyglance" not in text
    assert "disk is full" in errors[0] or "No space left" in errors[0], errors


SIZES = [size if size in {100, 500} else pytest.param(size, marks=pytest.mark.full) for size in range(100, 800, 100)]


@pytest.fixture(scope="module")
def album(tmp_path_factory):
    """A folder of 200 photos, and a library of it on a disk with space."""
    place = tmp_path_factory.mktemp("album")
    photos, reference = place / "photos", place / "one" / "reference"
    for number in range(200):
        picture(photos / f"{number}.png", number)
    assert run(reference, "index", photos, "--encoder", "colour")[0] == 0
    return photos, reference


@pytest.mark.parametrize("size", SIZES)
def test_a_full_disk_ends_the_run_in_one_line_and_harms_nothing(disk, album, tmp_path, size):
    photos, reference = album
    library = disk.plug(tmp_path / "small", f"{size}k") / "library"
    for _ in range(2):  # still full: the same answer
        code, said = run(library, "index", photos, "--encoder", "colour")
        assert code == 1
        assert_is_full(said)
    disk.grow(tmp_path / "small", "64m")
    assert run(library, "index", photos, "--encoder", "colour")[0] == 0
    assert_same(library, reference)


@pytest.mark.parametrize(
    ("size", "answer", "reason"), [(200, 2, "Nothing was indexed"), (500, 1, "is a copy that is not complete")]
)
def test_a_copy_that_fills_the_disk_ends_in_one_line_and_goes_on_when_there_is_space(
    disk, album, tmp_path, size, answer, reason
):
    _, reference = album
    copy = disk.plug(tmp_path / "small", f"{size}k") / "copy"
    for _ in range(2):
        code, said = run(reference, "migrate", "--to", copy)
        assert code == 1
        assert_is_full(said)
    code, said = run(copy, "search", "red")
    assert (code, reason in said) == (answer, True), said
    disk.grow(tmp_path / "small", "64m")
    assert run(reference, "migrate", "--to", copy)[0] == 0
    assert_same(copy, reference)


@pytest.fixture
def watched(disk, photos, tmp_path):
    """A library on a small disk, watched as a command; and what that says."""
    picture(photos / "first.png", 1)
    library = disk.plug(tmp_path / "small", "1m") / "library"
    assert run(library, "index", photos, "--encoder", "colour")[0] == 0
    said = tmp_path / "watcher said"
    watcher = children.start(children.command_line, ["watch", "--library", library], said, environment=SMALL)
    until(lambda: (library / "watch.json").exists())
    yield library, said
    os.kill(watcher.pid, signal.SIGTERM)
    watcher.join()
    assert watcher.exitcode == 0
    assert "Traceback" not in said.read_text()


def test_a_watcher_says_that_the_disk_is_full_and_goes_on_when_it_is_not(disk, many, photos, tmp_path, watched):
    library, said = watched
    many(photos / "more", 400, first=400)
    until(lambda: "Trying again" in said.read_text(), 60)
    assert "disk is full" in said.read_text() or "No space left" in said.read_text()
    disk.grow(tmp_path / "small", "64m")
    until(lambda: len(rows(library)["photos"]) == 401, 60)
    assert run(tmp_path / "one" / "reference", "index", photos, "--encoder", "colour")[0] == 0
    found, wanted = rows(library), rows(tmp_path / "one" / "reference")
    assert (found["photos"], found["vectors"]) == (wanted["photos"], wanted["vectors"])


def test_a_watcher_that_cannot_tell_how_it_is_for_want_of_space_works_on(photos, tmp_path, watched):
    library, _ = watched
    ballast = tmp_path / "small" / "ballast"
    with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))
    before = (library / "watch.json").read_bytes()
    folder = library.stat().st_mtime_ns
    photos.rename(tmp_path / "away")
    until(lambda: library.stat().st_mtime_ns != folder)  # a temporary file came and went
    assert (library / "watch.json").read_bytes() == before
    ballast.unlink()
    until(lambda: b"offline" in (library / "watch.json").read_bytes())
    (tmp_path / "away").rename(photos)
    picture(photos / "second.png", 2)
    until(lambda: len(rows(library)["photos"]) == 2)


def fill(folder):
    """Write to the disk of a folder until not a byte is free."""
    with contextlib.suppress(OSError), (folder / "ballast").open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))
    assert os.statvfs(folder).f_bavail == 0


@pytest.fixture(scope="module")
def two_roots(tmp_path_factory):
    """A folder of 200 photos, and a library of it in which another root shows 20 of them as well."""
    place = tmp_path_factory.mktemp("two roots")
    for number in range(200):
        picture(place / "photos" / f"{number}.png", number)
    for number in range(20):
        picture(place / "others" / f"{number}.png", number)
    children.finish(children.index, place / "library", [place / "photos", place / "others"])
    return place


@pytest.fixture
def full(disk, two_roots, tmp_path):
    """A copy of that library on a disk with no byte free, and the folder of its 200 photos."""
    library = disk.plug(tmp_path / "small", "16m") / "library"
    shutil.copytree(two_roots / "library", library)
    fill(tmp_path / "small")
    return library, two_roots / "photos"


def test_a_library_on_a_full_disk_is_searched_and_says_that_nothing_can_be_marked(full, opened):
    from polyglance.ui.web.server import build  # with Gradio, which no other test of this folder needs
    from starlette.testclient import TestClient

    library, _ = full
    with TestClient(build(opened(library)), base_url="http://127.0.0.1:7860") as client:
        found = client.get("/api/v1/search", params={"is": "favourite"})
        assert (found.status_code, found.json()["results"]) == (200, [])
        for _ in range(2):
            answer = client.put("/api/v1/photos/1/favourite")
            assert answer.status_code == 507
            assert answer.json()["detail"] == "The catalog cannot be used: its disk is full."
            assert "Free some space" in answer.json()["hint"]
        assert client.get("/api/v1/photos/1").json()["favourite"] is False


def test_what_is_forgotten_frees_space_on_a_full_disk(full, tmp_path):
    library, photos = full
    code, said = run(library, "forget", photos)
    assert code == 0
    assert said.endswith("Forgot 200 photos; the files are where they were.\n")
    assert os.statvfs(tmp_path / "small").f_bavail > 100
    kept = list((library / "thumbnails").rglob("*.jpg"))
    assert len(kept) == 20  # those that the other root shows as well
    code, said = run(library, "status", "--json")
    assert (code, json.loads(said)["photos"]) == (0, 20)
    assert run(library, "check")[0] == 0


def test_an_open_library_forgets_on_a_full_disk(full, opened):
    library, photos = full
    library = opened(library)
    with pytest.raises(DiskFull):
        library.mark([1])
    assert library.forget(photos) == 200
    status = library.status()
    assert status.photos == 20
    (root, _) = status.roots[0]
    kept = next(iter(library.catalog.photos.known(root.id).values()))
    library.mark([kept.photo_id])  # there is space again
