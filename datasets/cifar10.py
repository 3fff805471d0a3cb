"""Loader of CIFAR-10's python version: the folder (`batches.meta`, `test_batch`, `data_batch_1` to `_5`), or .tar.gz.

The batches are pickles, which can run code when they are read. Only the few names that arrays need are allowed.
"""

from __future__ import annotations

import gzip
import io
import pickle
import tarfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import DataError, DataMissing, UsageError
from .sets import ClassificationSet, Pixels

SIDE = 32
META = "batches.meta"
SPLITS = {"test": ("test_batch",), "train": tuple(f"data_batch_{number}" for number in range(1, 6))}
"""Split -> its files. AltCLIP's script reads torchvision's default split, `train`."""

INNER = "cifar-10-batches-py"
ARCHIVE = "cifar-10-python.tar.gz"
MAX_BATCH_BYTES = 64 << 20
"""Limit of a batch's size; real batches have 31 million bytes."""

_ALLOWED = {
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
    ("numpy.core.multiarray", "_reconstruct"),
    ("numpy._core.multiarray", "_reconstruct"),
    ("numpy._core.numeric", "_frombuffer"),
    ("numpy.core.numeric", "_frombuffer"),
}


def load(path: Path, split: str = "test") -> ClassificationSet:
    """Read one split from the folder, the archive, or a folder that contains one of them.

    Raises UsageError if the split is unknown, DataMissing, DataError.
    """
    if split not in SPLITS:
        raise UsageError(f"CIFAR-10 has no split {split!r}.", f"Splits: {', '.join(SPLITS)}.")
    source = _find_source(path)
    files = _archive_reader(source, (META, *SPLITS[split])) if source.is_file() else _folder_reader(source)
    classes = _class_names(_unpickle(files(META), source / META), source / META)
    images: list[Pixels] = []
    labels: list[int] = []
    for name in SPLITS[split]:
        batch = _unpickle(files(name), source / name)
        pixels, numbers = _check_batch(batch, source / name, len(classes))
        images += [Pixels(f"{name}:{number}", rgb) for number, rgb in enumerate(pixels)]
        labels += numbers
    for number, count in enumerate(np.bincount(labels, minlength=len(classes))):
        if not count:
            raise DataError(f"{source}: the {split} split has no picture of the class {classes[number]!r}.")
    return ClassificationSet("cifar10", tuple(images), tuple(labels), classes)


def _find_source(path: Path) -> Path:
    for candidate in (path, path / INNER):
        if (candidate / META).is_file():
            return candidate
    for candidate in (path, path / ARCHIVE):
        if candidate.is_file():
            return candidate
    raise DataMissing(f"There is no {META} and no {ARCHIVE} in {path}.", "Fetch CIFAR-10's python version.")


def _folder_reader(folder: Path) -> Callable[[str], bytes]:
    def read(name: str) -> bytes:
        try:
            return (folder / name).read_bytes()
        except OSError as error:
            raise DataMissing(
                f"{folder / name} cannot be read: {error.strerror}.", "Unpack the archive again."
            ) from error

    return read


def _archive_reader(archive: Path, names: tuple[str, ...]) -> Callable[[str], bytes]:
    """Read the named members in one pass; nothing is unpacked to disk."""
    batches: dict[str, bytes] = {}
    try:
        with gzip.open(archive) as stream:
            with tarfile.open(fileobj=stream, mode="r|") as tar:
                for member in tar:
                    name = member.name.rsplit("/", 1)[-1]
                    if name in names and member.isfile() and member.size <= MAX_BATCH_BYTES:
                        file = tar.extractfile(member)
                        batches[name] = file.read() if file else b""
            while stream.read(1 << 20):  # read to the end, where gzip verifies the checksum
                pass
    except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile, OSError) as error:
        raise DataError(f"{archive} is no whole .tar.gz ({_one_line(error)}).", "Fetch it again.") from error

    def read(name: str) -> bytes:
        if name not in batches:
            raise DataMissing(f"There is no {name} in {archive}.", "Fetch CIFAR-10's python version.")
        return batches[name]

    return read


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("_codecs", "encode"):  # Python 3 pickles bytes for Python 2 with this
            return _latin1
        if (module, name) not in _ALLOWED:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}, which no batch needs")
        return super().find_class(module.replace("numpy.core", "numpy._core"), name)


def _latin1(text: str, encoding: str) -> bytes:
    if encoding != "latin1":
        raise pickle.UnpicklingError(f"bytes in {encoding!r}")
    return text.encode("latin1")


def _unpickle(data: bytes, path: Path) -> dict[str, Any]:
    try:
        batch = _Unpickler(io.BytesIO(data), encoding="bytes").load()
    except Exception as error:  # unpickling damaged bytes may raise anything
        raise DataError(f"{path} is no batch of CIFAR-10: {_one_line(error)}.", "Fetch it again.") from error
    if not isinstance(batch, dict):
        raise DataError(f"{path} is no batch of CIFAR-10: it holds {type(batch).__name__}.", "Fetch it again.")
    return {key.decode("latin1") if isinstance(key, bytes) else str(key): value for key, value in batch.items()}


def _class_names(meta: dict[str, Any], path: Path) -> tuple[str, ...]:
    names = meta.get("label_names")
    if not isinstance(names, list) or not names:
        raise DataError(f"{path} has no label_names.", "Fetch it again.")
    return tuple(name.decode("latin1") if isinstance(name, bytes) else str(name) for name in names)


def _check_batch(batch: dict[str, Any], path: Path, classes: int) -> tuple[Any, list[int]]:
    """(pictures (n, SIDE, SIDE, 3), labels) of one batch."""
    data, labels = batch.get("data"), batch.get("labels")
    if not isinstance(data, np.ndarray) or data.dtype != np.uint8 or data.shape[1:] != (3 * SIDE * SIDE,):
        raise DataError(f"{path}: data is not (n, {3 * SIDE * SIDE}) bytes.", "Fetch it again.")
    if not isinstance(labels, list) or len(labels) != len(data):
        count = len(labels) if isinstance(labels, list) else "no"
        raise DataError(f"{path}: {len(data)} pictures but {count} labels.", "Fetch it again.")
    for number, label in enumerate(labels):
        if not isinstance(label, int) or not 0 <= label < classes:
            raise DataError(f"{path}: picture {number} has the label {label!r}, outside 0 to {classes - 1}.")
    planes = data.reshape(-1, 3, SIDE, SIDE)
    return np.ascontiguousarray(planes.transpose(0, 2, 3, 1)), labels


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:120].rstrip(".") or type(error).__name__
