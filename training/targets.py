"""The teacher's targets: each distinct text is encoded once, in the order of the files, and kept on the disk.

Targets do not depend on the batch in which a text is drawn, so that a continued run sees the same. If there are more
texts than TARGET_BYTES hold, they are encoded batch by batch instead.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from .. import atomic
from ..progress import Progress, Tick
from .checkpoints import reporting_full_disk
from .translations import digest

TARGET_BYTES = 4 << 30
"""Size of the file of targets: 1.4 million texts of a teacher of 768 components."""

TEACHER_BATCH = 256

Encode = Callable[[Sequence[str]], Tensor]


class Targets:
    """The targets of texts (n, width), in float32."""

    def __init__(self, encode: Encode, path: Path | None = None) -> None:
        """`path` is a file that `write` made; None encodes every text when it is asked for."""
        self._encode = encode
        self._rows: npt.NDArray[Any] | None = None
        if path is not None:
            self._rows = np.load(path, mmap_mode="r", allow_pickle=False)
            keys = np.ascontiguousarray(self._rows["key"])
            self._order = np.argsort(keys)
            self._keys = keys[self._order]

    def get(self, texts: Sequence[str]) -> Tensor:
        """The targets of texts; equal texts are encoded once."""
        distinct = list(dict.fromkeys(texts))
        places = {text: number for number, text in enumerate(distinct)}
        rows = self._encode(distinct) if self._rows is None else self._read(distinct)
        return rows[[places[text] for text in texts]]

    def _read(self, texts: Sequence[str]) -> Tensor:
        keys = np.array([digest(text) for text in texts], "S16")
        places = self._order[np.searchsorted(self._keys, keys)]
        return torch.from_numpy(np.array(self._rows["target"][places]))  # type: ignore[index]


def write(
    path: Path, texts: Callable[[], Iterable[str]], encode: Encode, width: int, progress: Progress
) -> Path | None:
    """Write the targets of all distinct texts to `path`, unless it is there. None if there are too many.

    Raises DiskFull.
    """
    if path.is_file():
        return path
    dtype = np.dtype([("key", "S16"), ("target", "<f4", (width,))])
    limit = TARGET_BYTES // dtype.itemsize
    count = _count_distinct(texts(), limit)
    if count is None:
        return None
    with (
        reporting_full_disk(path.parent),
        atomic.whole_file(path, durable=False) as temporary,
        temporary.open("wb") as file,
    ):
        np.lib.format.write_array_header_1_0(file, {"descr": dtype.descr, "fortran_order": False, "shape": (count,)})
        done = 0
        for part in _batches(_distinct(texts()), TEACHER_BATCH):
            records = np.empty(len(part), dtype)
            records["key"] = [digest(text) for text in part]
            records["target"] = encode(part).cpu().numpy()
            file.write(records.tobytes())
            done += len(part)
            progress(Tick(done, count, done))
    return path


def _count_distinct(texts: Iterable[str], limit: int) -> int | None:
    seen: set[bytes] = set()
    for text in texts:
        seen.add(digest(text))
        if len(seen) > limit:
            return None
    return len(seen)


def _distinct(texts: Iterable[str]) -> Iterator[str]:
    seen: set[bytes] = set()
    for text in texts:
        if (key := digest(text)) not in seen:
            seen.add(key)
            yield text


def _batches(texts: Iterable[str], size: int) -> Iterator[list[str]]:
    batch: list[str] = []
    for text in texts:
        batch.append(text)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch
