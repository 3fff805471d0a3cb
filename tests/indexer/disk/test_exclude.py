import os

import pathspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from polyglance.errors import UsageError
from polyglance.indexer.disk.exclude import DEFAULTS, USUAL, Exclusion, check_pattern
from polyglance.indexer.disk.scan import scan

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


PIECES = st.sampled_from(["a", "b", "*", "**", "?", "/", "/**/", "[ab]", "\\\\*", "*a", "b*"])


@given(
    st.lists(PIECES, min_size=1, max_size=8).map("".join),
    st.lists(st.text("ab*", min_size=1, max_size=4), min_size=1, max_size=5).map("/".join),
)
@example("**/a*/**/b*a*/", "a/ab/b/bba/a")
def test_patterns_match_exactly_what_pathspec_matches(pattern, path):
    try:
        check_pattern(pattern)
    except UsageError:
        return
    plain = pathspec.GitIgnoreSpec.from_lines([pattern, "!bb"])
    for text in (path, path + "/"):
        mended = Exclusion([pattern, "!bb"]).excludes(os.fsencode(path), folder=text.endswith("/"))
        assert mended == plain.match_file(text)


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("*a" * 20 + "*b", "a" * 255),
        ("*" * 40 + "b", "a" * 255),
        ("**/a/" * 20 + "b", "a/" * 2000 + "a"),
        ("**/*a*a*a*a*/" * 10 + "b", ("a" * 60 + "/") * 60 + "a"),
        ("?*" * 20 + "b/", "a" * 255),
    ],
)
@pytest.mark.timeout(20)  # a plain regular expression does not end
def test_many_wildcards_do_not_multiply(pattern, path):
    exclusion = Exclusion([pattern])
    assert not exclusion.excludes(os.fsencode(path), folder=False)
    assert exclusion.excludes(os.fsencode(path + "b"), folder=True) == ("/" not in path)


def test_a_pattern_without_end_is_refused():
    with pytest.raises(UsageError, match="has 5000 characters"):
        Exclusion(["*a" * 2500])


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
    scanned = scan(os.fsencode(photos), exclusion=Exclusion(["drafts/", "*.tmp.jpg", "!.private/"]))
    assert scanned.files.keys() == {b"a.jpg", b".private/d.jpg"}
