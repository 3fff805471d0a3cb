import re
import shutil
import threading
import time
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from polyglance.data.catalog.records import FileStat, Move
from polyglance.data.vectors.index import VectorIndex
from polyglance.errors import PhotoNotFound, QueryError
from polyglance.search.answer import View
from search_places import WordEncoder, names, unit


def test_what_looks_like_it_comes_first_and_says_so(place):
    place.crowd(50)
    place.add(("a.jpg", unit(1)), ("b.jpg", unit(1, 0.4)))
    answer = place.find("beach", 2)
    assert names(answer) == ["a.jpg", "b.jpg"]
    assert [(result.rank, result.why, result.count) for result in answer.results] == [
        (1, ("looks like",), 1),
        (2, ("looks like",), 1),
    ]
    assert answer.results[0].score == pytest.approx(1, abs=1e-3)
    assert answer.results[0].relevance > 0.9
    assert answer.is_relevant


@pytest.mark.parametrize(
    ("path", "facts", "query", "why"),
    [
        ("plage.jpg", {}, "PLAGE", "name"),
        ("été à la plage/1.jpg", {}, "ete", "folder"),
        ("1.jpg", {"caption": "在海滩上"}, "海滩", "caption"),
        ("1.jpg", {"caption": "在海滩上"}, "海", "caption"),
        ("1.jpg", {"keywords": ("праздник", "Ёлка")}, "елка", "keyword"),
        ("우리고양이.jpg", {}, "고양이", "name"),
        ("1.jpg", {"keywords": ("مَدْرَسَة",)}, "مدرسه", "keyword"),
    ],
)
def test_words_find_what_looks_do_not_and_say_where(place, path, facts, query, why):
    place.crowd(200)
    place.add((path, unit(0, 0, 0, 0, 1), facts))
    answer = place.find(query, 3)
    assert path in names(answer)
    (result,) = [result for result in answer.results if result.photo.path.decode().endswith(path)]
    assert result.why == (why,)
    assert result.score == pytest.approx(0, abs=0.01)


def test_looks_and_words_together_come_before_either(place):
    place.crowd(100)
    place.add(("x.jpg", unit(1)), ("beach far.jpg", unit(0, 0, 0, 0, 1)), ("beach.jpg", unit(1, 0.3)))
    answer = place.find("beach", 3)
    assert names(answer) == ["beach.jpg", "beach far.jpg", "x.jpg"]
    assert [result.why for result in answer.results] == [("looks like", "name"), ("name",), ("looks like",)]


def test_stop_words_alone_do_not_find_names(place):
    place.crowd(100)
    place.add(("the.jpg", unit(0, 0, 0, 0, 1)), ("a.jpg", unit(1)))
    assert names(place.find("the beach", 1)) == ["a.jpg"]


def test_sums_add_and_take_away(place):
    place.crowd(30)
    place.add(
        *(("beach.1.jpg", unit(1)), ("both.jpg", unit(1, 1)), ("dusk.jpg", unit(0, 1)), ("crowded.jpg", unit(1, 0, 1)))
    )
    assert place.names("plage + закат", 1) == ["both.jpg"]
    assert place.names("3: plage + закат", 2) == ["beach.1.jpg", "both.jpg"]
    assert place.names("plage + 3: закат", 2) == ["dusk.jpg", "both.jpg"]
    assert place.names("gente + plage", 1) == ["crowded.jpg"]
    assert place.names("playa - 0.5: gente", 1) == ["beach.1.jpg"]
    assert "crowded.jpg" not in place.names("playa - gente", 5)


def test_words_that_are_taken_away_hide_no_looks_but_find_no_names(place):
    place.crowd(100)
    place.add(("cat people.jpg", unit(0, 0, 0, 0, 1)), ("cat.jpg", unit(0, 0, 0, 0, 0, 1)))
    answer = place.find("cat - people", 60)
    assert ("cat.jpg", ("name",)) in zip(names(answer), (result.why for result in answer.results), strict=True)
    subtracted = [result for result in answer.results if result.photo.path.endswith(b"cat people.jpg")]
    assert not [result for result in subtracted if "name" in result.why]


def test_a_photo_and_a_picture_in_a_sum(place):
    place.add(("a.jpg", unit(1)), ("b.jpg", unit(1, 0.2)), ("c.jpg", unit(0, 1)), ("d.jpg", unit(1, 1)))
    assert place.names("#1 + закат", 1) == ["d.jpg"]
    assert "a.jpg" not in place.names("#1 + закат")
    image = Image.new("RGB", (4, 4), (255, 0, 0))
    assert place.names("закат - x.png", 1, read=lambda term: image) == ["c.jpg"]
    assert place.names("1: x.png", 1, read=lambda term: image) == ["a.jpg"]


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("beach - beach", "cancel each other out"),
        ("2: cat + beach - 2: cat - beach", "cancel each other out"),
        ("cat + x.png", "cannot be read from here"),
        ("https://example.org/a.jpg", "cannot be read from here"),
    ],
)
def test_sums_that_cancel_out_or_name_unreadable_pictures_are_refused(place, query, message):
    place.crowd(10)
    with pytest.raises(QueryError, match=message):
        place.find(query)


def test_an_unknown_photo_id_is_refused(place):
    with pytest.raises(PhotoNotFound, match="No photo has the id 99"):
        place.find("cat + #99")


def test_filters_restrict_the_search_itself(place):
    """20 of 4,000 pass, and they are the farthest of all: whatever looked at the nearest first would find none."""
    place.crowd(3980)
    rare = [(f"rare/n{n}x.jpg", unit(-1, noise=0.02, seed=n), {"camera": "X100V"}) for n in range(20)]
    place.add(*rare)
    for query, options in (("beach camera:x100v", {}), ("beach", {"filters": {"camera": "X100V"}})):
        answer = place.find(query, 20, **options, collapse=False)
        assert sorted(names(answer)) == sorted(path for path, *_ in rare)
        assert answer.next is None
    scores = [result.score for result in answer.results]
    assert scores == sorted(scores, reverse=True)


def test_filters_restrict_what_words_find(place):
    place.crowd(30)
    place.add(("old/beach.jpg", unit(0, 1), {"taken_at": "2019-01-01T00:00:00"}))
    place.add(("new/beach.jpg", unit(0, 1), {"taken_at": "2024-01-01T00:00:00"}))
    assert place.names("beach after:2024") == ["new/beach.jpg"]


def test_only_copies_that_pass_the_filters_are_shown(place):
    place.add(("a/x.jpg", unit(1)), ("b/y.jpg", unit(1), {"bytes_of": "a/x.jpg"}))
    assert place.names("beach folder:b") == ["b/y.jpg"]
    assert place.names("beach", collapse=False) == ["a/x.jpg", "b/y.jpg"]


def test_filters_alone_list_the_newest_first(place):
    for year in (2019, 2024, 2021):
        place.add((f"{year}.jpg", unit(1, noise=1, seed=year), {"taken_at": f"{year}-05-01T00:00:00"}))
    answer = place.find("after:2020")
    assert names(answer) == ["2024.jpg", "2021.jpg"]
    assert {result.why for result in answer.results} == {("filter",)}
    assert (answer.language, answer.query) == (None, "after:2020")


def test_filters_that_nothing_passes_give_no_results(place):
    place.crowd(10)
    assert place.find("beach after:2030").results == []


def test_relevance_hides_the_rest_or_says_there_is_nothing(place):
    place.crowd(300)
    assert not place.find("beach").is_relevant
    nothing = place.find("beach", only_relevant=True)
    assert (nothing.results, nothing.is_relevant) == ([], False)
    place.add(("1.jpg", unit(1)), ("beach.jpg", unit(0, 0, 0, 0, 1)))
    answer = place.find("beach", only_relevant=True)
    assert names(answer) == ["beach.jpg", "1.jpg"]
    assert answer.is_relevant


def test_verdicts_never_rise_along_an_answer_and_word_hits_are_sure(place):
    place.crowd(300)
    place.add(*((f"{n} beach.jpg", unit(0, 0, 0, 0, 1, noise=0.1, seed=n)) for n in range(30)))
    place.add(*((f"{n}.jpg", unit(1, noise=0.05, seed=n)) for n in range(5)))
    results = place.find("beach", 300, collapse=False).results
    is_unlikely = [result.verdict == "unlikely" for result in results]
    assert is_unlikely == sorted(is_unlikely)
    assert 35 <= is_unlikely.index(True) < 60
    assert all(result.verdict == "sure" for result in results if "name" in result.why)
    by_looks = [result.relevance for result in results if result.why == ("looks like",)]
    assert by_looks == sorted(by_looks, reverse=True)


def test_a_handful_of_photos_has_nothing_unlikely(place):
    place.add(("a.jpg", unit(1)), ("b.jpg", unit(0, 1)))
    assert {result.verdict for result in place.find("beach").results} <= {"sure", "likely"}


