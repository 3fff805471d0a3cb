"""Thumbnails in the terminal, by textual-image: kitty's protocol, sixel (iTerm2 too), else half blocks (ADR 0029)."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path
from typing import Any

HEIGHT = 8
"""Rows of the terminal that a thumbnail takes."""

MARGIN = 6
"""Columns before a thumbnail, below the paths."""


def picture_class() -> Any:
    """The class of pictures that this terminal can show, found by asking it; None if it can show none.

    A terminal that does not answer is waited for a tenth of a second.
    """
    no_colours = os.environ.get("NO_COLOR") or os.environ.get("TERM") in {"dumb", "unknown", None}
    if no_colours or not (sys.stdin.isatty() and sys.stdout.isatty()):
        return None
    logging.getLogger("textual_image").setLevel(logging.ERROR)  # it warns of terminals that do not tell their size
    from textual_image.renderable import Image

    return Image


def print_picture(kind: Any, thumbnail: Path) -> None:
    """Print a thumbnail. Raises OSError."""
    from rich.console import Console
    from rich.padding import Padding

    console = Console()
    image = kind(str(thumbnail), width="auto", height=HEIGHT)
    console.print(Padding(image, (0, 0, 0, MARGIN), expand=False))
