"""Names of things in the nine languages: the tables in `words/`.

`classes.tsv` names the 1000 classes of ImageNet, `words.tsv` everyday things, `colours.tsv` eleven colours. They are
used to detect languages, as class names, and as the source of the embedded encoder's concepts.
"""

from __future__ import annotations

import csv
import functools
from collections.abc import Iterator, Mapping
from pathlib import Path

from ..config import LANGUAGES

FOLDER = Path(__file__).parent / "words"
TABLES = ("classes.tsv", "words.tsv", "colours.tsv")
ENGLISH_OF_CLASSES = ("name", "everyday")


def rows(table: str) -> Iterator[dict[str, str]]:
    """The rows of a table, by column. Words in a cell are separated by `;`, in some columns by `,`."""
    with (FOLDER / table).open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)


@functools.cache
def vocabulary() -> Mapping[str, frozenset[str]]:
    """Language code -> all its words and phrases in the tables, in lower case."""
    words: dict[str, set[str]] = {code: set() for code in LANGUAGES}
    for table in TABLES:
        for column, cells in _columns(table).items():
            code = "en" if column in ENGLISH_OF_CLASSES else column
            if code in words:
                words[code].update(map(str.strip, ";".join(cells).lower().replace(",", ";").split(";")))
    return {code: frozenset(phrases) for code, phrases in words.items()}


def _columns(table: str) -> dict[str, tuple[str, ...]]:
    """The cells of a table by column: a cold search reads them all, and this takes a fifth of the time of `rows`."""
    with (FOLDER / table).open(encoding="utf-8", newline="") as file:
        names, *lines = csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
    return dict(zip(names, zip(*lines, strict=True), strict=True))
