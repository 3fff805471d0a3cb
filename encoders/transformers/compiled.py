"""One tower of a checkpoint on this machine: which runtime and precision compute it, and what happens if one fails.

The plans for a tower end with torch, which works everywhere. A plan that cannot be carried out, be it when the tower is
opened or in the middle of a run, is given up with one line in the log, and the next one computes the same batch.
"""

from __future__ import annotations

import logging
import math
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...config import Settings
from ..runtimes import cpu, files, memory, openvino_
from ..runtimes.base import Inputs, Projected, Runtime, Tower, TowerUnusable, one_line
from ..runtimes.files import Stored
from ..runtimes.torch_ import TorchTower
from . import identity, precision, samples
from .checkpoint import Checkpoint
from .towers import Part, load_tower

log = logging.getLogger("polyglance")

METHODS: dict[Part, str] = {"text_model": "get_text_features", "vision_model": "get_image_features"}
SIDES: dict[Part, str] = {"text_model": "text", "vision_model": "image"}

PARITY = 0.9999
"""Least cosine of a converted tower to torch in float32. Tracing fixes what depends on an example's values."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A runtime and a precision for a tower; `stored` is the file to read, None to convert the checkpoint."""

    runtime: Runtime
    precision: str
    stored: Stored | None = None

    @property
    def dtype(self) -> str:
        """As fingerprints name it: `float32` for torch, `openvino float32`."""
        return self.precision if self.runtime == "torch" else f"{self.runtime} {self.precision}"


def made_of(checkpoint: Checkpoint, part: Part) -> str:
    """Digest of what the vectors of a tower depend on, whatever computes it."""
    fingerprint = identity.fingerprint(checkpoint, "float32")
    return fingerprint.text_digest if part == "text_model" else fingerprint.digest


def find_stored(checkpoint: Checkpoint, part: Part) -> tuple[Stored | None, str | None]:
    """What was compiled for this tower on this machine before, and why it cannot be used."""
    digest = made_of(checkpoint, part)
    places = files.folders(checkpoint.path, digest)
    return files.find(places, SIDES[part], digest, openvino_.version(), str(cpu.read()))


def make_plans(checkpoint: Checkpoint, part: Part, settings: Settings) -> tuple[Plan, ...]:
    """How to compute a tower, the best first, torch last. Reads no weights. Raises EncoderUnavailable."""
    eager = Plan("torch", precision.dtype_name(settings))
    wants = settings.runtime == "openvino" or settings.precision == "int8"
    if settings.runtime == "torch" or settings.precision == "float16" or not precision.is_cpu(settings):
        if wants:
            log.warning(f"OpenVINO and int8 are for the CPU; {checkpoint.name} computes in {eager.precision} here.")
        return (eager,)
    if not openvino_.is_installed():
        if wants:
            log.warning(f"OpenVINO is not installed; torch computes. To get it: {openvino_.HOW_TO_GET}")
        return (eager,)
    # A conversion takes as long as many searches, so it is for those who ask for OpenVINO.
    others = (Plan("openvino", eager.precision), eager) if settings.runtime == "openvino" else (eager,)
    stored, reason = find_stored(checkpoint, part)
    if reason:
        log.warning(f"{reason}; it is made again by: polyglance encoders prepare")
    if stored is None or not stored.compiled.files:
        return others
    kept, measured = Plan("openvino", stored.compiled.precision, stored), stored.compiled.milliseconds
    is_faster = measured.get(kept.dtype, 0) <= measured.get(others[0].dtype, math.inf)
    if settings.precision == kept.precision or (settings.precision == "auto" and is_faster):
        return (kept, *others)
    return others


