import itertools

from hypothesis import given
from hypothesis import strategies as st
from polyglance.data.catalog.records import FileStat, Known
from polyglance.indexer.disk.diff import Rewritten, diff, find_moved_contents


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
    files = {b"y/renamed.jpg": stat(1), b"b.jpg": stat(2), b"x/c.jpg": stat(3)}
    result = diff(KNOWN, files)
    assert (result.moved, result.added, result.removed) == ([(1, b"y/renamed.jpg")], [], {})


def test_a_hard_link_is_added_not_moved():
    result = diff(KNOWN, {**SAME, b"link.jpg": stat(1)})
    assert (result.added, result.moved, result.removed) == ([b"link.jpg"], [], {})


def test_one_vanished_file_is_moved_only_once():
    files = {b"b.jpg": stat(2), b"x/c.jpg": stat(3), b"one.jpg": stat(1), b"two.jpg": stat(1)}
    result = diff(KNOWN, files)
    assert len(result.moved) == 1
    assert len(result.added) == 1
    assert result.removed == {}


def test_files_renamed_along_a_chain_are_moved():
    known = {b"%d.jpg" % number: Known(number, stat(number)) for number in range(1, 7)}
    files = {b"%d.jpg" % (number + 1): stat(number) for number in range(1, 7)}
    result = diff(known, files)
    assert sorted(result.moved) == [(number, b"%d.jpg" % (number + 1)) for number in range(1, 7)]
    assert (result.added, result.changed, result.removed) == ([], [], {})


def test_a_new_file_at_the_head_of_a_chain_is_added():
    files = {b"a.jpg": stat(9), b"b.jpg": stat(1), b"x/c.jpg": stat(3), b"d.jpg": stat(2)}
    result = diff(KNOWN, files)
    assert (result.added, result.changed, result.removed) == ([b"a.jpg"], [], {})
    assert sorted(result.moved) == [(1, b"b.jpg"), (2, b"d.jpg")]


def test_names_that_are_swapped_are_two_moves():
    result = diff(KNOWN, {**SAME, b"a.jpg": stat(2), b"b.jpg": stat(1)})
    assert sorted(result.moved) == [(1, b"b.jpg"), (2, b"a.jpg")]
    assert (result.added, result.changed, result.removed) == ([], [], {})


def test_a_file_that_is_renamed_over_another_one_replaces_it():
    result = diff(KNOWN, {b"a.jpg": stat(2), b"x/c.jpg": stat(3)})
    assert (result.moved, result.removed) == ([(2, b"a.jpg")], {1: b"a.jpg"})
    assert (result.added, result.changed) == ([], [])


def place(name, photo_id, before, after):
    return Rewritten(name, photo_id, before, after)


def test_contents_along_a_chain_are_recognised_in_any_order():
    chain = [
        place("b", 2, b"B", b"A"),
        place("c", 3, b"C", b"B"),
        place("d", None, None, b"C"),
        place("a", 1, b"A", b"N"),
    ]
    for files in itertools.permutations(chain):
        assert find_moved_contents(files) == {"b": 1, "c": 2, "d": 3}
        assert find_moved_contents([each for each in files if each.place != "a"], [(1, b"A")]) == {
            "b": 1,
            "c": 2,
            "d": 3,
        }


def test_contents_in_a_circle_are_recognised():
    circle = [place("a", 1, b"A", b"C"), place("b", 2, b"B", b"A"), place("c", 3, b"C", b"B")]
    assert find_moved_contents(circle) == {"a": 3, "b": 1, "c": 2}


def test_a_picture_edited_after_a_copy_was_made_stays_what_it_was():
    assert find_moved_contents([place("a", 1, b"A", b"N"), place("copy", None, None, b"A")]) == {}


def test_each_photo_is_found_once_among_several_copies():
    files = [place("a", 1, b"A", b"B"), place("b", 2, b"B", b"A"), place("c", 3, b"C", b"A")]
    assert sorted(find_moved_contents(files).values()) == [1, 2]


def test_absence_below_an_unreadable_folder_is_not_believed():
    files = {b"a.jpg": stat(1)}
    assert diff(KNOWN, files, [b"x"]).removed.keys() == {2}
    assert diff(KNOWN, files, []).removed.keys() == {2, 3}
    assert diff(KNOWN, files, [b"x/c.jpg"]).removed.keys() == {2}, "nor at a path that cannot be asked about"


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
def test_every_file_and_every_photo_is_accounted_for_once(before, files):
    known = {path: Known(number, seen) for number, (path, seen) in enumerate(before.items())}
    result = diff(known, files)
    accounted = [*result.added, *(path for _, path in result.changed), *(path for _, path in result.moved)]
    assert len(accounted) + result.unchanged == len(files)
    assert len(set(accounted)) == len(accounted)
    here = [photo_id for photo_id, _ in [*result.moved, *result.changed]]
    unchanged = [photo.photo_id for path, photo in known.items() if files.get(path) == photo.stat]
    assert sorted([*here, *unchanged, *result.removed]) == sorted(range(len(known)))
    known_stats = {photo.photo_id: photo.stat for photo in known.values()}
    assert all(files[path] == known_stats[photo_id] for photo_id, path in result.moved)
    left = [known_stats[photo_id] for photo_id in [*result.removed, *(photo_id for photo_id, _ in result.changed)]]
    unclaimed = [files[path] for path in [*result.added, *(path for _, path in result.changed)]]
    assert not set(left) & set(unclaimed), "a file that is a known photo was not recognised"