def test_a_photo_is_judged_by_what_is_attainable_if_the_encoder_can_tell(place, monkeypatch):
    place.crowd(300)
    place.add(*((f"{n}.jpg", unit(0.25, 0.97)) for n in range(2)))
    assert {result.verdict for result in place.find("beach", 2, collapse=False).results} == {"unlikely"}
    monkeypatch.setattr(WordEncoder, "attainable", lambda self, text, vector: 0.3, raising=False)
    place.fresh()
    assert {result.verdict for result in place.find("beach", 2, collapse=False).results} == {"sure"}
    monkeypatch.setattr(WordEncoder, "attainable", lambda self, text, vector: None)
    place.fresh()
    assert {result.verdict for result in place.find("beach", 2, collapse=False).results} == {"unlikely"}


def test_sorted_by_date_the_relevant_photos_come_newest_first(place):
    place.crowd(300)
    for number, year in enumerate((2019, 2024, None, 2021)):
        taken = {"taken_at": f"{year}-05-01T00:00:00"} if year else {}
        place.add((f"{year}.jpg", unit(1, noise=0.01, seed=number), taken))
    assert place.names("beach", sort="date") == ["2024.jpg", "2021.jpg", "2019.jpg", "None.jpg"]


# --- near-duplicates ------------------------------------------------------------


def at(second):
    return {"taken_at": f"2024-05-01T10:00:{second:02}"}


def test_copies_and_bursts_are_one_with_a_count(place):
    place.crowd(40)
    burst = [(f"DSC{n:04}.jpg", unit(1, noise=0.01, seed=n), at(n)) for n in range(4)]
    place.add(*burst, ("later.jpg", unit(1, noise=0.01, seed=9), at(50)))
    place.add(("copy.jpg", unit(1, noise=0.01, seed=0), {"bytes_of": "DSC0000.jpg", **at(0)}))
    answer = place.find("beach", 2)
    assert sorted(result.count for result in answer.results) == [1, 5]
    assert len(place.find("beach", 6, collapse=False).results) == 6
    assert all(result.count == 1 for result in place.find("beach", 6, collapse=False).results)


@pytest.mark.parametrize(
    ("first", "second", "together"),
    [
        (("beach.jpg", {}), ("beach (1).jpg", {}), True),
        (("IMG_0007.jpg", {}), ("IMG_0007-edited.jpg", {}), True),
        (("IMG_0007.jpg", {}), ("IMG_0009.jpg", {}), True),
        (("IMG_0007.jpg", {}), ("IMG_0107.jpg", {}), False),
        (("a/beach.jpg", {}), ("b/beach.jpg", {}), False),
        (("beach.jpg", {}), ("plage.jpg", {}), False),
        (("x.jpg", at(1)), ("y.jpg", at(9)), True),
        (("x.jpg", at(1)), ("y.jpg", at(30)), False),
        (("beach.jpg", at(1)), ("beach (1).jpg", at(30)), False),
    ],
)
def test_similar_photos_are_one_result_only_if_taken_or_named_together(place, first, second, together):
    place.crowd(40)
    place.add(*((path, unit(1, noise=0.01, seed=n), dict(facts)) for n, (path, facts) in enumerate((first, second))))
    assert (place.find("playa", 1).results[0].count == 2) == together


def test_photos_taken_together_are_one_result_only_if_similar(place):
    place.crowd(40)
    place.add(("x.jpg", unit(1), at(1)), ("y.jpg", unit(1, 0.6), at(2)))
    assert place.find("beach", 1).results[0].count == 1


# --- pages ------------------------------------------------------------


def all_pages(place, query, count, **view):
    pages, cursor = [], None
    while True:
        answer = place.find(query, count, cursor=cursor, **view)
        pages.append(answer)
        cursor = answer.next
        if cursor is None:
            return pages


@pytest.mark.parametrize("count", [1, 7, 100])
@pytest.mark.parametrize("query", ["beach", "beach + sunset", "folder:crowd", "x3y", "beach folder:crowd"])
@pytest.mark.parametrize("collapse", [True, False])
def test_pages_are_one_long_page_cut_up(place, query, count, collapse):
    place.crowd(60)
    place.add(*((f"s/beach{n}.jpg", unit(1, noise=0.02, seed=n), at(n % 60)) for n in range(40)))
    place.add(*((f"c{n}.jpg", unit(1), {"bytes_of": f"s/beach{n}.jpg"}) for n in range(0, 40, 3)))
    whole = place.find(query, 1000, collapse=collapse)
    pages = all_pages(place, query, count, collapse=collapse)
    cut = [result for page in pages for result in page.results]
    assert [(result.photo.id, result.rank, result.why, result.count) for result in cut] == [
        (result.photo.id, result.rank, result.why, result.count) for result in whole.results
    ]
    assert len({result.photo.id for result in cut}) == len(cut)
    assert not any(page.changed for page in pages)


