from hypothesis import given
from hypothesis import strategies as st
from polyglance.indexer.watch.debounce import MAX_FOLDERS, Debounce, Dirty, drop_nested


def test_a_folder_is_held_back_until_it_has_been_quiet():
    debounce = Debounce(quiet=1, ceiling=10)
    debounce.mark(1, b"a", now=0)
    debounce.mark(1, b"a", now=0.8)
    assert debounce.next_ready_at() == 1.8
    assert debounce.pop_ready(1.7) == []
    assert debounce.pop_ready(1.8) == [Dirty(1, b"a")]
    assert debounce.pop_ready(9) == []
    assert debounce.next_ready_at() is None


def test_a_folder_that_is_never_quiet_is_overdue_at_the_ceiling():
    debounce = Debounce(quiet=1, ceiling=3)
    for tenth in range(30):
        debounce.mark(1, b"a", now=tenth / 10)
        assert debounce.pop_ready(tenth / 10) == []
    assert debounce.pop_ready(3) == [Dirty(1, b"a", overdue=True)]


def test_a_folder_marked_again_for_a_file_still_written_keeps_its_first_time():
    debounce = Debounce(quiet=1, ceiling=3)
    debounce.mark(1, b"a", now=2.5, first=0)
    assert debounce.pop_ready(3) == [Dirty(1, b"a", overdue=True)]


def test_folders_wait_each_for_itself():
    debounce = Debounce(quiet=1, ceiling=10)
    debounce.mark(1, b"a", now=0)
    debounce.mark(1, b"b", now=0.5)
    assert debounce.pop_ready(1) == [Dirty(1, b"a")]
    assert debounce.pop_ready(1.5) == [Dirty(1, b"b")]


def test_deep_stays_deep():
    debounce = Debounce(quiet=1, ceiling=10)
    debounce.mark(1, b"a", now=0, deep=True)
    debounce.mark(1, b"a", now=0)
    assert debounce.pop_ready(1) == [Dirty(1, b"a", deep=True)]


def test_what_lies_in_a_deep_folder_is_not_looked_at_twice():
    places = [Dirty(1, b"a", deep=True), Dirty(1, b"a/b/c"), Dirty(1, b"ab"), Dirty(2, b"a/b"), Dirty(1, b"")]
    assert drop_nested(places) == [places[0], places[2], places[3], places[4]]
    assert drop_nested([Dirty(1, b"a/b"), Dirty(1, b"", deep=True)]) == [Dirty(1, b"", deep=True)]


def test_too_many_folders_become_the_whole_root_and_keep_their_oldest_time():
    debounce = Debounce(quiet=1, ceiling=5)
    for number in range(MAX_FOLDERS + 1):
        debounce.mark(1, b"%d" % number, now=number / 1000)
    assert debounce.pop_ready(5) == [Dirty(1, b"", deep=True)]


def test_a_forgotten_root_is_waited_for_no_more():
    debounce = Debounce(quiet=1, ceiling=5)
    debounce.mark(1, b"a", now=0)
    debounce.forget(1)
    assert debounce.next_ready_at() is None


marks = st.lists(
    st.tuples(st.integers(1, 2), st.sampled_from([b"", b"a", b"a/b", b"c"]), st.booleans(), st.integers(0, 3)),
    max_size=40,
)


@given(marks)
def test_nothing_that_was_marked_is_lost_or_later_than_the_ceiling(events):
    debounce = Debounce(quiet=2, ceiling=5)
    now = 0
    open_since = {}

    def covered(key, popped):
        root, folder, deep = key
        return any(
            each.root_id == root
            and (
                (each.folder == folder and each.deep >= deep) or (each.deep and (folder + b"/").startswith(each.folder))
            )
            for each in popped
        )

    for root, folder, deep, wait in events:
        now += wait
        popped = debounce.pop_ready(now)
        open_since = {key: since for key, since in open_since.items() if not covered(key, popped)}
        assert all(now - since <= 5 + wait for since in open_since.values())
        debounce.mark(root, folder, now, deep=deep)
        open_since.setdefault((root, folder, deep), now)
    popped = debounce.pop_ready(now + 5)
    assert not [key for key in open_since if not covered(key, popped)]
