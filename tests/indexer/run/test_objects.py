"""Roots in object storage: the same rows as from a folder, by ETag and size, and nothing lost when it is away."""

import os
from types import SimpleNamespace

import colour_encoder
import object_storage
import pytest
from object_storage import storage  # noqa: F401 - a fixture
from polyglance.config import Settings
from polyglance.data import objects, paths, s3_pages
from polyglance.errors import FolderError, PictureError
from polyglance.indexer.disk.exclude import Exclusion
from polyglance.indexer.disk.objects_scan import NO_PATH
from polyglance.indexer.watch.followed import Followed
from polyglance.library import Library
from polyglance.ui.web import originals

pytestmark = [pytest.mark.cluster, pytest.mark.xdist_group("moto")]

NAMES = ("a.png", "two words/ü 雪山.png", "100 %25/#1?.png", "a/b/c.png", "+~&=.PNG")


@pytest.fixture
def folder(tmp_path):
    for number, name in enumerate(NAMES):
        colour_encoder.picture(tmp_path / "folder" / name, number)
    return tmp_path / "folder"


@pytest.fixture
def prefix(storage, folder, request):  # noqa: F811
    """The address of a prefix that has the files of `folder`, and a few other objects; each test has its own."""
    name = f"{abs(hash(request.node.name))}/x"
    for each in NAMES:
        storage.put(f"{name}/{each}", (folder / each).read_bytes())
    storage.put(f"{name}/notes.txt", b"no picture")
    storage.put(f"{name}/.hidden/a.png", b"hidden")
    storage.put(f"{name}y/a.png", b"beside the prefix")
    return SimpleNamespace(url=f"{storage.url}/{name}", key=lambda each: f"{name}/{each}")


@pytest.fixture
def open_library(tmp_path):
    opened = []

    def open_it(name, **settings):
        settings = Settings(library=tmp_path / name, batch_size=4, decode_workers=2, thumbnail_side=64, **settings)
        opened.append(Library.open(tmp_path / name, settings=settings, encoder=colour_encoder.ColourEncoder()))
        return opened[-1]

    yield open_it
    for each in opened:
        each.close()


def contents(library):
    """Path below its root -> (content hash, vector) of every photo."""
    record = library.catalog.encoders.active()
    result = {}
    for root in library.catalog.roots.all():
        known = library.catalog.photos.known(root.id)
        hashes = library.catalog.photos.hashes([each.photo_id for each in known.values()])
        for path, each in known.items():
            content_hash = hashes.get(each.photo_id)
            vector = library.catalog.vectors.get(content_hash, record.id) if content_hash else None
            result[path] = (content_hash, None if vector is None else vector.tobytes())
    return result


@pytest.fixture
def reads(monkeypatch):
    """The addresses that are read."""
    done = []
    read = objects.read
    monkeypatch.setattr(objects, "read", lambda url, **limits: (done.append(url), read(url, **limits))[1])
    return done


def test_a_bucket_gives_what_a_folder_gives_and_a_second_run_reads_nothing(folder, prefix, open_library, reads):
    from_folder, from_bucket = open_library("1"), open_library("2")
    from_folder.index([folder])
    tally = from_bucket.index([prefix.url + "/"]).tally
    assert (tally.added, tally.failures) == (len(NAMES), [])
    assert contents(from_bucket) == contents(from_folder)
    assert [root.path for root in from_bucket.catalog.roots.all()] == [prefix.url.encode()]
    assert len(list(from_bucket.folder.glob("thumbnails/**/*.jpg"))) == len(NAMES)
    assert len(reads) == len(NAMES)
    assert from_bucket.rescan().tally.unchanged == len(NAMES)
    assert len(reads) == len(NAMES)
    assert [state for _, state in from_bucket.status().roots] == ["online"]