def test_a_deep_page_is_what_a_long_one_would_show(place):
    place.crowd(2500)
    place.add(*((f"beach{n}x.jpg", unit(noise=1, seed=9000 + n)) for n in range(30)))
    whole = names(place.find("beach", 2530, collapse=False))
    assert len(set(whole)) == 2530
    place.engine._cached.clear()
    first = place.find("beach", 10, collapse=False)
    assert names(first) == whole[:10]
    generation = first.next.partition("-")[0]
    for offset in (990, 1025, 2000, 2525):
        page = place.find("beach", 10, cursor=f"{generation}-{offset}", collapse=False)
        assert names(page) == whole[offset : offset + 10]


def test_a_page_goes_on_in_the_order_of_the_first_whatever_was_indexed_since(place):
    place.crowd(60)
    place.add(*((f"old/a{n}b.jpg", unit(1, noise=0.1, seed=n)) for n in range(20)))
    before = names(place.find("playa", 40, collapse=False))
    first = place.find("playa", 10, collapse=False)
    place.add(*((f"new/a{n}b.jpg", unit(1, noise=0.001, seed=n)) for n in range(20)))
    gone = place.find("playa", 40, collapse=False, cursor=first.next).results[3].photo.id
    place.catalog.changes.remove([gone])
    second = place.find("playa", 10, cursor=first.next, collapse=False)
    assert not second.changed
    assert names(second) == [name for name in before[10:20] if name != before[13]]
    assert names(place.find("playa", 5, collapse=False))[0].startswith("new/")


def test_a_page_says_if_its_order_is_no_longer_cached_and_the_library_changed(place):
    place.crowd(60)
    first = place.find("beach", 10)
    place.crowd(5, start=60)
    place.engine._cached.clear()
    second = place.find("beach", 10, cursor=first.next)
    assert second.changed
    assert [result.rank for result in second.results] == list(range(11, 21))


def test_searching_while_photos_come_move_and_go(place):
    place.crowd(150)
    ended = threading.Event()
    failures = []

    def search(options):
        query, view = options
        while not ended.is_set():
            try:
                for page in all_pages(place, query, 25, **view):
                    ids = [result.photo.id for result in page.results]
                    assert len(set(ids)) == len(ids)
                    assert [result.rank for result in page.results] == sorted({result.rank for result in page.results})
            except BaseException as error:  # noqa: BLE001 - told by the main thread
                failures.append(error)
                return

    kinds = [("beach", {}), ("x1y + 猫", {"collapse": False}), ("folder:crowd", {}), ("beach", {"sort": "date"})]
    threads = [threading.Thread(target=search, args=(kind,)) for kind in kinds]
    for thread in threads:
        thread.start()
    for turn in range(25):
        place.crowd(20, start=1000 + 20 * turn, folder=f"crowd/{turn}")
        known = list(place.catalog.photos.known(place.root.id).items())
        place.catalog.changes.remove([photo.photo_id for _, photo in known[turn::17]])
        path, moved = known[turn + 1]
        place.catalog.changes.move([Move(moved.photo_id, place.root.id, b"moved/" + path, FileStat(1, 1, 1))])
        place.catalog.vectors.prune()
    ended.set()
    for thread in threads:
        thread.join()
    assert failures == []


@pytest.mark.parametrize(
    ("view", "message"),
    [
        (View(0), "0 results cannot be asked for"),
        (View(10**9), "1000000000 results cannot be asked for"),
        (View(sort="size"), "cannot be sorted by size"),
        (View(cursor="nonsense"), "no cursor"),
        (View(cursor="1-" + "9" * 30), "no cursor"),
    ],
)
def test_invalid_views_are_refused(place, view, message):
    with pytest.raises(QueryError, match=re.escape(message)):
        place.engine.find(SimpleNamespace(terms=(), filters=()), view)


def test_a_cursor_beyond_the_end_shows_nothing(place):
    place.crowd(20)
    answer = place.find("beach", 5, cursor="1-999999999")
    assert (answer.results, answer.next) == ([], None)


def test_similar_photos_leave_the_photo_itself_out_and_its_copies_in(place):
    place.crowd(20)
    place.add(("a.jpg", unit(1)), ("b.jpg", unit(1), {"bytes_of": "a.jpg"}), ("c.jpg", unit(1, 0.2)))
    results = place.find("beach", 50, collapse=False).results
    ids = {name: result.photo.id for result in results for name in names_of(result)}
    answer = place.engine.similar_to_photo(ids["a.jpg"], View(2, collapse=False))
    assert names(answer) == ["b.jpg", "c.jpg"]
    assert answer.query == str(ids["a.jpg"])


