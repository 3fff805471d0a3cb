"""What is not found is not always gone: disks without names, most of a root, folders that cannot be listed."""

import os
import subprocess

import children
import pytest
from polyglance.errors import FolderError
from polyglance.indexer.disk import health
from polyglance.indexer.disk.exclude import Exclusion
from polyglance.indexer.disk.mounts import mounts
from polyglance.indexer.run.places import Place, check_folders, refuse_library
from polyglance.indexer.run.update import update


def counts(tally):
    names = ("added", "changed", "moved", "removed", "unchanged")
    return {name: value for name in names if (value := getattr(tally, name))}


@pytest.fixture
def mount():
    """Mount something; what is left mounted goes at the end."""
    mounted = []

    def do(*arguments):
        if os.geteuid() != 0 or subprocess.run(["mount", *arguments], capture_output=True).returncode:
            pytest.skip("mounting is not permitted here")
        mounted.append(arguments[-1])

    yield do
    for folder in reversed(mounted):
        subprocess.run(["umount", "-l", folder], capture_output=True, check=False)


def unmount(*folders):
    for folder in folders:
        subprocess.run(["umount", folder], check=True)


def test_a_disk_without_a_name_that_is_gone_is_missed_whatever_lies_in_its_place(setup, photos, draw, mount, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mount("-t", "tmpfs", "none", disk)
    mount("--bind", disk, photos)
    for number in range(32):
        draw(photos / f"{number}.png", number)
    setup.update()
    unmount(photos, disk)
    (disk / ".DS_Store").touch()
    mount("--bind", disk, photos)
    root = setup.catalog.roots.all()[0]
    for confirmed in (False, True):
        with pytest.raises(FolderError, match="is not on the disk it was on, but 32 photos"):
            update(setup.pipeline, [Place(root)], confirmed=confirmed)
    assert len(setup.ids()) == 32
    assert health.state(root, mounts(), lambda below: setup.catalog.photos.some_paths(root.id, below)) == "offline"


def test_a_disk_inside_a_root_is_missed_whatever_is_mounted_in_its_place(setup, photos, draw, mount, tmp_path):
    disk, other, inside = tmp_path / "disk", tmp_path / "other", photos / "inside"
    for folder in (disk, other, inside):
        folder.mkdir()
    draw(photos / "here.png", 99)
    mount("-t", "tmpfs", "none", disk)
    mount("--bind", disk, inside)
    for number in range(8):
        draw(inside / f"{number}.png", number)
    setup.update()
    unmount(inside)
    draw(other / "stray.png", 50)
    mount("--bind", other, inside)
    report = update(setup.pipeline, [Place(setup.catalog.roots.all()[0])])
    assert (report.tally.added, report.tally.removed) == (1, 0)
    assert [(doubt.folder, doubt.missing) for doubt in report.doubts] == [(os.fsencode(inside), 8)]
    root = setup.catalog.roots.all()[0]
    unmount(inside)
    mount("--bind", disk, inside)
    assert counts(setup.update(root)) == {"unchanged": 9, "removed": 1}
    assert setup.encoder.encoded == 10


def test_all_photos_of_a_disk_without_a_name_are_removed_when_the_user_says_so(setup, photos, draw, mount):
    mount("-t", "tmpfs", "none", photos)
    draw(photos / "a.png", 1)
    setup.update()
    (photos / "a.png").unlink()
    (photos / "notes.txt").touch()
    place = Place(setup.catalog.roots.all()[0])
    with pytest.raises(FolderError, match=r"holds none of its photos, but 1 .* --yes"):
        update(setup.pipeline, [place])
    assert update(setup.pipeline, [place], confirmed=True).tally.removed == 1


@pytest.fixture
def sixty(setup, photos, draw):
    for number in range(60):
        draw(photos / f"{number % 3}" / f"{number}.png", number)
    setup.update()
    return setup


def test_most_of_a_root_is_removed_only_when_the_user_says_so(sixty, photos, draw):
    for number in range(52):
        (photos / f"{number % 3}" / f"{number}.png").unlink()
    draw(photos / "new.png", 99)
    place = Place(sixty.catalog.roots.all()[0])
    report = update(sixty.pipeline, [place], strict=False)
    assert (counts(report.tally), report.doubts[0].missing) == ({"added": 1, "unchanged": 8}, 52)
    assert (len(sixty.ids()), sixty.catalog.roots.all()[0].missing) == (61, 52)
    assert sixty.catalog.vectors.ids(1).size == 61
    assert update(sixty.pipeline, [place], confirmed=True).tally.removed == 52
    assert (len(sixty.ids()), sixty.catalog.roots.all()[0].missing) == (9, 0)


def test_what_moved_or_is_excluded_is_not_missed(sixty, photos):
    (photos / "0").rename(photos / "elsewhere")
    for number in range(1, 60, 3):  # by way of another disk
        (photos / f"copied {number}.png").write_bytes((photos / "1" / f"{number}.png").read_bytes())
        (photos / "1" / f"{number}.png").unlink()
    place = Place(sixty.catalog.roots.all()[0])
    report = update(sixty.pipeline, [place])
    assert (counts(report.tally), report.doubts) == ({"moved": 40, "unchanged": 20}, [])
    report = update(sixty.pipeline, [place], exclusion=Exclusion(["*.png"]))
    assert (report.tally.removed, report.doubts) == (60, [])


def test_a_part_of_a_large_root_or_most_of_a_small_one_is_removed_unasked(sixty, photos):
    for number in range(50):
        (photos / f"{number % 3}" / f"{number}.png").unlink()
    assert sixty.update().removed == 50


@pytest.mark.slow
def test_a_folder_that_may_not_be_read_is_a_failure_that_is_retried(photos, tmp_path, as_nobody, opened_to_all, draw):
    draw(photos / "open.png", 1)
    draw(photos / "shut" / "a.png", 2)
    opened_to_all(photos)
    place = tmp_path / "nobody"
    place.mkdir()
    place.chmod(0o777)
    code = (
        "import os, sys; from pathlib import Path; sys.path.insert(0, sys.argv[1]); import children\n"
        "with children.opened(Path(sys.argv[2])) as library:\n"
        "    tally, status = library.index([sys.argv[3]]).tally, library.status()\n"
        "    failed = [os.path.basename(each.path) for each in status.failures]\n"
        "    print(tally.added, tally.removed, len(tally.failures), failed, status.photos)"
    )
    tests = os.path.dirname(children.__file__)

    def run():
        done = as_nobody(code, tests, str(place / "library"), str(photos))
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    assert run() == "2 0 0 [] 2"
    (photos / "shut").chmod(0)
    try:
        assert run() == "0 0 1 [b'shut'] 2"
        assert run() == "0 0 1 [b'shut'] 2"
    finally:
        (photos / "shut").chmod(0o755)
    assert run() == "0 0 0 [] 2"


def test_a_folder_beyond_the_longest_path_is_a_failure(setup, photos, draw):
    draw(photos / "a.png", 1)
    deep = os.open(photos, os.O_RDONLY)
    for _ in range(25):
        os.mkdir("d" * 200, dir_fd=deep)
        deep, above = os.open("d" * 200, os.O_RDONLY, dir_fd=deep), deep
        os.close(above)
    os.close(deep)
    try:
        for _ in range(2):
            (failure,) = setup.update().failures
            assert "its path is longer than the system allows" in failure.reason
            assert [photo.error for photo in setup.catalog.failures.all()] == [failure.reason]
    finally:
        subprocess.run(["rm", "-rf", photos / ("d" * 200)], check=True)
    assert (setup.update().removed, setup.catalog.failures.all()) == (0, [])


def test_a_folder_in_one_that_may_not_be_entered_is_not_gone(photos, as_nobody, opened_to_all, draw):
    draw(photos / "shut" / "in" / "a.png", 1)
    opened_to_all(photos)
    code = (
        "import sys; from polyglance.indexer.disk.scan import scan\n"
        "from polyglance.indexer.run.survey import _is_gone\n"
        "root = sys.argv[1].encode(); print(_is_gone(root + b'/shut/in'), list(scan(root, b'shut/in').unreadable))"
    )
    (photos / "shut").chmod(0)
    done = as_nobody(code, str(photos))
    (photos / "shut").chmod(0o755)
    assert done.stdout.strip() == "False [b'shut/in']", done.stderr


@pytest.mark.parametrize("linked", ["root", "library"])
def test_a_library_reached_through_a_link_does_not_index_its_thumbnails(make_setup, photos, draw, tmp_path, linked):
    (tmp_path / "link").symlink_to(photos)
    draw(photos / "a.png", 1)
    setup = make_setup("link/library" if linked == "library" else "photos/library")
    root = setup.catalog.roots.add(os.fsencode(tmp_path / "link")) if linked == "root" else setup.root
    for _ in range(3):
        setup.update(root)
    (photo,) = setup.catalog.photos.known(root.id).values()
    thumbnail = setup.thumbnails.path(setup.catalog.photos.hashes([photo.photo_id])[photo.photo_id])
    dirty = os.fsencode(os.path.join("library", os.path.relpath(thumbnail.parent, setup.thumbnails.folder.parent)))
    assert update(setup.pipeline, [Place(root, dirty, deep=False)]).tally.added == 0
    assert setup.catalog.photos.known(root.id).keys() == {b"a.png"}


def test_a_root_at_or_below_a_library_is_refused(tmp_path):
    library = tmp_path / "library"
    (library / "thumbnails").mkdir(parents=True)
    (tmp_path / "link").symlink_to(library)
    for folder in (library, library / "thumbnails", tmp_path / "link", tmp_path / "link" / "thumbnails"):
        with pytest.raises(FolderError, match="is the library's own folder, or lies in it"):
            refuse_library(check_folders([folder]), os.fsencode(library))
    refuse_library(check_folders([tmp_path]), os.fsencode(library))
    refuse_library(check_folders([tmp_path]), os.fsencode(tmp_path / "not made yet"))
