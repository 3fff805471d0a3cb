from hypothesis import given
from hypothesis import strategies as st
from polyglance.data.records import FileStat, Known
from polyglance.indexer.diff import diff


def stat(number):
    return FileStat(number, 10 * number, 100 * number)


KNOWN = {b"a.jpg": Known(1, stat(1)), b"b.jpg": Known(2, stat(2)), b"x/c.jpg": Known(3, stat(3))}
SAME = {path: known.stat for path, known in KNOWN.items()}


def test_nothing_changed():
    assert diff(KNOWN, SAME) == diff(KNOWN, dict(SAME))
    assert diff(KNOWN, SAME).unchanged == 3


def test_new_bytes_in_an_old_file():
    assert diff(KNOWN, {**SAME, b"a.jpg": stat(9)}).changed == [(1, b"a.jpg")]


def test_a_file_with_an_older_time_is_changed_too():
    older = FileStat(1, 5, 100)
    assert diff(KNOWN, {**SAME, b"a.jpg": older}).changed == [(1, b"a.jpg")]


def test_same_file_under_another_name_is_moved():
    found = {b"y/renamed.jpg": stat(1), b"b.jpg": stat(2), b"x/c.jpg": stat(3)}
    result = diff(KNOWN, found)
    assert (result.moved, result.added, result.removed) == ([(1, b"y/renamed.jpg")], [], {})


def test_a_hard_link_is_added_not_moved():
    result = diff(KNOWN, {**SAME, b"link.jpg": stat(1)})
    assert (result.added, result.moved, result.removed) == ([b"link.jpg"], [], {})


def test_one_vanished_file_is_moved_only_once():
    found = {b"b.jpg": stat(2), b"x/c.jpg": stat(3), b"one.jpg": stat(1), b"two.jpg": stat(1)}
    result = diff(KNOWN, found)
    assert len(result.moved) == 1
    assert len(result.added) == 1
    assert result.removed == {}


def test_absence_below_an_unreadable_folder_is_not_believed():
    found = {b"a.jpg": stat(1)}
    assert diff(KNOWN, found, [b"x"]).removed.keys() == {2}
    assert diff(KNOWN, found, []).removed.keys() == {2, 3}


def test_files_that_failed_are_no_unchanged_photos():
    known = {**KNOWN, b"bad.jpg": Known(4, stat(4), failed=True)}
    result = diff(known, {**SAME, b"bad.jpg": stat(4)})
    assert (result.unchanged, result.still_failed) == (3, 1)


def test_an_unreadable_folder_is_taken_by_whole_components():
    known = {b"xy/c.jpg": Known(3, stat(3))}
    assert diff(known, {}, [b"x"]).removed.keys() == {3}


NAMES = st.sampled_from([b"a.jpg", b"b.jpg", b"c/a.jpg", b"c/b.jpg", b"d.jpg"])
STATS = st.integers(1, 4).map(stat)


@given(st.dictionaries(NAMES, STATS), st.dictionaries(NAMES, STATS))
def test_every_file_and_every_photo_is_accounted_for_once(before, found):
    known = {path: Known(number, seen) for number, (path, seen) in enumerate(before.items())}
    result = diff(known, found)
    accounted = [*result.added, *(path for _, path in result.changed), *(path for _, path in result.moved)]
    assert len(accounted) + result.unchanged == len(found)
    assert len(set(accounted)) == len(accounted)
    moved = [photo_id for photo_id, _ in result.moved]
    kept = [known[path].photo_id for path in found if path in known]
    assert sorted([*moved, *kept, *result.removed]) == sorted(range(len(known)))
