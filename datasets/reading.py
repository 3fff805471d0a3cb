"""Reads text files of evaluation sets; every error names the file and the line."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from ..config import LANGUAGES
from ..errors import DataError, DataMissing, QueryError, UsageError
from ..search.query.normalise import normalise
from .sets import Captions

COCO_FOLDERS = ("", "train2014", "val2014", "test2014")
"""Folders of MS-COCO 2014's archives, below the folder of pictures."""

LONGEST_CAPTION = 100_000
"""Limit of a caption's length in characters; encoders truncate long texts themselves."""


def locate(path: Path, line: int | None = None) -> str:
    """`path, line n`, as errors name a place."""
    return f"{path}, line {line}" if line else str(path)


def read_text(path: Path) -> str:
    """The whole of a UTF-8 file. Raises DataMissing, DataError."""
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise DataMissing(f"There is no file {path}.", "Check the path; docs/evaluation.md lists the files.") from error
    except IsADirectoryError as error:
        raise DataMissing(f"{path} is a folder, not a file.", "docs/evaluation.md lists the files.") from error
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}.") from error
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise DataError(f"{locate(path, line)}: not UTF-8 text.", "Save the file as UTF-8.") from error


def read_lines(path: Path) -> list[str]:
    """The lines of a UTF-8 file without line ends and without blank lines at its end. Raises DataMissing, DataError."""
    # Not splitlines(), because captions may contain U+2028 and U+0085, which do not end a line of these files.
    lines = [line.rstrip("\r") for line in read_text(path).split("\n")]
    while lines and not lines[-1].strip():
        lines.pop()
    if not lines:
        raise DataError(f"{path} is empty.", "Fetch the file again.")
    return lines


def read_json_lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """(line number, object) of each line that is not blank. Raises DataMissing, DataError."""
    for number, line in enumerate(read_lines(path), start=1):
        if line.strip():
            try:
                value = json.loads(line)
            except (json.JSONDecodeError, RecursionError) as error:
                raise DataError(f"{locate(path, number)}: no valid JSON ({_reason(error)}).") from error
            if not isinstance(value, dict):
                raise DataError(f"{locate(path, number)}: expected one JSON object, found {type(value).__name__}.")
            yield number, value


def read_json(path: Path) -> tuple[Any, str]:
    """(value, text) of a JSON file. Raises DataMissing, DataError."""
    text = read_text(path)
    try:
        return json.loads(text), text
    except (json.JSONDecodeError, RecursionError) as error:
        line = getattr(error, "lineno", 1)
        raise DataError(f"{locate(path, line)}: no valid JSON ({_reason(error)}).", "Fetch the file again.") from error


def find_line(text: str, needle: str, occurrence: int = 1) -> int:
    """Number of the line with the n-th `occurrence` of `needle`, or with the last one if there are fewer."""
    last_position = position = text.find(needle)
    for _ in range(occurrence - 1):
        position = text.find(needle, position + 1)
        if position < 0:
            break
        last_position = position
    return text.count("\n", 0, max(last_position, 0)) + 1


class Builder:
    """Collects pictures, each once, and captions, in their order."""

    def __init__(self) -> None:
        self.images: list[Path] = []
        self._numbers: dict[str, int] = {}
        self._texts: dict[str, list[str]] = {}
        self._owners: dict[str, list[int]] = {}

    def add_image(self, name: str, path: Path) -> int:
        """Return the number of the picture called `name`, which is added if it is new."""
        if name not in self._numbers:
            self._numbers[name] = len(self.images)
            self.images.append(path)
        return self._numbers[name]

    def has(self, name: str) -> bool:
        """Whether there is a picture called `name`."""
        return name in self._numbers

    def add_caption(self, language: str, text: str, owner: int) -> None:
        """Add one caption of picture number `owner`."""
        self._texts.setdefault(language, []).append(text)
        self._owners.setdefault(language, []).append(owner)

    def captions(self) -> dict[str, Captions]:
        """All captions by language, the nine languages first and in their order."""
        ordered = sorted(self._texts, key=lambda code: (LANGUAGES.index(code) if code in LANGUAGES else 9, code))
        return {code: Captions(tuple(self._texts[code]), tuple(self._owners[code])) for code in ordered}


def clean_caption(value: Any, where: str) -> str:
    """Normalise a caption as a search normalises a query. Raises DataError if it is not text, or empty."""
    try:
        return normalise(value if isinstance(value, str) else "", LONGEST_CAPTION)
    except QueryError as error:
        raise DataError(f"{where}: a caption must be text that is not empty, found {str(value)[:40]!r}.") from error


def check_languages(languages: Iterable[str], known: Sequence[str], context: str) -> list[str]:
    """Return the `languages`, each once. Raises UsageError, which ends with `context`, if one is not `known`."""
    codes = list(dict.fromkeys(code.strip() for code in languages if code.strip()))
    for code in codes:
        if code not in known:
            raise UsageError(f"There is no language {code!r} {context}.", f"There are: {', '.join(known)}.")
    return codes


def find_image(folder: Path, name: str, folders: Sequence[str] = ("",)) -> Path:
    """The path of an existing picture in one of the `folders` of `folder`; if there is none, its path in the first."""
    candidates = [folder / inner / name if inner else folder / name for inner in folders]
    return next((candidate for candidate in candidates if os.path.exists(candidate)), candidates[0])


def _reason(error: Exception) -> str:
    return getattr(error, "msg", "") or "nested too deep"
