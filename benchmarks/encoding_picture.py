"""Draws the result of `benchmarks.encoding`: what each stage could do alone, against the whole run and the limit."""

from __future__ import annotations

import math
from collections.abc import Mapping
from html import escape
from typing import Any

WIDTH, LEFT, RIGHT, ROW, BAR = 860, 110, 70, 24, 15
SCALE = (0.1, 10_000.0)
FLOPS = {"lite": 1.72, "altclip": 162.0}
"""Billions of multiplications and additions of a picture: EfficientNet-Lite2 at 260 pixels, ViT-L/14 at 224."""
STYLE = """<style>text{font:13px sans-serif;fill:#333}.t{font-weight:600;font-size:15px}.k{fill:#777;font-size:12px}
.n{text-anchor:end}.m{text-anchor:middle}.b{fill:#4a7ab5}.l{fill:#c8683c}.g{stroke:#ddd}.w{stroke:#222;stroke-width:2}
.x{fill:none;stroke:#2a8a4a;stroke-width:2}</style>"""


def draw(result: Mapping[str, Any]) -> str:
    """Return the picture as SVG: lite and AltCLIP, each with the fastest runtime that was measured."""
    lite = {name: each for name, each in result["lite"].items() if "profile" in each}
    panels = [
        (f"{title}, {name}", figures[name], FLOPS[key])
        for title, key, figures in (("lite", "lite", lite), ("AltCLIP-m9 at full size", "altclip", result["altclip"]))
        for name in [max(figures, key=lambda name: figures[name]["pictures_per_second"])]
    ]
    parts, top = [], 34
    for title, figures, flops in panels:
        panel, height = _draw_panel(title, figures, result["float32_gflops"] / flops, top)
        parts += panel
        top += height
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top + 26}" role="img">'
    sentence = f"Pictures a second from JPEG files of {result['pixels']} pixels, on {result['cpu']}"
    head = f'<text class="k" x="12" y="20">{escape(sentence)}</text>'
    return "".join([svg, STYLE, head, *parts, _key(top), "</svg>"])


def _draw_panel(title: str, figures: Mapping[str, Any], limit: float, top: int) -> tuple[list[str], int]:
    profile = figures["profile"]
    stages = [stage for stage in profile["stages"] if stage["pictures"] and stage["stage"] != "load"]
    bottom = top + 30 + ROW * len(stages)
    parts = [f'<text class="t" x="12" y="{top + 16}">{escape(title)}</text>']
    for power in range(round(math.log10(SCALE[0])), round(math.log10(SCALE[1])) + 1):
        x = _x(10.0**power)
        parts.append(f'<line class="g" x1="{x:.1f}" x2="{x:.1f}" y1="{top + 24}" y2="{bottom}"/>')
        parts.append(f'<text class="k m" x="{x:.1f}" y="{bottom + 16}">{10.0**power:g}</text>')
    rates = [stage["pictures"] * profile["processors"] / max(stage["cpu_seconds"], 1e-3) for stage in stages]
    for number, (stage, rate) in enumerate(zip(stages, rates, strict=True)):
        y, end = top + 28 + ROW * number, _x(rate)
        kind = "l" if rate == min(rates) else "b"
        parts.append(f'<text class="n" x="{LEFT - 8}" y="{y + 12}">{stage["stage"]}</text>')
        parts.append(f'<rect class="{kind}" x="{LEFT}" y="{y}" width="{end - LEFT:.1f}" height="{BAR}"/>')
        if stage["stage"] == "encode":
            parts.append(f'<path class="x" d="M{_x(limit):.1f} {y - 3}v{BAR + 6}"/>')
            end = max(end, _x(limit))
        parts.append(f'<text class="k" x="{end + 6:.1f}" y="{y + 12}">{_format(rate)}</text>')
    whole = _x(figures["pictures_per_second"])
    parts.append(f'<line class="w" x1="{whole:.1f}" x2="{whole:.1f}" y1="{top + 24}" y2="{bottom}"/>')
    sentence = f"{_format(figures['pictures_per_second'])} all together"
    parts.append(f'<text class="n" x="{WIDTH - RIGHT}" y="{top + 16}">{sentence}</text>')
    return parts, bottom - top + 30


def _format(rate: float) -> str:
    return f"{rate:,.0f}" if rate >= 100 else f"{rate:.3g}"


def _key(top: int) -> str:
    sentence = (
        "Bars: a stage alone on all processors (orange: the slowest). Black: the whole run. "
        "Green: at the rate of torch's matrix product in float32."
    )
    return f'<text class="k" x="12" y="{top + 12}">{sentence}</text>'


def _x(rate: float) -> float:
    low, high = map(math.log10, SCALE)
    share = (math.log10(min(max(rate, SCALE[0]), SCALE[1])) - low) / (high - low)
    return LEFT + (WIDTH - LEFT - RIGHT) * share
