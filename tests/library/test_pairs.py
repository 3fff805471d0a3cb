"""`train pairs`: what is written about photos becomes pairs that evaluation and training read."""

import json
import shutil

import pytest
from PIL import Image
from polyglance import Library, Settings
from polyglance.cli import run
from polyglance.datasets import jsonl


def photo(path, colour, caption=None, keywords=()):
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = Image.new("RGB", (40, 30), colour)
    exif = picture.getexif()
    if caption:
        exif[0x010E] = caption.encode()
    if keywords:
        exif[0x9C9E] = ";".join(keywords).encode("utf-16-le")
    picture.save(path, exif=exif)


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    place = tmp_path_factory.mktemp("pairs")
    photos = place / "photos"
    photo(photos / "Summer_in_Rome" / "a.jpg", "red", "A red car in the street")
    photo(photos / "DCIM" / "b.jpg", "blue", keywords=["собака", "море"])
    photo(photos / "2024-05" / "c.jpg", "green", "雪山的照片")
    photo(photos / "d.jpg", "white")
    photo(photos / "Garden" / "e.jpg", "black")
    shutil.copy(photos / "Summer_in_Rome" / "a.jpg", photos / "Garden" / "copy of a.jpg")
    with Library.open(place / "library", settings=Settings(encoder="lite")) as library:
        library.index([photos])
        library.mark([next(iter(library.search("e.jpg", 1))).photo.id])
    return place


@pytest.fixture
def library(template):
    with Library.open(template / "library", settings=Settings(encoder="lite")) as opened:
        yield opened


def rows(file):
    lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    return {line["image"].rpartition("/")[2]: line for line in lines}


def test_texts_are_captions_keywords_and_names_of_folders_by_language(library, tmp_path, template):
    before = sorted((path, path.stat().st_mtime_ns) for path in (template / "photos").rglob("*"))
    written = library.write_pairs(tmp_path / "pairs.jsonl", held_out=0)
    lines = rows(tmp_path / "pairs.jsonl")
    texts = {name: line["captions"] for name, line in lines.items()}
    assert texts["b.jpg"] == {"ru": ["собака, море"]}
    assert texts["c.jpg"] == {"zh": ["雪山的照片"]}
    assert texts["e.jpg"] == {"en": ["Garden"]}
    (of_copies,) = (texts[name] for name in texts if name.endswith("a.jpg"))
    assert {text for each in of_copies.values() for text in each} == {
        "A red car in the street", "Summer in Rome", "Garden"
    }  # fmt: skip
    assert (written.pictures, written.without_text, written.favourites, written.held_out) == (4, 1, 1, 0)
    assert written.texts["ru"] == written.texts["zh"] == 1
    assert lines["e.jpg"]["favourite"] is True
    assert sorted((path, path.stat().st_mtime_ns) for path in (template / "photos").rglob("*")) == before


def test_the_loader_reads_what_was_written(library, tmp_path):
    library.write_pairs(tmp_path / "pairs.jsonl")
    data = jsonl.load(tmp_path / "pairs.jsonl")
    assert len(data.images) == 4 and all(path.is_file() for path in data.images)
    assert "Garden" in data.captions["en"].texts


def test_training_splits_as_it_is_marked(library, tmp_path):
    from polyglance.training.align import split_pairs
    from polyglance.training.options import AlignOptions

    written = library.write_pairs(tmp_path / "pairs.jsonl", held_out=0.5)
    again = library.write_pairs(tmp_path / "again.jsonl", held_out=0.5)
    assert again == written and 0 < written.held_out < 4
    training, held_out = split_pairs(tmp_path / "pairs.jsonl", AlignOptions())
    assert (len(training.images), len(held_out.images)) == (4 - written.held_out, written.held_out)


def test_favourites_alone_and_without_folders(library, tmp_path, capsys):
    file = tmp_path / "pairs.jsonl"
    command = ["--library", str(library.folder), "train", "pairs", "--output", str(file)]
    assert run([*command, "--favourites", "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["pictures"] == summary["favourites"] == 1 and list(rows(file)) == ["e.jpg"]
    assert run([*command, "--favourites", "--no-folders"]) == 2
    assert "No picture of the library" in capsys.readouterr().err
    assert list(rows(file)) == ["e.jpg"], "the file that was there stays"
    assert run([*command, "--language", "xx"]) == 2


def test_a_library_can_be_read_while_another_process_writes(library, tmp_path):
    from polyglance.data.catalog import locks

    with locks.writer_lock(library.folder):
        assert library.write_pairs(tmp_path / "pairs.jsonl").pictures == 4
