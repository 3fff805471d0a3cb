"""Translation memories (TMX 1.4): the texts of each unit by language, read in bounded memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from xml.parsers import expat

from ..errors import DataError
from .reading import locate

LONGEST_UNIT = 1 << 20
"""Characters of the texts of one unit."""

NOT_TEXT = frozenset({"bpt", "ept", "it", "ph", "ut"})
"""Elements of a segment that hold the formatting of the original document."""


def read_units(chunks: Iterable[bytes], path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """(line, {language: text}) of each `<tu>`; a language is the part before the hyphen, in lower case.

    Raises DataError if `chunks` are no well-formed XML, or define entities.
    """
    reader = _Reader(path)
    parser = expat.ParserCreate()
    parser.StartElementHandler = lambda name, attributes: reader.start(name, attributes, parser.CurrentLineNumber)
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.add
    parser.EntityDeclHandler = reader.refuse_entity
    try:
        for chunk in chunks:
            parser.Parse(chunk, False)
            yield from reader.drain()
        parser.Parse(b"", True)
    except expat.ExpatError as error:
        problem = expat.ErrorString(error.code)
        raise DataError(f"{locate(path, error.lineno)}: no well-formed TMX ({problem}).", "Fetch it again.") from error
    yield from reader.drain()


class _Reader:
    """Collects the unit that is being read, and the units that were read since the last `drain`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._units: list[tuple[int, dict[str, str]]] = []
        self._line = 0
        self._texts: dict[str, str] = {}
        self._language = ""
        self._pieces: list[str] | None = None
        self._length = 0
        self._hidden = 0

    def drain(self) -> Iterator[tuple[int, dict[str, str]]]:
        """The units that are complete."""
        units, self._units = self._units, []
        return iter(units)

    def start(self, name: str, attributes: dict[str, str], line: int) -> None:
        """Begin an element."""
        if name == "tu":
            self._line, self._texts, self._length = line, {}, 0
        elif name == "tuv":
            code = attributes.get("xml:lang") or attributes.get("lang") or ""
            self._language = code.partition("-")[0].partition("_")[0].lower()
        elif name == "seg":
            self._pieces = []
        elif name in NOT_TEXT:
            self._hidden += 1

    def add(self, text: str) -> None:
        """Add text of the segment, if it is inside one."""
        if self._pieces is not None and not self._hidden:
            self._length += len(text)
            if self._length > LONGEST_UNIT:
                raise DataError(f"{locate(self._path, self._line)}: the unit has over {LONGEST_UNIT:,} characters.")
            self._pieces.append(text)

    def end(self, name: str) -> None:
        """End an element."""
        if name in NOT_TEXT:
            self._hidden -= 1
        elif name == "seg" and self._pieces is not None:
            self._texts[self._language] = " ".join("".join(self._pieces).split())
            self._pieces = None
        elif name == "tu":
            self._units.append((self._line, self._texts))

    def refuse_entity(self, *_arguments: object) -> None:
        """Entities can expand to gigabytes."""
        raise DataError(f"{self._path} defines XML entities, which no translation memory needs.")
