import ast
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from colour_encoder import ColourEncoder
from PIL import Image
from polyglance import Library, Settings
from polyglance.data.catalog import locks, seals
from polyglance.errors import (
    EncoderError,
    EncoderUnavailable,
    FolderError,
    LibraryBusy,
    LibraryMissing,
    NotADualEncoder,
    PhotoNotFound,
    PictureError,
    UsageError,
)
from polyglance.indexer.run.places import Place
from polyglance.indexer.run.stop import Stop
from polyglance.library import watching


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(6):
        Image.new("RGB", (64, 64), (40 * number, 99, 200)).save(folder / f"{number}.png")
    return folder


@pytest.fixture
def library(tmp_path):
    with Library.open(tmp_path / "library", settings=Settings(encoder="lite")) as opened:
        yield opened


def names(answer):
    return [os.path.basename(result.photo.path).decode() for result in answer.results]


def test_a_new_library_is_empty_and_says_what_to_do(library):
    assert library.status().photos == 0
    with pytest.raises(LibraryMissing, match="polyglance index"):
        library.search("cat")


@pytest.mark.slow
def test_without_a_network_auto_takes_lite_and_says_how_to_upgrade(tmp_path, photos):
    code = (
        "import sys; from polyglance.cli import run;"
        f"sys.exit(run(['index', {str(photos)!r}, '--library', {str(tmp_path / 'auto')!r}, '--json']))"
    )
    offline = {**os.environ, "HF_ENDPOINT": "http://127.0.0.1:9", "HF_HOME": str(tmp_path / "no-cache")}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=offline)
    assert done.returncode == 0, done.stderr
    assert '"encoder": "lite"' in done.stdout
    assert "polyglance reencode --encoder altclip-m9" in done.stderr


def test_index_below_a_root_is_a_rescan_of_that_part(library, photos):
    (photos / "deep").mkdir()
    shutil.copy(photos / "0.png", photos / "deep" / "copy.png")
    library.index([photos])
    (photos / "1.png").unlink()
    (photos / "deep" / "copy.png").rename(photos / "deep" / "renamed.png")
    report = library.index([photos / "deep"])
    assert (report.tally.moved, report.tally.removed) == (1, 0)
    assert [root.path for root, _ in library.status().roots] == [os.fsencode(photos)]


def test_index_above_a_root_takes_it_over(library, photos):
    library.index([photos])
    report = library.index([photos.parent / "photos" / ".."])
    assert report.tally.unchanged == 6
    assert [root.path for root, _ in library.status().roots] == [os.fsencode(photos.parent)]


def test_folders_given_twice_or_inside_each_other_count_once(library, photos):
    (photos / "deep").mkdir()
    shutil.copy(photos / "0.png", photos / "deep" / "0.png")
    assert library.index([photos / "deep", photos, photos]).tally.added == 7
    for path in list(photos.glob("*.png")):  # other inodes: recognised by content
        shutil.copy(path, path.with_name(f"new {path.name}"))
        path.unlink()
    report = library.index([photos, photos / "deep", photos])
    assert (report.tally.moved, report.tally.unchanged) == (6, 1)
    assert len(library.status().roots) == 1


def test_a_hidden_folder_that_was_asked_for_is_a_root_of_its_own(library, photos):
    library.index([photos])
    (photos / ".private").mkdir()
    shutil.copy(photos / "0.png", photos / ".private" / "0.png")
    library.index([photos / ".private"])
    assert library.index([photos]).tally.removed == 0
    assert library.status().photos == 7


def test_a_library_inside_a_photo_folder_does_not_index_its_thumbnails(photos):
    with Library.open(photos / "library", settings=Settings(encoder="lite")) as inside:
        assert inside.index([photos]).tally.added == 6
        assert inside.index([photos]).tally.unchanged == inside.status().photos == 6


def test_any_folder_name_holds_a_library(tmp_path, photos):
    place = tmp_path / "wh?at #1%20 ü"
    with Library.open(place, settings=Settings(encoder="lite")) as opened:
        opened.index([photos])
    assert (place / "catalog.db").exists()
    assert not (tmp_path / "wh").exists()
    with Library.open(place, create=False) as opened:
        assert opened.status().photos == 6


