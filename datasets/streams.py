"""Streams of plain or gzipped files, for data that does not fit into memory."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from ..errors import DataError, DataMissing
from .reading import locate

LONGEST_LINE = 1 << 20
"""Characters. A longer line is an error; a file without line ends would fill the memory."""

CHUNK_BYTES = 1 << 16


def stream_lines(path: Path) -> Iterator[tuple[int, str]]:
    """(number, line without its end) of a UTF-8 file. Raises DataMissing, DataError."""
    number = 0
    with _open(path) as stream:
        # newline="\n": a text may contain U+2028 or U+0085, which do not end a line of these files.
        text = io.TextIOWrapper(io.BufferedReader(stream), encoding="utf-8-sig", newline="\n")  # type: ignore[arg-type]
        try:
            while line := text.readline(LONGEST_LINE):
                number += 1
                if len(line) == LONGEST_LINE:
                    raise DataError(f"{locate(path, number)}: the line has more than {LONGEST_LINE:,} characters.")
                yield number, line.rstrip("\r\n")
        except UnicodeDecodeError as error:
            # The decoder reads ahead: the line is found by reading the file once more.
            raise DataError(
                f"{locate(path, _line_without_text(path))}: not UTF-8 text.", "Save it as UTF-8."
            ) from error


def stream_bytes(path: Path) -> Iterator[bytes]:
    """The bytes of a file in chunks. Raises DataMissing, DataError."""
    with _open(path) as stream:
        while chunk := stream.read(CHUNK_BYTES):
            yield chunk


@contextmanager
def _open(path: Path) -> Iterator[IO[bytes]]:
    """Open a plain or gzipped file; errors of reading inside the block become DataError."""
    try:
        with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as stream:
            yield stream  # type: ignore[misc]
    except FileNotFoundError as error:
        raise DataMissing(f"There is no file {path}.", "Check the path; docs/training.md lists the formats.") from error
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(f"{path} is no whole .gz file ({error}).", "Fetch it again.") from error
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}.") from error


def _line_without_text(path: Path) -> int:
    """The number of the first line that is not UTF-8."""
    with _open(path) as stream:
        for number, line in enumerate(stream, start=1):
            try:
                line.decode()
            except UnicodeDecodeError:
                return number
    return 1
