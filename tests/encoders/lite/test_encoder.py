"""The embedded encoder with its real models on scikit-image's sample pictures."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import skimage
import torch
from PIL import Image
from polyglance.config import LANGUAGES, Settings
from polyglance.encoders.base import UNIT_NORM_TOLERANCE, Vectors
from polyglance.encoders.lite import concept_space
from polyglance.encoders.lite import encoder as lite
from polyglance.encoders.lite.encoder import LiteEncoder
from polyglance.encoders.lite.reading import read
from polyglance.errors import EncoderUnavailable
from polyglance.languages import chinese, stop_words

SAMPLES = Path(skimage.__file__).parent / "data"
CAT, ROCKET, COFFEE, MOTORCYCLE = "chelsea.png", "rocket.jpg", "coffee.png", "motorcycle_left.png"
PICTURES = (
    *(CAT, ROCKET, COFFEE, MOTORCYCLE, "motorcycle_right.png", "astronaut.png", "coins.png", "camera.png"),
    *("horse.png", "page.png", "clock_motion.png", "hubble_deep_field.jpg", "moon.png", "brick.png", "grass.png"),
    *("gravel.png", "text.png", "retina.jpg", "ihc.png", "color.png"),
)
QUERIES = {
    CAT: ("cat", "猫", "gato", "chat", "кот", "кошка", "ネコ", "고양이", "قطة", "gatto"),
    ROCKET: ("rocket", "火箭", "cohete", "fusée", "ракета", "ロケット", "로켓", "صاروخ", "razzo"),
    COFFEE: ("coffee", "咖啡", "café", "кофе", "コーヒー", "커피", "قهوة", "caffè"),
    MOTORCYCLE: (
        *("motorcycle", "摩托车", "motocicleta", "moto", "мотоцикл", "オートバイ", "バイク", "오토바이"),
        *("دراجة نارية", "motocicletta"),
    ),
}


def sample(name: str) -> Image.Image:
    with Image.open(SAMPLES / name) as image:
        layered = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", layered.size, "white"), layered).convert("RGB")


@pytest.fixture(scope="module")
def encoder() -> LiteEncoder:
    return LiteEncoder(Settings())


@pytest.fixture(scope="module")
def pictures(encoder: LiteEncoder) -> Vectors:
    return encoder.encode_images([sample(name) for name in PICTURES])


def assert_unit(vectors: Vectors, count: int) -> None:
    assert vectors.shape == (count, lite.DIMENSION)
    assert vectors.dtype == np.float32
    assert np.isfinite(vectors).all()
    assert np.abs(np.linalg.norm(vectors, axis=1) - 1).max() < UNIT_NORM_TOLERANCE


@pytest.mark.parametrize(("name", "query"), [(name, query) for name, queries in QUERIES.items() for query in queries])
def test_a_word_in_any_language_finds_its_picture(
    encoder: LiteEncoder, pictures: Vectors, name: str, query: str
) -> None:
    scores = pictures @ encoder.encode_texts([query])[0]
    first = PICTURES[int(scores.argmax())]
    assert first.split("_")[0] == name.split("_")[0]


@pytest.mark.parametrize("query", ["A photo of two cats", "Two motorcycles!", "МОТОЦИКЛЫ", "القطط", "コーヒーの写真"])
def test_inflected_words_in_a_phrase_are_understood(encoder: LiteEncoder, pictures: Vectors, query: str) -> None:
    expected = {"A": "chelsea", "T": "motorcycle", "М": "motorcycle", "ا": "chelsea", "コ": "coffee"}[query[0]]
    scores = pictures @ encoder.encode_texts([query])[0]
    assert PICTURES[int(scores.argmax())].startswith(expected)


def test_a_colour_decides_between_equal_things(encoder: LiteEncoder) -> None:
    painted = [Image.new("RGB", (300, 200), colour) for colour in ((200, 20, 30), (40, 90, 190), (60, 150, 60))]
    vectors = encoder.encode_images(painted)
    for queries in (("red", "blue", "green"), ("红色", "蓝色", "绿色"), ("красный", "синий", "зелёный")):
        assert (encoder.encode_texts(queries) @ vectors.T).argmax(axis=1).tolist() == [0, 1, 2]


def test_pictures_become_unit_vectors(pictures: Vectors) -> None:
    assert_unit(pictures, len(PICTURES))


def test_the_same_input_gives_the_same_bits(encoder: LiteEncoder) -> None:
    second_encoder = LiteEncoder(Settings())
    image = sample(COFFEE)
    assert np.array_equal(encoder.encode_images([image]), second_encoder.encode_images([image]))
    assert np.array_equal(encoder.encode_texts(["雪山"]), second_encoder.encode_texts(["雪山"]))


def test_a_text_does_not_depend_on_its_batch(encoder: LiteEncoder) -> None:
    texts = ["cat", "a long sentence about a dog that sleeps on the beach", "雪山", "قطة"]
    together = encoder.encode_texts(texts)
    alone = np.concatenate([encoder.encode_texts([text]) for text in texts])
    assert np.array_equal(together, alone)


def test_a_picture_does_not_depend_on_its_batch(encoder: LiteEncoder, pictures: Vectors) -> None:
    assert np.array_equal(encoder.encode_images([sample(PICTURES[9])])[0], pictures[9])


def test_a_picture_to_search_by_does_not_wait_for_a_batch(encoder: LiteEncoder, pictures: Vectors) -> None:
    ready, may_go_on = threading.Event(), threading.Event()
    with pytest.MonkeyPatch.context() as patch, ThreadPoolExecutor(1) as batch:
        patch.setattr(lite, "_encode_picture", lambda network, image: (ready.set(), may_go_on.wait(30), pictures[0])[2])
        indexed = batch.submit(encoder.encode_images, [sample(CAT)] * 20)
        assert ready.wait(30)
        patch.undo()
        assert np.array_equal(encoder.encode_images([sample(ROCKET)])[0], pictures[PICTURES.index(ROCKET)])
        may_go_on.set()
        assert len(indexed.result(30)) == 20


@pytest.fixture
def two_threads() -> Iterator[None]:
    """Torch computes with two threads, as it does where nobody asked for one."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("two_threads")
