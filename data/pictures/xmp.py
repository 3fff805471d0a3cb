"""Descriptions and subjects of an XMP packet, read as a stream: only these texts are kept in memory."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from xml.parsers import expat

MAX_BYTES = 1 << 20
MAX_DEPTH = 100
MAX_ELEMENTS = 100_000
MAX_ITEMS = 1000
"""Descriptions and subjects that are kept, together."""
MAX_ITEM_TEXT = 8000
"""Characters that are kept of each."""

_LIST_ITEM = "http://www.w3.org/1999/02/22-rdf-syntax-ns# li"
_DESCRIPTION = "http://purl.org/dc/elements/1.1/ description"
_SUBJECT = "http://purl.org/dc/elements/1.1/ subject"
_LANGUAGE = "http://www.w3.org/XML/1998/namespace lang"
_DECLARATION = re.compile(r"<!(?!--|\[CDATA\[)")


@dataclass(frozen=True)
class Texts:
    """The items of `dc:description` (the default language first) and of `dc:subject`."""

    descriptions: tuple[str, ...] = ()
    subjects: tuple[str, ...] = ()


def read(packet: object) -> Texts:
    """Return the texts of an XMP packet: none if it is missing, too long, or declares a document type or entities.

    Raises ValueError if it is nested deeper than `MAX_DEPTH` or has more than `MAX_ELEMENTS`, UnicodeDecodeError and
    `expat.ExpatError` if it is damaged.
    """
    if not isinstance(packet, (bytes, str)) or not packet or len(packet) > MAX_BYTES:
        return Texts()
    if isinstance(packet, bytes):
        packet = packet.decode("utf-16" if packet[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    text = packet.strip("\0 \r\n\t")
    if _DECLARATION.search(text):
        return Texts()
    return _Reader().read(text)


@dataclass
class _Item:
    name: str
    default: bool
    text: str = ""


@dataclass
class _Reader:
    """Collects the text of list items below a description or a subject while the document is parsed."""

    open_lists: list[str] = field(default_factory=list)
    items: list[_Item] = field(default_factory=list)
    current: _Item | None = None
    depth: int = 0
    elements: int = 0

    def read(self, text: str) -> Texts:
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.buffer_text = True
        parser.StartElementHandler = self.start
        parser.EndElementHandler = self.end
        parser.CharacterDataHandler = self.characters
        parser.Parse(text, True)
        descriptions = sorted(
            (item for item in self.items if item.name == _DESCRIPTION), key=lambda item: not item.default
        )
        return Texts(
            tuple(item.text for item in descriptions), tuple(item.text for item in self.items if item.name == _SUBJECT)
        )

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self.depth += 1
        self.elements += 1
        if self.depth > MAX_DEPTH or self.elements > MAX_ELEMENTS:
            raise ValueError("is nested too deeply, or has too many elements")
        self.current = None  # an item's text ends where its first child starts
        if name in (_DESCRIPTION, _SUBJECT):
            self.open_lists.append(name)
        elif name == _LIST_ITEM and self.open_lists and len(self.items) < MAX_ITEMS:
            self.current = _Item(self.open_lists[-1], attributes.get(_LANGUAGE) == "x-default")
            self.items.append(self.current)

    def end(self, name: str) -> None:
        self.depth -= 1
        self.current = None
        if name in (_DESCRIPTION, _SUBJECT):
            self.open_lists.pop()

    def characters(self, text: str) -> None:
        if self.current is not None and len(self.current.text) < MAX_ITEM_TEXT:
            self.current.text += text[:MAX_ITEM_TEXT]
