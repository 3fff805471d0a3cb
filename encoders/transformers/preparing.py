"""Prepares a tower for this machine: converts it, quantises it, measures what is fastest, and keeps the result.

    python -m polyglance.encoders.transformers.preparing CHECKPOINT NAME PRECISION SAMPLES

does it for both towers in a process of its own, which an index run starts: quantising takes minutes and gigabytes, and
a process that fails or is killed costs the run nothing.
"""

from __future__ import annotations

import logging
import math
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ...config import Settings
from ...errors import EncoderUnavailable, PolyglanceError
from ..runtimes import cpu, files, memory, openvino_, quantising
from ..runtimes.base import LEAST_COSINE, Inputs, Projected, Tower, TowerUnusable
from ..runtimes.files import Compiled
from ..runtimes.quantising import RECIPES, Recipe
from . import checkpoint as checkpoints
from . import compiled, precision, samples, tokens, towers
from .checkpoint import Checkpoint
from .towers import Part

log = logging.getLogger("polyglance")

HELD_OUT = 4
"""Every so-many-th sample is not used to quantise. The least cosine is that of all samples."""

TIMED = {"text_model": 12, "vision_model": 3}
"""How often a tower is timed with one input. The least time counts: other programs only make it longer."""

TORCH_STARTS_LATER = 1.25
"""Factor on torch's time for a text: a search without it starts seconds sooner, so OpenVINO may be a little slower."""

Say = Callable[[str], object]


def prepare(
    checkpoint: Checkpoint, part: Part, settings: Settings, inputs: Sequence[Inputs], say: Say = log.info
) -> Compiled:
    """Prepare a tower with `inputs`, a picture or text each; keep the result beside the checkpoint or in the cache.

    Raises EncoderUnavailable if OpenVINO is missing or cannot compute the tower; OSError if nothing can be written.
    """
    if not (openvino_.is_installed() and quantising.is_installed()):
        raise EncoderUnavailable("OpenVINO and NNCF are not installed.", f"Install them: {openvino_.HOW_TO_GET}")
    side = compiled.SIDES[part]
    try:
        with tempfile.TemporaryDirectory(prefix="polyglance-", ignore_cleanup_errors=True) as folder:
            return _prepare(checkpoint, part, settings, inputs, Path(folder), say)
    except TowerUnusable as error:
        raise EncoderUnavailable(
            f"The {side} tower of {checkpoint.name} cannot be prepared: {error}.", "torch computes it as before."
        ) from error


def text_samples(checkpoint: Checkpoint) -> list[Inputs]:
    """Inputs of the text tower: sentences of the nine languages. Raises EncoderUnavailable."""
    return samples.text_inputs(checkpoint, towers.load_tokenizer(checkpoint), samples.SENTENCES)