def test_other_models_keep_their_threads(encoder: LiteEncoder) -> None:
    lite._load_network.cache_clear()
    encoder.encode_images([Image.new("RGB", (64, 64))])
    inside = lite._load_network("torch").batch.submit(torch.get_num_threads).result()
    with ThreadPoolExecutor(1) as pool:
        outside = pool.submit(torch.get_num_threads).result()
    assert (inside, torch.get_num_threads(), outside) == (1, 2, 2)


@pytest.mark.parametrize(
    "text", ["", " ", "😀🎉", "\0", "!?", "ー", "́", "و", "a" * 5000, "кот " * 2000, "\u3099", "x\ny\t猫"]
)
def test_odd_texts_give_unit_vectors(encoder: LiteEncoder, text: str) -> None:
    assert_unit(encoder.encode_texts([text]), 1)


@pytest.mark.parametrize("size", [(1, 1), (1, 900), (900, 1), (37, 53), (260, 260), (4000, 30)])
def test_odd_sizes_and_blank_pictures_give_unit_vectors(encoder: LiteEncoder, size: tuple[int, int]) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    images = [Image.new("RGB", size, "black"), Image.new("RGB", size, "white"), Image.fromarray(noise)]
    assert_unit(encoder.encode_images(images), 3)


def test_nothing_in_nothing_out(encoder: LiteEncoder) -> None:
    assert encoder.encode_images([]).shape == (0, encoder.dimension)
    assert encoder.encode_texts([]).shape == (0, encoder.dimension)


