"""A library whose catalog is in PostgreSQL: the same answers as with SQLite, also after faults of the server."""

import contextlib
import logging
import threading

import colour_encoder
import numpy as np
import pytest
from libraries import draw
from polyglance import Library, Settings
from polyglance.data.catalog.catalog import Catalog
from polyglance.data.catalog.filters import NOTHING
from polyglance.data.catalog.name_query import NameQuery
from polyglance.data.catalog.records import Content, Entry, FileStat
from polyglance.data.catalog.word_query import WordQuery
from polyglance.data.pictures.exif import Facts
from polyglance.encoders import registry
from polyglance.errors import LibraryBusy, LibraryError, LibraryMissing

pytestmark = pytest.mark.cluster

NAMES = {
    "en": "sunset beach", "zh": "海边日落", "es": "puesta de sol playa", "fr": "coucher de soleil plage",
    "ru": "закат пляж", "ja": "夕焼けの海", "ko": "해변 일몰", "ar": "غروب الشاطئ", "it": "tramonto spiaggia",
}  # fmt: skip
QUERIES = [
    "sunset",
    "日落",
    "海",
    "sol",
    "soleil",
    "закат",
    "夕焼け",
    "해변",
    "غروب",
    "tramonto",
    "IMG_2",
    "beach -sunset",
]


@pytest.fixture(autouse=True)
def tiny_encoder(monkeypatch):
    monkeypatch.setattr(registry, "create", colour_encoder.create)


@pytest.fixture(autouse=True)
def running(postgresql):
    """Whatever a test does to the server ends with it."""
    yield
    postgresql.ensure_running()


def opened(folder, url="", **options):
    return Library.open(folder, settings=Settings(encoder="colour", catalog=url or None), **options)


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """Pictures with names in nine languages, one of them twice, and a file that is none."""
    folder = tmp_path_factory.mktemp("photos")
    for number, name in enumerate([*NAMES.values(), "IMG_2019", "IMG_2024Beach", "beach", "beach house beach"]):
        (folder / f"{number % 3}").mkdir(exist_ok=True)
        draw(folder / f"{number % 3}" / f"{name}.png", number)
    (folder / "copy.png").write_bytes((folder / "0" / "sunset beach.png").read_bytes())
    (folder / "bad.png").write_text("no picture")
    return folder


def rows(library):
    """What a catalog holds, without ids, times, and seals over ids."""
    catalog = library.catalog
    encoder = catalog.encoders.active()
    known = {
        path: (stat.stat, stat.failed)
        for root in catalog.roots.all()
        for path, stat in catalog.photos.known(root.id).items()
    }
    ids = catalog.vectors.ids(encoder.id).tolist()
    contents = catalog.vectors.contents(ids)
    batches = list(catalog.vectors.by_ids(ids))
    vectors = {
        contents[int(vector_id)]: vector.tobytes()
        for batch in batches
        for vector_id, vector in zip(batch.ids, batch.vectors, strict=True)
    }
    records = [photo for found in catalog.selection.photos(ids).values() for photo in found]
    photos = {
        photo.path: (
            photo.size,
            photo.mtime_ns,
            photo.content_hash,
            photo.width,
            photo.height,
            photo.format,
            photo.facts,
        )
        for photo in records
    }
    words = {photo.path: catalog.words.get([photo.id])[photo.id] for photo in records}
    return known, vectors, photos, words, [failed.error for failed in catalog.failures.all()]


def answers(library):
    """What searches and pages give, without ids."""
    catalog = library.catalog
    results = {
        query: [(r.path, round(r.score, 6), round(r.relevance, 6), r.why, r.count) for r in library.search(query, 20)]
        for query in [*QUERIES, "type:png", "folder:1 beach", "is:favourite", "size:<1mp sunset"]
    }
    first = next(photo for photo in results["sunset"])
    facets = catalog.facets.count(NOTHING)
    return (
        results,
        first,
        (facets.formats, facets.folders, facets.orientations, facets.favourites, facets.undated, facets.photos),
        catalog.timeline.months(NOTHING),
        [[photo.path for photo in group] for group in catalog.copies.page(0, 9)],
        catalog.browsing.copies(),
        sorted(catalog.browsing.names("bea", 9)),
    )


@pytest.fixture(scope="module")
def pair(photos, tmp_path_factory, new_catalog_url):
    with pytest.MonkeyPatch.context() as patch, contextlib.ExitStack() as stack:
        patch.setattr(registry, "create", colour_encoder.create)
        libraries = []
        for kind in ("sqlite", "postgresql"):
            url = new_catalog_url(kind)
            library = stack.enter_context(opened(tmp_path_factory.mktemp(kind), url))
            library.index([photos])
            marked = next(r.photo.id for r in library.search("type:png", 50) if r.path.endswith("playa.png"))
            library.catalog.favourites.mark([marked])
            libraries.append(library)
        yield libraries


