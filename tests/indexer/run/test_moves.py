"""Photos keep their ids along chains and circles of renames, whether inodes tell or only the contents do."""

import os
import shutil
from contextlib import suppress

import pytest
from polyglance.errors import PhotoNotFound
from polyglance.library import Library


def contents(setup):
    """Path -> (photo id, content hash)."""
    known = setup.catalog.photos.known(setup.root.id)
    hashes = setup.catalog.photos.hashes([photo.photo_id for photo in known.values()])
    return {path: (photo.photo_id, hashes.get(photo.photo_id)) for path, photo in known.items()}


def ids_by_content(setup):
    return {content_hash: photo_id for photo_id, content_hash in contents(setup).values()}


def counts(tally):
    names = ("added", "changed", "moved", "removed", "unchanged")
    return {name: value for name in names if (value := getattr(tally, name))}


@pytest.fixture
def six(setup, photos, draw):
    for number in range(1, 7):
        draw(photos / f"{number}.png", number)
    setup.update()
    setup.root = setup.catalog.roots.all()[0]
    return setup


def rename(photos, *pairs):
    for source, target in pairs:
        (photos / source).rename(photos / target)


def rewrite(photos, *pairs):
    """As if renamed, but every file has another inode and time, as after a copy to another disk and back."""
    data = {target: (photos / source).read_bytes() for source, target in pairs}
    for source, _ in pairs:
        (photos / source).unlink(missing_ok=True)
    for target, content in data.items():
        (photos / f"{target}.tmp").write_bytes(content)
        os.utime(photos / f"{target}.tmp", (1, 1))
        (photos / f"{target}.tmp").rename(photos / target)


CHAIN = [(f"{number}.png", f"{number + 1}.png") for number in range(6, 0, -1)]


@pytest.mark.parametrize("how", [rename, rewrite])
def test_photos_renamed_along_a_chain_keep_their_ids(six, photos, how):
    before = ids_by_content(six)
    how(photos, *CHAIN)
    assert counts(six.update()) == {"moved": 6}
    assert ids_by_content(six) == before
    assert contents(six).keys() == {b"%d.png" % number for number in range(2, 8)}
    assert six.encoder.encoded == 6
    assert counts(six.update()) == {"unchanged": 6}


@pytest.mark.parametrize("how", [rename, rewrite])
def test_a_chain_with_a_new_head(six, photos, draw, how):
    before = ids_by_content(six)
    how(photos, *CHAIN)
    draw(photos / "1.png", 99)
    assert counts(six.update()) == {"moved": 6, "added": 1}
    after = ids_by_content(six)
    assert {content: after[content] for content in before} == before


def test_photos_renamed_in_a_circle_keep_their_ids(six, photos):
    before = ids_by_content(six)
    rename(photos, ("1.png", "x"), ("3.png", "1.png"), ("2.png", "3.png"), ("x", "2.png"))
    assert counts(six.update()) == {"moved": 3, "unchanged": 3}
    rewrite(photos, ("1.png", "2.png"), ("2.png", "3.png"), ("3.png", "1.png"))
    assert counts(six.update()) == {"moved": 3, "unchanged": 3}
    assert ids_by_content(six) == before


def test_a_photo_renamed_over_another_one_replaces_it(six, photos):
    before = contents(six)
    rename(photos, ("2.png", "1.png"))
    assert counts(six.update()) == {"moved": 1, "removed": 1, "unchanged": 4}
    expected = {path: entry for path, entry in before.items() if path not in {b"1.png", b"2.png"}}
    assert contents(six) == {**expected, b"1.png": before[b"2.png"]}


def test_a_photo_moved_over_one_of_another_root_keeps_its_id(six, photos, draw, tmp_path):
    other = tmp_path / "other"
    draw(other / "a.png", 50)
    second = six.catalog.roots.add(os.fsencode(other))
    six.update(six.root, second)
    six.root, second = six.catalog.roots.all()
    before = contents(six)[b"1.png"][0]
    (photos / "1.png").rename(other / "a.png")
    assert counts(six.update(six.root, second)) == {"moved": 1, "removed": 1, "unchanged": 5}
    assert six.catalog.photos.known(second.id)[b"a.png"].photo_id == before


def test_a_picture_edited_after_a_copy_was_made_keeps_its_id(six, photos, draw):
    before = six.ids()
    shutil.copy(photos / "1.png", photos / "copy.png")
    draw(photos / "1.png", 99)
    assert counts(six.update()) == {"changed": 1, "added": 1, "unchanged": 5}
    assert six.ids().items() >= before.items()


def test_a_favourite_goes_along_a_chain(six, photos):
    favourite = six.ids()[b"1.png"]
    six.catalog.favourites.mark([favourite], favourite=True)
    rename(photos, *CHAIN)
    six.update()
    assert six.ids()[b"2.png"] == favourite
    assert (
        six.catalog.favourites.count_among(list(six.ids().values()))
        == six.catalog.favourites.count_among([favourite])
        == 1
    )


def test_until_it_is_removed_a_replaced_photo_cannot_be_opened(six, photos, monkeypatch):
    replaced = six.ids()[b"1.png"]
    rename(photos, ("2.png", "1.png"))
    monkeypatch.setattr(type(six.catalog.changes), "remove", lambda *_: None)
    six.update()
    with Library(six.settings.library, six.settings, six.catalog) as library, pytest.raises(PhotoNotFound):
        library.photo(replaced)


def test_killed_between_a_move_and_the_removal_of_what_it_replaced(six, photos, monkeypatch):
    def die(*_):
        raise KeyboardInterrupt

    rename(photos, ("2.png", "1.png"))
    with monkeypatch.context() as patch, suppress(KeyboardInterrupt):
        patch.setattr(type(six.catalog.changes), "remove", die)
        six.update()
    assert len(six.ids()) == 6
    assert counts(six.update()) == {"removed": 1, "unchanged": 5}
    assert six.ids().keys() == {b"%d.png" % number for number in (1, 3, 4, 5, 6)}