@pytest.mark.slow
def test_another_user_may_search_a_library_it_cannot_write(tmp_path, photos, as_nobody, opened_to_all):
    with Library.open(tmp_path / "shared", settings=Settings(encoder="lite")) as opened:
        opened.index([photos])
    opened_to_all(tmp_path)
    code = "import sys; from polyglance.cli import run; sys.exit(run(sys.argv[1:]))"
    done = as_nobody(code, "search", "blue", "--all", "--json", "--library", str(tmp_path / "shared"))
    assert done.returncode == 0, done.stderr
    assert done.stdout.count('"rank"') == 6


def test_a_wrong_folder_among_good_ones_changes_nothing(library, photos):
    with pytest.raises(FolderError, match="There is no folder"):
        library.index([photos, photos / "nowhere"])
    assert library.status().roots == []


def test_writing_twice_at_once_is_refused_and_reading_goes_on(library, photos):
    library.index([photos])
    with locks.writer_lock(library.folder), pytest.raises(LibraryBusy, match="is being written to by process"):
        library.index([photos])
    with locks.writer_lock(library.folder):
        assert len(library.search("blue", collapse=False).results) == 6


def test_a_second_reader_sees_what_was_added(library, photos):
    library.index([photos])
    with Library.open(library.folder, create=False) as reader:
        assert len(reader.search("blue", collapse=False).results) == 6
        Image.new("RGB", (64, 64), "white").save(photos / "new.png")
        library.index([photos])
        assert "new.png" in names(reader.search("blue", collapse=False))
        (photos / "new.png").unlink()
        library.index([photos])
        assert "new.png" not in names(reader.search("blue", collapse=False))


def test_copies_are_all_found(library, photos):
    for number in range(30):
        shutil.copy(photos / "0.png", photos / f"copy{number}.png")
    library.index([photos])
    assert len(library.search("blue", 10, collapse=False).results) == 10
    assert len(library.search("blue", 100, collapse=False).results) == 36


def test_a_lost_thumbnail_is_made_again(library, photos):
    library.index([photos])
    (photo_id,) = {result.photo.id for result in library.search("blue", 1).results}
    before = library.thumbnail(photo_id).read_bytes()
    shutil.rmtree(library.folder / "thumbnails")
    assert library.thumbnail(photo_id).read_bytes() == before


def test_a_lost_thumbnail_is_not_made_of_another_picture(library, photos):
    library.index([photos])
    photo = library.search("blue", 1).results[0].photo
    shutil.rmtree(library.folder / "thumbnails")
    os.remove(photo.path)
    Image.new("RGB", (64, 64), "white").save(os.fsdecode(photo.path))
    with pytest.raises(PictureError, match="has changed since it was indexed"):
        library.thumbnail(photo.id)
    os.rename(photo.path, photos.parent / "elsewhere.png")
    os.symlink(photos.parent / "elsewhere.png", photo.path)
    with pytest.raises(PictureError, match="was replaced by a link"):
        library.thumbnail(photo.id)


def test_a_thumbnail_that_may_not_be_read_is_said_so(library, photos, tmp_path, as_nobody, opened_to_all):
    library.index([photos])
    photo_id = library.search("blue", 1).results[0].photo.id
    path = library.thumbnail(photo_id)
    library.close()
    copies = [shutil.copytree(library.folder, tmp_path / name) for name in ("open", "shut file", "shut folder")]
    for copy in copies:
        opened_to_all(copy)
    inside = path.relative_to(library.folder)
    (copies[1] / inside).chmod(0o600)
    (copies[2] / inside).parent.chmod(0o600)
    code = (
        "import sys; from polyglance import Library\n"
        "for folder in sys.argv[2:]:\n"
        "    with Library.open(folder, create=False) as library:\n"
        "        try: print(len(library.thumbnail(int(sys.argv[1])).read_bytes()))\n"
        "        except Exception as error: print(type(error).__name__, error)"
    )
    readable, *refusals = as_nobody(code, str(photo_id), *map(str, copies)).stdout.splitlines()
    assert int(readable) == path.stat().st_size
    assert len(refusals) == 2
    for refusal in refusals:
        assert refusal.startswith("PictureError has a small copy in the library that you may not read or make")
        assert "chmod -R a+rX" in refusal


