"""Inputs of towers that need no library: pictures of noise, and sentences of the nine languages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image

from ..runtimes.base import Inputs
from . import towers
from .checkpoint import Checkpoint
from .towers import Part

SENTENCES = (
    "a photo of snowy mountains at sunset",
    "two children playing football on a beach in summer",
    "日落时分的雪山照片",
    "孩子们在海滩上踢足球",
    "una foto de montañas nevadas al atardecer",
    "un perro negro durmiendo en el sofá",
    "une photo de montagnes enneigées au coucher du soleil",
    "une assiette de fraises sur une table en bois",
    "фотография снежных гор на закате",
    "красный автомобиль на узкой улице старого города",
    "夕焼けの雪山の写真",
    "窓辺で眠る黒い猫",
    "해질녘 눈 덮인 산 사진",
    "공원에서 자전거를 타는 사람들",
    "صورة جبال ثلجية عند الغروب",
    "امرأة تقرأ كتابا في مقهى",
    "una foto di montagne innevate al tramonto",
    "una barca a vela in mezzo al mare",
    "cat",
    "黄色い花",
    "рыбалка",
    "a group photo in front of the Eiffel Tower, taken at night, with many lights and people waving at the camera",
)


def inputs(checkpoint: Checkpoint, part: Part) -> tuple[Inputs, Inputs]:
    """Two batches for a tower, of different numbers, lengths and shapes. Raises EncoderUnavailable."""
    if part == "text_model":
        texts = [text_inputs(checkpoint, towers.load_tokenizer(checkpoint), [text])[0] for text in SENTENCES[:3]]
        return _doubled(texts[0]), texts[2]
    preparation = towers.load_preparation(checkpoint)
    side = checkpoint.image_side
    with towers.translate_errors(checkpoint, "used"):
        return (
            prepare_pictures(preparation, _noise((side, side), (side, side))),
            prepare_pictures(preparation, _noise((3 * side, side), (side, 2 * side), (side, side))),
        )


def prepare_pictures(preparation: Any, images: Sequence[Image.Image]) -> Inputs:
    """The inputs of the image tower for upright RGB pictures."""
    return dict(preparation(images=list(images), return_tensors="np"))


def tokens(checkpoint: Checkpoint, tokenizer: Any, texts: Sequence[str]) -> dict[str, list[list[int]]]:
    """The tokens of texts by transformers' tokenizer, as the checkpoint's family prepares them."""
    padding = "max_length" if checkpoint.family.pads_to_length else False
    return dict(tokenizer(list(texts), truncation=True, max_length=checkpoint.text_length, padding=padding))


def text_inputs(checkpoint: Checkpoint, tokenizer: Any, texts: Sequence[str]) -> list[Inputs]:
    """The inputs of the text tower, each text by itself."""
    with towers.translate_errors(checkpoint, "used"):
        rows_by_name = tokens(checkpoint, tokenizer, texts)
    return [{name: np.array([rows[row]]) for name, rows in rows_by_name.items()} for row in range(len(texts))]


def _doubled(values: Inputs) -> Inputs:
    return {key: np.concatenate([rows, rows]) for key, rows in values.items()}


def _noise(*sizes: tuple[int, int]) -> list[Image.Image]:
    random = np.random.default_rng(0)
    coarse = (random.integers(0, 256, (7, 7, 3), dtype=np.uint8) for _ in sizes)
    return [Image.fromarray(pixels).resize(size) for pixels, size in zip(coarse, sizes, strict=True)]
