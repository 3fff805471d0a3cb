from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from checkpoints import SENTENCES, SIDE, copy_of
from PIL import Image
from polyglance.config import Settings
from polyglance.encoders.transformers import altclip as altclip_module
from polyglance.encoders.transformers import checkpoint
from polyglance.encoders.transformers.altclip import DualEncoder
from polyglance.errors import EncoderUnavailable

Tiny = Callable[[str], Path]
KINDS = ["altclip", "chinese_clip", "clip", "metaclip_2", "siglip", "siglip2"]
TEXTS = list(SENTENCES.values())
ALIKE = 1 - 1e-5


def make(folder: Path, precision: str = "float32", **changes: Any) -> DualEncoder:
    settings = Settings(precision=precision, device="cpu", **changes)
    return DualEncoder(checkpoint.read(folder, "tiny"), settings)


@pytest.fixture(scope="module")
def pictures() -> list[Image.Image]:
    random = np.random.default_rng(7)
    shapes = [(40, 50), (SIDE, SIDE), (90, 200), (64, 33), (300, 31)]
    coarse = [random.integers(0, 256, (4, 4, 3), dtype=np.uint8) for _ in shapes]
    return [
        Image.fromarray(pixels).resize((width, height), Image.Resampling.BICUBIC)
        for pixels, (height, width) in zip(coarse, shapes, strict=True)
    ]


@pytest.fixture(scope="module")
def altclip(tiny_altclip: Path) -> DualEncoder:
    return make(tiny_altclip)


class Reference:
    """What transformers itself computes, its processor used as its documentation does."""

    def __init__(self, folder: Path, kind: str) -> None:
        from transformers import AltCLIPModel, AltCLIPProcessor, AutoImageProcessor, AutoModel, AutoTokenizer

        self.model = (AltCLIPModel if kind == "altclip" else AutoModel).from_pretrained(folder)
        self.pictures = AutoImageProcessor.from_pretrained(folder, backend="pil")
        self.tokenizer = AutoTokenizer.from_pretrained(folder)
        if kind == "altclip":
            self.tokenizer = AltCLIPProcessor(self.pictures, self.tokenizer)
        self.padding = "max_length" if kind.startswith("siglip") else True
        self.length = 64 if kind.startswith("siglip") else 77

    def inputs(self, texts: list[str]) -> Any:
        return self.tokenizer(
            text=texts, padding=self.padding, truncation=True, max_length=self.length, return_tensors="pt"
        )

    def features(self, texts: list[str], pictures: list[Image.Image]) -> tuple[Any, Any]:
        with torch.inference_mode():
            text = self.model.get_text_features(**self.inputs(texts)).pooler_output
            image = self.model.get_image_features(**self.pictures(pictures, return_tensors="pt")).pooler_output
        return unit(text.numpy()), unit(image.numpy())


def unit(rows: Any) -> Any:
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def cosines(left: Any, right: Any) -> Any:
    return (left.astype(np.float64) * right.astype(np.float64)).sum(axis=1)


@pytest.mark.parametrize("kind", KINDS)
def test_vectors_are_those_of_transformers(
    kind: str, tiny_altclip: Path, tiny_checkpoint: Tiny, pictures: list[Image.Image]
) -> None:
    folder = tiny_altclip if kind == "altclip" else tiny_checkpoint(kind)
    encoder = make(folder)
    texts, images = Reference(folder, kind).features(TEXTS, pictures)
    assert encoder.dimension == texts.shape[1]
    assert cosines(encoder.encode_texts(TEXTS), texts).min() > ALIKE
    assert cosines(encoder.encode_images(pictures), images).min() > ALIKE
    # The proof is worth something only if different inputs give different vectors.
    assert np.sort((images @ images.T).ravel())[-len(pictures) - 1] < 0.999
    assert np.sort((texts @ texts.T).ravel())[-len(TEXTS) - 1] < 0.999


def test_probabilities_are_those_of_transformers(
    altclip: DualEncoder, tiny_altclip: Path, pictures: list[Image.Image]
) -> None:
    reference = Reference(tiny_altclip, "altclip")
    with torch.inference_mode():
        inputs = reference.inputs(TEXTS) | reference.pictures(pictures, return_tensors="pt")
        expected = reference.model(**inputs).logits_per_image.softmax(dim=1).numpy()
    logits = altclip.logit_scale * altclip.encode_images(pictures) @ altclip.encode_texts(TEXTS).T
    exponents = np.exp(logits - logits.max(axis=1, keepdims=True))
    np.testing.assert_allclose(exponents / exponents.sum(axis=1, keepdims=True), expected, atol=1e-5)


