import os
import shutil

import pytest
from PIL import Image
from polyglance.errors import FolderError
from polyglance.indexer.run.pipeline import Pipeline
from polyglance.indexer.run.places import check_folder
from polyglance.indexer.run.reencode import encode_missing


def fill(photos, draw, count=10):
    for number in range(count):
        draw(photos / f"{number % 3}" / f"{number}.png", number)


def counts(tally):
    return {
        name: value
        for name in ("added", "changed", "moved", "removed", "unchanged", "encoded")
        if (value := getattr(tally, name))
    }


def test_first_run_adds_all_and_second_does_nothing(setup, photos, draw):
    fill(photos, draw)
    assert counts(setup.update()) == {"added": 10, "encoded": 10}
    before = setup.state()
    generation = setup.catalog.generation()
    assert counts(setup.update()) == {"unchanged": 10}
    assert setup.state() == before
    assert setup.catalog.generation() == generation


def test_batches_are_full_but_the_last(setup, photos, draw):
    fill(photos, draw, 10)
    setup.update()
    assert setup.encoder.batches == [1, 3, 4, 2], "the first picture of the first batch loads the encoder"


def test_changed_file_is_read_again(setup, photos, draw):
    fill(photos, draw)
    setup.update()
    ids = setup.ids()
    draw(photos / "0" / "0.png", 555)
    assert counts(setup.update()) == {"changed": 1, "unchanged": 9, "encoded": 1}
    assert setup.ids() == ids


def test_touched_file_is_unchanged_and_costs_no_encoding(setup, photos, draw):
    fill(photos, draw)
    setup.update()
    os.utime(photos / "0" / "0.png")
    assert counts(setup.update()) == {"unchanged": 10}
    assert setup.encoder.encoded == 10


def test_renamed_file_keeps_id_vector_and_thumbnail_without_encoding(setup, photos, draw):
    fill(photos, draw)
    setup.update()
    before = setup.ids()
    (photos / "0" / "0.png").rename(photos / "new name.png")
    assert counts(setup.update()) == {"moved": 1, "unchanged": 9}
    assert setup.ids()[b"new name.png"] == before[b"0/0.png"]


def test_a_name_that_changes_in_case_only_is_a_move(setup, photos, draw):
    draw(photos / "IMG_1.PNG", 1)
    setup.update()
    before = setup.ids()
    (photos / "IMG_1.PNG").rename(photos / "img_1.png")
    assert counts(setup.update()) == {"moved": 1}
    assert setup.ids() == {b"img_1.png": before[b"IMG_1.PNG"]}


def test_a_file_that_vanished_and_returned_with_its_old_time_is_found_again(setup, photos, draw, tmp_path):
    fill(photos, draw)
    setup.update()
    (photos / "0" / "0.png").rename(tmp_path / "aside.png")
    assert counts(setup.update()) == {"removed": 1, "unchanged": 9}
    (tmp_path / "aside.png").rename(photos / "0" / "0.png")
    assert counts(setup.update()) == {"added": 1, "unchanged": 9, "encoded": 1}


def test_renamed_folder_costs_no_encoding(setup, photos, draw):
    fill(photos, draw)
    setup.update()
    before = setup.ids()
    (photos / "0").rename(photos / "renamed")
    assert counts(setup.update()) == {"moved": 4, "unchanged": 6}
    assert setup.ids()[b"renamed/3.png"] == before[b"0/3.png"]


def test_file_moved_through_another_disk_is_known_by_its_content(setup, photos, draw):
    fill(photos, draw)
    setup.update()
    before = setup.ids()
    data = (photos / "0" / "0.png").read_bytes()
    (photos / "elsewhere.png").write_bytes(data)  # another inode, another time
    (photos / "0" / "0.png").unlink()
    assert counts(setup.update()) == {"moved": 1, "unchanged": 9}
    assert setup.ids()[b"elsewhere.png"] == before[b"0/0.png"]