def test_a_plain_background_is_kept_whole_and_a_photo_is_cropped() -> None:
    drawing = Image.new("RGB", (600, 200), (250, 250, 240))
    drawing.paste((200, 0, 0), (5, 80, 60, 120))
    pixels = lite.prepare(drawing).pixels
    assert pixels.shape == (lite.SIDE, lite.SIDE, 3)
    assert np.abs(pixels[0, 0].astype(int) - (250, 250, 240)).max() <= 1
    red = (pixels[..., 0] > 150) & (pixels[..., 1] < 60)
    assert red.sum() > 300, "the thing at the edge was cut off"

    stripes = np.zeros((200, 600, 3), dtype=np.uint8)
    stripes[:, :5] = 255
    stripes[::2] //= 2
    stripes[:, 300:] += 90
    cropped = lite.prepare(Image.fromarray(stripes)).pixels
    assert cropped[:, 0].max() < 200, "a photo's outermost columns are cropped"


def test_the_fingerprint_is_stable_and_needs_no_tower() -> None:
    lite._load_network.cache_clear()
    lite._load_sentences.cache_clear()
    first, second = LiteEncoder(Settings()), LiteEncoder(Settings(batch_size=1))
    assert first.fingerprint.digest == second.fingerprint.digest
    assert first.fingerprint.dimension == first.dimension
    assert lite._load_network.cache_info().currsize == lite._load_sentences.cache_info().currsize == 0


@pytest.mark.parametrize("setting", ["LOGIT_EXPONENT", "COLOUR_SHARE"])
def test_a_number_of_the_pictures_formula_changes_both_sides(monkeypatch: pytest.MonkeyPatch, setting: str) -> None:
    before = LiteEncoder(Settings()).fingerprint
    monkeypatch.setattr(concept_space, setting, getattr(concept_space, setting) * 1.01)
    after = LiteEncoder(Settings()).fingerprint
    assert after.digest != before.digest
    assert after.text_digest != before.text_digest


@pytest.mark.parametrize("setting", ["TEXT_TEMPERATURE", "LEXICON_SHARE", "COLOUR_STRENGTH", "IMPLIED_COLOUR"])
def test_a_number_of_the_texts_formula_changes_the_text_side_alone(
    monkeypatch: pytest.MonkeyPatch, setting: str
) -> None:
    before = LiteEncoder(Settings()).fingerprint
    monkeypatch.setattr(concept_space, setting, getattr(concept_space, setting) * 1.01)
    after = LiteEncoder(Settings()).fingerprint
    assert after.digest == before.digest
    assert after.text_digest != before.text_digest


@pytest.mark.parametrize("changed", [*concept_space.DATA_FILES, chinese.FILE.name, stop_words.FILE.name])
def test_every_file_of_words_changes_the_text_side_alone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, changed: str
) -> None:
    before = LiteEncoder(Settings()).fingerprint
    for file in [
        *(concept_space.DATA_FOLDER / name for name in concept_space.DATA_FILES),
        chinese.FILE,
        stop_words.FILE,
    ]:
        (tmp_path / file.name).write_bytes(file.read_bytes() + (b" " if file.name == changed else b""))
    monkeypatch.setattr(concept_space, "DATA_FOLDER", tmp_path)
    monkeypatch.setattr(chinese, "FILE", tmp_path / chinese.FILE.name)
    monkeypatch.setattr(stop_words, "FILE", tmp_path / stop_words.FILE.name)
    after = LiteEncoder(Settings()).fingerprint
    assert after.digest == before.digest
    assert after.text_digest != before.text_digest


def test_vectors_of_pictures_with_the_fingerprint_of_the_first_words_are_its_own() -> None:
    fingerprint = LiteEncoder(Settings()).fingerprint
    assert fingerprint.matches("b10e95e07b2045779eea881e27661ab8")
    assert fingerprint.matches(fingerprint.digest)
    assert not fingerprint.matches("0" * 32)


def test_missing_concept_data_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(concept_space, "DATA_FOLDER", tmp_path)
    with pytest.raises(EncoderUnavailable, match="pip install"):
        _ = LiteEncoder(Settings()).fingerprint


def test_many_threads_share_one_loading_and_agree() -> None:
    lite._load_sentences.cache_clear()
    encoder = LiteEncoder(Settings())
    texts = ["cat", "ロケット", "кофе", "moto"] * 3
    with ThreadPoolExecutor(8) as pool:
        vectors = np.concatenate(list(pool.map(lambda text: encoder.encode_texts([text]), texts)))
    assert np.array_equal(vectors, encoder.encode_texts(texts))
    assert lite._load_sentences.cache_info().misses == 1


