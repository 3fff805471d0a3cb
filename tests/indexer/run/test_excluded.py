"""Excluding photos and including them again encodes nothing."""

import time

import children
import colour_encoder
import numpy as np
import pytest
from colour_encoder import picture
from compare import rows
from polyglance.data import excluded
from polyglance.data.catalog.changes import Changes
from polyglance.data.catalog.vectors import Vectors
from polyglance.data.excluded import ExcludedVectors
from polyglance.encoders import registry


@pytest.fixture
def library(photos, tmp_path, monkeypatch):
    """Four pictures in each of two folders, indexed."""
    monkeypatch.setattr(registry, "create", colour_encoder.create)
    for number in range(8):
        picture(photos / ("apart" if number % 2 else "near") / f"{number}.png", number)
    with children.opened(tmp_path / "library") as opened:
        opened.index([photos])
        yield opened


def index_with(library, photos, patterns):
    library.exclude(patterns)
    return library.index([photos]).tally


def kept_files(library):
    return list((library.folder / excluded.FOLDER).glob("*"))


def test_excluding_and_including_again_encodes_nothing(library, photos):
    before = rows(library.folder)
    assert index_with(library, photos, ["apart/"]).removed == 4
    assert library.status().photos == 4
    assert len(rows(library.folder)["vectors"]) == 4  # what is searched and counted
    library.index([photos])  # other runs change nothing
    tally = index_with(library, photos, [])
    assert (tally.added, tally.encoded) == (4, 0)
    after = rows(library.folder)
    assert (after["vectors"], after["photos"]) == (before["vectors"], before["photos"])
    assert kept_files(library) == []


def test_favourites_belong_to_contents_through_it(library, photos):
    marked = library.search("", filters={"folder": "apart"}).results[0].photo
    library.mark([marked.id])
    index_with(library, photos, ["apart/"])
    assert library.search("", filters={"is": "favourite"}).results == []
    index_with(library, photos, [])
    (again,) = library.search("", filters={"is": "favourite"}).results
    assert again.photo.path == marked.path


def test_an_excluded_folder_that_becomes_a_root_is_not_encoded(library, photos):
    index_with(library, photos, ["apart/"])
    assert library.index([photos / "apart"]).tally.encoded == 0


def test_deleted_photos_leave_nothing_behind(library, photos):
    (photos / "apart" / "1.png").unlink()
    index_with(library, photos, ["near/4.png"])
    (photos / "apart" / "3.png").unlink()  # deleted and excluded at once
    index_with(library, photos, ["near/4.png", "apart/"])
    (file,) = kept_files(library)
    assert file.stat().st_size == 3 * (32 + 8 + 8 + 8 + 2 * 4)


def test_forgetting_the_root_drops_them(library, photos):
    index_with(library, photos, ["apart/"])
    assert kept_files(library)
    library.forget(photos)
    assert kept_files(library) == []


def test_they_are_dropped_after_some_months(library, photos, monkeypatch):
    index_with(library, photos, ["apart/"])
    later = time.time() + (excluded.DAYS + 1) * 86400
    monkeypatch.setattr(excluded.time, "time", lambda: later)
    library.index([photos])
    assert kept_files(library) == []


def test_they_stay_though_the_clock_of_the_machine_that_kept_them_goes_ahead(library, photos, monkeypatch):
    here = time.time()
    monkeypatch.setattr(excluded.time, "time", lambda: here + 3600)
    index_with(library, photos, ["apart/"])
    monkeypatch.setattr(excluded.time, "time", lambda: here)
    before = kept_files(library)[0].read_bytes()
    library.index([photos])
    assert kept_files(library)[0].read_bytes() == before


def test_there_are_never_more_than_photos_and_the_first_that_left_go(library, photos, monkeypatch):
    monkeypatch.setattr(excluded, "LEAST", 0)
    index_with(library, photos, ["1.png"])
    index_with(library, photos, ["1.png", "3.png"])
    index_with(library, photos, ["1.png", "3.png", "5.png", "7.png", "0.png", "2.png"])  # two are left: 4 and 6
    tally = index_with(library, photos, ["1.png"])
    assert (tally.added, tally.encoded) == (5, 3)


@pytest.mark.parametrize("place", [0, *(pytest.param(place, marks=pytest.mark.slow) for place in range(5, 64, 5))])
def test_a_damaged_one_never_answers_and_is_encoded_again(library, photos, place):
    before = rows(library.folder)["vectors"]
    index_with(library, photos, ["apart/"])
    (file,) = kept_files(library)
    data = bytearray(file.read_bytes())
    data[place] ^= 0x10
    file.write_bytes(data[:-3])  # and the last row is cut
    tally = index_with(library, photos, [])
    assert tally.encoded in {1, 2}
    assert rows(library.folder)["vectors"] == before


def test_a_full_disk_keeps_none_and_stops_nothing(library, photos, monkeypatch, caplog):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(excluded.atomic, "whole_file", full)
        assert index_with(library, photos, ["apart/"]).removed == 4
    assert "not kept" in caplog.text
    assert index_with(library, photos, []).encoded == 4


def test_vectors_of_another_encoder_are_not_taken(library, photos, tmp_path):
    index_with(library, photos, ["apart/"])
    catalog = library.catalog
    (encoder,) = catalog.encoders.all()
    key = rows(library.folder)["vectors"][0][1]
    kept = ExcludedVectors(tmp_path / "kept", catalog)
    kept.folder.mkdir()
    kept.keep({key: 1})
    other = catalog.encoders.add("other", "f" * 64, encoder.dimension, "float32")
    kept._path(encoder).rename(kept._path(other))
    assert kept.get(key, other.id) is None
    kept.keep({key: 1})
    assert np.array_equal(kept.get(key, encoder.id), catalog.vectors.get(key, encoder.id))


class Killed(BaseException):
    """The process ends here."""


@pytest.mark.slow
@pytest.mark.parametrize("step", [(Changes, "remove"), (Vectors, "prune"), (ExcludedVectors, "tidy")])
@pytest.mark.parametrize("is_done", [False, True], ids=["before", "after"])
def test_a_run_that_is_killed_at_any_step_of_the_exclusion_loses_none(library, photos, monkeypatch, step, is_done):
    before = rows(library.folder)["vectors"]
    owner, name = step
    original = getattr(owner, name)

    def killed(*arguments):
        if is_done:
            original(*arguments)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(owner, name, killed)
        with pytest.raises(Killed):
            index_with(library, photos, ["apart/"])
    library.index([photos])
    assert library.status().photos == len(rows(library.folder)["vectors"]) == 4
    assert index_with(library, photos, []).encoded == 0
    assert rows(library.folder)["vectors"] == before
