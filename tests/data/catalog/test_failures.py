"""What can be wrong with a file has a kind, so that it can be said in any language."""

import errno
import os
from io import BytesIO

import pytest
from PIL import Image
from polyglance.data.catalog.failures import kind_of
from polyglance.data.pictures import files, formats, images, raw
from polyglance.errors import PictureError


def png(width=40, height=30):
    target = BytesIO()
    Image.new("RGB", (width, height)).save(target, "PNG")
    return target.getvalue()


HEIC = b"\0\0\0\x18ftypheic\0\0\0\0heicmif1"
RAW = b"\0\0\0\x18ftypcrx \0\0\0\x01crx isom"


@pytest.fixture
def reason(tmp_path):
    """What reading a file with these bytes says, or what `broken` says instead of the file system."""

    def say(data=b"", broken=None, *, limit=10**9, pixels=10**9):
        path = tmp_path / "file"
        if data is not None:
            path.write_bytes(data)
        with pytest.MonkeyPatch.context() as patch, pytest.raises(PictureError) as said:
            if broken:
                patch.setattr(*broken)
            images.decode(files.read_bytes(os.fsencode(path), max_bytes=limit), side=224, max_pixels=pixels)
        return said.value.message

    return say


def raising(error):
    def fail(*_, **__):
        raise error

    return fail


@pytest.mark.parametrize(
    ("kind", "how"),
    [
        ("empty", {}),
        ("damaged", {"data": png()[:50]}),
        ("not_a_picture", {"data": b"hello"}),
        ("gone", {"data": None}),
        ("large", {"data": png(), "limit": 10}),
        ("large", {"data": png(), "pixels": 10}),
        ("large", {"data": png(), "broken": (formats, "open_picture", raising(Image.DecompressionBombError("many")))}),
        ("memory", {"data": png(), "broken": (formats, "open_picture", raising(MemoryError()))}),
        ("extra", {"data": HEIC, "broken": (formats, "find_spec", lambda _: None)}),
        ("extra", {"data": RAW, "broken": (raw, "find_spec", lambda _: None)}),
        ("forbidden", {"data": png(), "broken": (os, "open", raising(PermissionError(errno.EACCES, "denied")))}),
        ("unreadable", {"data": png(), "broken": (os, "open", raising(OSError(errno.EIO, "I/O error")))}),
        ("not_a_file", {"data": png(), "broken": (os, "open", raising(IsADirectoryError()))}),
    ],
)
def test_a_reason_has_a_kind(reason, kind, how):
    assert kind_of(reason(**how)) == kind


def test_another_reason_has_none():
    assert kind_of("fell from the sky") == "other"
