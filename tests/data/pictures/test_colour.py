"""Colour: every mode a picture can be stored in becomes the RGB one would see, on white."""

from __future__ import annotations

import gc
import struct
import zlib
from io import BytesIO

import numpy as np
import pytest
from PIL import Image, ImageCms
from polyglance.data.pictures import colour as colours
from polyglance.data.pictures.colour import to_srgb
from polyglance.data.pictures.images import decode

BIG, SMALL = 200, 20
"""Sides of a picture that is averaged down on the way and of one that is not."""


def decoded(image: Image.Image, kind: str = "PNG", **save) -> Image.Image:
    buffer = BytesIO()
    image.save(buffer, kind, **save)
    return decode(buffer.getvalue(), side=20, max_pixels=1_000_000).image


def colour(image: Image.Image) -> tuple[int, int, int]:
    """Return the colour in the middle."""
    return image.getpixel((image.width // 2, image.height // 2))


def near(first, second, tolerance=2) -> bool:
    return max(abs(int(a) - int(b)) for a, b in zip(first, second, strict=True)) <= tolerance


@pytest.mark.parametrize("side", [SMALL, BIG])
@pytest.mark.parametrize(
    ("mode", "value", "seen"),
    [
        ("1", 1, (255, 255, 255)),
        ("L", 90, (90, 90, 90)),
        ("RGB", (10, 200, 90), (10, 200, 90)),
        ("RGBA", (10, 200, 90, 255), (10, 200, 90)),
        ("RGBA", (10, 200, 90, 0), (255, 255, 255)),
        ("RGBA", (0, 100, 200, 128), (127, 177, 227)),
        ("LA", (0, 0), (255, 255, 255)),
        ("LA", (50, 255), (50, 50, 50)),
        ("LA", (0, 128), (127, 127, 127)),
        ("I;16", 257 * 100, (100, 100, 100)),
        ("I;16", 65535, (255, 255, 255)),
        ("I;16", 300, (1, 1, 1)),
    ],
)
def test_modes_of_png(mode, value, seen, side):
    assert near(colour(decoded(Image.new(mode, (side, side), value))), seen)


@pytest.mark.parametrize("side", [SMALL, BIG])
@pytest.mark.parametrize(
    ("mode", "value", "seen"),
    [
        ("CMYK", (0, 0, 0, 0), (255, 255, 255)),
        ("CMYK", (255, 0, 0, 0), (0, 255, 255)),
        ("CMYK", (0, 0, 0, 255), (0, 0, 0)),
        ("LAB", (255, 128, 128), (255, 255, 255)),
        ("LAB", (0, 128, 128), (0, 0, 0)),
    ],
)
def test_modes_of_tiff(mode, value, seen, side):
    assert near(colour(decoded(Image.new(mode, (side, side), value), "TIFF")), seen)


def test_ycbcr_tiff():
    image = Image.new("YCbCr", (SMALL, SMALL), (76, 85, 255))
    assert near(colour(decoded(image, "TIFF", compression="jpeg", quality=95)), (254, 0, 0), 5)


@pytest.mark.parametrize("side", [SMALL, BIG])
@pytest.mark.parametrize(
    ("ink", "seen"),
    [((0, 0, 0, 0), (255, 255, 255)), ((0, 255, 255, 0), (255, 0, 0)), ((0, 0, 0, 255), (0, 0, 0))],
)
def test_cmyk_jpeg_as_adobe_stores_it(ink, seen, side):
    assert near(colour(decoded(Image.new("CMYK", (side, side), ink), "JPEG", quality=95)), seen, 4)


def test_ycck_jpeg():
    buffer = BytesIO()
    Image.new("CMYK", (SMALL, SMALL), (255 - 200, 255 - 128, 255 - 128, 0)).save(buffer, "JPEG", quality=100)
    data = bytearray(buffer.getvalue())
    adobe = data.index(b"Adobe")
    assert data[adobe + 11] == 0
    data[adobe + 11] = 2  # the same numbers, now declared as luma 200, two neutral chromas, and no black
    picture = decode(bytes(data), side=20, max_pixels=1000)
    assert near(colour(picture.image), (55, 55, 55), 4)


def halves(mode: str, left: object, right: object, side: int = SMALL) -> Image.Image:
    image = Image.new(mode, (side, side), left)
    image.paste(right, (side // 2, 0, side, side))
    return image


def left_and_right(image: Image.Image):
    middle = image.height // 2
    return image.getpixel((2, middle)), image.getpixel((image.width - 3, middle))


@pytest.mark.parametrize("side", [SMALL, BIG])
@pytest.mark.parametrize(
    ("mode", "left", "right", "transparency", "seen"),
    [
        ("L", 10, 200, 10, 200),
        ("1", 0, 1, 0, 255),
        ("RGB", (9, 9, 9), (60, 60, 60), (9, 9, 9), 60),
        ("I;16", 500, 257 * 80, 500, 80),
    ],
)
def test_a_transparent_colour_shows_white(mode, left, right, transparency, seen, side):
    first, second = left_and_right(decoded(halves(mode, left, right, side), transparency=transparency))
    assert near(first, (255,) * 3)
    assert near(second, (seen,) * 3)


def test_a_transparent_one_bit_white_hides_only_white():
    first, second = left_and_right(decoded(halves("1", 0, 1), transparency=1))
    assert (first, second) == ((0, 0, 0), (255, 255, 255))


def palette(side: int = SMALL) -> Image.Image:
    image = halves("P", 0, 1, side)
    image.putpalette([200, 0, 0, 0, 0, 150])
    return image


@pytest.mark.parametrize("side", [SMALL, BIG])
@pytest.mark.parametrize("kind", ["PNG", "GIF"])
def test_a_palette_shows_its_colours(kind, side):
    assert left_and_right(decoded(palette(side), kind)) == ((200, 0, 0), (0, 0, 150))


@pytest.mark.parametrize("side", [SMALL, BIG])
@pytest.mark.parametrize("kind", ["PNG", "GIF"])
def test_a_transparent_palette_index_shows_white(kind, side):
    assert left_and_right(decoded(palette(side), kind, transparency=0)) == ((255, 255, 255), (0, 0, 150))


@pytest.mark.parametrize("side", [SMALL, BIG])
def test_a_palette_with_alpha_for_each_index_is_blended(side):
    first, second = left_and_right(decoded(palette(side), transparency=bytes([0, 128])))
    assert near(first, (255, 255, 255))
    assert near(second, (127, 127, 202))


@pytest.mark.parametrize("mode", ["PA", "RGBa", "La"])
def test_modes_that_only_some_plugins_give(mode):
    if mode == "PA":
        image = palette().convert("PA")
        image.putpalette([0, 0, 0] * 2)
        image.putalpha(halves("L", 0, 255))
    elif mode == "La":
        image = halves("LA", (0, 0), (0, 255)).convert("La")
    else:
        image = halves("RGBA", (0, 0, 0, 0), (0, 0, 0, 255)).convert("RGBa")
    assert image.mode == mode
    assert left_and_right(to_srgb(image, 40, 640)) == ((255, 255, 255), (0, 0, 0))


def test_hidden_colours_do_not_bleed_into_a_reduced_picture():
    pixels = np.full((240, 240, 4), (255, 0, 0, 0), np.uint8)
    pixels[::2, :] = (0, 0, 0, 255)
    assert near(colour(decoded(Image.fromarray(pixels))), (127, 127, 127))


def ramp(dtype, low, high) -> np.ndarray:
    return np.tile(np.linspace(low, high, SMALL), (SMALL, 1)).astype(dtype)


@pytest.mark.parametrize("side", [SMALL, BIG])
def test_16_bit_grey_is_scaled_and_not_clipped(side):
    values = np.tile(np.linspace(0, 65535, side), (side, 1)).astype(np.uint16)
    shades = np.asarray(decoded(Image.fromarray(values)))[:, :, 0]
    expected = np.asarray(Image.fromarray((values // 257).astype(np.uint8)).resize(shades.shape, Image.Resampling.BOX))
    assert np.abs(shades.astype(int) - expected).max() <= 1


def test_big_endian_16_bit_tiff():
    values = ramp(">u2", 0, 65535)
    image = Image.frombytes("I;16B", (SMALL, SMALL), values.tobytes())
    shades = np.asarray(decoded(image, "TIFF"))[:, :, 0]
    assert (shades == values // 257).all()


@pytest.mark.parametrize(
    ("dtype", "low", "high"), [(np.int32, -50_000, 900_000), (np.float32, 0, 1), (np.float32, -1e30, 1e30)]
)
def test_32_bit_tiff_is_stretched_from_minimum_to_maximum(dtype, low, high):
    shades = np.asarray(decoded(Image.fromarray(ramp(dtype, low, high)), "TIFF"))[0, :, 0]
    assert (shades[0], shades[-1]) == (0, 255)
    assert (np.diff(shades.astype(int)) > 0).all()


def test_a_constant_32_bit_tiff_keeps_its_value():
    assert colour(decoded(Image.fromarray(np.full((SMALL, SMALL), 77, np.int32)), "TIFF")) == (77, 77, 77)


def test_floats_that_are_no_numbers_do_not_spread():
    values = ramp(np.float32, 0, 1)
    values[0] = np.nan
    values[1] = np.inf
    shades = np.asarray(decoded(Image.fromarray(values), "TIFF"))[:, :, 0]
    assert (shades[0] == 0).all()
    assert (shades[1] == 255).all()
    assert (shades[5, 0], shades[5, -1]) == (0, 255)


# Profiles


def icc(space: bytes, pcs: bytes, kind: bytes, description: str, tags: dict[bytes, bytes]) -> bytes:
    """Assemble an ICC version 2 profile."""
    text = description.encode("ascii") + b"\0"
    tags = {
        b"desc": b"desc\0\0\0\0" + struct.pack(">I", len(text)) + text + bytes(78),
        b"cprt": b"text\0\0\0\0none\0",
        b"wtpt": xyz(0.9642, 1.0, 0.8249),
        **tags,
    }
    at = 128 + 4 + 12 * len(tags)
    table, body = struct.pack(">I", len(tags)), b""
    for name, content in tags.items():
        table += name + struct.pack(">II", at + len(body), len(content))
        body += content + bytes(-len(content) % 4)
    head = struct.pack(">I4sI4s4s4s12s4s", at + len(body), b"lcms", 0x02400000, kind, space, pcs, bytes(12), b"acsp")
    return head.ljust(68, b"\0") + struct.pack(">iii", 63190, 65536, 54061) + bytes(48) + table + body


def xyz(x: float, y: float, z: float) -> bytes:
    return b"XYZ \0\0\0\0" + struct.pack(">iii", *(round(value * 65536) for value in (x, y, z)))


GAMMA = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(2.2 * 256))


def rgb_profile(description: str) -> bytes:
    """Return a profile with Display P3's primaries (adapted to D50), whatever it is called."""
    primaries = {
        b"rXYZ": xyz(0.5151, 0.2412, -0.0011),
        b"gXYZ": xyz(0.2920, 0.6922, 0.0419),
        b"bXYZ": xyz(0.1571, 0.0666, 0.7841),
    }
    return icc(b"RGB ", b"XYZ ", b"mntr", description, {**primaries, b"rTRC": GAMMA, b"gTRC": GAMMA, b"bTRC": GAMMA})


def cmyk_profile() -> bytes:
    """Return a profile by which any ink at all is the same green, and bare paper white."""
    identity = struct.pack(">9i", 65536, 0, 0, 0, 65536, 0, 0, 0, 65536)
    curve = bytes(range(256))
    grid = bytes([255, 128, 128]) + bytes([150, 60, 190]) * 15
    table = b"mft1\0\0\0\0" + bytes([4, 3, 2, 0]) + identity + curve * 4 + grid + curve * 3
    return icc(b"CMYK", b"Lab ", b"prtr", "Test inks", {b"A2B0": table})


MUTED = (200, 120, 60)


@pytest.mark.parametrize("side", [SMALL, BIG])
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_a_wide_gamut_picture_is_converted_to_srgb(kind, side):
    save = {"quality": 98} if kind in ("JPEG", "AVIF", "WEBP") else {}
    image = Image.new("RGB", (side, side), MUTED)
    result = colour(decoded(image, kind, icc_profile=rgb_profile("Display P3"), **save))
    # P3 (200, 120, 60) lies further out than the same numbers in sRGB: more red, less blue.
    assert result[0] > MUTED[0] + 5
    assert result[2] < MUTED[2] - 5


def test_a_transparent_wide_gamut_picture_is_white_where_it_is_transparent():
    image = Image.new("RGBA", (SMALL, SMALL), (*MUTED, 0))
    assert near(colour(decoded(image, icc_profile=rgb_profile("Display P3"))), (255, 255, 255))


def test_an_srgb_profile_is_skipped_by_its_name():
    image = Image.new("RGB", (SMALL, SMALL), MUTED)
    assert colour(decoded(image, icc_profile=rgb_profile("sRGB IEC61966-2.1"))) == MUTED


def test_pillows_own_srgb_profile_changes_nothing():
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert colour(decoded(Image.new("RGB", (SMALL, SMALL), MUTED), icc_profile=profile)) == MUTED


@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
def test_the_profile_of_a_cmyk_picture_is_used(kind):
    inks = Image.new("CMYK", (SMALL, SMALL), (255, 0, 0, 0))
    red, green, blue = colour(decoded(inks, kind, icc_profile=cmyk_profile()))
    assert green > red + 30
    assert green > blue + 30


def test_a_grey_profile_is_used_for_a_grey_picture():
    profile = icc(b"GRAY", b"XYZ ", b"mntr", "Linear grey", {b"kTRC": b"curv\0\0\0\0" + struct.pack(">I", 0)})
    result = colour(decoded(Image.new("L", (SMALL, SMALL), 55), icc_profile=profile))
    assert near(result, (128, 128, 128), 3)


@pytest.mark.parametrize(
    "profile",
    [b"", b"rubbish", rgb_profile("Display P3")[:200], cmyk_profile()],
    ids=["empty", "rubbish", "cut", "of another colour space"],
)
def test_a_profile_that_cannot_serve_is_ignored(profile):
    assert colour(decoded(Image.new("RGB", (SMALL, SMALL), MUTED), icc_profile=profile)) == MUTED


def test_a_profile_of_another_colour_space_is_ignored_for_cmyk_too():
    inks = Image.new("CMYK", (SMALL, SMALL), (40, 120, 200, 20))
    with_profile = decoded(inks, "TIFF", icc_profile=rgb_profile("Display P3"))
    assert colour(with_profile) == colour(decoded(inks, "TIFF"))


def test_a_profile_that_is_too_long_is_ignored():
    profile = rgb_profile("Display P3").ljust(colours.MAX_PROFILE_BYTES + 1, b"\0")
    assert colour(decoded(Image.new("RGB", (SMALL, SMALL), MUTED), "TIFF", icc_profile=profile)) == MUTED


def test_the_profiles_that_are_kept_hold_hashes_and_are_few():
    for number in range(40):
        image = Image.new("RGB", (SMALL, SMALL), MUTED)
        decoded(image, icc_profile=rgb_profile(f"P3 {number}") + bytes(100_000))
    assert len(colours._profiles) <= 16
    assert {len(key) for key in colours._profiles} == {32}
    referents = {id(each) for each in gc.get_referents(*gc.get_referents(*colours._profiles.values()))}
    assert not [each for each in gc.get_objects() if id(each) in referents and isinstance(each, bytes)]


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16", "I", "F"])
@pytest.mark.parametrize("size", [(311, 203), (3, 5000), (5000, 2)])
@pytest.mark.parametrize("short", [10, 150])
def test_tiles_make_the_same_picture_as_the_whole(mode, size, short, monkeypatch):
    noise = np.random.default_rng(3).integers(0, 256, (size[1], size[0], 4), np.uint8)
    image = Image.fromarray(noise).convert("RGB").quantize(9) if mode == "P" else as_mode(noise, mode)
    whole = to_srgb(image.copy(), short, 1000)
    monkeypatch.setattr(colours, "TILE_PIXELS", 1000)
    tiled = to_srgb(image.copy(), short, 1000)
    assert tiled.size == whole.size
    assert tiled.tobytes() == whole.tobytes()


def as_mode(noise: np.ndarray, mode: str) -> Image.Image:
    if mode in ("I;16", "I", "F"):
        return Image.fromarray(noise[:, :, 0].astype({"I;16": np.uint16, "I": np.int32, "F": np.float32}[mode]) * 99)
    image = Image.fromarray(noise)
    return image if mode == "RGBA" else image.convert("RGB").convert(mode) if mode == "CMYK" else image.convert(mode)


def test_a_picture_that_would_not_fit_beside_its_copy_is_reduced_further(monkeypatch):
    image = Image.new("RGB", (600, 400), MUTED)
    monkeypatch.setattr(colours.memory, "MAX_BYTES", colours.memory.WORK_BYTES + 600 * 400 * 4 + 400_000)
    reduced = to_srgb(image, 400, 6400)
    assert (reduced.size, colour(reduced)) == ((300, 200), MUTED)


def test_a_transparent_colour_stated_in_16_bits():
    left, right = (0x1234, 0x5678, 0x9ABC), (0x4000, 0x4000, 0x4000)
    row = b"\0" + struct.pack(">3H", *left) * 10 + struct.pack(">3H", *right) * 10
    data = b"\x89PNG\r\n\x1a\n"
    for name, body in (
        (b"IHDR", struct.pack(">IIBBBBB", 20, 20, 16, 2, 0, 0, 0)),
        (b"tRNS", struct.pack(">3H", *left)),
        (b"IDAT", zlib.compress(row * 20)),
        (b"IEND", b""),
    ):
        data += struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
    picture = decode(data, side=20, max_pixels=1000)
    assert left_and_right(picture.image) == ((255, 255, 255), (0x40, 0x40, 0x40))
