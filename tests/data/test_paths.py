"""Paths: exact bytes in, printable text out, containment by whole components."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from polyglance.data import paths
from polyglance.errors import FolderError


def test_display_shows_undecodable_bytes_as_hex():
    assert paths.display(b"caf\xe9.jpg") == r"caf\xe9.jpg"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (b"a\nb", r"a\nb"),
        (b"a\tb", r"a\tb"),
        (b"a\rb", r"a\rb"),
        (b"\x1b[31mred", r"\x1b[31mred"),
        (b"\x7f", r"\x7f"),
        ("\x85".encode(), r"\x85"),
        ("\u2028".encode(), r"\u2028"),
    ],
)
def test_display_escapes_what_breaks_a_line_or_drives_a_terminal(name, shown):
    assert paths.display(name) == shown


@pytest.mark.parametrize("code", [*range(0x202A, 0x202F), *range(0x2066, 0x206A)])
def test_display_escapes_bidirectional_controls(code):
    assert paths.display(f"evil{chr(code)}gpj.exe".encode()) == f"evil\\u{code:04x}gpj.exe"


@pytest.mark.parametrize(
    "name", ["👩‍👩‍👧.jpg", "جبل ثلجي.jpg", "雪山.png", "e\u0301te\u0301.jpg", "a b", "back\\slash"]
)
def test_display_keeps_every_other_character(name):
    assert paths.display(name.encode()) == name


@given(st.binary())
def test_display_is_always_printable_utf8_on_one_line(name):
    text = paths.display(name)
    text.encode("utf-8")
    assert len(text.splitlines()) <= 1
    assert not any(ord(character) < 32 for character in text)


def test_absolute_starts_at_the_working_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert paths.absolute("photos/../other/") == os.fsencode(tmp_path / "other")


def test_absolute_takes_text_bytes_and_path_objects():
    assert paths.absolute("/a/é") == paths.absolute("/a/é".encode()) == paths.absolute(Path("/a/é"))


def test_absolute_keeps_names_that_are_not_utf8():
    assert paths.absolute(b"/a/\xff\n/") == b"/a/\xff\n"


def test_absolute_expands_the_home_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert paths.absolute("~/Pictures") == os.fsencode(tmp_path / "Pictures")


def test_absolute_does_not_follow_symbolic_links(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    assert paths.absolute(tmp_path / "link") == os.fsencode(tmp_path / "link")


def test_absolute_keeps_the_root_folder():
    assert paths.absolute("/") == b"/"


@pytest.mark.parametrize("path", ["", b"", "a\0b", b"a\0b", "\ud800"])
def test_absolute_refuses_what_no_folder_can_be_called(path):
    with pytest.raises(FolderError):
        paths.absolute(path)


@pytest.mark.parametrize(
    ("child", "parent", "within"),
    [
        (b"/photos/a.jpg", b"/photos", True),
        (b"/photos", b"/photos", True),
        (b"/photos2/a.jpg", b"/photos", False),
        (b"/photo", b"/photos", False),
        (b"/anything", b"/", True),
        (b"/", b"/photos", False),
    ],
)
def test_containment_goes_by_whole_components(child, parent, within):
    assert paths.is_within(child, parent) is within


@pytest.mark.parametrize("root", [b"/", b"/photos", b"/ph\xff\n"])
@pytest.mark.parametrize("relative", [b"", b"a.jpg", b"a/\xfe/b.jpg"])
def test_join_undoes_relative_to(root, relative):
    whole = paths.join(root, relative)
    assert paths.is_within(whole, root)
    assert paths.relative_to(whole, root) == relative


def test_relative_to_refuses_a_path_outside():
    with pytest.raises(ValueError, match="not within"):
        paths.relative_to(b"/photos2/a", b"/photos")
