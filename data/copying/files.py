"""The files of a library beside its catalog: each is copied under a temporary name and then renamed."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from ... import atomic

Step = Callable[[int], None]


class Files(NamedTuple):
    """A number of files, and of the bytes in them."""

    files: int
    bytes: int


def count(folder: Path, names: Sequence[str]) -> int:
    """The number of files in the folders of these names below `folder`."""
    return sum(1 for _ in _files(folder, names))


def copy(source: Path, target: Path, names: Sequence[str], step: Step, durable: Sequence[str] = ()) -> Files:
    """Copy the files in the folders of these names from `source` to `target`; return how many there are.

    A file that has the same size and time there is left as it is; what `source` does not have is removed. Files in the
    folders `durable` are on the disk when they have their names. Raises OSError.
    """
    number = total = 0
    for name, path in _files(source, names):
        try:
            size = _copy_file(source / path, target / path, durable=name in durable)
        except FileNotFoundError:
            if (source / path).exists():
                raise
            continue  # a process that serves the library removed it meanwhile
        number, total = number + 1, total + size
        step(1)
    _remove_others(source, target, names)
    return Files(number, total)


def _copy_file(source: Path, target: Path, *, durable: bool) -> int:
    """Copy one file with its time; return its size."""
    info = source.stat()
    with contextlib.suppress(FileNotFoundError):
        existing = target.stat()
        if (existing.st_size, existing.st_mtime_ns) == (info.st_size, info.st_mtime_ns):
            return info.st_size
    target.parent.mkdir(parents=True, exist_ok=True)
    with atomic.whole_file(target, durable=durable) as temporary:
        shutil.copyfile(source, temporary)
        os.utime(temporary, ns=(info.st_mtime_ns, info.st_mtime_ns))
    return info.st_size


def _remove_others(source: Path, target: Path, names: Sequence[str]) -> None:
    """Remove from `target` what `source` does not have, and what a killed process left under temporary names."""
    for folder in (target / name for name in names):
        for place, _, files in os.walk(folder):
            for file in files:
                path = Path(place, file)
                if file.startswith(".") or not (source / path.relative_to(target)).exists():
                    path.unlink(missing_ok=True)


def _files(folder: Path, names: Sequence[str]) -> Iterator[tuple[str, Path]]:
    """(name of the folder, path below `folder`) of every file but those under temporary names."""
    for name in names:
        for place, _, files in os.walk(folder / name):
            for file in files:
                if not file.startswith("."):
                    yield name, Path(place, file).relative_to(folder)