def test_the_same_folder_gives_the_same_rows(pair):
    assert rows(pair[0]) == rows(pair[1])


def test_the_same_queries_give_the_same_answers(pair):
    assert answers(pair[0]) == answers(pair[1])


def test_pages_of_results_are_the_same(pair):
    pages = []
    for library in pair:
        first = library.search("beach", 2)
        pages.append([[r.path for r in answer] for answer in (first, library.search("beach", 2, cursor=first.next))])
    assert pages[0] == pages[1]


WORDS = ["a", "b", "c", "ab", "bc", "abc", "山", "山川", "川口", "ünï", "12", "a12"]


def test_words_are_found_in_the_same_order_whatever_they_are(tmp_path, new_catalog_url):
    """BM25 is computed in one database and by us for the other: many documents, and all kinds of expressions."""
    draws = np.random.default_rng(7)
    texts = [" ".join(draws.choice(WORDS, draws.integers(0, 9))) for _ in range(240)]
    found = []
    for kind in ("sqlite", "postgresql"):
        with Catalog(tmp_path / kind / "catalog.db", new_catalog_url(kind), create=True) as catalog:
            encoder = catalog.encoders.add("test", "f" * 32, 4, "float32")
            root = catalog.roots.add(b"/p")
            entries, vectors = [], {}
            for number in range(60):
                name, folder, caption, keyword = texts[4 * number : 4 * number + 4]
                key = number.to_bytes(32, "big")
                facts = Facts(caption=caption or None, keywords=tuple(keyword.split()))
                path = f"{folder}/{name} {number}.png".encode()
                entries.append(Entry(root.id, path, FileStat(1, 1, 1), Content(key, 1, 1, "PNG", facts)))
                vectors[key] = np.full(4, 0.5, np.float32)
            catalog.changes.commit(entries, vectors, encoder.id)
            catalog.changes.remove([3, 4, 5])
            queries = [WordQuery.from_texts([word]) for word in WORDS]
            queries += [
                WordQuery.from_texts([f"{one} {other}", third], [last])
                for one, other, third, last in draws_of(draws=np.random.default_rng(8))
            ]
            names = [NameQuery.from_text(text) for text in ("a12.png", "a/1*", "12", "山川/5")]
            lists = [catalog.words.search(query, NOTHING, encoder.id, 100) for query in queries]
            lists += [catalog.words.search_names(query, NOTHING, encoder.id, 100) for query in names]
            found.append(lists)
    assert sum(map(len, found[0])) > 500
    assert found[0] == found[1]


def draws_of(draws):
    return [draws.choice(WORDS, 4) for _ in range(40)]


# --- errors: one line with the next step ---


@pytest.mark.parametrize(
    ("change", "message", "hint"),
    [
        (lambda url: url.replace("/pg-", "/none-"), "No such file or directory", "server running"),
        (lambda url: url.replace("/test_", "/never_"), 'database "never_', "createdb"),
        (
            lambda url: url.replace("//polyglance@", "//stranger@"),
            'role "stranger" does not exist',
            "user and password",
        ),
        (lambda url: url + "&options=-csearch_path%3Dnowhere", "does not have the schema", "Make it"),
    ],
)
def test_a_catalog_that_cannot_be_reached_is_one_line_with_the_next_step(tmp_path, postgresql, change, message, hint):
    with pytest.raises(LibraryError, match=message) as caught:
        opened(tmp_path, change(postgresql.create()))
    assert hint in caught.value.hint
    assert "\n" not in str(caught.value)


def test_no_message_tells_a_password(tmp_path, postgresql):
    url = postgresql.url("missing").replace("polyglance@", "polyglance:secret@")
    with pytest.raises(LibraryError) as caught:
        opened(tmp_path, url)
    assert "secret" not in str(caught.value)
    assert "secret" not in repr(Settings(catalog=url))


def test_a_database_without_a_catalog_is_no_library(tmp_path, postgresql):
    with pytest.raises(LibraryMissing, match="There is no library"):
        opened(tmp_path, postgresql.create(), create=False)


def test_a_database_of_something_else_is_left_alone(tmp_path, postgresql):
    url = postgresql.create()
    postgresql.execute(
        "CREATE TABLE another (id int)", url.rpartition("/test_")[2].join(["test_", ""]).partition("?")[0]
    )
    with pytest.raises(LibraryError, match="not a polyglance catalog"):
        opened(tmp_path, url)


# --- faults ---


def test_a_second_writer_from_another_machine_is_told_who_writes(tmp_path, new_catalog_url):
    url = new_catalog_url("postgresql")
    with opened(tmp_path / "here", url) as here, opened(tmp_path / "there", url) as there:
        with here.catalog.writer_lock():
            assert there.catalog.is_being_written()
            with pytest.raises(LibraryBusy, match=r"is being written to by polyglance .*\(process \d+ on .*since 20"):
                there.index([tmp_path])
        assert not there.catalog.is_being_written()