@pytest.mark.parametrize("readded", [False, True])
def test_what_a_watcher_was_about_to_compare_may_be_forgotten_meanwhile(library, photos, tmp_path, readded, caplog):
    library.index([photos])
    place = Place(library.catalog.roots.all()[0])
    library.forget(photos)
    other = shutil.copytree(photos, tmp_path / "other")
    if readded:
        library.index([other])  # and its id is another folder's
        assert library.catalog.roots.all()[0].id == place.root.id
    Image.new("RGB", (64, 64), "red").save(photos / "new.png")
    with caplog.at_level("INFO", "polyglance"):
        report = watching.update(library._parts, [place], (), lambda _: None, Stop())
    assert (report.tally.added, report.tally.removed, report.offline) == (0, 0, [])
    assert [root.path for root in library.catalog.roots.all()] == ([os.fsencode(other)] if readded else [])
    assert library.status().photos == (6 if readded else 0)
    assert f"The folder {photos} was forgotten" in caplog.text


def test_unknown_photos_are_said_so(library, photos):
    library.index([photos])
    for ask in (library.photo, library.thumbnail, library.similar):
        with pytest.raises(PhotoNotFound):
            ask(10**6)


def test_photo_folders_are_only_read(library, photos):
    before = {path.name: path.stat().st_mtime_ns for path in photos.iterdir()}
    library.index([photos])
    assert {path.name: path.stat().st_mtime_ns for path in photos.iterdir()} == before


def test_an_encoder_that_changed_since_is_refused_with_advice(library, photos):
    library.index([photos])
    record = library.encoder().fingerprint
    other = {"name": "lite", "fingerprint": "another", "dimension": record.dimension, "dtype": record.dtype}
    with library.catalog._database.writing() as connection:
        change = "UPDATE encoder SET fingerprint = 'another', seal = ?"
        connection.exec_driver_sql(change, (seals.seal_row("encoder", other),))
    with (
        Library.open(library.folder) as reopened,
        pytest.raises(EncoderError, match="polyglance reencode --encoder lite"),
    ):
        reopened.search("cat")


def test_reencoding_switches_and_back_costs_nothing(library, photos, tiny_altclip):
    library.index([photos])
    assert library.reencode(str(tiny_altclip)).encoded == 6
    assert library.search("blue").encoder == str(tiny_altclip)
    assert library.status().encoder.dimension != 1000
    assert library.reencode("lite").encoded == 0
    assert library.search("blue").encoder == "lite"
    with pytest.raises(UsageError, match="This library's encoder is lite"):
        library.index([photos], encoder=str(tiny_altclip))


def test_photos_that_cannot_be_read_when_reencoding_are_not_lost(library, photos, tiny_altclip):
    shutil.copy(photos / "0.png", photos / "copy of 0.png")
    library.index([photos])
    (photos / "0.png").rename(photos.parent / "aside.png")
    (photos / "1.png").rename(photos.parent / "aside too.png")
    meanwhile = []
    tally = library.reencode(
        str(tiny_altclip), progress=lambda _: meanwhile.append(len(library.search("blue", collapse=False).results))
    )
    assert (tally.encoded, len(tally.failures)) == (5, 2)
    assert set(meanwhile) == {7}, "until the switch the old encoder finds them all"
    assert set(names(library.search("blue", collapse=False))) == {"copy of 0.png", "2.png", "3.png", "4.png", "5.png"}
    (photos.parent / "aside too.png").rename(photos / "1.png")
    library.index([photos])
    assert "1.png" in names(library.search("blue", collapse=False))


def test_the_old_encoder_answers_while_the_new_one_is_incomplete(library, photos, tiny_altclip):
    library.index([photos])
    seen = []

    def stop(_):
        seen.append(library.search("blue").encoder)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        library.reencode(str(tiny_altclip), progress=stop)
    assert seen == ["lite"]
    assert library.search("blue").encoder == "lite"


def test_a_directory_that_is_no_encoder_is_refused_before_any_work(tmp_path, photos):
    (tmp_path / "folder").mkdir()
    with Library.open(tmp_path / "other") as library, pytest.raises((NotADualEncoder, EncoderError)):
        library.index([photos], encoder=str(tmp_path / "folder"))


def test_an_encoder_object_indexes_and_has_to_come_along_again(tmp_path, photos):
    with Library.open(tmp_path / "own", encoder=ColourEncoder()) as library:
        assert library.index([photos]).encoder == "colour"
        assert names(library.search("blue", collapse=False))
        record = library.catalog.encoders.active()
        assert (record.name, record.fingerprint) == ("colour", ColourEncoder().fingerprint.digest)
    with Library.open(tmp_path / "own") as library:
        assert library.status().photos == 6, "what needs no encoder works"
        with pytest.raises(EncoderUnavailable, match=r"encoder colour, which is not here.*Library\.open"):
            library.search("blue")
    with Library.open(tmp_path / "own", encoder=ColourEncoder()) as library:
        assert library.search("blue").encoder == "colour"


