"""XMP: read as a stream, within bounds, whatever it nests."""

from __future__ import annotations

import pytest
from polyglance.data.pictures import xmp

NAMES = 'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:dc="http://purl.org/dc/elements/1.1/"'


def packet(body: str) -> str:
    return f"<x {NAMES}>{body}</x>"


def test_nested_lists_are_read_once_each():
    body = "<dc:subject>" * 90 + "<rdf:li>a</rdf:li>" * 500 + "</dc:subject>" * 90
    assert xmp.read(packet(body)).subjects == ("a",) * 500


def test_the_subjects_of_a_long_packet_are_counted_not_multiplied():
    body = ("<dc:subject>" * 50 + "<rdf:li/>" * 200 + "</dc:subject>" * 50) * 200
    reader = xmp._Reader()
    reader.read(packet(body))
    assert (len(reader.items), reader.elements) == (xmp.MAX_ITEMS, 50_001)


@pytest.mark.parametrize("body", ["<a>" * 200 + "</a>" * 200, "<a/>" * (xmp.MAX_ELEMENTS + 1)])
def test_what_is_too_deep_or_too_long_is_not_read(body):
    with pytest.raises(ValueError, match="nested too deeply, or has too many elements"):
        xmp.read(packet(body))


def test_texts_are_bounded():
    (text,) = xmp.read(packet("<dc:subject><rdf:li>" + "é&amp;" * 50_000 + "</rdf:li></dc:subject>")).subjects
    assert len(text) < 3 * xmp.MAX_ITEM_TEXT


def test_an_items_text_ends_where_its_first_child_starts():
    body = "<dc:subject><rdf:li>one<rdf:li>two</rdf:li>three</rdf:li></dc:subject><rdf:li>four</rdf:li>"
    assert xmp.read(packet(body)).subjects == ("one", "two")


def test_the_default_language_comes_first():
    body = '<dc:description><rdf:li xml:lang="fr">b</rdf:li><rdf:li xml:lang="x-default">a</rdf:li></dc:description>'
    assert xmp.read(packet(body)).descriptions == ("a", "b")


@pytest.mark.parametrize("declared", ["<!DOCTYPE x [<!ENTITY a 'b'>]>", "<!ENTITY a 'b'>"])
def test_entities_are_not_read(declared):
    assert xmp.read(declared + packet("<dc:subject><rdf:li>&a;</rdf:li></dc:subject>")) == xmp.Texts()


@pytest.mark.parametrize("raw", [None, b"", "", 5, b"<a>" * xmp.MAX_BYTES])
def test_what_is_no_packet_has_no_texts(raw):
    assert xmp.read(raw) == xmp.Texts()