def test_a_writer_whose_lock_was_lost_writes_nothing_more(tmp_path, postgresql, new_catalog_url):
    with opened(tmp_path, new_catalog_url("postgresql")) as library, library.catalog.writer_lock():
        library.catalog.settings.exclude(["before"])
        postgresql.execute(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_locks"
            " WHERE locktype = 'advisory' AND pid <> pg_backend_pid()"
        )
        with pytest.raises(LibraryBusy, match="writer lock was lost"):
            library.catalog.settings.exclude(["after"])
        assert library.excluded() == ["before"]


def test_after_a_restart_of_the_server_the_next_search_answers(tmp_path, photos, postgresql, new_catalog_url):
    with opened(tmp_path, new_catalog_url("postgresql")) as library:
        library.index([photos])
        expected = [r.path for r in library.search("sunset", 5)]
        with (
            pytest.raises(LibraryError, match="The catalog cannot be used") as caught,
            library.catalog.read_snapshot(),
        ):
            assert library.catalog.generation()
            postgresql.stop()
            library.catalog.roots.all()
        assert "ry again" in caught.value.hint
        with pytest.raises(LibraryError, match="The catalog cannot be used"):
            library.search("sunset", 5)
        postgresql.start()
        assert [r.path for r in library.search("sunset", 5)] == expected
        postgresql.stop()
        postgresql.start()  # nobody asked meanwhile: the connections look alive
        assert [r.path for r in library.search("sunset", 5)] == expected


def test_a_server_that_is_killed_in_mid_index_loses_nothing_that_was_committed(tmp_path, postgresql, new_catalog_url):
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(24):
        draw(folder / f"{number}.png", number)
    url, settled = new_catalog_url("postgresql"), threading.Event()
    settings = Settings(encoder="colour", catalog=url, batch_size=4)

    def kill(tick):
        if tick.done >= 8 and not settled.is_set():
            settled.set()
            postgresql.stop()

    with Library.open(tmp_path / "killed", settings=settings) as library:
        with pytest.raises(LibraryError, match="The catalog cannot be used"):
            library.index([folder], progress=kill)
        assert settled.is_set()
        postgresql.start()
        before = len(library.catalog.vectors.ids(library.catalog.encoders.all()[0].id))
        assert 0 < before < 24
        report = library.index([folder])
        assert report.tally.encoded == 24 - before
        with opened(tmp_path / "undisturbed") as other:
            other.index([folder])
            assert rows(library) == rows(other)


def test_own_data_of_a_lost_database_is_restored_and_no_empty_catalog_hides_it(tmp_path, photos, postgresql):
    from polyglance.library.checking import check

    url = postgresql.create()
    with opened(tmp_path, postgresql.create()) as library:
        library.exclude(["x*"])
        library.index([photos])
        marked = library.search("beach", 1)[0]
        library.catalog.favourites.mark([marked.photo.id])
        library.index([photos])
        expected = rows(library)
    with pytest.raises(LibraryError, match="has no catalog; folders, exclusions and favourites"):
        opened(tmp_path, url)
    settings = Settings(encoder="colour", catalog=url)
    assert [finding.code for finding in check(tmp_path, settings=settings).findings] == ["catalog-missing"]
    assert check(tmp_path, settings=settings, repair=True).ok
    with opened(tmp_path, url) as library:
        assert library.excluded() == ["x*"]
        library.index([photos])
        assert rows(library) == expected
        assert [r.path for r in library.search("is:favourite", 9)] == [marked.path]


def test_check_repairs_rows_of_every_kind_and_the_words(tmp_path, photos, new_catalog_url, caplog):
    from polyglance.library.checking import check

    url = new_catalog_url("postgresql")
    settings = Settings(encoder="colour", catalog=url)
    with opened(tmp_path, url) as library:
        library.index([photos])
        expected = rows(library)
        with library.catalog.database.writing() as db:
            for statement in (
                "UPDATE root SET seal = NULL",
                "UPDATE encoder SET dtype = 'x'",
                "UPDATE photo SET width = 9 WHERE id = (SELECT min(id) FROM photo WHERE error IS NULL)",
                "UPDATE vector SET seal = NULL WHERE id = (SELECT max(id) FROM vector)",
                "UPDATE words_size SET tokens = 0",
            ):
                db.exec_driver_sql(statement)
        found = {finding.code for finding in check(tmp_path, settings=settings).findings}
        assert {"root-damaged", "encoder-damaged", "photo-damaged", "vector-damaged"} <= found
        assert check(tmp_path, settings=settings, repair=True).ok
        assert check(tmp_path, settings=settings, deep=True).ok
        library.index([photos])
        assert rows(library) == expected
        with library.catalog.database.writing() as db:
            db.exec_driver_sql("ALTER TABLE photo DROP COLUMN caption")
        (finding,) = check(tmp_path, settings=settings).findings
    assert (finding.code, "backup of the server" in finding.advice) == ("catalog-schema", True)
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]
