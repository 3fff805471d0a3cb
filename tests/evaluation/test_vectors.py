import shutil
from dataclasses import replace

import numpy as np
import pytest
from evaluation_sets import COLOURS, ColourEncoder, paint
from polyglance.datasets.sets import Pixels
from polyglance.evaluation import vectors
from polyglance.evaluation.cache import VectorCache
from polyglance.progress import Tick


@pytest.fixture
def pictures(tmp_path):
    return [paint(tmp_path / "pictures" / f"{name}.png", colour, n) for n, (name, colour) in enumerate(COLOURS.items())]


def test_a_second_run_decodes_and_encodes_nothing(colour, pictures, settings, tmp_path):
    first = vectors.encode_images(colour, pictures, settings, tmp_path / "cache")
    texts = vectors.encode_texts(colour, ["red", "blue", "red"], tmp_path / "cache")
    assert (colour.images, colour.texts) == (6, ["red", "blue"])
    second_encoder = ColourEncoder()
    second = vectors.encode_images(second_encoder, pictures, settings, tmp_path / "cache")
    assert (second.vectors == first.vectors).all()
    assert (vectors.encode_texts(second_encoder, ["red", "blue", "red"], tmp_path / "cache") == texts).all()
    assert (second_encoder.images, second_encoder.texts) == (0, [])


def test_another_encoder_has_vectors_of_its_own(colour, random_encoder, pictures, settings, tmp_path):
    vectors.encode_images(colour, pictures, settings, tmp_path / "cache")
    assert vectors.encode_images(random_encoder, pictures, settings, tmp_path / "cache").vectors.shape == (6, 32)


def test_vectors_are_those_of_the_encoder_as_the_catalog_keeps_them(colour, pictures, settings, tmp_path):
    from polyglance.data.pictures import images

    encoded = vectors.encode_images(colour, pictures, settings, tmp_path / "cache").vectors
    decoded = [images.decode(path.read_bytes(), side=32, max_pixels=10**6).image for path in pictures]
    assert (encoded == colour.encode_images(decoded).astype(np.float16).astype(np.float32)).all()


def test_a_stopped_run_goes_on_where_it_stopped(pictures, settings, tmp_path):
    class Stopped(ColourEncoder):
        def encode_images(self, images):
            if self.images >= 4:
                raise KeyboardInterrupt
            return super().encode_images(images)

    with pytest.raises(KeyboardInterrupt):
        vectors.encode_images(Stopped(), pictures, settings, tmp_path / "cache")
    rest = ColourEncoder()
    encoded = vectors.encode_images(rest, pictures, settings, tmp_path / "cache").vectors
    assert rest.images == 2
    assert (encoded == vectors.encode_images(ColourEncoder(), pictures, settings, tmp_path / "fresh").vectors).all()


def test_pictures_that_fail_are_named_and_the_others_stay_in_order(colour, pictures, settings, tmp_path):
    pictures[1].write_text("no picture")
    pictures[4].write_bytes(pictures[4].read_bytes()[:60])
    whole = vectors.encode_images(ColourEncoder(), [pictures[n] for n in (0, 2, 3, 5)], settings, tmp_path / "a")
    encoded = vectors.encode_images(colour, pictures, settings, tmp_path / "b")
    assert [(failure.number, failure.path) for failure in encoded.failures] == [
        (1, str(pictures[1])),
        (4, str(pictures[4])),
    ]
    assert "not a picture" in encoded.failures[0].reason and "truncated" in encoded.failures[1].reason
    assert (encoded.vectors == whole.vectors).all()


def test_equal_pictures_are_encoded_once(colour, pictures, settings, tmp_path):
    shutil.copy(pictures[0], tmp_path / "copy.png")
    encoded = vectors.encode_images(colour, [*pictures, tmp_path / "copy.png"], settings, tmp_path / "cache")
    assert (colour.images, len(encoded.vectors)) == (6, 7)
    assert (encoded.vectors[0] == encoded.vectors[6]).all()


def test_progress_ends_at_the_total(colour, pictures, settings, tmp_path):
    seen = []
    pictures[5].write_text("no picture")
    vectors.encode_images(colour, pictures, settings, tmp_path, seen.append)
    assert seen == [Tick(0, 6), Tick(4, 6, 4), Tick(6, 6, 6, 1)]
    vectors.encode_texts(colour, [f"red {n}" for n in range(300)], tmp_path, seen.append)
    assert seen[3:] == [Tick(0, 300), Tick(256, 300, 256), Tick(300, 300, 300)]


def test_pixels_are_told_apart_by_shape_too(colour, settings, tmp_path):
    rows = [Pixels("a", np.full((2, 8, 3), 9, np.uint8)), Pixels("b", np.full((4, 4, 3), 9, np.uint8))]
    assert len(vectors.encode_images(colour, rows, settings, tmp_path).vectors) == 2
    assert colour.images == 2


def filled(folder, count=3):
    cache = VectorCache(folder, ColourEncoder().fingerprint, "images")
    keys = [bytes([number]) * 32 for number in range(count)]
    cache.add(keys, np.eye(4, dtype=np.float32)[np.arange(count) % 4])
    cache.flush()
    return keys


@pytest.mark.parametrize("damage", ["flip", "cut", "empty", "other shape"])
def test_a_damaged_file_is_left_out(tmp_path, damage):
    keys = filled(tmp_path)
    (file,) = tmp_path.rglob("*.npy")
    data = bytearray(file.read_bytes())
    data[-3] ^= 1
    content = {"flip": bytes(data), "cut": bytes(data[:-9]), "empty": b"", "other shape": None}[damage]
    if content is None:
        np.save(file, np.zeros((3, 4), np.float32))
    else:
        file.write_bytes(content)
    cache = VectorCache(tmp_path, ColourEncoder().fingerprint, "images")
    assert not any(key in cache for key in keys)


def test_keys_that_end_in_zeros_are_kept_whole(tmp_path):
    keys = [b"\x01" + bytes(31), bytes(32)]
    cache = VectorCache(tmp_path, ColourEncoder().fingerprint, "texts")
    cache.add(keys, np.eye(4, dtype=np.float32)[:2])
    cache.flush()
    second_cache = VectorCache(tmp_path, ColourEncoder().fingerprint, "texts")
    assert (second_cache.get(keys) == np.eye(4)[:2]).all()


def test_only_texts_are_cached_by_the_text_side_of_the_fingerprint(tmp_path):
    """Better words keep the vectors of pictures, and never use those of texts from before."""
    before = ColourEncoder().fingerprint
    after = replace(before, text="better words")
    key = b"\x01" * 32
    for kind in ("images", "texts"):
        cache = VectorCache(tmp_path, before, kind)
        cache.add([key], np.eye(4, dtype=np.float32)[:1])
        cache.flush()
    assert key in VectorCache(tmp_path, after, "images")
    assert key not in VectorCache(tmp_path, after, "texts")


def test_a_cache_that_cannot_be_written_costs_only_time(tmp_path, pictures, settings, colour):
    (tmp_path / "file").write_text("in the way")
    encoded = vectors.encode_images(colour, pictures, settings, tmp_path / "file" / "cache")
    assert len(encoded.vectors) == 6
