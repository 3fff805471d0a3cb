"""Libraries made by older code are opened, migrated, and answer as they did.

`tests/old_libraries.py` made them, run by the code of commits 4eac193 (schema 0003) and d1e48b6 (schema 0004): its
docstring has the commands.
"""

import contextlib
import hashlib
import json
import os
import sqlite3
import struct
import zipfile

import pytest
from old_libraries import ARCHIVE, MADE_AT, answers, arrange, without
from polyglance import Library
from polyglance.cli import run
from polyglance.cli.index import PARTLY
from polyglance.data.catalog import opening
from polyglance.data.vectors import index_files, snapshot
from polyglance.encoders.lite.encoder import LiteEncoder


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photos")
    with zipfile.ZipFile(ARCHIVE) as archive:
        arrange(folder, archive)
    return folder


@pytest.fixture(params=["0003", "0004"])
def old(request, tmp_path, photos):
    """(library folder with the photos' folder in its roots, the answers of the code that made it)."""
    with zipfile.ZipFile(ARCHIVE) as archive:
        members = [name for name in archive.namelist() if name.startswith(f"{request.param}/library/")]
        archive.extractall(tmp_path, members)
        recorded = json.loads(archive.read(f"{request.param}/answers.json"))
    folder = tmp_path / request.param / "library"
    move_roots(folder / "catalog.db", f"{MADE_AT}/photos", str(photos))
    return folder, recorded


def move_roots(catalog, before, after):
    """Change the paths of the roots, and their seals with them."""
    with contextlib.closing(sqlite3.connect(catalog)) as db:
        for root_id, path, seal in db.execute("SELECT id, path, seal FROM root").fetchall():
            assert seal == seal_of_root(path)
            moved = path.replace(before.encode(), after.encode())
            db.execute("UPDATE root SET path = ?, seal = ? WHERE id = ?", (moved, seal_of_root(moved), root_id))
        db.commit()


def seal_of_root(path):
    """The rule of schemas 0003 and 0004, written out so that a later rule does not change it."""
    return hashlib.blake2b(b"B" + struct.pack("<Q", len(path)) + path, digest_size=8, person=b"root").digest()


def assert_answers_hold(current, recorded):
    """Texts are encoded by better words than then, so their scores and the order behind the best may have changed.

    Of an answer to a text that is whole, every photo is compared; of one that goes on, the best.
    """
    for name, answer in recorded.items():
        if answer.get("language") is None:
            assert_holds(current[name], answer, name)
            continue
        count = len(answer["results"]) if answer["next"] is None else 1
        assert_holds(without_scores(current[name], count), without_scores(answer, count), name)
        assert current[name]["results"][0]["path"] == answer["results"][0]["path"], name


def without_scores(answer, count):
    results = sorted(answer["results"][:count], key=lambda result: result["id"])
    return answer | {"results": without(results, {"rank", "score", "relevance", "why"}), "next": answer["next"] is None}


def assert_holds(answer, recorded, place=""):
    """`answer` is what was recorded; keys may have been added, and scores differ by rounding."""
    if isinstance(recorded, dict):
        assert recorded.keys() <= answer.keys(), place
        for key, value in recorded.items():
            assert_holds(answer[key], value, f"{place}/{key}")
    elif isinstance(recorded, list):
        assert len(answer) == len(recorded), place
        for number, (left, right) in enumerate(zip(answer, recorded, strict=True)):
            assert_holds(left, right, f"{place}/{number}")
    elif isinstance(recorded, float):
        assert answer == pytest.approx(recorded, abs=1e-3), place
    else:
        assert answer == recorded, place


def schema(catalog):
    with contextlib.closing(sqlite3.connect(catalog)) as db:
        return db.execute("SELECT version_num FROM alembic_version").fetchone()[0]


@pytest.fixture
def encoded(monkeypatch):
    """The pictures that are encoded from now on."""
    pictures = []
    encode = LiteEncoder.encode_images
    monkeypatch.setattr(
        LiteEncoder, "encode_images", lambda self, images: pictures.extend(images) or encode(self, images)
    )
    return pictures


def test_an_old_library_is_migrated_and_answers_as_the_code_that_made_it(old, photos, encoded):
    folder, recorded = old
    Library.open(folder).close()
    assert_answers_hold(answers(folder, photos), recorded)
    assert schema(folder / "catalog.db") == opening.SCHEMA
    assert not encoded


def test_an_old_library_keeps_what_is_the_user_s_own_and_its_snapshot(old, photos):
    folder, _ = old
    with Library.open(folder) as library:
        assert library.excluded() == ["private/"]
        favourites = library.search("is:favourite").results
        assert sorted(os.path.basename(result.path) for result in favourites) == ["drawn_1.jpg", "rocket.jpg"]
        encoder = library.active_encoder()
        snapshot.verify(index_files.path_of(library.catalog, encoder), encoder.fingerprint)


def test_photos_of_an_old_library_that_lie_on_another_disk_now_are_not_encoded_again(old, photos, encoded):
    """Their times and inodes differ, their contents do not."""
    folder, recorded = old
    with Library.open(folder) as library:
        tally = library.index([photos / "holidays", photos / "work"]).tally
    assert (tally.added, tally.changed, tally.moved, tally.removed, tally.unchanged) == (0, 0, 0, 0, 24 + 1)
    assert [os.path.basename(failure.path) for failure in tally.failures] == [b"broken.jpg"]
    assert not encoded
    assert_answers_hold(*(without(each, {"generation"}) for each in (answers(folder, photos), recorded)))


def test_index_without_a_folder_upgrades_an_old_library_as_the_other_commands_advise(old, encoded, capsys):
    folder, _ = old
    assert run(["--library", str(folder), "status"]) == 1
    assert "Run 'polyglance index' once to upgrade it." in capsys.readouterr().err
    assert run(["--library", str(folder), "index"]) == PARTLY  # one of its files cannot be read
    assert schema(folder / "catalog.db") == opening.SCHEMA
    assert run(["--library", str(folder), "status"]) == 0
    assert not encoded
