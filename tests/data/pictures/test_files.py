"""Opening photos below their root: through no link, whatever is swapped meanwhile."""

from __future__ import annotations

import os
import threading

import pytest
from polyglance.data.pictures import files
from polyglance.errors import PictureError


@pytest.fixture
def root(tmp_path):
    (tmp_path / "root" / "a" / "b").mkdir(parents=True)
    (tmp_path / "root" / "a" / "b" / "photo.jpg").write_bytes(b"inside")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "photo.jpg").write_bytes(b"outside")
    return tmp_path / "root"


def read(root, relative=b"a/b/photo.jpg"):
    return files.read_below(os.fsencode(root), relative, max_bytes=1000)


def test_a_file_below_the_root_is_read(root):
    assert read(root) == b"inside"


def test_the_root_itself_may_be_reached_through_a_link(root, tmp_path):
    (tmp_path / "link").symlink_to(root)
    assert read(tmp_path / "link") == b"inside"


@pytest.mark.parametrize("part", ["a", "a/b", "a/b/photo.jpg"])
@pytest.mark.parametrize("step_by_step", [True, False], ids=["by folder descriptors", "as on Windows"])
def test_no_link_below_the_root_is_followed(root, tmp_path, monkeypatch, part, step_by_step):
    monkeypatch.setattr(files, "_OPENS_STEP_BY_STEP", step_by_step)
    moved = tmp_path / "moved"
    (root / part).rename(moved)
    (root / part).symlink_to(moved)
    with pytest.raises(PictureError, match="was replaced by a link"):
        read(root)


def test_nothing_outside_is_read_while_files_and_folders_are_swapped(root, tmp_path):
    """Whoever may write to the folder swaps the file, or its folder, for links to others, as fast as it goes."""
    done = threading.Event()

    def swap(name, target):
        link, kept = tmp_path / f"link {name}", tmp_path / f"kept {name}"
        link.symlink_to(target)
        place = root / "a" / "b" / "photo.jpg" if name == "file" else root / "a" / "b"
        while not done.is_set():
            place.rename(kept)
            link.rename(place)
            place.rename(link)
            kept.rename(place)

    for name, target in (("file", tmp_path / "outside" / "photo.jpg"), ("folder", tmp_path / "outside")):
        done.clear()
        swapper = threading.Thread(target=swap, args=(name, target))
        swapper.start()
        seen = []
        try:
            for _ in range(2000):
                try:
                    seen.append(read(root))
                except PictureError as error:
                    seen.append(error.message)
        finally:
            done.set()
            swapper.join()
        assert b"outside" not in seen
        assert b"inside" in seen


def test_a_missing_file_or_folder_may_come_back(root):
    for relative in (b"a/b/gone.jpg", b"gone/b/photo.jpg"):
        with pytest.raises(PictureError, match="is no longer there") as raised:
            read(root, relative)
        assert raised.value.may_pass


def test_a_file_in_the_place_of_a_folder_is_said(root):
    with pytest.raises(PictureError, match="cannot be read: Not a directory"):
        read(root, b"a/b/photo.jpg/x.jpg")


def test_a_path_longer_than_the_system_takes_at_once_is_read(root):
    folder = os.open(root, os.O_RDONLY)
    relative = b""
    for _ in range(30):
        name = b"d" * 200
        os.mkdir(name, dir_fd=folder)
        below = os.open(name, os.O_RDONLY, dir_fd=folder)
        os.close(folder)
        folder, relative = below, relative + name + b"/"
    descriptor = os.open(b"photo.jpg", os.O_WRONLY | os.O_CREAT, dir_fd=folder)
    os.write(descriptor, b"deep")
    os.close(descriptor)
    os.close(folder)
    assert read(root, relative + b"photo.jpg") == b"deep"
