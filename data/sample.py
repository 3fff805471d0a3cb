"""The embedded sample of `polyglance demo`: pictures that scikit-image ships in its wheel."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path

from ..errors import UsageError

PICTURES = (
    "astronaut.png",
    "brick.png",
    "camera.png",
    "cell.png",
    "chelsea.png",
    "clock_motion.png",
    "coffee.png",
    "coins.png",
    "color.png",
    "grass.png",
    "gravel.png",
    "horse.png",
    "hubble_deep_field.jpg",
    "ihc.png",
    "moon.png",
    "motorcycle_left.png",
    "motorcycle_right.png",
    "page.png",
    "retina.jpg",
    "rocket.jpg",
    "text.png",
)

WORDS = {
    "en": ("cat", "rocket", "coffee", "motorcycle"),
    "zh": ("猫", "火箭", "咖啡", "摩托车"),
    "es": ("gato", "cohete", "café", "motocicleta"),
    "fr": ("chat", "fusée", "café", "moto"),
    "ru": ("кошка", "ракета", "кофе", "мотоцикл"),
    "ja": ("猫", "ロケット", "コーヒー", "オートバイ"),
    "ko": ("고양이", "로켓", "커피", "오토바이"),
    "ar": ("قطة", "صاروخ", "قهوة", "دراجة نارية"),
    "it": ("gatto", "razzo", "caffè", "motocicletta"),
}
"""Four searches in each of the nine languages, in the order of EXPECTED."""

EXPECTED = ("chelsea", "rocket", "coffee", "motorcycle")
"""The beginning of the name of the file that each search should find first."""


def copy_sample(target: Path) -> list[Path]:
    """Put the sample pictures into `target` and return them. Raises UsageError without the `demo` extra."""
    package = importlib.util.find_spec("skimage")
    if package is None or not package.submodule_search_locations:
        raise UsageError(
            "The demo's pictures are not installed.", "Run: pip install 'polyglance[demo]' (or: make demo)"
        )
    source = Path(package.submodule_search_locations[0]) / "data"
    target.mkdir(parents=True, exist_ok=True)
    for name in PICTURES:
        if not (target / name).exists():
            shutil.copy2(source / name, target / name)
    return [target / name for name in PICTURES]
