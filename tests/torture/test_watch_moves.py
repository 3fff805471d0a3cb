"""What is renamed or moved under watch keeps its id, its vector and its thumbnail, and costs no encoding."""

import os

import pytest
from compare import assert_equals_disk, ids, in_catalog, thumbnails, until

pytestmark = pytest.mark.torture


@pytest.fixture
def other(tmp_path):
    return tmp_path / "other"


def lower_to_upper(photos, other):
    (photos / "00" / "0003.png").rename(photos / "00" / "0003.PNG")
    (photos / "01").rename(photos / "aside")
    (photos / "aside").rename(photos / "FOLDER")
    (photos / "FOLDER").rename(photos / "folder")


def files_between_roots(photos, other):
    for number in range(5):
        (photos / "00" / f"{number:04}.png").rename(other / f"from there {number}.png")
    (other / "15" / "0300.png").rename(photos / "from here.png")


def folder_between_roots(photos, other):
    (photos / "00").rename(other / "deep")
    (other / "15").rename(photos / "15")


def files(photos, other):
    for number in range(20, 30):
        (photos / "01" / f"{number:04}.png").rename(photos / f"{number} renamed.png")


def folders(photos, other):
    (photos / "00").rename(photos / "first")
    (photos / "first").rename(photos / "01" / "second")
    (photos / "01").rename(photos / "third")


def names_swapped(photos, other):
    (photos / "00").rename(photos / "aside")
    (photos / "01").rename(photos / "00")
    (photos / "aside").rename(photos / "01")


MOVES = [files, folders, files_between_roots, folder_between_roots, lower_to_upper, names_swapped]


@pytest.mark.parametrize("move", MOVES, ids=lambda move: move.__name__)
def test_moves_are_followed_at_no_cost(watch, photos, other, many, move):
    many(photos, 40)
    many(other, 10, first=300)
    watched = watch(photos, other)
    by_content = {entry: ids(watched.library)[place] for place, entry in in_catalog(watched.library).items()}
    pictures = thumbnails(watched.library)
    move(photos, other)
    until(lambda: in_catalog(watched.library).keys() == _places(photos, other))
    assert_equals_disk(watched.library, photos, other)
    assert {entry: ids(watched.library)[place] for place, entry in in_catalog(watched.library).items()} == by_content
    assert thumbnails(watched.library) == pictures
    assert watched.encoded() == 50


def test_a_copy_shares_the_vector_and_a_file_that_returns_is_found_again(watch, photos, many):
    many(photos, 10)
    watched = watch(photos)
    file = photos / "00" / "0003.png"
    info, data = file.stat(), file.read_bytes()
    (photos / "copy.png").write_bytes(data)
    until(lambda: len(in_catalog(watched.library)) == 11)
    file.unlink()
    until(lambda: len(in_catalog(watched.library)) == 10)
    file.write_bytes(data)
    os.utime(file, ns=(info.st_atime_ns, info.st_mtime_ns))
    until(lambda: len(in_catalog(watched.library)) == 11)
    assert_equals_disk(watched.library, photos)
    assert watched.encoded() == 10


def test_a_moved_folder_is_watched_at_its_new_place(watch, photos, other, many):
    many(photos, 40)
    many(other, 10, first=300)
    watched = watch(photos, other)
    (photos / "00").rename(other / "moved")
    many(other / "moved", 1, first=500)
    until(lambda: len(in_catalog(watched.library)) == 51)
    many(other / "moved", 1, first=501)
    until(lambda: len(in_catalog(watched.library)) == 52)
    assert_equals_disk(watched.library, photos, other)


def _places(*roots):
    return {
        (os.fsencode(root), os.path.relpath(os.path.join(folder, name), root).encode())
        for root in roots
        for folder, _, names in os.walk(root)
        for name in names
    }
