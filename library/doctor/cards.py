"""The graphics cards, as the system lists them, whether or not a library can use them."""

from __future__ import annotations

import platform
import sys
from pathlib import Path

from . import probes
from .facts import Card

DEVICES = Path("/sys/class/drm")
VENDORS = {"0x10de": "nvidia", "0x1002": "amd"}
_QUERY = ("nvidia-smi", "--query-gpu=name,memory.total", "--format=csv,noheader,nounits")


def read() -> tuple[Card, ...]:
    """The cards that could compute encoders; graphics without memory of their own are none, except Apple's."""
    if sys.platform == "darwin":
        return (Card("Apple graphics", "apple"),) if platform.machine() == "arm64" else ()
    listed = parse_nvidia(probes.output_of(*_QUERY))
    vendors = {card.vendor for card in listed}
    return (*listed, *(card for card in in_folder(DEVICES) if card.vendor not in vendors))


def parse_nvidia(text: str) -> tuple[Card, ...]:
    """The cards in lines of `name, MB`, as nvidia-smi prints them."""
    cards = []
    for line in text.splitlines():
        name, _, megabytes = (part.strip() for part in line.rpartition(","))
        if name:
            cards.append(Card(name, "nvidia", int(megabytes) << 20 if megabytes.isdigit() else None))
    return tuple(cards)


def in_folder(folder: Path) -> tuple[Card, ...]:
    """The cards that Linux lists in /sys/class/drm; those of AMD only with memory of their own."""
    cards = []
    for device in sorted(folder.glob("card[0-9]*/device")):
        vendor = VENDORS.get(_text(device / "vendor"), "")
        memory = _text(device / "mem_info_vram_total")
        if vendor == "nvidia":
            cards.append(Card("NVIDIA card", vendor))
        elif vendor == "amd" and memory.isdigit() and int(memory) >= 2 << 30:
            cards.append(Card("AMD card", vendor, int(memory)))
    return tuple(dict.fromkeys(cards))


def _text(file: Path) -> str:
    try:
        return file.read_text().strip()
    except OSError:
        return ""