@pytest.mark.parametrize("kind", ["clip", "siglip"])
def test_the_factor_is_read_from_safetensors(kind: str, tiny_checkpoint: Tiny) -> None:
    folder = tiny_checkpoint(kind)
    expected = float(Reference(folder, kind).model.logit_scale.detach().exp())
    assert make(folder, "bfloat16").logit_scale == pytest.approx(expected, rel=1e-6)


def test_the_tokenizer_agrees_with_sentencepiece(altclip: DualEncoder, tiny_altclip: Path) -> None:
    import sentencepiece

    pieces = sentencepiece.SentencePieceProcessor(model_file=str(tiny_altclip / "sentencepiece.bpe.model"))
    for text in [*TEXTS, "  two  spaces ", "ｆｕｌｌｗｉｄｔｈ", "日落 时分"]:
        # XLM-R puts <s>, <pad>, </s>, <unk> first, where sentencepiece has <unk>, <s>, </s>.
        expected = [0, *(piece + 1 if piece else 3 for piece in pieces.encode(text)), 2]
        assert altclip._tokenize([text])["input_ids"] == [expected]


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_text_does_not_depend_on_its_neighbours(tiny_altclip: Path, precision: str) -> None:
    encoder = make(tiny_altclip, precision, batch_size=4)
    together = encoder.encode_texts([*TEXTS, "", TEXTS[0], "photo " * 200])
    alone = np.concatenate([encoder.encode_texts([text]) for text in TEXTS])
    assert cosines(together[: len(TEXTS)], alone).min() > 1 - 1e-6
    assert cosines(together[len(TEXTS) + 1 :][:1], alone[:1]).min() > 1 - 1e-6


def test_long_texts_are_cut_to_what_the_tower_takes(altclip: DualEncoder) -> None:
    tokens = altclip._tokenize(["photo " * 500])["input_ids"][0]
    assert len(tokens) == 77 and tokens[-1] == 2
    vectors = altclip.encode_texts(["photo " * 500, "photo " * 400])
    assert cosines(vectors[:1], vectors[1:]).min() > ALIKE


def test_nothing_gives_nothing(altclip: DualEncoder) -> None:
    assert altclip.encode_texts([]).shape == altclip.encode_images([]).shape == (0, 24)


@pytest.mark.parametrize("size", [(1, 1), (3, 50), (50, 3), (1, 40), (20_000, 2), (2, 20_000)])
def test_pictures_of_any_shape_are_encoded(altclip: DualEncoder, size: tuple[int, int]) -> None:
    red, blue = (altclip.encode_images([Image.new("RGB", size, colour)]) for colour in ("red", "blue"))
    square = altclip.encode_images([Image.new("RGB", (SIDE, SIDE), "red")])
    assert cosines(red, square).min() > ALIKE
    assert cosines(blue, square).max() < 0.999


def test_only_the_middle_of_a_long_strip_is_resized() -> None:
    strip = Image.new("RGB", (20_000, 2), "red")
    strip.paste("blue", (9_990, 0, 10_010, 2))
    middle = altclip_module._crop_ends(strip)
    assert middle.size == (32, 2) and middle.getpixel((16, 0)) == (0, 0, 255)
    assert altclip_module._crop_ends(strip.rotate(90, expand=True)).size == (2, 32)
    assert altclip_module._crop_ends(Image.new("RGB", (160, 10))).size == (160, 10)