class TowerOnThisMachine:
    """A tower that opens on first use, and changes to its next plan when a runtime fails. Threads share it."""

    def __init__(self, checkpoint: Checkpoint, part: Part, settings: Settings) -> None:
        self.checkpoint = checkpoint
        self.part = part
        self._settings = settings
        self._plans: tuple[Plan, ...] | None = None
        self._opening = threading.RLock()
        self.opened: Tower | None = None

    @property
    def plan(self) -> Plan:
        """What computes it, or will, as far as is known. Raises EncoderUnavailable."""
        return self._all_plans()[0]

    def project(self, inputs: Inputs) -> Projected:
        """Compute projected vectors (n, dimension) in float32. Raises EncoderUnavailable."""
        while True:
            tower = self.open()
            try:
                return tower.project(inputs)
            except TowerUnusable as error:
                with self._opening:
                    if self.opened is tower:  # else another thread has changed it
                        self.opened = None
                        self._give_up(error)

    def open(self) -> Tower:
        """The tower, opened by the first plan that can be carried out. Raises EncoderUnavailable."""
        with self._opening:
            while self.opened is None:
                try:
                    self.opened = _open(self.checkpoint, self.part, self._settings, self._all_plans()[0])
                except TowerUnusable as error:
                    self._give_up(error)
            return self.opened

    def reconsider(self) -> None:
        """Plan again: what is on the disk has changed."""
        with self._opening:
            self._plans, self.opened = None, None

    def _all_plans(self) -> tuple[Plan, ...]:
        with self._opening:
            if self._plans is None:
                self._plans = make_plans(self.checkpoint, self.part, self._settings)
            return self._plans

    def _give_up(self, error: TowerUnusable) -> None:
        failed, *others = self._all_plans()
        self._plans = tuple(others)
        side = SIDES[self.part]
        log.warning(f"{self.checkpoint.name}, {side} tower: {error}; computing in {others[0].dtype}.")
        log.debug("%s failed", failed, exc_info=error)


def load_eager(checkpoint: Checkpoint, part: Part, settings: Settings, dtype: str) -> TorchTower:
    """The tower in torch. Raises EncoderUnavailable."""
    import torch

    model = load_tower(checkpoint, part, precision.device(settings), getattr(torch, dtype))
    return TorchTower(model, METHODS[part])


def convert(checkpoint: Checkpoint, part: Part, settings: Settings, folder: Path) -> tuple[Path, Tower]:
    """Write the tower as OpenVINO's model into `folder`; returns its file, and the tower in float32 that it makes.

    It is compared with torch on inputs of other sizes than the traced ones. The weights are read from the file as they
    are needed, so torch's are not held beside OpenVINO's. Raises TowerUnusable, EncoderUnavailable, OSError.
    """
    example, other = samples.inputs(checkpoint, part)
    eager = load_eager(checkpoint, part, settings, "float32")
    expected = eager.project(other)
    path, _ = openvino_.save(openvino_.convert(eager.model, eager.method, example), folder / "float.xml", halve=False)
    del eager
    memory.give_back()
    tower = openvino_.compile_model(path, "float32")
    least = cosines(tower.project(other), expected).min()
    if not least >= PARITY:
        raise TowerUnusable(f"OpenVINO does not compute what torch does (cosine {least:.4f})")
    return path, tower


def cosines(left: Projected, right: Projected) -> Any:
    """The cosine of each row of `left` with the same row of `right`, in float64."""
    left, right = left.astype(np.float64), right.astype(np.float64)
    return (left * right).sum(1) / np.linalg.norm(left, axis=1) / np.linalg.norm(right, axis=1)


def _open(checkpoint: Checkpoint, part: Part, settings: Settings, plan: Plan) -> Tower:
    if plan.runtime == "torch":
        return load_eager(checkpoint, part, settings, plan.precision)
    if plan.stored is None:
        return _open_converted(checkpoint, part, settings, plan)
    if damaged := plan.stored.damaged(identity.file_sha256):
        raise TowerUnusable(f"{plan.stored.folder / damaged} is damaged")
    return openvino_.compile_model(plan.stored.model, plan.precision)


def _open_converted(checkpoint: Checkpoint, part: Part, settings: Settings, plan: Plan) -> Tower:
    with tempfile.TemporaryDirectory(prefix="polyglance-", ignore_cleanup_errors=True) as folder:
        try:
            path, tower = convert(checkpoint, part, settings, Path(folder))
        except OSError as error:
            raise TowerUnusable(f"{folder} cannot hold the converted tower ({one_line(error)})") from error
        if plan.precision == "float32":
            return tower
        del tower
        return openvino_.compile_model(path, plan.precision)