def test_only_other_bytes_are_read_and_only_new_ones_encoded(folder, prefix, open_library, storage, reads):  # noqa: F811
    library = open_library("library")
    library.index([prefix.url])
    encoder = library._parts.own_encoder
    ids = {path: known.photo_id for path, known in library.catalog.photos.known(1).items()}
    reads.clear()
    storage.put(prefix.key("a.png"), (folder / "a.png").read_bytes())  # written again: another time, the same ETag
    colour_encoder.picture(folder / "other.png", 77)
    storage.put(prefix.key("a/b/c.png"), (folder / "other.png").read_bytes())
    storage.delete(prefix.key(NAMES[1]))
    storage.put(prefix.key("moved.png"), (folder / NAMES[1]).read_bytes())
    storage.delete(prefix.key(NAMES[4]))
    tally = library.rescan().tally
    assert (tally.unchanged, tally.changed, tally.moved, tally.removed) == (2, 1, 1, 1)
    # An object that was written in the same second under another key, with the same ETag, is not read either.
    assert {b"c.png"} <= {os.path.basename(url) for url in reads} <= {b"c.png", b"moved.png"}
    assert encoder.encoded == len(NAMES) + 1
    assert library.catalog.photos.known(1)[b"moved.png"].photo_id == ids[NAMES[1].encode()]


ODD = ("a//b.png", "/b.png", "./c.png", "a/../d.png", "a/./e.png", "a/f\x01.png", "\t.png", "g.png/..")
"""Keys that obstore refuses, and with them the whole listing."""
MARKS = ("e/", "a/b//", "a.png/")
LONG = "/".join(["k" * 200] * 4)
UNUSUAL = (f"{LONG}/k.png", "e\u0301.png", "\u00e9.png", "A.png", "x..png", "back\\slash.png", "%41.png")


def test_keys_that_are_no_paths_are_failures_and_all_others_are_indexed(prefix, folder, open_library, storage):  # noqa: F811
    usual, library = open_library("1"), open_library("2")
    for number, key in enumerate(UNUSUAL):
        colour_encoder.picture(folder / "new.png", 10 + number)
        storage.put_as_it_is(prefix.key(key), (folder / "new.png").read_bytes())
    usual.index([prefix.url])
    ids = {path: known.photo_id for path, known in usual.catalog.photos.known(1).items()}
    for key in (*ODD, *MARKS):
        storage.put_as_it_is(prefix.key(key), b"")
    try:
        report = usual.rescan()
        assert (report.offline, report.tally.unchanged) == ([], len(NAMES) + len(UNUSUAL))
        pictures = sorted(key for key in ODD if key.endswith(".png"))
        failures = sorted(failure.path.decode() for failure in report.tally.failures)
        assert failures == sorted(f"{prefix.url}/{key}" for key in pictures)
        assert {failure.reason.partition(" (")[0] for failure in report.tally.failures} == {NO_PATH.partition(" (")[0]}
        library.index([prefix.url])
        assert {path for path, (has, _) in contents(library).items() if has} == set(ids)
        assert library.failures()[1] == len(pictures)
        assert library.rescan().tally.unchanged == len(ids), "the ETags are the same in both kinds of listing"
    finally:
        for key in ODD:
            storage.remove_as_it_is(prefix.key(key))
    assert usual.rescan().offline == []
    assert usual.failures()[1] == 0
    assert contents(usual).keys() == ids.keys()


def test_the_mark_of_a_folder_is_not_taken_for_the_photo_of_that_name(prefix, open_library, storage, reads):  # noqa: F811
    library = open_library("library")
    library.index([prefix.url])
    reads.clear()
    storage.put_as_it_is(prefix.key("a.png/"), b"")
    assert library.rescan().tally.unchanged == len(NAMES)
    assert reads == []


def test_a_listing_of_many_pages_with_a_key_that_is_no_path_is_complete(storage, monkeypatch):  # noqa: F811
    monkeypatch.setattr(s3_pages, "KEYS_AT_ONCE", 2)
    keys = [f"pages/{number} +%é.png" for number in range(5)]
    for key in keys:
        storage.put(key, b"x")
    address = f"{storage.url}/pages".encode()
    usual = {(each.path, each.size, each.version) for each in objects.listing(address)}
    storage.put_as_it_is("pages//x.png", b"x")
    try:
        listed = list(objects.listing(address))
    finally:
        storage.remove_as_it_is("pages//x.png")
    assert {(each.path, each.size, each.version) for each in listed if each.is_readable} == usual
    assert [each.path for each in listed if not each.is_readable] == [b"/x.png"]