def test_batches_of_any_size_give_the_same(tiny_altclip: Path, pictures: list[Image.Image]) -> None:
    whole, single = make(tiny_altclip), make(tiny_altclip, batch_size=1)
    np.testing.assert_allclose(whole.encode_images(pictures), single.encode_images(pictures), atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_each_tower_is_loaded_alone(
    kind: str, tiny_altclip: Path, tiny_checkpoint: Tiny, pictures: list[Image.Image]
) -> None:
    encoder = make(tiny_altclip if kind == "altclip" else tiny_checkpoint(kind))
    assert encoder.fingerprint and encoder.logit_scale
    assert encoder._texts.opened is None and encoder._pictures.opened is None
    encoder.encode_texts(["one"])
    assert encoder._pictures.opened is None
    names = [name for name, _ in encoder._texts.opened.model.named_parameters()]
    assert any(name.startswith("text_model.") for name in names)
    assert not any(name.startswith("vision_model.") for name in names)
    encoder.encode_images(pictures[:1])
    names = [name for name, _ in encoder._pictures.opened.model.named_parameters()]
    assert any(name.startswith("vision_model.") for name in names)
    assert not any(name.startswith("text_model.") for name in names)


def test_a_search_works_without_the_image_towers_weights(tiny_checkpoint: Tiny, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    folder = copy_of(tiny_checkpoint("siglip"), tmp_path / "copy")
    file = folder / "model.safetensors"
    expected = make(folder).encode_texts(TEXTS)
    text_only = {key: value for key, value in load_file(file).items() if not key.startswith("vision_model.")}
    save_file(text_only, file, metadata={"format": "pt"})
    encoder = make(folder)
    np.testing.assert_allclose(encoder.encode_texts(TEXTS), expected, atol=1e-6)
    with pytest.raises(EncoderUnavailable, match=r"lack .* tensors, vision_model"):
        encoder.encode_images([Image.new("RGB", (9, 9))])


def test_many_threads_load_once_and_agree(tiny_altclip: Path) -> None:
    encoder = make(tiny_altclip)
    expected = make(tiny_altclip).encode_texts(TEXTS)
    results: list[Any] = []
    barrier = threading.Barrier(8)

    def work() -> None:
        barrier.wait()
        for _ in range(5):
            results.append((encoder.encode_texts(TEXTS), id(encoder._texts.opened)))  # noqa: PERF401

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 40 and len({tower for _, tower in results}) == 1
    assert min(cosines(vectors, expected).min() for vectors, _ in results) > 1 - 1e-6


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_lower_precision_stays_close_and_is_told_apart(
    altclip: DualEncoder, tiny_altclip: Path, pictures: list[Image.Image], precision: str
) -> None:
    encoder = make(tiny_altclip, precision)
    assert encoder.fingerprint.dtype == precision
    assert encoder.fingerprint.digest != altclip.fingerprint.digest
    vectors = encoder.encode_texts(TEXTS)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    assert cosines(vectors, altclip.encode_texts(TEXTS)).min() > 0.995
    assert cosines(encoder.encode_images(pictures), altclip.encode_images(pictures)).min() > 0.995


@pytest.mark.parametrize("kind", ["altclip", "siglip"])
@pytest.mark.parametrize("kept", [0.9, 0.5, 0.001])
def test_truncated_weights_are_refused(
    kind: str, kept: float, tiny_altclip: Path, tiny_checkpoint: Tiny, tmp_path: Path
) -> None:
    folder = copy_of(tiny_altclip if kind == "altclip" else tiny_checkpoint(kind), tmp_path / "copy")
    file = next(folder.glob("*.bin"), folder / "model.safetensors")
    file.write_bytes(file.read_bytes()[: int(file.stat().st_size * kept)])
    with pytest.raises(EncoderUnavailable, match="tiny cannot be loaded") as caught:
        make(folder).encode_texts(["one"])
    assert "\n" not in str(caught.value) and caught.value.hint


def test_missing_tensors_are_refused_not_drawn_at_random(tiny_altclip: Path, tmp_path: Path) -> None:
    folder = copy_of(tiny_altclip, tmp_path / "copy")
    state = torch.load(folder / "pytorch_model.bin", weights_only=True)
    del state["text_model.roberta.encoder.layer.1.output.dense.weight"]
    torch.save(state, folder / "pytorch_model.bin")
    with pytest.raises(EncoderUnavailable, match=r"lack 1 tensors, .*1\.output\.dense\.weight"):
        make(folder).encode_texts(["one"])


def test_tensors_of_another_shape_are_refused(tiny_altclip: Path, tmp_path: Path) -> None:
    folder = copy_of(tiny_altclip, tmp_path / "copy")
    state = torch.load(folder / "pytorch_model.bin", weights_only=True)
    state["text_projection.weight"] = torch.zeros(24, 27)
    torch.save(state, folder / "pytorch_model.bin")
    with pytest.raises(EncoderUnavailable, match="tiny cannot be loaded"):
        make(folder).encode_texts(["one"])


def test_code_in_a_checkpoint_is_not_run(tiny_altclip: Path, tmp_path: Path) -> None:
    import pickle

    folder = copy_of(tiny_altclip, tmp_path / "copy")

    class Harm:
        def __reduce__(self) -> Any:
            return (open, (str(tmp_path / "harm"), "w"))

    (folder / "pytorch_model.bin").write_bytes(pickle.dumps({"weight": Harm()}, protocol=2))
    with pytest.raises(EncoderUnavailable):
        make(folder).encode_texts(["one"])
    assert not (tmp_path / "harm").exists()


def test_a_device_that_is_not_there_is_refused(tiny_altclip: Path) -> None:
    if torch.cuda.is_available():
        pytest.skip("this machine has CUDA")
    encoder = DualEncoder(checkpoint.read(tiny_altclip, "tiny"), Settings(device="cuda"))
    with pytest.raises(EncoderUnavailable, match="no device cuda"):
        encoder.encode_texts(["one"])