def _prepare(
    checkpoint: Checkpoint,
    part: Part,
    settings: Settings,
    inputs: Sequence[Inputs],
    folder: Path,
    say: Say,
) -> Compiled:
    side, repeats = compiled.SIDES[part], TIMED[part]
    calibration = [each for number, each in enumerate(inputs, start=1) if number % HELD_OUT]
    dtype = precision.dtype_name(settings.model_copy(update={"precision": "auto"}))
    milliseconds = {dtype: _time(compiled.load_eager(checkpoint, part, settings, dtype), inputs, repeats)}
    say(f"torch {dtype}: {milliseconds[dtype]:.0f} ms")
    path, tower = compiled.convert(checkpoint, part, settings, folder)
    expected = _project(tower, inputs)
    if dtype != "float32":
        del tower
        tower = openvino_.compile_model(path, dtype)
    milliseconds[f"openvino {dtype}"] = _time(tower, inputs, repeats)
    say(f"openvino {dtype}: {milliseconds[f'openvino {dtype}']:.0f} ms")
    cosines = {dtype: _least_cosine(tower, inputs, expected)}
    del tower
    memory.give_back()

    model = openvino_.core().read_model(path)
    quantised: Any = None
    for recipe in RECIPES:
        if quantised is not None and not _may_be_faster(recipe, part):
            continue
        candidate = quantising.quantise(model, calibration, recipe, cpu.read())
        tower = openvino_.compile_model(candidate, "int8")
        cosine, taken = _least_cosine(tower, inputs, expected), _time(tower, inputs, repeats)
        say(f"openvino {recipe.name}: {taken:.0f} ms, cosine to float32 at least {cosine:.4f}")
        if cosine >= LEAST_COSINE and taken < milliseconds.get("openvino int8", math.inf):
            milliseconds["openvino int8"], cosines["int8"], quantised = taken, cosine, candidate
    if part == "text_model":
        milliseconds[dtype] *= TORCH_STARTS_LATER
    fastest = min(milliseconds, key=milliseconds.__getitem__)
    kept = "int8" if "int8" in cosines and (settings.precision == "int8" or fastest == "openvino int8") else dtype
    result = Compiled(
        made_of=compiled.made_of(checkpoint, part),
        version=openvino_.version(),
        cpu=str(cpu.read()),
        precision=kept,
        cosine=cosines[kept],
        milliseconds={name: round(value, 1) for name, value in milliseconds.items()},
        fastest=fastest,
        inputs=list(inputs[0]),
    )

    def save(target: Path) -> list[Path]:
        # Float weights are kept in 16 bits: half the disk, and a cosine of 0.999999.
        saved = [*openvino_.save(quantised if kept == "int8" else model, target, halve=kept != "int8")]
        tokenizer = target.with_suffix(files.TOKENIZER)
        return [*saved, tokenizer] if part == "text_model" and tokens.save(checkpoint, tokenizer) else saved

    is_kept = fastest.startswith("openvino") or settings.precision == "int8" or settings.runtime == "openvino"
    where = files.write(files.folders(checkpoint.path, result.made_of), side, result, save if is_kept else None)
    say(f"The {side} tower of {checkpoint.name} is fastest here with {fastest}; see {where}")
    return result


def _may_be_faster(recipe: Recipe, part: Part) -> bool:
    """Whether a recipe may be faster than one before it: a short text spends its time on reading weights."""
    return part == "text_model" and not recipe.activations


def _project(tower: Tower, inputs: Sequence[Inputs]) -> Projected:
    return np.concatenate([tower.project(each) for each in inputs])


def _least_cosine(tower: Tower, inputs: Sequence[Inputs], expected: Projected) -> float:
    least = float(compiled.cosines(_project(tower, inputs), expected).min())
    return least if np.isfinite(least) else 0.0


def _time(tower: Tower, inputs: Sequence[Inputs], repeats: int) -> float:
    """The least milliseconds of several that the input of median size took: a text of two words says little."""
    typical = sorted(inputs, key=lambda each: sum(values.size for values in each.values()))[len(inputs) // 2]
    tower.project(typical)
    taken = []
    for _ in range(repeats):
        start = time.perf_counter()
        tower.project(typical)
        taken.append(time.perf_counter() - start)
    return 1000 * min(taken)


def main(arguments: Sequence[str]) -> None:
    """Prepare in this process, which ends when its standard input is closed: then its parent is gone."""
    path, name, wanted, file = arguments
    threading.Thread(target=_end_with_parent, daemon=True).start()
    if hasattr(os, "nice"):
        os.nice(10)  # the run that started it, and searches, go first
    with np.load(file, allow_pickle=False) as arrays:
        stacked = {key: arrays[key] for key in arrays.files}
    count = len(next(iter(stacked.values())))
    pictures = [{key: values[row : row + 1] for key, values in stacked.items()} for row in range(count)]
    checkpoint, settings = checkpoints.read(Path(path), name), Settings(precision=wanted, device="cpu")
    prepare(checkpoint, "vision_model", settings, pictures)
    if compiled.find_stored(checkpoint, "text_model")[0] is None:
        prepare(checkpoint, "text_model", settings, text_samples(checkpoint))


def _end_with_parent() -> None:
    while os.read(0, 1024):  # not sys.stdin, whose lock this thread would hold when the interpreter ends
        pass
    os._exit(1)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except (PolyglanceError, OSError) as error:
        sys.exit(str(error))  # the run that started it shows this line