def test_file_moved_between_roots_in_one_run(setup, photos, draw, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    draw(other / "stays.png", 77)
    fill(photos, draw, 3)
    second = setup.catalog.roots.add(os.fsencode(other))
    setup.update(setup.root, second)
    photo_id = setup.ids()[b"0/0.png"]
    (photos / "0" / "0.png").rename(other / "moved.png")
    assert counts(setup.update(setup.root, second)) == {"moved": 1, "unchanged": 3}
    assert setup.catalog.photos.known(second.id)[b"moved.png"].photo_id == photo_id
    assert setup.encoder.encoded == 4


def test_names_swapped(setup, photos, draw):
    fill(photos, draw, 2)
    setup.update()
    a, b, aside = photos / "0" / "0.png", photos / "1" / "1.png", photos / "aside"
    a.rename(aside)
    b.rename(a)
    aside.rename(b)
    setup.update()
    fresh = setup.state()
    assert setup.encoder.encoded == 2
    assert fresh[os.fsencode(a)][0] != fresh[os.fsencode(b)][0]


def test_copy_shares_the_vector_and_is_its_own_photo(setup, photos, draw):
    draw(photos / "a.png", 1)
    setup.update()
    shutil.copy(photos / "a.png", photos / "b.png")
    assert counts(setup.update()) == {"added": 1, "unchanged": 1}
    assert len(setup.ids()) == 2
    assert len(setup.catalog.vectors.ids(1)) == 1


def test_copies_that_come_together_are_encoded_once(setup, photos, draw):
    for name in "abcdefgh":
        draw(photos / f"{name}.png", 1)
    assert counts(setup.update())["added"] == 8
    assert len(setup.catalog.vectors.ids(1)) == 1


def test_copies_in_several_batches_are_encoded_once(setup, photos, draw):
    for number in range(20):
        draw(photos / f"{number:02}.png", number % 5)
    setup.update()
    assert setup.encoder.encoded == 5


def test_removed_file_takes_its_vector_and_thumbnail_along(setup, photos, draw):
    fill(photos, draw)
    setup.update()
    content_hash = setup.state()[os.fsencode(photos / "0" / "0.png")][0]
    assert setup.thumbnails.path(content_hash).exists()
    (photos / "0" / "0.png").unlink()
    assert counts(setup.update()) == {"removed": 1, "unchanged": 9}
    assert setup.catalog.vectors.get(content_hash, 1) is None
    assert not setup.thumbnails.path(content_hash).exists()


def test_removing_one_of_two_copies_keeps_the_vector(setup, photos, draw):
    draw(photos / "a.png", 1)
    shutil.copy(photos / "a.png", photos / "b.png")
    setup.update()
    (photos / "a.png").unlink()
    assert counts(setup.update()) == {"removed": 1, "unchanged": 1}
    assert len(setup.catalog.vectors.ids(1)) == 1


def test_bad_files_become_rows_with_reasons_and_harm_no_other(setup, photos, draw):
    fill(photos, draw, 9)
    (photos / "text.jpg").write_text("no picture")
    (photos / "empty.png").touch()
    os.mkfifo(photos / "pipe.jpg")
    cut = draw(photos / "cut.png", 500).read_bytes()
    (photos / "cut.png").write_bytes(cut[: len(cut) // 2])
    tally = setup.update()
    assert tally.added == 9
    reasons = {os.path.basename(failure.path): failure.reason for failure in tally.failures}
    assert set(reasons) == {b"text.jpg", b"empty.png", b"pipe.jpg", b"cut.png"}
    assert all(reasons.values())
    assert {os.path.basename(photo.path) for photo in setup.catalog.failures.all()} == set(reasons)
    assert len(setup.catalog.vectors.ids(1)) == 9


def test_each_picture_keeps_its_own_vector_when_neighbours_fail(setup, photos, draw):
    for number in range(20):
        if number % 3:
            draw(photos / f"{number:02}.png", number * 300)
        else:
            (photos / f"{number:02}.png").write_bytes(b"bad")
    setup.update()
    vectors = {path: vector for path, (_, vector) in setup.state().items() if vector is not None}
    assert len(vectors) == 13
    for path, vector in vectors.items():
        with Image.open(os.fsdecode(path)) as image:
            alone = setup.encoder.encode_images([image.convert("RGB")])[0]
        assert alone.astype("<f2").astype("f4").tobytes() == vector


def test_failed_file_is_tried_again_only_when_it_changes(setup, photos, draw):
    (photos / "a.png").write_text("not yet")
    assert len(setup.update().failures) == 1
    second = setup.update()
    assert (len(second.failures), second.unchanged, second.still_failed) == (0, 0, 1)
    draw(photos / "a.png", 5)
    assert counts(setup.update()) == {"changed": 1, "encoded": 1}
    assert setup.catalog.failures.all() == []


def test_a_file_over_a_limit_is_read_once_the_limit_is_raised(make_setup, photos, draw):
    draw(photos / "a.png", 1)
    small = make_setup(max_pixels=100)
    assert len(small.update().failures) == 1
    assert len(small.update().failures) == 1
    assert counts(make_setup().update()) == {"changed": 1, "encoded": 1}


def test_vanished_folder_content_is_kept_when_the_root_is_empty(setup, photos, draw):
    fill(photos, draw)
    setup.update()
    before = setup.state()
    aside = photos.rename(photos.parent / "unplugged")
    photos.mkdir()  # the empty mount point
    with pytest.raises(FolderError, match=r"is empty, but 10 photos .* nothing was removed"):
        setup.update()
    assert setup.state() == before
    photos.rmdir()
    aside.rename(photos)
    assert counts(setup.update()) == {"unchanged": 10}
    assert setup.encoder.encoded == 10


def test_only_the_folder_asked_for_is_scanned(setup, photos, draw):
    fill(photos, draw, 6)
    setup.update()
    shutil.rmtree(photos / "1")
    draw(photos / "2" / "new.png", 99)
    assert counts(setup.update(below=b"2")) == {"added": 1, "unchanged": 2, "encoded": 1}
    assert b"1/1.png" in setup.ids()


def test_a_stopped_run_keeps_its_batches_and_resumes(setup, photos, draw, make_setup):
    fill(photos, draw, 12)

    def stop(tick):
        if tick.done >= 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        setup.update(progress=stop)
    assert setup.encoder.encoded == 4
    assert counts(setup.update()) == {"added": 8, "unchanged": 4, "encoded": 8}
    whole = make_setup("uninterrupted")
    whole.update()
    assert setup.state() == whole.state()


def test_progress_ends_at_the_total(setup, photos, draw):
    fill(photos, draw, 9)
    ticks = []
    setup.update(progress=ticks.append)
    assert [tick.done for tick in ticks] == [4, 8, 9]
    assert ticks[-1].total == ticks[-1].encoded == 9


def test_reencoding_fills_in_what_an_encoder_lacks_and_resumes(setup, photos, draw):
    fill(photos, draw, 10)
    setup.update()
    other = setup.catalog.encoders.add("other", "e" * 32, 4, "float32")
    pipeline = Pipeline(setup.catalog, setup.encoder, other.id, setup.thumbnails, setup.settings)

    def stop(_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        encode_missing(pipeline, stop)
    assert len(setup.catalog.vectors.ids(other.id)) == 4
    assert encode_missing(pipeline).encoded == 6
    assert len(setup.catalog.vectors.ids(other.id)) == len(setup.catalog.vectors.ids(1)) == 10


def test_reencoding_refuses_while_a_root_is_offline(setup, photos, draw):
    fill(photos, draw, 3)
    setup.update()
    photos.rename(photos.parent / "unplugged")
    assert encode_missing(setup.pipeline).encoded == 0  # nothing is missing, so nobody needs the disk
    other = setup.catalog.encoders.add("other", "e" * 32, 4, "float32")
    with pytest.raises(FolderError, match="offline, so 3 of its photos"):
        encode_missing(Pipeline(setup.catalog, setup.encoder, other.id, setup.thumbnails, setup.settings))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: None, "There is no folder .*Check the spelling"),
        (lambda path: path.write_text("x"), "is a file, not a folder"),
    ],
)
def test_folders_that_cannot_be_indexed(tmp_path, make, message):
    make(tmp_path / "x")
    with pytest.raises(FolderError, match=message):
        check_folder(os.fsencode(tmp_path / "x"))
