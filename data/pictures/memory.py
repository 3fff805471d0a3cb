"""How much memory decoding a picture takes, computed from its header, and the limit for it."""

from __future__ import annotations

from PIL import Image, JpegImagePlugin, TiffImagePlugin

from ...errors import PictureError

MAX_BYTES = 600_000_000
"""Most bytes that decoding one picture may allocate, without the file's own bytes."""

WORK_BYTES = 60_000_000
"""The part of MAX_BYTES for tiles in conversion, metadata and the decoders' small buffers."""

_KEPT_BLOCK = 31 << 20
"""Just under the 32 MB up to which glibc may keep blocks."""

_NARROW = frozenset({"1", "L", "P"})
_ROW_POINTER = 8
_DECODER_BYTES_PER_PIXEL = {"AVIF": 7, "HEIF": 6, "WEBP": 9}
"""Memory of these decoders beside the picture itself: planes, canvases, and the bytes they hand over (measured)."""

_RUN_LENGTH = frozenset({"bmp_rle"})
_COMPONENTS = frozenset(range(1, 5))
_TIFF_BITS, _TIFF_ROWS, _TIFF_TILE_WIDTH, _TIFF_TILE_HEIGHT = 258, 278, 322, 323


def keep_freed_blocks() -> None:
    """Let glibc keep freed blocks of up to 31 MB for the next picture, instead of giving them back to the system.

    Freeing one block of that size raises its threshold (mallopt(3), M_MMAP_THRESHOLD). Else each picture's buffers are
    new pages, which took 5 to 10 % of an index run. Elsewhere than with glibc this does nothing.
    """
    bytearray(_KEPT_BLOCK)


def bytes_of(mode: str, size: tuple[int, int]) -> int:
    """Return the bytes that Pillow allocates for a picture: rows of whole 4 bytes, and a pointer to each row."""
    width, height = size
    pixel = 1 if mode in _NARROW else 2 if mode.startswith("I;16") else 4
    return height * ((width * pixel + 3) // 4 * 4 + _ROW_POINTER)


def check(needed: int) -> None:
    """Raise PictureError if allocating `needed` bytes, and WORK_BYTES beside them, is over the limit."""
    if needed + WORK_BYTES > MAX_BYTES:
        raise PictureError(
            f"needs {(needed + WORK_BYTES) / 1e6:.0f} MB of memory, over the limit of {MAX_BYTES / 1e6:.0f} MB",
            hint="Make a smaller copy of it, or a baseline JPEG.",
        )


def bytes_to_load(name: str, image: Image.Image, full: tuple[int, int]) -> int:
    """Return the bytes that loading an opened picture allocates; `full` is its size before a draft."""
    pixels = full[0] * full[1]
    extra = pixels * _DECODER_BYTES_PER_PIXEL.get(name, 0)
    if isinstance(image, JpegImagePlugin.JpegImageFile):
        extra = _bytes_of_coefficients(image, full)
    elif isinstance(image, TiffImagePlugin.TiffImageFile):
        extra = _bytes_of_strip(image)
    elif name == "PNG":
        extra = 2 * 8 * full[0]  # two rows, of up to 4 x 16 bits a pixel
    elif name in ("BMP", "DIB") and image.tile[0][0] in _RUN_LENGTH:  # type: ignore[attr-defined]
        extra = 3 * pixels
    return bytes_of(image.mode, image.size) + extra


def _bytes_of_coefficients(image: JpegImagePlugin.JpegImageFile, full: tuple[int, int]) -> int:
    """Return the bytes that a JPEG of several scans keeps until the last scan: 16 bits a sample, in blocks of 8 x 8."""
    layers = image.layer  # (id, horizontal, vertical sampling, table) of each component
    if not (image.info.get("progressive") or _components_in_first_scan(image) < len(layers)):
        return 0
    across, down = max(layer[1] for layer in layers), max(layer[2] for layer in layers)
    units = -(-full[0] // (8 * across)) * -(-full[1] // (8 * down))
    return sum(units * layer[1] * layer[2] * 64 * 2 for layer in layers)


def _components_in_first_scan(image: JpegImagePlugin.JpegImageFile) -> int:
    """Return how many components the first scan holds, from its header, where reading has stopped."""
    if image.fp is None:
        return 0
    end = image.fp.tell()
    image.fp.seek(max(0, end - 14))
    head = image.fp.read(14)
    for count in _COMPONENTS:
        size = 6 + 2 * count
        if head[-size : -size + 3] == size.to_bytes(2, "big") + bytes([count]):
            return count
    return 0


def _bytes_of_strip(image: TiffImagePlugin.TiffImageFile) -> int:
    """Return the bytes of the largest strip or tile of a compressed TIFF, which is unpacked as a whole."""
    width, height = image.size
    if not image.use_load_libtiff:
        return 8 * width
    tags = image.tag_v2
    bits = tags.get(_TIFF_BITS, (1,))
    sample_bits = sum(bits) if isinstance(bits, tuple) else bits
    across, rows = tags.get(_TIFF_TILE_WIDTH), tags.get(_TIFF_TILE_HEIGHT)
    if not (isinstance(across, int) and isinstance(rows, int)):
        across, rows = width, tags.get(_TIFF_ROWS, height)
        rows = min(rows, height) if isinstance(rows, int) else height
    return across * rows * max(sample_bits, 32) // 8
