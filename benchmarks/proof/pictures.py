"""Pictures of the drawn world: one to three equal shapes in a row, at one side of a grey ground."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw

from .captions import Scene, captions

SIDE = 32
_FINER = 4
"""Pictures are drawn so many times larger and then reduced."""

_RGB = {
    "red": (215, 35, 40),
    "blue": (35, 70, 205),
    "green": (30, 150, 60),
    "yellow": (240, 210, 30),
    "white": (250, 250, 250),
    "black": (15, 15, 15),
}


def draw(scene: Scene, chance: random.Random) -> Image.Image:
    """A picture (SIDE, SIDE) of the scene; ground, tints, sizes and places within the side are drawn by `chance`."""
    size = SIDE * _FINER
    grey = chance.randint(105, 165)
    picture = Image.new("RGB", (size, size), tuple(grey + chance.randint(-12, 12) for _ in range(3)))
    pen = ImageDraw.Draw(picture)
    radius = size * chance.uniform(0.115, 0.145)
    step = size * chance.uniform(0.31, 0.335)
    across = size * {"left": 0.24, "top": 0.24, "right": 0.76, "bottom": 0.76}[scene.place]
    across += size * chance.uniform(-0.05, 0.05)
    along = size / 2 + size * chance.uniform(-0.02, 0.02) * (4 - scene.count)
    tint = tuple(min(255, max(0, part + chance.randint(-14, 14))) for part in _RGB[scene.colour])
    for number in range(scene.count):
        middle = along + step * (number - (scene.count - 1) / 2)
        centre = (across, middle) if scene.place in ("left", "right") else (middle, across)
        _draw_shape(pen, scene.shape, centre, radius, tint)
    return picture.resize((SIDE, SIDE), Image.Resampling.BOX)


def name(scene: Scene) -> str:
    """The name of a scene's file."""
    return f"{scene.count}-{scene.colour}-{scene.shape}-{scene.place}.png"


def write(scenes: Sequence[Scene], languages: Sequence[str], sentences: int, folder: Path, seed: int) -> Path:
    """Write a picture of each scene, and so many captions in each language to `pairs.jsonl`, which is returned."""
    chance = random.Random(seed)
    folder.mkdir(parents=True)
    with (folder / "pairs.jsonl").open("w", encoding="utf-8") as file:
        for scene in scenes:
            draw(scene, chance).save(folder / name(scene))
            texts = {language: captions(scene, language)[:sentences] for language in languages}
            file.write(json.dumps({"image": name(scene), "captions": texts}, ensure_ascii=False) + "\n")
    return folder / "pairs.jsonl"


def _draw_shape(
    pen: ImageDraw.ImageDraw, shape: str, centre: tuple[float, float], radius: float, colour: tuple[int, ...]
) -> None:
    x, y = centre
    if shape == "circle":
        pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)
    elif shape == "square":
        side = radius * 0.9
        pen.rectangle((x - side, y - side, x + side, y + side), fill=colour)
    elif shape == "triangle":
        pen.polygon(_corners(centre, [radius * 1.2] * 3), fill=colour)
    elif shape == "star":
        pen.polygon(_corners(centre, [radius * 1.2, radius * 0.5] * 5), fill=colour)
    else:
        half = radius * 0.52
        for left in (-half, half):
            pen.ellipse((x + left - half, y - radius * 0.9, x + left + half, y + 2 * half - radius * 0.9), fill=colour)
        edge = y - radius * 0.25
        pen.polygon([(x - 2 * half, edge), (x + 2 * half, edge), (x, y + radius)], fill=colour)


def _corners(centre: tuple[float, float], radii: Sequence[float]) -> list[tuple[float, float]]:
    turns = [2 * math.pi * number / len(radii) - math.pi / 2 for number in range(len(radii))]
    return [
        (centre[0] + radius * math.cos(turn), centre[1] + radius * math.sin(turn))
        for turn, radius in zip(turns, radii, strict=True)
    ]
