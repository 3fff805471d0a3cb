"""Memory that is short: real errors of torch and NumPy, and a real tower that refuses large batches."""

from __future__ import annotations

import logging
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from checkpoints import SENTENCES
from PIL import Image
from polyglance.config import Settings
from polyglance.encoders.transformers import checkpoint, feeding, fitting, towers
from polyglance.encoders.transformers.altclip import DualEncoder
from polyglance.encoders.transformers.fitting import FittingBatches
from polyglance.errors import EncoderUnavailable

TEXTS = list(SENTENCES.values())


def make(folder: Path, batch_size: int = 16) -> DualEncoder:
    settings = Settings(precision="float32", device="cpu", batch_size=batch_size)
    return DualEncoder(checkpoint.read(folder, "tiny"), settings)


def pictures(count: int) -> list[Image.Image]:
    random = np.random.default_rng(3)
    coarse = [Image.fromarray(random.integers(0, 256, (4, 4, 3), dtype=np.uint8)) for _ in range(count)]
    return [image.resize((40 + 3 * number, 50)) for number, image in enumerate(coarse)]


def refuse_above(tower: Any, most: int) -> list[int]:
    """Let a tower raise what a graphics card without memory raises; return the sizes it was given."""
    sizes: list[int] = []

    def refuse(_module: Any, _arguments: Any, values: dict[str, Any]) -> None:
        count = len(values["pixel_values"] if "pixel_values" in values else values["input_ids"])
        sizes.append(count)
        if count > most:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB.")

    model = getattr(tower, "vision_model", None) or tower.text_model
    model.register_forward_pre_hook(refuse, with_kwargs=True)
    return sizes


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Any:
    caplog.set_level(logging.INFO, "polyglance")
    return lambda: [record.getMessage() for record in caplog.records if record.name == "polyglance"]


def test_a_batch_that_does_not_fit_is_halved_and_nothing_is_lost(tiny_altclip: Path, lines: Any) -> None:
    images = pictures(21)
    expected = make(tiny_altclip).encode_images(images)
    encoder = make(tiny_altclip)
    sizes = refuse_above(encoder._pictures.open().model, 5)
    np.testing.assert_allclose(encoder.encode_images(images), expected, atol=1e-6)
    assert sizes == [16, 8, *[4] * 5, 1]
    assert lines() == [
        "Memory is too short for 16 pictures at once: encoding 8 at once from now on.",
        "Memory is too short for 8 pictures at once: encoding 4 at once from now on.",
    ]
    encoder.encode_images(images[:9])
    assert sizes[-3:] == [4, 4, 1] and len(lines()) == 2, "what did not fit is not tried again"


def test_texts_are_halved_too(tiny_altclip: Path, lines: Any) -> None:
    texts = TEXTS[:1] * 7
    encoder = make(tiny_altclip)
    sizes = refuse_above(encoder._texts.open().model, 3)
    np.testing.assert_allclose(encoder.encode_texts(texts), make(tiny_altclip).encode_texts(texts), atol=1e-6)
    assert sizes == [7, 3, 3, 1] and len(lines()) == 1


def test_one_picture_that_does_not_fit_is_an_error_with_the_next_step(tiny_altclip: Path) -> None:
    encoder = make(tiny_altclip)
    refuse_above(encoder._pictures.open().model, 0)
    with pytest.raises(EncoderUnavailable, match="even one of the pictures") as caught:
        encoder.encode_images(pictures(2))
    assert "\n" not in str(caught.value) and "lite" in str(caught.value)


def test_where_not_even_one_fits_the_tower_is_moved_and_the_batch_repeated() -> None:
    moved: list[bool] = []

    def encode(batch: list[int]) -> Any:
        if not moved:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return np.array(batch, np.float32)

    def move() -> bool:
        moved.append(True)
        return True

    batches = FittingBatches(4, "pictures", move)
    done = list(batches.encode(range(6), encode))
    assert [batch for batch, _ in done] == [[0], [1], [2], [3], [4], [5]] and moved == [True]


def test_other_errors_are_raised_at_once() -> None:
    calls: list[int] = []

    def encode(batch: list[int]) -> Any:
        calls.append(len(batch))
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    with pytest.raises(RuntimeError, match="shapes"):
        list(FittingBatches(8, "pictures").encode(range(8), encode))
    assert calls == [8]


def test_the_tensors_of_a_failed_batch_are_gone_before_the_next_is_tried() -> None:
    failed: list[weakref.ref[Any]] = []

    def encode(batch: list[int]) -> Any:
        assert all(reference() is None for reference in failed)
        activations = torch.zeros(len(batch))
        if len(batch) > 2:
            failed.append(weakref.ref(activations))
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return activations.numpy()

    assert len(list(FittingBatches(8, "pictures").encode(range(4), encode))) == 2
    assert len(failed) == 1


