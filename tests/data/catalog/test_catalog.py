import numpy as np
import pytest
from polyglance.data.catalog.catalog import Catalog
from polyglance.data.catalog.records import Content, Entry, FileStat, Known, Move
from polyglance.data.pictures.exif import Facts


def unit(seed, dimension=8):
    vector = np.random.default_rng(seed).normal(size=dimension).astype(np.float32)
    return vector / np.linalg.norm(vector)


def key(number):
    return number.to_bytes(32, "big")


def content(number, **facts):
    return Content(key(number), 640, 480, "JPEG", Facts(**facts))


def stat(number=1):
    return FileStat(100 + number, 10**18 + number, 7000 + number)


@pytest.fixture
def catalog(tmp_path, catalog_url):
    with Catalog(tmp_path / "catalog.db", catalog_url, create=True) as opened:
        yield opened


@pytest.fixture
def encoder(catalog):
    return catalog.encoders.add("test", "f" * 32, 8, "float32")


def add(catalog, encoder, root, number, path):
    entry = Entry(root.id, path, stat(number), content(number))
    catalog.changes.commit([entry], {key(number): unit(number)}, encoder.id)


def test_photo_comes_back_as_it_went_in(catalog, encoder):
    root = catalog.roots.add(b"/photos")
    facts = Facts("2024-05-01T12:34:56", "Canon EOS R5", "RF 50", 35.5, 139.25, "雪山", ("山", "جبل"))
    path = b"a\xff\xfe/\nnew line.jpg"
    entry = Entry(root.id, path, stat(), Content(key(1), 640, 480, "JPEG", facts))
    catalog.changes.commit([entry], {key(1): unit(1)}, encoder.id)
    (photo,) = catalog.selection.photos(catalog.vectors.ids(encoder.id).tolist()).popitem()[1]
    assert photo.path == b"/photos/" + path
    assert (photo.width, photo.height, photo.format, photo.facts) == (640, 480, "JPEG", facts)
    assert catalog.photos.known(root.id) == {path: Known(photo.id, stat())}
    assert catalog.photos.get(photo.id) == photo
    assert catalog.photos.content(key(1), encoder.id) == Content(key(1), 640, 480, "JPEG", facts)


def test_vectors_are_stored_as_float16_and_read_in_order(catalog, encoder):
    root = catalog.roots.add(b"/photos")
    for number in range(1, 6):
        add(catalog, encoder, root, number, b"%d.jpg" % number)
    ((ids, _, vectors),) = catalog.vectors.after(encoder.id, 2)
    assert ids.tolist() == [3, 4, 5]
    assert np.array_equal(vectors[0], unit(3).astype(np.float16).astype(np.float32))
    assert np.array_equal(catalog.vectors.get(key(3), encoder.id), vectors[0])


def test_a_failing_batch_leaves_nothing_behind(catalog, encoder):
    root = catalog.roots.add(b"/photos")
    before = catalog.generation()
    good = Entry(root.id, b"good.jpg", stat(1), content(1))
    bad = Entry(root.id + 999, b"bad.jpg", stat(2), content(2))  # no such root: the foreign key refuses
    with pytest.raises(Exception, match=r"(?i)foreign key"):
        catalog.changes.commit([good, bad], {key(1): unit(1), key(2): unit(2)}, encoder.id)
    assert catalog.photos.known(root.id) == {}
    assert len(catalog.vectors.ids(encoder.id)) == 0
    assert catalog.generation() == before


def test_every_change_raises_the_generation(catalog, encoder):
    root = catalog.roots.add(b"/photos")
    seen = [catalog.generation()]
    add(catalog, encoder, root, 1, b"1.jpg")
    seen.append(catalog.generation())
    (known,) = catalog.photos.known(root.id).values()
    catalog.changes.move([Move(known.photo_id, root.id, b"2.jpg", stat())])
    seen.append(catalog.generation())
    catalog.changes.remove([known.photo_id])
    seen.append(catalog.generation())
    assert catalog.vectors.prune() == [key(1)]
    seen.append(catalog.generation())
    assert seen == sorted(set(seen))


def test_a_file_that_turned_bad_loses_its_facts_and_keeps_its_row(catalog, encoder):
    root = catalog.roots.add(b"/photos")
    add(catalog, encoder, root, 1, b"1.jpg")
    (before,) = catalog.photos.known(root.id).values()
    catalog.changes.commit([Entry(root.id, b"1.jpg", stat(2), error="is truncated")], {}, encoder.id)
    (failed,) = catalog.failures.all()
    assert (failed.id, failed.error, failed.width, failed.content_hash) == (
        before.photo_id,
        "is truncated",
        None,
        None,
    )
    assert catalog.roots.all()[0].photos == 0
    assert catalog.roots.all()[0].failed == 1