def test_a_search_never_imports_torch() -> None:
    code = (
        "import sys\n"
        "from polyglance.config import Settings\n"
        "from polyglance.encoders.lite.encoder import LiteEncoder\n"
        "encoder = LiteEncoder(Settings())\n"
        "encoder.fingerprint\n"
        "encoder.encode_texts(['cat'])\n"
        "assert 'torch' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)


def test_it_presents_itself(encoder: LiteEncoder) -> None:
    assert encoder.name == "lite"
    assert encoder.card.languages == LANGUAGES
    assert encoder.image_side == lite.SIDE


def test_match_probabilities_name_the_right_thing(encoder: LiteEncoder, pictures: Vectors) -> None:
    texts = encoder.encode_texts(["a cat", "a rocket", "a cup of coffee", "a motorcycle"])
    for place in range(4):
        logits = encoder.logit_scale * (texts @ pictures[place])
        shares = np.exp(logits - logits.max())
        assert (shares / shares.sum())[place] > 0.6


# --- what is attainable -----------------------------------------------------------

KINDS_KNOWN = ("dog", "狗", "perro", "собака", "furniture", "家具", "a beagle", "dogs", "اثاث", "mountain", "山")
KINDS_UNKNOWN = ("key", "ключ", "helicopter", "red", "a dog on a sofa", "red car", "qwertz", "dog qwertz", "")


@pytest.mark.parametrize("text", KINDS_KNOWN)
def test_the_name_of_a_thing_has_an_attainable_score(encoder: LiteEncoder, text: str) -> None:
    value = encoder.attainable(text, encoder.encode_texts([text])[0])
    assert value is not None
    assert 0 < value <= 1


@pytest.mark.parametrize("text", KINDS_UNKNOWN)
def test_a_text_of_look_alikes_several_things_or_unknown_words_has_none(encoder: LiteEncoder, text: str) -> None:
    assert encoder.attainable(text, encoder.encode_texts([text])[0]) is None


def test_a_cat_has_most_of_what_is_attainable_and_other_pictures_have_not(
    encoder: LiteEncoder, pictures: Vectors
) -> None:
    text = encoder.encode_texts(["cat"])[0]
    attainable = encoder.attainable("cat", text)
    assert attainable is not None
    shares = pictures @ text / attainable
    is_cat = np.array([name == CAT for name in PICTURES])
    assert shares[is_cat].min() > 0.8
    assert shares[~is_cat].max() < 0.3


def test_a_word_of_a_class_and_of_a_wider_thing_is_as_near_to_all_its_kinds() -> None:
    space = concept_space.load()
    reading = read("mushroom", space.words)
    concepts = space.text_vector(reading, np.zeros(512, np.float32))[: concept_space.CONCEPTS]
    kinds = concepts[[947, *range(991, 998)]]
    assert kinds.min() > 0.7 * kinds.max()


def test_a_look_alike_counts_less_than_a_kind() -> None:
    space = concept_space.load()
    concepts = space.text_vector(read("apple", space.words), np.zeros(512, np.float32))[: concept_space.CONCEPTS]
    apple, pomegranate, piano = concepts[[948, 957, 579]]
    assert apple > 2 * pomegranate > 2 * piano


# --- a thing with a colour --------------------------------------------------------


@pytest.mark.parametrize("text", ["red bus", "coche rojo", "красная машина", "赤いりんご", "黒いテント", "black dog"])
def test_a_thing_and_its_colour_are_two_conditions(encoder: LiteEncoder, text: str) -> None:
    thing, colour = encoder.conditions(text)
    assert not thing.vector[concept_space.CONCEPTS :].any()
    assert not colour.vector[: concept_space.CONCEPTS].any()
    assert thing.half > 0 and colour.half > 0


@pytest.mark.parametrize("text", ["red", "car", "white cat", "a dog on a sofa", "red qwertz", "red key", ""])
def test_other_texts_have_no_conditions(encoder: LiteEncoder, text: str) -> None:
    assert encoder.conditions(text) == []