def allocate_with_torch() -> None:
    torch.empty(1 << 55, dtype=torch.uint8)


def allocate_with_numpy() -> None:
    np.ones(1 << 55, np.uint8)


@pytest.mark.parametrize("allocate", [allocate_with_torch, allocate_with_numpy])
def test_what_the_processor_says_is_recognised(allocate: Any) -> None:
    with pytest.raises((RuntimeError, MemoryError)) as caught:
        allocate()
    assert fitting.is_out_of_memory(caught.value)
    error = EncoderUnavailable("The model cannot be used.")
    error.__cause__ = caught.value
    assert fitting.is_out_of_memory(error)


@pytest.mark.parametrize(
    "message",
    [
        "MPS backend out of memory (MPS allocated: 9 GB, max allowed: 9 GB)",
        "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`",
        "[enforce fail at alloc_cpu.cpp:117] DefaultCPUAllocator: not enough memory: you tried to allocate 1 bytes",
        "could not create a primitive: out_of_memory",
        "std::bad_alloc",
    ],
)
def test_what_other_systems_say_is_recognised(message: str) -> None:
    assert fitting.is_out_of_memory(RuntimeError(message))
    assert not fitting.is_out_of_memory(ValueError(message))
    assert not fitting.is_out_of_memory(RuntimeError("expected scalar type Float"))


class SmallCard(torch.nn.Linear):
    """A model that does not fit on a card."""

    moves: list[str]

    def to(self, device: Any) -> Any:  # type: ignore[override]
        self.moves = [*getattr(self, "moves", []), str(device)]
        if str(device) == "cuda":
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return self


def test_an_encoder_that_does_not_fit_on_the_card_runs_on_the_processor(lines: Any) -> None:
    model = SmallCard(2, 2)
    assert fitting.place(model, torch.device("cuda")) is model
    assert model.moves == ["cuda", "cpu"]
    (line,) = lines()
    assert "runs on the processor" in line
    assert not fitting.move_to_processor(model), "it is there already"


def test_a_batch_takes_half_of_the_free_memory() -> None:
    class Vision:
        image_size, patch_size, hidden_size, intermediate_size = 224, 14, 1024, 4096

    each = fitting.bytes_per_picture(Vision, 2)
    assert 5e6 < each < 12e6
    assert fitting.batch_size(80_000_000_000, each, 128) == 128
    assert fitting.batch_size(600_000_000, each, 128) == 32
    assert fitting.batch_size(1_000_000, each, 128) == 1


@pytest.mark.parametrize("kind", ["altclip", "siglip", "siglip2"])
def test_pictures_that_are_fed_ahead_have_the_same_vectors(kind: str, tiny_altclip: Path, tiny_checkpoint: Any) -> None:
    encoder = make(tiny_altclip if kind == "altclip" else tiny_checkpoint(kind))
    images = pictures(21)
    expected = encoder.encode_images(images)
    tower, preparation = encoder._pictures.open().model, encoder._preparation
    pieces = list(feeding.stream(tower, tower.get_image_features, preparation, iter(images), piece=8))
    assert [len(piece) for piece in pieces] == [8, 8, 5]
    np.testing.assert_allclose(np.concatenate(pieces), expected, atol=5e-6)
    np.testing.assert_allclose(
        feeding.encode_pictures(tower, tower.get_image_features, preparation, images), expected, atol=5e-6
    )


def test_pixels_go_up_as_bytes_where_the_card_can_normalise(tiny_altclip: Path, tiny_checkpoint: Any) -> None:
    def uploaded(folder: Path) -> Any:
        return feeding.prepare(towers.load_preparation(checkpoint.read(folder, "tiny")), pictures(2))["pixel_values"]

    assert uploaded(tiny_altclip).dtype == torch.uint8
    assert uploaded(tiny_checkpoint("siglip2")).dtype == torch.float32  # it cuts pictures into patches


def test_no_more_than_a_few_pieces_are_prepared_ahead(tiny_altclip: Path) -> None:
    encoder = make(tiny_altclip)
    encoder.encode_images(pictures(1))
    tower, preparation = encoder._pictures.open().model, encoder._preparation
    read: list[int] = []

    def source() -> Any:
        for number, image in enumerate(pictures(40)):
            read.append(number)
            yield image

    pieces = feeding.stream(tower, tower.get_image_features, preparation, source(), piece=2)
    next(pieces)
    assert len(read) <= 2 * (1 + feeding.AHEAD + 1 + feeding.QUEUED)
    assert not torch.is_inference_mode_enabled(), "the caller computes as it did before"
    assert sum(map(len, pieces)) == 38


def test_attention_is_the_fused_one(tiny_altclip: Path) -> None:
    encoder = make(tiny_altclip)
    for tower in (encoder._texts, encoder._pictures):
        assert tower.open().model.config._attn_implementation == "sdpa"
