"""Thumbnails: small, without metadata, written whole by however many writers."""

from __future__ import annotations

import multiprocessing
import os
import threading
from dataclasses import FrozenInstanceError
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from polyglance.data.pictures.thumbnails import Thumbnails, encode_jpeg

HASH = bytes(range(32))


def gradient(width: int, height: int) -> Image.Image:
    rows, columns = np.mgrid[0:height, 0:width]
    red, green = columns * 255 // max(1, width - 1), rows * 255 // max(1, height - 1)
    return Image.fromarray(np.dstack([red, green, red * 0 + 60]).astype(np.uint8))


def test_the_place_has_two_levels_of_folders_by_hash(tmp_path):
    path = Thumbnails(tmp_path, 64).path(b"\xab\xcd" + b"\x01" * 30)
    assert path == tmp_path / "ab" / "cd" / ("abcd" + "01" * 30 + ".jpg")


def test_it_is_frozen(tmp_path):
    with pytest.raises(FrozenInstanceError):
        Thumbnails(tmp_path, 64).side = 3


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((400, 300), (64, 48)),
        ((300, 400), (48, 64)),
        ((64, 64), (64, 64)),
        ((20, 10), (20, 10)),
        ((5000, 3), (64, 1)),
    ],
)
def test_a_thumbnail_fits_and_keeps_its_proportions(tmp_path, size, expected):
    path = Thumbnails(tmp_path, 64).write(HASH, encode_jpeg(gradient(*size), 64))
    with Image.open(path) as written:
        assert (written.size, written.format, written.mode) == (expected, "JPEG", "RGB")


def test_a_thumbnail_shows_the_same_picture(tmp_path):
    picture = gradient(1000, 700)
    with Image.open(Thumbnails(tmp_path, 100).write(HASH, encode_jpeg(picture, 100))) as written:
        difference = np.abs(np.asarray(written, float) - np.asarray(picture.resize((100, 70), Image.Resampling.BOX)))
    assert difference.mean() < 3


@pytest.mark.parametrize("side", [32, 512])
def test_no_metadata_comes_along(tmp_path, side):
    picture = gradient(100, 80)
    exif = Image.Exif()
    exif[0x010F] = "secret"
    picture.info = {"exif": exif.tobytes(), "icc_profile": b"secret", "comment": b"secret", "xmp": b"secret"}
    path = Thumbnails(tmp_path, side).write(HASH, encode_jpeg(picture, side))
    assert b"secret" not in path.read_bytes()
    assert picture.info["comment"] == b"secret"


def test_writing_again_replaces(tmp_path):
    thumbnails = Thumbnails(tmp_path, 64)
    thumbnails.write(HASH, encode_jpeg(Image.new("RGB", (64, 64), "red"), 64))
    with Image.open(thumbnails.write(HASH, encode_jpeg(Image.new("RGB", (64, 64), "blue"), 64))) as written:
        assert written.getpixel((9, 9))[2] > 200
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == [HASH.hex() + ".jpg"]


def test_a_failed_write_leaves_nothing_behind(tmp_path, monkeypatch):
    monkeypatch.setattr(Path, "replace", lambda *_: exec("raise OSError('disk full')"))
    with pytest.raises(OSError, match="disk full"):
        Thumbnails(tmp_path, 64).write(HASH, b"a JPEG")
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_removing_twice_is_fine(tmp_path):
    thumbnails = Thumbnails(tmp_path, 64)
    path = thumbnails.write(HASH, encode_jpeg(gradient(10, 10), 64))
    thumbnails.remove(HASH)
    thumbnails.remove(HASH)
    assert not path.exists()


def _write_often(folder: Path) -> None:
    for _ in range(20):
        Thumbnails(folder, 64).write(HASH, encode_jpeg(gradient(90, 90), 64))


def test_several_processes_and_threads_may_write_the_same_one(tmp_path):
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_write_often, args=(tmp_path,)) for _ in range(2)]
    writers += [threading.Thread(target=_write_often, args=(tmp_path,)) for _ in range(3)]
    for writer in writers:
        writer.start()
    path = Thumbnails(tmp_path, 64).path(HASH)
    while any(writer.is_alive() for writer in writers):
        if path.exists():
            with Image.open(path) as seen:
                seen.load()
    assert all(writer.exitcode == 0 for writer in writers[:2])
    assert [each for each in tmp_path.rglob("*") if each.is_file()] == [path]


@pytest.mark.parametrize(("mask", "mode"), [(0o022, 0o644), (0o027, 0o640), (0o077, 0o600)])
def test_the_users_mask_says_who_may_read_it(tmp_path, mask, mode):
    before = os.umask(mask)
    try:
        path = Thumbnails(tmp_path, 64).write(HASH, encode_jpeg(gradient(100, 80), 64))
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == mode