def test_storage_that_does_not_answer_loses_nothing_and_shows_no_secret(folder, open_library, monkeypatch):
    if not object_storage.SERVER.exists():
        pytest.skip("moto is not installed: make test-cluster")
    with object_storage.serving("gone") as bucket, monkeypatch.context() as patch:
        object_storage.lead_to(bucket, patch)
        patch.setitem(objects.RETRIES, "max_retries", 0)
        for name in NAMES:
            bucket.put(name, (folder / name).read_bytes())
        library = open_library("library")
        library.index([bucket.url])
        before = contents(library)
        photo = library.photo(1)
        bucket.stop()
        with pytest.raises(FolderError) as raised:
            library.index([bucket.url])
        assert "\n" not in str(raised.value) and raised.value.hint
        report = library.rescan(confirmed=True)
        assert [offline.place.root.path for offline in report.offline] == [b"s3://gone"]
        assert contents(library) == before
        with pytest.raises(PictureError) as unreadable:
            originals.open_original(photo, *library.place_of(photo))
        for error in (raised.value, unreadable.value, report.offline[0].error):
            assert object_storage.SECRET not in f"{error} {error.__cause__}"
        # A copy on a disk is no proof that the photo in the bucket has moved.
        library.index([folder])
        assert library.catalog.photos.known(1).keys() == before.keys()
    objects.forget_stores()
    database = (library.folder / "catalog.db").read_bytes()
    assert object_storage.SECRET.encode() not in database


def test_an_empty_or_missing_bucket_removes_nothing(prefix, open_library, storage):  # noqa: F811
    library = open_library("library")
    with pytest.raises(FolderError, match="nothing at s3://photos/no such"):
        library.index([f"{storage.url}/no such"])
    with pytest.raises(FolderError):
        library.index(["s3://no-such-bucket"])
    library.index([prefix.url])
    for name in (*NAMES, "notes.txt", ".hidden/a.png"):
        storage.delete(prefix.key(name))
    assert library.rescan().offline
    assert len(contents(library)) == len(NAMES)
    library.rescan(confirmed=True)


def test_originals_are_sent_as_they_are_and_lost_thumbnails_made_again(folder, prefix, open_library, storage):  # noqa: F811
    library = open_library("library")
    library.index([prefix.url])
    photo = library.photo(library.catalog.photos.known(1)[b"a.png"].photo_id)
    opened = originals.open_original(photo, *library.place_of(photo))
    with opened.file:
        assert b"".join(opened.chunks()) == (folder / "a.png").read_bytes()
        assert b"".join(opened.chunks(3, 5)) == (folder / "a.png").read_bytes()[3:8]
    library.thumbnail(photo.id).unlink()
    assert library.thumbnail(photo.id).exists()
    storage.put(prefix.key("a.png"), b"other bytes")
    with pytest.raises(PictureError, match="has changed"):
        originals.open_original(photo, *library.place_of(photo))


def test_exclusions_reach_into_a_bucket(prefix, open_library):
    library = open_library("library")
    library.index([prefix.url])
    library.exclude(["a/"])
    assert library.rescan().tally.removed == 1
    library.exclude([])
    encoded = library._parts.own_encoder.encoded
    assert library.rescan().tally.added == 1
    assert library._parts.own_encoder.encoded == encoded


def test_a_bucket_is_watched_by_polling(prefix, open_library):
    library = open_library("library")
    library.index([prefix.url])
    (root,) = library.catalog.roots.all()
    followed = Followed(root)
    followed.refresh([], Exclusion(), lambda folder: [], lambda *event: None, now=5.0)
    assert (followed.coverage.how, followed.scan_at) == ("polling", 5.0)
    followed.note_scan(None, seconds=0.1, poll=60, now=6.0)
    assert followed.scan_at == 66.0


def test_paths_of_results_are_addresses(prefix, open_library):
    library = open_library("library")
    library.index([prefix.url])
    path = paths.display(library.photo(1).path)
    assert path.startswith("s3://photos/")
