"""What is no picture though it looks like one: a run ends, says why, and blocks nowhere."""

import os
import shutil
import socket
import stat

import children
import pytest
from compare import assert_sound, in_catalog, rows, until

pytestmark = pytest.mark.torture


@pytest.fixture
def odd(photos, many, tmp_path):
    """A folder with ten pictures and everything that a file system can hold under a picture's name."""
    many(photos, 10)
    (photos / "loop").symlink_to(photos)
    (photos / "deep").mkdir()
    (photos / "deep" / "up").symlink_to("..")
    (photos / "itself.png").symlink_to("itself.png")
    (photos / "link.png").symlink_to(photos / "00" / "0000.png")
    (photos / "broken.png").symlink_to("nowhere.png")
    (photos / "folder.png").mkdir()
    shutil.copy(photos / "00" / "0001.png", photos / "folder.png" / "in it.png")
    os.mkfifo(photos / "fifo.png")
    listening = socket.socket(socket.AF_UNIX)
    before = os.getcwd()
    os.chdir(photos)  # the name of a socket may not be long
    listening.bind("socket.png")
    os.chdir(before)
    os.link(photos / "00" / "0002.png", photos / "hard link.png")
    yield photos
    listening.close()


def reasons(library):
    return {path: error for _, path, _, error, *_ in rows(library)["photos"] if error}


def test_everything_that_is_no_picture_is_a_row_with_its_reason_or_is_left_out(odd, tmp_path):
    library = tmp_path / "library"
    process = children.start(
        children.command_line, ["index", odd, "--library", library, "--encoder", "colour"], tmp_path / "said"
    )
    process.join(60)
    assert process.exitcode == 3, "it hangs, or failed"
    assert reasons(library) == {
        b"fifo.png": "is not a regular file (a pipe)",
        b"socket.png": "is not a regular file (a socket)",
    }
    assert len(in_catalog(library)) == 12
    assert_sound(library)


def test_device_nodes_are_not_opened_for_reading(photos, many, needs_root, tmp_path):
    many(photos, 3)
    os.mknod(photos / "zero.png", stat.S_IFCHR | 0o666, os.makedev(1, 5))
    os.mknod(photos / "none.png", stat.S_IFBLK | 0o666, os.makedev(240, 99))
    process = children.start(children.index, tmp_path / "library", [photos])
    process.join(60)
    assert process.exitcode == 0
    assert set(reasons(tmp_path / "library")) == {b"zero.png", b"none.png"}
    assert reasons(tmp_path / "library")[b"zero.png"] == "is not a regular file (a device)"
    assert len(in_catalog(tmp_path / "library")) == 3


def test_oddities_that_come_under_watch_do_not_stop_it(photos, many, watch, until_equal):
    many(photos, 3)
    watched = watch(photos)
    os.mkfifo(photos / "fifo.png")
    (photos / "loop").symlink_to(photos)
    (photos / "00" / "folder.png").mkdir()
    many(photos / "00" / "folder.png", 2, first=100)
    (photos / "text.png").write_text("no picture")
    until(lambda: set(reasons(watched.library)) == {b"fifo.png", b"text.png"})
    (photos / "text.png").unlink()
    until_equal(watched, photos)
    many(photos, 1, first=300)
    until_equal(watched, photos)


NOBODY_INDEXES = """
import sys
from pathlib import Path
sys.path.insert(0, {tests!r})
import children
children.index(Path({library!r}), [Path({photos!r})])
"""


def test_what_may_not_be_read_is_said_and_what_is_known_of_it_stays(
    photos, many, tmp_path, as_nobody, opened_to_all, needs_root
):
    many(photos, 40)
    library = tmp_path / "library"
    library.mkdir()
    opened_to_all(tmp_path)
    opened_to_all(photos)
    os.chown(library, 65534, 65534)
    tests = os.path.dirname(children.__file__)
    code = NOBODY_INDEXES.format(tests=tests, library=str(library), photos=str(photos))
    done = as_nobody(code)
    assert done.returncode == 0, done.stderr
    (photos / "00").chmod(0)
    (photos / "01" / "0020.png").chmod(0)
    os.utime(photos / "01" / "0020.png")
    done = as_nobody(code)
    (photos / "00").chmod(0o755)
    assert done.returncode == 0, done.stderr
    forbidden = "cannot be read: permission denied"
    in_folder = f"{forbidden} (what is in it was left as it was)"
    assert reasons(library) == {b"01/0020.png": forbidden, b"00": in_folder}
    assert len(in_catalog(library)) == 39, "photos in a folder that may not be listed were taken for gone"
    (photos / "01" / "0020.png").chmod(0o644)
    assert as_nobody(code).returncode == 0
    assert len(in_catalog(library)) == 40
