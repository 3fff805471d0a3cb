import os

import pathspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polyglance.errors import UsageError
from polyglance.indexer.exclude import DEFAULTS, USUAL, Exclusion
from polyglance.indexer.scan import scan

NAMES = [
    "a.jpg",
    ".hidden",
    "._a.jpg",
    ".Trash-1000",
    "@eaDir",
    "#recycle",
    "lost+found",
    "x",
    "$RECYCLE.BIN",
    "雪.png",
]


@given(st.lists(st.sampled_from(NAMES), min_size=1, max_size=4), st.booleans())
def test_the_quick_way_of_the_defaults_is_what_gitignore_makes_of_them(names, folder):
    relative = "/".join(names)
    spec = pathspec.GitIgnoreSpec.from_lines(DEFAULTS)
    inside = all(
        not spec.match_file("/".join(names[: end + 1]) + ("/" if end + 1 < len(names) or folder else ""))
        for end in range(len(names))
    )
    assert USUAL.reaches(os.fsencode(relative), folder=folder) == inside


@pytest.mark.parametrize(
    ("patterns", "path", "folder", "excluded"),
    [
        (["drafts/"], "2024/drafts", True, True),
        (["drafts/"], "drafts", False, False),
        (["/drafts/"], "2024/drafts", True, False),
        (["*.tmp.jpg"], "a/b.tmp.jpg", False, True),
        (["*.png", "!keep.png"], "keep.png", False, False),
        (["!.private/"], ".private", True, False),
        (["!.private/"], ".other", True, True),
        (["a/**/z.jpg"], "a/b/c/z.jpg", False, True),
        (["雪/"], "旅行/雪", True, True),
    ],
)
def test_patterns_mean_what_they_mean_to_git(patterns, path, folder, excluded):
    assert Exclusion(patterns).excludes(os.fsencode(path), folder=folder) == excluded


def test_nothing_inside_an_excluded_folder_is_reached_even_if_named():
    exclusion = Exclusion(["drafts/", "!drafts/keep.jpg"])
    assert not exclusion.reaches(b"drafts/keep.jpg", folder=False)


def test_names_that_are_no_text_can_be_matched():
    assert Exclusion(["*.jpg"]).excludes(b"\xff\xfe.jpg", folder=False)


@pytest.mark.parametrize("pattern", ["", "   ", "# a comment", "a\nb", "!"])
def test_a_pattern_that_excludes_nothing_is_refused(pattern):
    with pytest.raises(UsageError, match="pattern"):
        Exclusion([pattern])


def test_a_scan_leaves_out_what_is_excluded(photos):
    for name in ("a.jpg", "drafts/b.jpg", "c.tmp.jpg", ".private/d.jpg", ".other/e.jpg"):
        (photos / name).parent.mkdir(exist_ok=True)
        (photos / name).touch()
    found = scan(os.fsencode(photos), exclusion=Exclusion(["drafts/", "*.tmp.jpg", "!.private/"]))
    assert found.files.keys() == {b"a.jpg", b".private/d.jpg"}
