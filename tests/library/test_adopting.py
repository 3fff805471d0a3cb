"""A library adopts another text tower: its vectors of pictures stay, and no picture is encoded."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from checkpoints import copy_of
from PIL import Image
from polyglance import Library, Settings
from polyglance.cli import run
from polyglance.encoders import calibrations
from polyglance.encoders.base import Margin
from polyglance.encoders.transformers import identity
from polyglance.encoders.transformers.altclip import DualEncoder
from polyglance.errors import FolderError
from polyglance.library import encoders, names

COLOURS = ["red", "green", "blue", "yellow", "black", "white", "orange", "purple"]


def settings(place: Path) -> Settings:
    return Settings(precision="float32", device="cpu", encoder="lite", calibrations=place / "calibrations")


@pytest.fixture(scope="module", autouse=True)
def few_things():
    """Labels need the vectors of a thousand names; forty show the same."""
    from polyglance.languages import things as module
    from polyglance.library import labelling

    few = dict(list(module.things().items())[:40])
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(labelling, "things", lambda: few)
        yield few


@pytest.fixture(scope="module")
def place(tmp_path_factory, tiny_altclip):
    """A teacher, a student with another text tower, one with another image tower, and a library of the teacher."""
    place = tmp_path_factory.mktemp("adopting")
    (place / "photos").mkdir()
    for number, colour in enumerate(COLOURS):
        picture = Image.radial_gradient("L").convert("RGB").resize((64 + number, 64))
        picture.paste(colour, (8 * (number % 4), 8 * (number // 4), 40, 40))
        picture.save(place / "photos" / f"{colour}.png")
    copy_of(tiny_altclip, place / "teacher")
    retrained(place / "teacher", place / "student", "text_model.roberta.embeddings.word_embeddings.weight")
    retrained(place / "teacher", place / "stranger", "vision_model.post_layernorm.bias")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(identity, "CHECKSUMS", place / "checksums.json")
        with Library.open(place / "library", settings=settings(place)) as library:
            library.index([place / "photos"], encoder=str(place / "teacher"))
    return place


def retrained(teacher: Path, folder: Path, name: str) -> None:
    """Another checkpoint: one tensor of the teacher drawn anew, in the other file format."""
    from safetensors.torch import save_file

    copy_of(teacher, folder)
    state = torch.load(folder / "pytorch_model.bin", weights_only=True)
    state[name] = torch.randn(state[name].shape, generator=torch.Generator().manual_seed(3))
    save_file(state, folder / "model.safetensors", metadata={"format": "pt"})
    (folder / "pytorch_model.bin").unlink()


@pytest.fixture
def library(place, tmp_path, monkeypatch):
    monkeypatch.setattr(identity, "CHECKSUMS", place / "checksums.json")
    shutil.copytree(place / "library", tmp_path / "library")
    with Library.open(tmp_path / "library", settings=settings(place)) as opened:
        yield opened


@pytest.fixture
def encoded(monkeypatch):
    """The pictures that image towers encode from now on."""
    pictures = []
    encode = DualEncoder.encode_images
    monkeypatch.setattr(
        DualEncoder, "encode_images", lambda self, images: pictures.extend(images) or encode(self, images)
    )
    return pictures


def scores(library, text="a red thing"):
    return {result.photo.id: result.score for result in library.search(text, 100, collapse=False)}


def expected_scores(library, folder, place, text="a red thing"):
    """What the stored vectors and the text tower in `folder` give."""
    encoder = encoders.registry.create(str(folder), settings(place))
    vector = encoder.encode_texts([text])[0]
    batches = library.catalog.vectors.after(library.active_encoder().id, 0)
    return sorted(float(row @ vector) for _, _, vectors in batches for row in np.asarray(vectors, np.float32))


def test_another_text_tower_is_adopted_without_encoding_a_picture(library, place, encoded):
    teacher, student = str(place / "teacher"), str(place / "student")
    before = scores(library)
    tally = library.reencode(student)
    after = scores(library)
    assert tally.encoded == 0 and encoded == []
    assert library.active_encoder().name == student and len(library.catalog.encoders.all()) == 1
    assert after.keys() == before.keys() and len(after) == len(COLOURS)
    assert sorted(after.values()) == pytest.approx(expected_scores(library, student, place), abs=2e-3)
    assert sorted(before.values()) == pytest.approx(expected_scores(library, teacher, place), abs=2e-3)
    assert max(abs(after[photo] - before[photo]) for photo in before) > 0.05
    assert library.check().findings == []
    library.reencode(teacher)  # back again
    assert encoded == [] and scores(library) == before
    assert library.active_encoder().name == teacher


def test_an_image_tower_that_differs_by_one_tensor_encodes_every_picture(library, place, encoded):
    tally = library.reencode(str(place / "stranger"))
    assert tally.encoded == len(encoded) == len(COLOURS)
    assert len(library.catalog.encoders.all()) == 2


def test_new_pictures_are_encoded_after_the_adoption_and_found(library, place, tmp_path, encoded):
    library.reencode(str(place / "student"))
    (tmp_path / "more").mkdir()
    Image.new("RGB", (40, 40), "brown").save(tmp_path / "more" / "brown.png")
    library.index([tmp_path / "more"])
    assert len(encoded) == 1 and len(scores(library)) == len(COLOURS) + 1
    assert len(library.catalog.encoders.all()) == 1


def test_it_is_adopted_while_the_photos_are_offline(library, place, encoded):
    (place / "photos").rename(place / "away")
    try:
        library.reencode(str(place / "student"))
        assert encoded == [] and len(scores(library)) == len(COLOURS)
        with pytest.raises(FolderError, match="8 of its photos"):
            library.reencode(str(place / "stranger"))
    finally:
        (place / "away").rename(place / "photos")


def test_who_has_the_library_open_answers_with_the_new_tower_too(library, place):
    with Library.open(library.folder, settings=settings(place)) as server:
        before = scores(server)
        library.reencode(str(place / "student"))
        assert scores(server) == scores(library) != before
        assert len(server._parts.engines) == len(server._parts.encoders) == 1


def test_labels_and_calibration_follow_the_text_tower(library, place, few_things):
    teacher, student = (encoders.registry.create(str(place / name), settings(place)) for name in ("teacher", "student"))
    calibrations.write(place / "calibrations", "student", student.fingerprint, Margin(40.0, 2.0))
    before = library.catalog.labels.extent("thing").basis
    library.reencode(str(place / "student"))
    after = library.catalog.labels.extent("thing").basis
    assert teacher.fingerprint.text_digest in before and student.fingerprint.text_digest in after
    assert "Margin(slope=40.0" in after and "Margin" not in before
    assert library.engine()._calibration == Margin(40.0, 2.0)
    library.reencode(str(place / "teacher"))
    assert library.catalog.labels.extent("thing").basis == before and library.engine()._calibration is None


def test_the_names_of_things_are_encoded_once_for_each_text_tower(library, place, monkeypatch):
    library.reencode(str(place / "student"))
    written = []
    monkeypatch.setattr(names, "_write", lambda path, vectors: written.append(path))
    for name in ("teacher", "student"):
        library.reencode(str(place / name))
    assert written == []


def make_old(library, place):
    """Give the library the fingerprint that version 0.1 stored."""
    teacher = encoders.registry.create(str(place / "teacher"), settings(place)).fingerprint
    record = library.active_encoder()
    library.catalog.encoders.activate(record.id, record.name, teacher.earlier[0])
    return teacher


def test_a_library_of_an_earlier_version_answers_and_adopts(library, place, encoded):
    before = scores(library)
    teacher = make_old(library, place)
    assert library.active_encoder().fingerprint in teacher.earlier
    assert library.index([place / "photos"]).tally.unchanged == len(COLOURS)
    assert scores(library) == before
    library.reencode(str(place / "student"))
    with Library.open(library.folder, settings=settings(place)) as again:
        assert encoded == [] and scores(again) != before
        assert again.active_encoder().fingerprint == teacher.digest
        again.reencode(str(place / "teacher"))
        assert encoded == [] and scores(again) == before


def test_vectors_of_excluded_photos_stay_when_an_old_library_adopts(library, place, encoded):
    make_old(library, place)
    library.exclude(["red.png"])
    library.rescan()
    library.reencode(str(place / "student"))
    library.exclude([])
    assert library.rescan().tally.added == 1 and encoded == []


def test_a_calibration_of_an_earlier_version_is_used(library, place, tmp_path):
    fingerprint = encoders.registry.create(str(place / "teacher"), settings(place)).fingerprint
    (tmp_path / f"{fingerprint.earlier[0]}.json").write_text(json.dumps({"slope": 3.0, "offset": 1.0}))
    assert calibrations.read(tmp_path, fingerprint) == Margin(3.0, 1.0)
    calibrations.write(tmp_path, "teacher", fingerprint, Margin(5.0, 1.0))
    assert calibrations.read(tmp_path, fingerprint) == Margin(5.0, 1.0)


def test_another_precision_adopts_too(library, place, encoded):
    with Library.open(library.folder, settings=settings(place).model_copy(update={"precision": "bfloat16"})) as opened:
        opened.reencode(str(place / "student"))
        assert encoded == [] and opened.active_encoder().dtype == "float32"


def test_the_command_says_that_nothing_was_encoded(library, place, monkeypatch, capsys):
    monkeypatch.setenv("POLYGLANCE_PRECISION", "float32")
    monkeypatch.setenv("POLYGLANCE_CALIBRATIONS", str(place / "calibrations"))
    student = str(place / "student")
    assert run(["--library", str(library.folder), "reencode", "--encoder", student]) == 0
    assert "No picture was encoded" in capsys.readouterr().out
    assert run(["--library", str(library.folder), "reencode", "--encoder", student, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"encoder": student, "encoded": 0, "failed": 0}
