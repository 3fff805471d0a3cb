"""Pictures: every file gives a bounded upright RGB picture or a PictureError that says why."""

from __future__ import annotations

import base64
import hashlib
import importlib.util
import os
import socket
import struct
import subprocess
import sys
import threading
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import FrozenInstanceError
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFilter
from polyglance.data.pictures import images
from polyglance.data.pictures.files import content_hash, read_bytes
from polyglance.data.pictures.images import PictureError, decode

LIMITS = {"side": 32, "max_pixels": 10_000_000}
FORMATS = ["JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP", "DIB", "AVIF"]


def encoded(image: Image.Image, kind: str = "PNG", **save) -> bytes:
    buffer = BytesIO()
    image.save(buffer, kind, **save)
    return buffer.getvalue()


def scene(width: int = 120, height: int = 90) -> Image.Image:
    """Return a picture with smooth and sharp parts, the same each time."""
    noise = np.random.default_rng(7).integers(0, 256, (8, 10, 3), np.uint8)
    image = Image.fromarray(noise).resize((width, height), Image.Resampling.BICUBIC)
    image.paste((250, 20, 20), (0, 0, width // 4, height // 5))
    return image


def difference(first: Image.Image, second: Image.Image) -> float:
    """Return the mean absolute difference of two pictures, 0 to 255."""
    return float(np.abs(np.asarray(first, float) - np.asarray(second, float)).mean())


# Reading


def test_read_bytes_returns_the_whole_file_and_its_hash(tmp_path):
    path = tmp_path / "a.jpg"
    path.write_bytes(b"x" * 100_000)
    data = read_bytes(os.fsencode(path), max_bytes=100_000)
    assert data == b"x" * 100_000
    assert content_hash(data) == hashlib.sha256(data).digest()


@pytest.mark.parametrize("name", ["📷.png".encode(), b"two\nlines.png", "جبل.png".encode(), b"caf\xe9.png"])
def test_any_name_of_bytes_can_be_read(tmp_path, name):
    path = os.fsencode(tmp_path) + b"/" + name
    with open(path, "wb") as file:
        file.write(encoded(scene()))
    assert decode(read_bytes(path, max_bytes=1 << 20), **LIMITS).format == "PNG"


def refusal(path: Path | str, max_bytes: int = 1 << 20) -> PictureError:
    with pytest.raises(PictureError) as caught:
        read_bytes(os.fsencode(path), max_bytes=max_bytes)
    return caught.value


def test_a_missing_file_is_refused(tmp_path):
    assert refusal(tmp_path / "none.jpg").message == "is no longer there"


def test_a_folder_is_refused(tmp_path):
    assert refusal(tmp_path).message == "is not a regular file (a folder)"


@pytest.mark.timeout(20)
def test_a_pipe_is_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.jpg")
    assert refusal(tmp_path / "pipe.jpg").message == "is not a regular file (a pipe)"


def test_a_device_is_refused():
    assert refusal("/dev/zero").message == "is not a regular file (a device)"


def test_a_socket_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # the name of a socket is at most 107 bytes
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket.jpg")
        assert refusal(tmp_path / "socket.jpg").message == "is not a regular file (a socket)"


def test_an_empty_file_is_refused(tmp_path):
    (tmp_path / "a.jpg").touch()
    assert refusal(tmp_path / "a.jpg").message == "is empty (0 bytes)"


def test_a_file_over_the_limit_is_refused(tmp_path):
    with open(tmp_path / "a.jpg", "wb") as file:
        file.truncate(5_000_001)
    error = refusal(tmp_path / "a.jpg", max_bytes=2_000_000)
    assert error.message == "is 5 MB, over the limit of 2 MB"
    assert "POLYGLANCE_MAX_FILE_BYTES" in error.hint


def test_no_descriptor_stays_open(tmp_path):
    before = len(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").exists() else pytest.skip("no /proc")
    for path in (tmp_path, tmp_path / "none", "/dev/zero"):
        refusal(path)
    assert len(os.listdir("/proc/self/fd")) == before


READ = """
import os, sys
from polyglance.data.pictures.files import PictureError, read_bytes
for path in sys.argv[1:]:
    try:
        print(len(read_bytes(os.fsencode(path), max_bytes=1000)))
    except PictureError as error:
        print(error.message)
"""


def test_an_unreadable_file_is_refused_with_a_plain_reason(tmp_path, as_nobody, opened_to_all):
    opened_to_all(tmp_path)
    for name, mode in (("open.jpg", 0o644), ("closed.jpg", 0o000)):
        (tmp_path / name).write_bytes(b"12345")
        (tmp_path / name).chmod(mode)
    done = as_nobody(READ, str(tmp_path / "open.jpg"), str(tmp_path / "closed.jpg"))
    assert done.stdout.splitlines() == ["5", "cannot be read: permission denied"], done.stderr


# Formats and frames


@pytest.mark.parametrize("kind", FORMATS)
def test_every_format_is_read(kind):
    save = {"quality": 95} if kind in ("JPEG", "WEBP", "AVIF") else {}
    picture = decode(encoded(scene(), kind, **save), **LIMITS)
    assert (picture.format, picture.width, picture.height, picture.image.mode) == (kind, 120, 90, "RGB")
    assert difference(picture.image, scene()) < (12 if kind == "GIF" else 5)  # GIF: 256 colours


def test_the_bytes_decide_and_a_picture_is_frozen():
    picture = decode(encoded(scene(), "PNG"), **LIMITS)
    with pytest.raises(FrozenInstanceError):
        picture.width = 3


def test_a_phones_multi_picture_jpeg_is_its_first_frame():
    data = encoded(scene(400, 300), "MPO", save_all=True, append_images=[Image.new("RGB", (400, 300))], quality=95)
    assert Image.open(BytesIO(data)).format == "MPO"
    picture = decode(data, **LIMITS)
    assert (picture.format, picture.width, picture.height) == ("JPEG", 400, 300)
    assert difference(picture.image, scene(400, 300).resize(picture.image.size, Image.Resampling.BOX)) < 3


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "TIFF"])
def test_of_several_frames_the_first_is_read(kind):
    others = [Image.new("RGB", (120, 90), "black"), Image.new("RGB", (120, 90), "blue")]
    data = encoded(Image.new("RGB", (120, 90), "lime"), kind, save_all=True, append_images=others)
    with Image.open(BytesIO(data)) as opened:
        assert opened.n_frames == 3
    red, green, blue = decode(data, **LIMITS).image.getpixel((60, 45))
    assert (red < 5, green > 250, blue < 5) == (True, True, True)


HEIC = base64.b85decode(
    "0000SW^{RQXk}?*00000ZE0pPXk}?*ZE0a<0005VZDn*}000000000XXk=`10000000000aA{+700000000000000000000G-+&a"
    "V*mgE07O6l0ssL300001>;M4(00000008^|0ssI200QU$0RR9100000JOBUyIB98aW&i*H00062000$fZf0cy000000RRAKc4ILB"
    "0000LX>Mj^0ssI300IC2MR;ju000004sdC7Z2$lO00031009SSaB^?}008D`aAR)(004Gqc4I>U18@KU0FVFx0000U@BsY%`1k+-"
    "4+CHT0RR|40Sp2E{{wIU00RJ!0009300RIXx&lC90096hLID8-Z~y=U0FVFx0{{R603M(qfd!W8<fgf}2xu@M00096AOHXZ03l)k"
    "0RRR>0l{;?i2wiq6Ju{|a&BX6cmM$a4FCp!0000KX>)L8000000000$0000$0000eV{Bn?0000$000010000W000010000000002"
    "|NsBs000020000GaA|mH000000|*ER00009X>xCL0{{R38EJ5BVE_OC000000RRC8fdT^sgoXeB02*m>Wo7^X0000001jhhb7KGk"
    "009620003%ZDe6|0002^C;_ho`0QHf;|>2{s-OSaQ~UqvS90GzCa>ty=}Yw=pa1G*=|r1#%`RNZOx<9EPLsZPU0)-HqUz%?iz9fb"
    "nJ9iKM}boR(dlw}hznNqM5F)S%K-;1vY)7Hu|FsQx}+7KH{?ukMHJbn!^u_K^4i~1i|c=^JglZEVS;eJYV<$uj5%O8a-$)^tn#3w"
    "t+1fo0&sV1DMH4rxsB>rZ~0$c9KtNHEk89d{nJ?D9zowH24gXNuJ?$spmpU6tU6gwDdcFuCvhnNUSn0oZUlrCg6%&D3vW*nuj=>S"
    "dC|tB>B!=LdH_J#hDzLRxL5!$cc~t500006MR;ju002!*04e|g00;mA0S^EI0000B0000c0TKWM0000100sa600000P;YE`XKZ0^"
    "V`TsU"
)
"""Made with pillow-heif: red, green over white, blue, stored lying (64 x 32) with EXIF orientation 6."""


def test_heic_is_turned_upright_once():
    pytest.importorskip("pi_heif")
    picture = decode(HEIC, **LIMITS)
    assert (picture.format, picture.image.size, picture.width, picture.height) == ("HEIF", (32, 64), 32, 64)
    corners = [picture.image.getpixel(at) for at in ((4, 4), (28, 4), (4, 60), (28, 60))]
    expected = [(255, 255, 255), (255, 0, 0), (0, 0, 255), (0, 128, 0)]
    assert np.abs(np.array(corners) - expected).max() < 12
    assert picture.facts.camera == "Polyglance"


@pytest.mark.parametrize("item", [b"hvc1", b"Exif"])
def test_a_heic_item_of_a_type_that_is_no_text_is_refused(item):
    pytest.importorskip("pi_heif")  # which crashes on it
    damaged = HEIC.replace(item, b"\x8f" + item[1:], 1)
    assert failure(damaged) == "is truncated or damaged: an item's type is no text"


def test_pixels_that_look_like_a_heic_item_are_no_reason_to_refuse():
    pytest.importorskip("pi_heif")
    tail = b"\0\0\0\x40mdat" + b"\0\0\0\x15infe\2\0\0\0\0\1\0\0\xff\xff\xff\xff".ljust(56, b"\0")
    assert decode(HEIC + tail, **LIMITS).width == 32


def test_heic_without_its_extra_says_what_to_install(monkeypatch):
    monkeypatch.setattr("polyglance.data.pictures.formats.find_spec", lambda name: None)
    with pytest.raises(PictureError, match="is a HEIC picture") as caught:
        decode(HEIC, **LIMITS)
    assert "pip install 'polyglance[heic]'" in caught.value.hint


# Sizes


def test_a_small_picture_keeps_its_size():
    assert decode(encoded(scene(20, 15)), **LIMITS).image.size == (20, 15)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("short", [63, 64, 127, 128, 129, 500, 1111])
def test_the_short_side_is_between_two_and_four_times_the_side(kind, short):
    picture = decode(encoded(scene(short + 100, short), kind), **LIMITS)
    assert (picture.width, picture.height) == (short + 100, short)
    assert min(short, 64) <= min(picture.image.size) < 128


def test_the_jpeg_decoder_itself_leaves_out_what_is_not_needed():
    # It halves up to three times (600 -> 75); averaging whole pixels by 9 afterwards would give 67.
    assert decode(encoded(scene(900, 600), "JPEG"), **LIMITS).image.size == (113, 75)


@pytest.mark.parametrize("size", [(6000, 70), (70, 6000), (5000, 1)])
def test_the_long_side_of_a_panorama_is_bounded(size):
    picture = decode(encoded(scene(*size)), **LIMITS)
    assert (picture.width, picture.height) == size
    assert max(picture.image.size) == images.MAX_ASPECT * LIMITS["side"]
    assert min(picture.image.size) >= 1


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_reducing_agrees_with_decoding_in_full(kind):
    original = scene(1500, 1000).filter(ImageFilter.GaussianBlur(1))
    data = encoded(original, kind)
    with Image.open(BytesIO(data)) as opened:
        full = opened.convert("RGB").resize((48, 32), Image.Resampling.BICUBIC)
    reduced = decode(data, **LIMITS).image
    assert reduced.width < 400
    assert difference(reduced.resize((48, 32), Image.Resampling.BICUBIC), full) < 1.5


def png_header(width: int, height: int) -> bytes:
    """Return a PNG that claims a size but holds hardly any pixels."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")


def test_too_many_pixels_are_refused_from_the_header():
    with pytest.raises(PictureError) as caught:
        decode(png_header(30_000, 30_000), side=32, max_pixels=300_000_000)
    assert caught.value.message == "is 30000 x 30000 pixels, over the limit of 300 megapixels"
    assert "POLYGLANCE_MAX_PIXELS" in caught.value.hint


def test_the_pixel_limit_is_inclusive():
    data = encoded(scene(100, 80))
    assert decode(data, side=32, max_pixels=8000).width == 100
    with pytest.raises(PictureError, match="100 x 80 pixels"):
        decode(data, side=32, max_pixels=7999)


@pytest.mark.parametrize("kind", sorted({*FORMATS} - {"WEBP"}))  # whose plugin checks it by itself from 13 on
def test_pillows_own_pixel_limit_plays_no_part(kind, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    assert decode(encoded(scene(), kind), **LIMITS).width == 120


def test_a_limit_of_pillows_own_is_named_as_one(monkeypatch):
    def refuse(*_):
        raise Image.DecompressionBombError("Image size exceeds limit")

    monkeypatch.setattr("polyglance.data.pictures.formats.open_picture", refuse)
    assert failure(encoded(scene())) == "has more pixels than Pillow reads: Image size exceeds limit"


# Orientation

VISUAL_SIDES = {
    1: ("top", "left"),
    2: ("top", "right"),
    3: ("bottom", "right"),
    4: ("bottom", "left"),
    5: ("left", "top"),
    6: ("right", "top"),
    7: ("right", "bottom"),
    8: ("left", "bottom"),
}
"""What the EXIF standard says: the visual side at which the stored row 0 lies, and that of column 0."""


def stored(upright: np.ndarray, orientation: int) -> np.ndarray:
    """Return the rows as a camera stores them so that `orientation` describes them, pixel by pixel."""
    height, width = upright.shape[:2]
    row_side, column_side = VISUAL_SIDES[orientation]
    lying = row_side in ("left", "right")
    rows = np.empty((width, height, 3) if lying else (height, width, 3), np.uint8)
    for row in range(rows.shape[0]):
        for column in range(rows.shape[1]):
            along = {row_side: row, column_side: column}
            y = along["top"] if "top" in along else height - 1 - along["bottom"]
            x = along["left"] if "left" in along else width - 1 - along["right"]
            rows[row, column] = upright[y, x]
    return rows


def oriented(image: Image.Image, kind: str, orientation: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    save = {
        "JPEG": {"quality": 98, "subsampling": 0},
        "WEBP": {"lossless": True},
        "AVIF": {"quality": 98, "subsampling": "4:4:4"},
    }
    return encoded(image, kind, exif=exif, **save.get(kind, {}))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_all_orientations_come_out_upright(kind, orientation):
    upright = scene(48, 32)
    data = oriented(Image.fromarray(stored(np.asarray(upright), orientation)), kind, orientation)
    picture = decode(data, **LIMITS)
    assert picture.image.size == (picture.width, picture.height) == (48, 32)
    assert difference(picture.image, upright) < 3


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF"])
def test_a_reduced_picture_is_turned_as_well(kind):
    data = oriented(scene(900, 600), kind, 6)
    picture = decode(data, **LIMITS)
    assert (picture.width, picture.height) == (600, 900)
    expected = scene(900, 600).rotate(-90, expand=True).resize(picture.image.size, Image.Resampling.BOX)
    assert difference(picture.image, expected) < 3


@pytest.mark.parametrize("orientation", [0, 9, 65535])
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF"])
def test_an_invalid_orientation_is_ignored(kind, orientation):
    picture = decode(oriented(scene(48, 32), kind, orientation), **LIMITS)
    assert (picture.width, picture.height) == (48, 32)
    assert difference(picture.image, scene(48, 32)) < 3


# Damage


def failure(data: bytes) -> str:
    with pytest.raises(PictureError) as caught:
        decode(data, **LIMITS)
    assert "\n" not in caught.value.message
    return caught.value.message


@pytest.mark.parametrize("part", [0.01, 0.1, 0.5, 0.9])
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_a_truncated_file_is_refused(kind, part):
    data = encoded(scene(400, 300), kind)
    assert failure(data[: max(16, int(len(data) * part))]).startswith("is truncated or damaged: ")


def test_a_truncated_progressive_jpeg_is_refused():
    data = encoded(scene(400, 300), "JPEG", progressive=True)
    assert failure(data[: len(data) // 2]).startswith("is truncated or damaged: ")


@pytest.mark.parametrize(
    "data",
    [
        b"this is a text file named holiday.jpg\n" * 20,
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"%PDF-1.7\n",
        b"%!PS-Adobe-3.0 EPSF-3.0\n",
        b"8BPS\0\1",
        b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom",
        b"\0" * 100,
        b"\xff",
        b"",
    ],
    ids=["text", "svg", "pdf", "eps", "psd", "mp4", "zeros", "one byte", "nothing"],
)
def test_what_is_no_picture_is_refused(data):
    assert failure(data) == "is not a picture polyglance can read"


def test_a_lack_of_memory_is_one_files_failure(monkeypatch):
    def exhausted(*_):
        raise MemoryError

    monkeypatch.setattr("polyglance.data.pictures.colour.to_srgb", exhausted)
    assert failure(encoded(scene())) == "needs more memory than is free"


SAMPLES = {kind: encoded(scene(40, 30), kind) for kind in ("JPEG", "PNG", "WEBP", "GIF", "TIFF")}
if importlib.util.find_spec("pi_heif"):
    SAMPLES["HEIC"] = HEIC
SAMPLES["AVIF"] = encoded(scene(40, 30), "AVIF")
SAMPLES["JPEG with EXIF"] = oriented(scene(40, 30), "JPEG", 6)
SAMPLES["TIFF, compressed"] = encoded(scene(40, 30), "TIFF", compression="tiff_lzw")
SAMPLES["PNG, palette"] = encoded(scene(40, 30).quantize(16), "PNG", transparency=3)


@pytest.mark.parametrize("kind", SAMPLES)
@settings(max_examples=80)
@given(changes=st.lists(st.tuples(st.integers(0, 1 << 16), st.integers(0, 255)), min_size=1, max_size=6))
def test_flipped_bytes_give_a_picture_or_a_picture_error(kind, changes):
    damaged = bytearray(SAMPLES[kind])
    for at, value in changes:
        damaged[at % len(damaged)] = value
    try:
        picture = decode(bytes(damaged), side=16, max_pixels=1_000_000)
    except PictureError:
        return
    assert picture.image.mode == "RGB"
    assert max(picture.image.size) <= images.MAX_ASPECT * 16


# Metadata, warnings, threads


def test_facts_come_with_the_picture_and_metadata_stays_behind():
    exif = Image.Exif()
    exif[0x010F] = "Canon"
    picture = decode(encoded(scene(), "JPEG", exif=exif), **LIMITS)
    assert picture.facts.camera == "Canon"
    assert picture.image.info == {}
    assert type(picture.image) is Image.Image


def damaged_exif() -> bytes:
    """Return a JPEG whose EXIF makes Pillow warn."""
    exif = Image.Exif()
    exif[0x010F] = "Canon" * 10
    return encoded(scene(), "JPEG", exif=exif.tobytes()[:-20])


def test_pillows_warnings_do_not_leak():
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        with Image.open(BytesIO(damaged_exif())) as opened:
            opened.getexif()
        assert seen
        seen.clear()
        decode(damaged_exif(), **LIMITS)
        assert seen == []


def test_pillows_warnings_are_no_errors_where_warnings_are():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert decode(damaged_exif(), **LIMITS).width == 120


def test_other_warnings_are_left_alone():
    decode(damaged_exif(), **LIMITS)
    with pytest.warns(UserWarning, match="mine"):
        warnings.warn("mine", stacklevel=1)


def test_threads_decode_as_one_does():
    files = [encoded(scene(300 + 10 * step, 200), kind) for step in range(4) for kind in FORMATS]
    files.append(damaged_exif())
    alone = [decode(data, **LIMITS).image.tobytes() for data in files]
    start = threading.Barrier(4)

    def work(_: int) -> list[bytes]:
        start.wait()
        return [decode(data, **LIMITS).image.tobytes() for data in files]

    with ThreadPoolExecutor(4) as pool:
        assert all(together == alone for together in pool.map(work, range(4)))


def test_extensions_follow_the_installed_extras(monkeypatch):
    assert {b".jpg", b".jpeg", b".png", b".webp", b".gif", b".tiff", b".bmp", b".avif"} <= images.EXTENSIONS
    assert (b".heic" in images.EXTENSIONS) is bool(importlib.util.find_spec("pi_heif"))
    assert (b".nef" in images.EXTENSIONS) is bool(importlib.util.find_spec("rawpy"))
    monkeypatch.setattr("polyglance.data.pictures.formats.find_spec", lambda name: object())
    assert {b".heic", b".cr2", b".dng"} <= images.supported_extensions()
    monkeypatch.setattr("polyglance.data.pictures.formats.find_spec", lambda name: None)
    assert not {b".heic", b".cr2", b".dng"} & images.supported_extensions()


def test_importing_loads_no_optional_library():
    code = "import sys, polyglance.data.pictures.images; print([name for name in sys.argv[1:] if name in sys.modules])"
    names = ["pi_heif", "rawpy", "PIL.WebPImagePlugin", "PIL.AvifImagePlugin", "PIL.GifImagePlugin", "torch"]
    done = subprocess.run([sys.executable, "-c", code, *names], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
