"""Updates of a part of the library: dirty folders, one of several roots, runs that are stopped."""

import os
import shutil
import subprocess
import time

import pytest
from polyglance.data.catalog.records import Mounted
from polyglance.errors import FolderError, Stopped
from polyglance.indexer.run.pipeline import SETTLED_SECONDS
from polyglance.indexer.run.places import Place
from polyglance.indexer.run.reencode import encode_missing
from polyglance.indexer.run.stop import Stop
from polyglance.indexer.run.update import update


@pytest.fixture
def two_roots(setup, photos, draw, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    for number in range(3):
        draw(photos / f"{number}.png", number)
    draw(other / "stays.png", 9)
    second = setup.catalog.roots.add(os.fsencode(other))
    setup.update(setup.root, second)
    setup.root, second = setup.catalog.roots.all()
    return setup, photos, other, second


def part(setup, *places, **options):
    return update(setup.pipeline, places, strict=False, **options)


def test_a_shallow_place_is_one_folder_alone(setup, photos, draw):
    for name in ("a/1.png", "a/deep/2.png", "b/3.png"):
        draw(photos / name, int(name[-5]))
    setup.update()
    for name in ("a/1.png", "a/deep/2.png", "b/3.png"):
        (photos / name).unlink()
    report = part(setup, Place(setup.catalog.roots.all()[0], b"a", deep=False))
    assert report.tally.removed == 1
    assert setup.ids().keys() == {b"a/deep/2.png", b"b/3.png"}


def test_a_folder_that_is_gone_loses_its_photos_and_no_other(setup, photos, draw):
    for name in ("a/1.png", "a/deep/2.png", "ab/3.png"):
        draw(photos / name, int(name[-5]))
    setup.update()
    shutil.rmtree(photos / "a")
    report = part(setup, Place(setup.catalog.roots.all()[0], b"a"))
    assert (report.tally.removed, report.offline) == (2, [])
    assert setup.ids().keys() == {b"ab/3.png"}


def test_a_folder_that_became_a_link_or_hidden_holds_nothing(setup, photos, draw, tmp_path):
    draw(photos / "a" / "1.png", 1)
    draw(photos / "b" / "2.png", 2)
    setup.update()
    shutil.move(photos / "a", tmp_path / "elsewhere")
    (photos / "a").symlink_to(tmp_path / "elsewhere")
    assert part(setup, Place(setup.catalog.roots.all()[0], b"a")).tally.removed == 1


def test_a_folder_below_an_offline_root_is_left_alone(setup, photos, draw):
    draw(photos / "a" / "1.png", 1)
    setup.update()
    photos.rename(photos.with_name("unplugged"))
    report = part(setup, Place(setup.catalog.roots.all()[0], b"a"))
    assert len(report.offline) == 1
    assert setup.ids().keys() == {b"a/1.png"}


def test_a_move_seen_only_at_its_destination_takes_the_photo_along(two_roots):
    setup, photos, other, second = two_roots
    photo_id = setup.ids()[b"0.png"]
    (photos / "0.png").rename(other / "moved.png")
    report = part(setup, Place(second, b"", deep=False))
    assert (report.tally.moved, report.tally.added) == (1, 0)
    assert setup.catalog.photos.known(second.id)[b"moved.png"].photo_id == photo_id
    assert setup.encoder.encoded == 4


def test_a_copy_does_not_take_the_photo_of_its_original(two_roots):
    setup, photos, other, second = two_roots
    shutil.copy(photos / "0.png", other / "copy.png")
    assert part(setup, Place(second)).tally.added == 1
    assert b"0.png" in setup.ids()


def test_two_new_copies_of_a_vanished_photo_do_not_both_become_it(two_roots):
    setup, photos, other, second = two_roots
    shutil.copy(photos / "0.png", other / "one.png")
    shutil.copy(photos / "0.png", other / "two.png")
    (photos / "0.png").unlink()
    report = part(setup, Place(second))
    assert (report.tally.moved, report.tally.added) == (1, 1)
    assert len(setup.catalog.photos.known(second.id)) == 3


def test_photos_of_an_offline_root_are_not_taken(two_roots):
    setup, photos, other, second = two_roots
    shutil.copy(photos / "0.png", other / "copy.png")
    photos.rename(photos.with_name("unplugged"))
    assert part(setup, Place(second)).tally.added == 1
    assert len(setup.ids()) == 3


def test_a_move_seen_first_at_its_source_costs_no_encoding(two_roots):
    setup, photos, other, second = two_roots
    (photos / "0.png").rename(other / "moved.png")
    assert part(setup, Place(setup.root)).tally.removed == 1
    report = part(setup, Place(second))
    assert (report.tally.added, setup.encoder.encoded) == (1, 4)
    assert setup.state()[os.fsencode(other / "moved.png")][1] is not None


def test_vectors_of_the_gone_go_when_all_roots_were_seen(two_roots):
    setup, photos, _, second = two_roots
    (photos / "0.png").unlink()
    part(setup, Place(setup.root))
    assert len(setup.catalog.vectors.ids(1)) == 4
    part(setup, Place(setup.root), Place(second))
    assert len(setup.catalog.vectors.ids(1)) == 3


def test_a_move_between_roots_on_one_disk_is_not_even_read(two_roots, monkeypatch):
    setup, photos, other, second = two_roots
    (photos / "0.png").rename(other / "moved.png")
    monkeypatch.setattr(
        "polyglance.data.pictures.decoding.Decoders.read", lambda *_, **__: pytest.fail("a file was opened")
    )
    assert part(setup, Place(setup.root), Place(second)).tally.moved == 1


def test_fresh_files_wait_and_old_ones_do_not(setup, photos, draw):
    draw(photos / "fresh.png", 1)
    draw(photos / "known.png", 2)
    setup.update()
    root = setup.catalog.roots.all()[0]
    draw(photos / "known.png", 3)
    draw(photos / "a" / "new.png", 4)
    os.utime(draw(photos / "old.png", 5), (1, 1))
    os.utime(draw(photos / "future.png", 6), (2**31, 2**31))
    (photos / "fresh.png").unlink()
    report = part(setup, Place(root, settle_seconds=60))
    assert (report.tally.added, report.tally.changed, report.tally.removed) == (2, 0, 1)
    assert {place.below for place in report.waiting} == {b"", b"a"}
    assert setup.ids().keys() == {b"known.png", b"old.png", b"future.png"}
    assert part(setup, Place(root)).tally.changed == 1


def test_two_writes_within_a_tick_of_the_clock_are_told_apart(setup, photos, draw):
    path = draw(photos / "a.png", 1)
    first = path.read_bytes()
    second = draw(photos.parent / "b.png", 2).read_bytes()
    assert len(first) == len(second)
    start = time.time_ns()
    setup.update()
    assert time.time_ns() - path.stat().st_mtime_ns >= SETTLED_SECONDS * 1e9
    with path.open("r+b") as file:  # in place, same size, as soon as it was read
        file.write(second)
    assert path.stat().st_mtime_ns > start
    assert setup.update().changed == 1


def test_a_run_asked_to_stop_commits_its_batch_and_removes_nothing(setup, photos, draw, make_setup):
    for number in range(12):
        draw(photos / f"{number}.png", number)
    setup.update()
    for number in range(12):
        draw(photos / f"new {number}.png", 100 + number)
    (photos / "0.png").unlink()
    stop = Stop()
    pipeline = setup.pipeline.__class__(**{**vars(setup.pipeline), "stop": stop})
    places = [Place(setup.catalog.roots.all()[0])]
    report = update(pipeline, places, lambda tick: tick.done >= 4 and stop.ask())
    assert report.tally.stopped
    assert 4 <= report.tally.encoded < 12
    assert (report.tally.removed, b"0.png" in setup.ids()) == (0, True)
    assert setup.update().removed == 1
    whole = make_setup("uninterrupted")
    whole.update()
    assert setup.state() == whole.state()


def test_a_stopped_reencode_says_so(setup, photos, draw):
    for number in range(12):
        draw(photos / f"{number}.png", number)
    setup.update()
    other = setup.catalog.encoders.add("other", "e" * 32, 4, "float32")
    stop = Stop()
    pipeline = setup.pipeline.__class__(**{**vars(setup.pipeline), "stop": stop, "encoder_id": other.id})
    with pytest.raises(Stopped):
        encode_missing(pipeline, lambda _: stop.ask())
    assert 0 < len(setup.catalog.vectors.ids(other.id)) < 12


def test_batches_are_cut_to_what_the_encoder_does_in_seconds(make_setup, photos, draw, monkeypatch):
    setup = make_setup()
    monkeypatch.setattr("polyglance.indexer.run.batches.BATCH_SECONDS", 0.25)
    encode = setup.encoder.encode_images

    def slowly(images):
        time.sleep(0.1 * len(images))
        return encode(images)

    monkeypatch.setattr(setup.encoder, "encode_images", slowly)
    for number in range(12):
        draw(photos / f"{number}.png", number)
    setup.update()
    assert setup.encoder.batches[:2] == [1, 3]
    assert max(setup.encoder.batches[2:]) <= 2


def test_an_emptied_folder_is_believed_and_another_in_its_place_is_not(setup, photos, draw):
    for number in range(3):
        draw(photos / f"{number}.png", number)
    setup.update()
    setup.root = setup.catalog.roots.all()[0]
    aside = photos.rename(photos.with_name("aside"))
    photos.mkdir()
    with pytest.raises(FolderError, match="is empty, but 3 photos were indexed there; nothing was removed"):
        setup.update()
    photos.rmdir()
    aside.rename(photos)
    for path in photos.iterdir():
        path.unlink()
    assert setup.update().removed == 3


def test_a_root_that_is_on_another_disk_than_it_was_is_refused(setup, photos, draw):
    draw(photos / "a.png", 1)
    setup.update()
    setup.catalog.roots.record_scan(setup.root.id, Mounted(os.fsencode(photos), 1, "other"))
    setup.root = setup.catalog.roots.all()[0]
    setup.update()  # the photo that is known is in its place: the disk was copied
    setup.catalog.roots.record_scan(setup.root.id, Mounted(os.fsencode(photos), 1, "other"))
    setup.root = setup.catalog.roots.all()[0]
    (photos / "a.png").unlink()
    draw(photos / "b.png", 2)
    with pytest.raises(FolderError, match="is not on the disk it was on"):
        setup.update()
    assert setup.ids().keys() == {b"a.png"}


def test_a_photo_on_its_way_between_two_roots_keeps_its_id(two_roots):
    setup, photos, other, second = two_roots
    photo_id = setup.ids()[b"0.png"]
    (photos / "0.png").rename(other / "moved.png")
    first = part(setup, Place(setup.root), missed_before=())
    assert (first.tally.removed, first.missed) == (0, {photo_id: Place(setup.root, deep=False)})
    assert part(setup, Place(second), missed_before=first.missed).tally.moved == 1
    assert setup.catalog.photos.known(second.id)[b"moved.png"].photo_id == photo_id


def test_a_photo_missed_twice_is_gone(two_roots):
    setup, photos, _, _ = two_roots
    (photos / "0.png").unlink()
    (photos / "1.png").unlink()
    first = part(setup, Place(setup.root), missed_before=())
    second_look = part(setup, *set(first.missed.values()), missed_before=first.missed)
    assert second_look.tally.removed == 2
    assert setup.ids().keys() == {b"2.png"}


def test_a_folder_deleted_on_a_disk_without_a_name_is_believed(setup, photos, draw, tmp_path):
    if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "t", photos]).returncode:
        pytest.skip("mounting is not permitted here")
    try:
        draw(photos / "a" / "1.png", 1)
        draw(photos / "2.png", 2)
        setup.update()
        shutil.rmtree(photos / "a")
        report = part(setup, Place(setup.catalog.roots.all()[0], b"a", deep=False))
        assert (report.tally.removed, report.offline) == (1, [])
    finally:
        subprocess.run(["umount", photos], check=True)


def test_copies_look_for_each_of_their_kind_once(two_roots, monkeypatch):
    setup, photos, other, second = two_roots
    for number in range(60):
        shutil.copy(photos / "0.png", other / f"copy{number}.png")
    looked_for = []
    lexists = os.path.lexists
    monkeypatch.setattr(os.path, "lexists", lambda path: looked_for.append(path) or lexists(path))
    assert part(setup, Place(second)).tally.added == 60
    assert looked_for.count(os.fsencode(photos / "0.png")) == 1