def test_an_encoder_object_takes_a_library_over_only_by_reencoding(library, photos):
    library.index([photos])
    own = ColourEncoder("mine")
    with Library.open(library.folder, encoder=own) as opened:
        assert opened.search("blue").encoder == "lite"
        with pytest.raises(UsageError, match="This library's encoder is lite"):
            opened.index([photos])
        assert own.encoded == 0
        assert opened.reencode("mine").encoded == 6 == own.encoded
        assert opened.search("blue").encoder == "mine"
    changed = ColourEncoder("mine", dimension=5)
    with Library.open(library.folder, encoder=changed) as opened, pytest.raises(EncoderError, match="is not the one"):
        opened.search("blue")


def test_the_catalog_answers_through_methods_of_the_library(library, photos):
    assert (library.active_encoder(), library.duplicates(), library.failures()) == (None, [], ([], 0))
    shutil.copy(photos / "0.png", photos / "copy.png")
    (photos / "broken.png").write_bytes(b"no picture")
    generation = library.generation()
    library.index([photos])
    assert library.generation() > generation
    assert library.active_encoder().name == "lite"
    ((first, copy),) = library.duplicates()
    assert {os.path.basename(photo.path) for photo in (first, copy)} == {b"0.png", b"copy.png"}
    assert library.duplicates(first.id) == []
    ((failure,), total) = library.failures()
    assert (os.path.basename(failure.path), total) == (b"broken.png", 1)
    assert library.failures(failure.id) == ([], 1)
    assert library.facets().formats == {"PNG": 7}
    library.mark([first.id])
    assert library.favourites_among([first.id, failure.id]) == {first.id}


def test_whether_a_library_is_being_written_is_asked_of_it(library, monkeypatch):
    monkeypatch.setattr(locks, "PATIENCE_SECONDS", 0.1)
    assert not library.is_being_written()
    library.wait_until_writable()
    with locks.writer_lock(library.folder):
        assert library.is_being_written()
        with pytest.raises(LibraryBusy, match="Another process is writing"):
            library.wait_until_writable()
    library.wait_until_writable()


@pytest.mark.parametrize("room", ["cli", "ui", "answers"])
def test_interfaces_do_not_reach_through_the_library(room):
    reaching = [
        f"{path}:{node.lineno}"
        for path in sorted((Path(__file__).parent.parent / room).rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and node.attr in {"catalog", "thumbnails", "_parts"}
    ]
    assert reaching == []


@dataclass
class RewordedEncoder(ColourEncoder):
    """A later version of `ColourEncoder`: other texts, the same pictures, under another digest or not."""

    text: str = ""
    weights: str = "colour"
    earlier: tuple[str, ...] = ()

    @property
    def fingerprint(self):
        return replace(super().fingerprint, weights=self.weights, text=self.text, earlier=self.earlier)


@pytest.mark.parametrize(
    "later",
    [
        RewordedEncoder(text="better words"),
        RewordedEncoder(text="better words", weights="renamed", earlier=(ColourEncoder().fingerprint.digest,)),
    ],
    ids=["the same image side", "an image side that replaces an earlier one"],
)
def test_an_encoder_that_changes_texts_alone_encodes_no_picture_again(tmp_path, photos, later):
    later.batches.clear()
    with Library.open(tmp_path / "own", encoder=ColourEncoder()) as library:
        library.index([photos])
    with Library.open(tmp_path / "own", encoder=later) as library:
        assert len(names(library.search("blue", collapse=False))) == 6
        library.index([photos])
        assert library.reencode("colour").encoded == 0
        assert len(library.catalog.encoders.all()) == 1
    assert later.encoded == 0


def test_an_encoder_that_changes_pictures_is_refused_although_it_has_another_text_side(tmp_path, photos):
    with Library.open(tmp_path / "own", encoder=ColourEncoder()) as library:
        library.index([photos])
    with (
        Library.open(tmp_path / "own", encoder=RewordedEncoder(text="better words", weights="changed")) as library,
        pytest.raises(EncoderError, match="polyglance reencode --encoder colour"),
    ):
        library.search("blue")
