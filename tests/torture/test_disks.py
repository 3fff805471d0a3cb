"""Disks that are pulled out and put back, under watch: nothing is removed, and nothing is encoded twice."""

import shutil

import children
import pytest
from colour_encoder import picture
from compare import assert_equals_disk, ids, in_catalog, rows, thumbnails, until

pytestmark = pytest.mark.torture


@pytest.fixture
def stick(tmp_path, disk):
    """A disk that can be mounted at several places: a folder of a file system of its own."""
    return disk.plug(tmp_path / "stick")


def refused(library, tmp_path, *arguments):
    """What a command says that must not do its work."""
    said = tmp_path / "said"
    said.unlink(missing_ok=True)
    process = children.start(children.command_line, [*arguments, "--library", library], said)
    process.join()
    assert process.exitcode == 2
    return said.read_text()


def test_a_root_that_is_unplugged_loses_nothing_and_costs_nothing_on_return(watch, disk, stick, many, tmp_path):
    many(stick, 30)
    root = disk.bind(stick, tmp_path / "media")
    watched = watch(root)
    before, pictures = rows(watched.library), thumbnails(watched.library)
    known = ids(watched.library)
    disk.unplug(root)
    until(lambda: watched.state() == ["offline"])
    assert "nothing was removed" in refused(watched.library, tmp_path, "index", root)
    picture(stick / "new.png", 900)  # on another machine, so to say
    (stick / "00" / "0001.png").unlink()
    assert (rows(watched.library), thumbnails(watched.library)) == (before, pictures)
    with children.opened(watched.library) as library:
        assert [state for _, state in library.status().roots] == ["offline"]
    disk.bind(stick, root)
    until(lambda: len(in_catalog(watched.library)) == 30 and watched.state() == ["native"])
    until(lambda: (str(root).encode(), b"new.png") in in_catalog(watched.library))
    assert_equals_disk(watched.library, root, pruned=False)
    assert watched.encoded() == 31
    kept = ids(watched.library)
    assert all(kept[place] == photo_id for place, photo_id in known.items() if not place[1].endswith(b"0001.png"))
    picture(root / "later.png", 901)  # it is watched as before
    until(lambda: len(in_catalog(watched.library)) == 31)


def test_a_disk_inside_a_root_is_missed_by_itself(watch, disk, stick, many, photos, tmp_path):
    many(photos, 10)
    many(stick, 20, first=100)
    inside = disk.bind(stick, photos / "stick")
    watched = watch(photos)
    assert len(in_catalog(watched.library)) == 30
    disk.unplug(inside)
    picture(photos / "while it is away.png", 900)
    until(lambda: len(in_catalog(watched.library)) == 31)
    with children.opened(watched.library) as library:
        assert [state for _, state in library.status().roots] == ["partly offline"]
    watched.index(photos)
    (photos / "00" / "0000.png").unlink()  # what is there is followed all the same
    until(lambda: len(in_catalog(watched.library)) == 30)
    disk.bind(stick, inside)
    until(lambda: _states(watched.library) == ["online"])
    picture(inside / "later.png", 901)
    until(lambda: len(in_catalog(watched.library)) == 31)
    assert_equals_disk(watched.library, photos, pruned=False)
    assert watched.encoded() == 32


def test_stray_files_at_the_mount_point_are_not_the_disk(watch, disk, stick, many, tmp_path):
    many(stick, 20)
    point = tmp_path / "media"
    picture(point / "stray.png", 900)
    disk.bind(stick, point)
    watched = watch(point)
    before = rows(watched.library)
    disk.unplug(point)
    until(lambda: watched.state() == ["offline"])
    refused(watched.library, tmp_path, "index", point)
    assert rows(watched.library) == before
    disk.bind(stick, point)
    until(lambda: watched.state() == ["native"])
    assert rows(watched.library)["photos"] == before["photos"]
    assert watched.encoded() == 20


def test_another_disk_at_the_same_place_is_another_disk(watch, disk, stick, many, tmp_path):
    """Without a volume's name to tell them apart the photos do: none of them is on it."""
    many(stick, 20)
    point = disk.bind(stick, tmp_path / "media")
    watched = watch(point)
    before = rows(watched.library)["photos"]
    disk.unplug(point)
    until(lambda: watched.state() == ["offline"])
    other = disk.plug(tmp_path / "other stick")
    disk.bind(other, point)
    until(lambda: watched.state() == ["offline"])  # an empty disk proves nothing
    assert "nothing was removed" in refused(watched.library, tmp_path, "index", point)
    assert rows(watched.library)["photos"] == before
    disk.unplug(point)
    disk.bind(stick, point)
    picture(point / "new.png", 900)
    until(lambda: len(in_catalog(watched.library)) == 21)
    assert watched.encoded() == 21


def test_a_folder_taken_away_and_put_back_is_a_disk_too(watch, many, photos, tmp_path):
    many(photos, 20)
    watched = watch(photos)
    before = rows(watched.library)
    photos.rename(tmp_path / "away")
    until(lambda: watched.state() == ["offline"])
    assert rows(watched.library) == before
    (tmp_path / "away").rename(photos)
    until(lambda: watched.state() == ["native"])
    picture(photos / "new.png", 900)
    until(lambda: len(in_catalog(watched.library)) == 21)
    assert watched.encoded() == 21


def test_forget_takes_a_root_whose_disk_will_not_come_back(watch, disk, stick, many, photos, tmp_path):
    many(photos, 5, first=500)
    many(stick, 20)
    point = disk.bind(stick, tmp_path / "media")
    watched = watch(photos, point)
    disk.unplug(point)
    until(lambda: "offline" in watched.state())
    children.finish(children.forget, watched.library, point)
    until(lambda: watched.state() == ["native"])
    assert_equals_disk(watched.library, photos, pruned=False)
    shutil.rmtree(stick, ignore_errors=True)


def _states(library):
    with children.opened(library) as opened:
        return [state for _, state in opened.status().roots]
