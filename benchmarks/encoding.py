"""Encoding on the CPU, side by side in one run: decoders, lite, AltCLIP at full size through each runtime, queries.

    python -m benchmarks.encoding [--checkpoint DIR]

Without DIR, a random checkpoint of AltCLIP-m9's shape is built in `/tmp/polyglance-altclip-m9` (4 GB of disk, 8 GB of
memory, once). Every part runs in a process of its own. Keeps `results/encoding.json` and draws
`docs/images/encoding.svg`. With AVX2 alone eight minutes, and more than seven for quantising at full size.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from . import encoding_picture
from .altclip_parity import build
from .encoding_parts import PARTS, index_part, machine
from .pictures import write_photos
from .report import RESULTS, parser, publish

PHOTOS, SIZE = 48, (4000, 3000)
SMALL = 3, (400, 300)
ALTCLIP_PHOTOS = 7
"""Of eight photos on an index run recognises things, and encodes the names of 1,370 first."""
CHECKPOINT = Path(tempfile.gettempdir()) / "polyglance-altclip-m9"
PARTIAL = Path(tempfile.gettempdir()) / "polyglance-encoding.json"
"""The figures of a run that goes on."""
PICTURE = RESULTS.parents[1] / "docs" / "images" / "encoding.svg"


def main(arguments: Sequence[str] | None = None) -> None:
    options = read_options(arguments)
    if options.part:
        print(json.dumps(PARTS[options.part](options)))
        return
    with tempfile.TemporaryDirectory() as folder:
        options.folder = Path(folder)
        count, (width, height) = SMALL if options.small else (PHOTOS, SIZE)
        write_photos(options.folder / "photos", count, width, height)
        write_photos(options.folder / "few", min(count, ALTCLIP_PHOTOS), width, height)
        build_checkpoint(options)
        result: dict[str, Any] = {**machine(), "pixels": f"{width} x {height}"}
        for part in ("decoding", "lite", "lite_queries", "readme"):
            result[part] = run_part(part, options)
            keep(result, options)
        result["altclip"] = {}
        for name, figures in altclip(options):
            result["altclip"][name] = figures
            keep(result, options)
        result["altclip_cold_search_seconds"] = run_part("cold", options)
    result["times_faster_than_readme"] = {
        name: round(figures["pictures_per_second"] / result["readme"]["pictures_per_second"], 2)
        for name, figures in result["altclip"].items()
    }
    publish("encoding", result, small=options.small)
    svg = encoding_picture.draw(result)
    if not options.small:
        PICTURE.write_text(svg, encoding="utf-8")


def read_options(arguments: Sequence[str] | None) -> argparse.Namespace:
    options = parser(__doc__)
    options.add_argument("--checkpoint", type=Path)
    options.add_argument("--part", choices=sorted(PARTS), help=argparse.SUPPRESS)
    options.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options.add_argument("--variant", default="", help=argparse.SUPPRESS)
    options.add_argument("--hundred", action="store_true", help=argparse.SUPPRESS)
    return options.parse_args(arguments)


def build_checkpoint(options: argparse.Namespace) -> None:
    """Build the random checkpoint if none is named and none was built before."""
    if options.small:
        options.checkpoint = options.folder / "checkpoint"
        build(options.checkpoint, full_size=False)
    elif options.checkpoint is None:
        options.checkpoint = CHECKPOINT
        if not (CHECKPOINT / "pytorch_model.bin").exists():
            build(CHECKPOINT, full_size=True)


def keep(result: dict[str, Any], options: argparse.Namespace) -> None:
    """Keep what was measured until now: a part at full size takes minutes, and the next one may be stopped."""
    if not options.small:
        PARTIAL.write_text(json.dumps(result, indent=2), encoding="utf-8")


def altclip(options: argparse.Namespace) -> Iterator[tuple[str, Any]]:
    """(name, figures): whole pipeline and queries with each runtime and precision that this machine offers."""
    names = variants()
    for name in names[-1:] if options.small else names:
        options.variant, options.hundred = name, name == names[-1]
        if name == "openvino int8" and not options.small:
            run_part("prepare", options)
        yield name, run_part("altclip", options)


def variants() -> list[str]:
    """`runtime precision`, slowest first; those that this installation and this CPU have."""
    from polyglance.config import Settings
    from polyglance.encoders.transformers.precision import cpu_computes_bfloat16

    names = ["torch float32", *["torch bfloat16"] * cpu_computes_bfloat16()]
    if "runtime" in Settings.model_fields and index_part.has_openvino():
        names += ["openvino bfloat16" if cpu_computes_bfloat16() else "openvino float32", "openvino int8"]
    return names


def run_part(part: str, options: argparse.Namespace) -> Any:
    """Run a part in a process of its own; in a small run, in this one."""
    if options.small:
        return PARTS[part](options)
    command = [sys.executable, "-m", "benchmarks.encoding", "--part", part, "--folder", str(options.folder)]
    command += ["--checkpoint", str(options.checkpoint), "--variant", options.variant]
    command += ["--hundred"] * options.hundred
    environment = dict(os.environ)
    if options.variant:
        runtime, precision = options.variant.split()
        environment |= {"POLYGLANCE_RUNTIME": runtime, "POLYGLANCE_PRECISION": precision}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        raise SystemExit(f"{part} {options.variant}: {done.stderr}")
    print(f"{part} {options.variant}", file=sys.stderr)
    return json.loads(re.split(r"\n(?=[\[{\"\d])", done.stdout.strip())[-1])


if __name__ == "__main__":
    main()