def test_photos_can_swap_names(catalog, encoder):
    root = catalog.roots.add(b"/photos")
    add(catalog, encoder, root, 1, b"a.jpg")
    add(catalog, encoder, root, 2, b"b.jpg")
    a, b = (catalog.photos.known(root.id)[name].photo_id for name in (b"a.jpg", b"b.jpg"))
    catalog.changes.move([Move(a, root.id, b"b.jpg", stat(1)), Move(b, root.id, b"a.jpg", stat(2))])
    assert catalog.photos.known(root.id) == {b"a.jpg": Known(b, stat(2)), b"b.jpg": Known(a, stat(1))}


def test_known_below_a_folder_takes_whole_components(catalog, encoder):
    root = catalog.roots.add(b"/photos")
    for number, path in enumerate([b"2024/a.jpg", b"2024/deep/b.jpg", b"2024b/c.jpg", b"2024.jpg", b"2023/d.jpg"], 1):
        add(catalog, encoder, root, number, path)
    assert set(catalog.photos.known(root.id, b"2024")) == {b"2024/a.jpg", b"2024/deep/b.jpg"}


def test_a_parent_root_takes_over_its_child_with_ids(catalog, encoder):
    child = catalog.roots.add(b"/photos/2024")
    add(catalog, encoder, child, 1, b"summer/a.jpg")
    (before,) = catalog.photos.known(child.id).values()
    parent = catalog.roots.add(b"/photos", [child])
    assert [root.path for root in catalog.roots.all()] == [b"/photos"]
    assert catalog.photos.known(parent.id) == {b"2024/summer/a.jpg": before}


def test_copies_share_a_vector_and_stay_two_photos(catalog, encoder):
    root = catalog.roots.add(b"/photos")
    add(catalog, encoder, root, 1, b"a.jpg")
    catalog.changes.commit([Entry(root.id, b"copy.jpg", stat(9), content(1))], {}, encoder.id)
    (vector_id,) = catalog.vectors.ids(encoder.id).tolist()
    assert [photo.path for photo in catalog.selection.photos([vector_id])[vector_id]] == [
        b"/photos/a.jpg",
        b"/photos/copy.jpg",
    ]
    catalog.changes.remove([catalog.photos.known(root.id)[b"a.jpg"].photo_id])
    assert catalog.vectors.prune() == []


def test_contents_without_a_vector_of_another_encoder(catalog, encoder):
    root = catalog.roots.add(b"/photos")
    add(catalog, encoder, root, 1, b"a.jpg")
    catalog.changes.commit([Entry(root.id, b"copy.jpg", stat(9), content(1))], {}, encoder.id)
    other = catalog.encoders.add("other", "e" * 32, 8, "float32")
    assert catalog.photos.without_vector(encoder.id) == []
    assert [(path, content_hash) for _, path, _, content_hash in catalog.photos.without_vector(other.id)] == [
        (b"a.jpg", key(1)),
        (b"copy.jpg", key(1)),
    ]
    assert catalog.photos.content(key(1), other.id) is None


def test_forgetting_a_root_drops_its_photos(catalog, encoder):
    root = catalog.roots.add(b"/photos")
    add(catalog, encoder, root, 1, b"a.jpg")
    catalog.roots.remove(root.id)
    assert catalog.roots.all() == []
    assert catalog.vectors.prune() == [key(1)]


def test_vector_ids_are_never_used_again(catalog, encoder):
    root = catalog.roots.add(b"/photos")
    add(catalog, encoder, root, 1, b"a.jpg")
    (first,) = catalog.vectors.ids(encoder.id).tolist()
    catalog.changes.remove([catalog.photos.known(root.id)[b"a.jpg"].photo_id])
    catalog.vectors.prune()
    add(catalog, encoder, root, 2, b"b.jpg")
    assert catalog.vectors.ids(encoder.id).tolist() == [first + 1]


def test_the_active_encoder_is_one_of_those_added(catalog, encoder):
    assert catalog.encoders.active() is None
    catalog.encoders.activate(encoder.id)
    assert catalog.encoders.active() == encoder
    assert catalog.encoders.add("test", "f" * 32, 8, "float32") == encoder