def names_of(result):
    return [result.photo.path.decode().removeprefix("/photos/")]


def test_scores_are_those_of_the_vectors_as_stored(place):
    place.crowd(100)
    answer = place.find("beach", 100, collapse=False)
    assert len(answer.results) == 100
    for result in answer.results[::9]:
        vector = place.catalog.vectors.get(result.photo.content_hash, place.encoder_id)
        assert result.score == pytest.approx(float(vector @ np.eye(16)[0]), abs=1e-3)


class SlowEncoder(WordEncoder):
    """Its first call lasts until all texts have come to it or wait, as with a large model."""

    def __init__(self, expected):
        super().__init__()
        self.expected, self.batches, self.texts = expected, [], None

    def encode_texts(self, texts):
        end = time.monotonic() + 20
        while not self.batches and len(texts) + len(self.texts._waiting) < self.expected and time.monotonic() < end:
            time.sleep(0.01)
        self.batches.append(len(texts))
        return super().encode_texts(texts)


def test_searches_that_wait_for_a_slow_encoder_hold_no_connection_and_are_encoded_together(place):
    place.crowd(50)
    place.encoder = SlowEncoder(expected=20)
    place.fresh()
    place.encoder.texts = place.engine._texts
    failures = []

    def search(number):
        try:
            assert place.find(f"beach {number}").results
        except BaseException as error:  # noqa: BLE001 - told by the main thread
            failures.append(error)

    threads = [threading.Thread(target=search, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert (len(place.encoder.batches), sum(place.encoder.batches)) == (2, 20)  # the catalog has 15 connections


def test_the_next_page_encodes_nothing_and_a_new_search_does_while_no_moment_is_held(place, monkeypatch):
    place.crowd(200)
    connections = []
    encode = place.encoder.encode_texts
    record = lambda texts: connections.append(place.catalog._database.snapshot) or encode(texts)  # noqa: E731
    monkeypatch.setattr(place.encoder, "encode_texts", record)
    first = place.find("beach", 20)
    place.find("beach", 20, cursor=first.next)
    assert connections == [None]


def test_a_commit_between_the_start_of_a_search_and_its_ranking_is_not_rolled_back(place, monkeypatch):
    """The search reads an older moment, while another one makes the index hold what was committed since."""
    place.fresh(VectorIndex).crowd(300)
    index = place.store
    compared = []
    compare = index._compare
    monkeypatch.setattr(index, "_compare", lambda first, end: compared.append((first, end)) or compare(first, end))
    place.find("sunset")
    compared.clear()
    begin = place.engine._begin

    def begin_late(*arguments):
        place.catalog.generation()  # its moment begins
        monkeypatch.setattr(place.engine, "_begin", begin)
        place.add(("late.jpg", unit(1)), ("later.jpg", unit(1, 0.1)))
        concurrent_search = threading.Thread(target=lambda: place.find("cat"))
        concurrent_search.start()
        concurrent_search.join()
        assert index.count() == 302
        return begin(*arguments)

    monkeypatch.setattr(place.engine, "_begin", begin_late)
    answer = place.find("beach", 20)
    assert len(answer.results) == 20
    assert not {"late.jpg", "later.jpg"} & set(names(answer))  # they are of a later moment
    assert (index.count(), compared) == (302, [])
    assert names(place.find("beach", 2)) == ["late.jpg", "later.jpg"]


def test_an_order_is_not_kept_for_a_restored_catalog_of_the_same_generation(place, tmp_path):
    """The catalog is put back from a backup, and then as many commits are made as were lost."""
    place.add(("a.jpg", unit(1)))
    place.catalog.close()
    shutil.copy(tmp_path / "catalog.db", tmp_path / "backup.db")
    place.add(("lost.jpg", unit(1, 0.1)), ("lost too.jpg", unit(1, 0.2)))
    before = place.catalog.generation()
    assert place.names("beach") == ["a.jpg", "lost.jpg", "lost too.jpg"]
    first = place.find("beach", 1)
    place.catalog.close()
    shutil.copy(tmp_path / "backup.db", tmp_path / "catalog.db")
    place.add(("other.jpg", unit(1, 0.3)), ("best.jpg", unit(1)))
    assert place.catalog.generation() == before
    assert place.names("beach") == ["a.jpg", "best.jpg", "other.jpg"]
    assert place.names("beach", 2, cursor=first.next) == ["best.jpg", "other.jpg"]
