"""An index run prepares the image tower beside its work: it keeps some of its pictures, and a process quantises.

Until that process is done the tower computes as before; then the run's next batch is computed by what was found to be
fastest. Vectors from before and after may be compared, because a tower that is too far from float32 is never used.
"""

from __future__ import annotations

import atexit
import logging
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import numpy as np

from ...config import Settings
from ..runtimes import openvino_, quantising
from ..runtimes.base import Inputs
from . import compiled, precision
from .compiled import TowerOnThisMachine

log = logging.getLogger("polyglance")

SAMPLES = 40
"""Pictures to quantise with; every fourth of them only measures the result."""

EVERY = 8
"""Every so-many-th picture of a run is kept, so that they come from many folders. When there are enough, a run has
encoded 320 pictures: one that is shorter is done sooner without quantising."""


class Preparation:
    """What an index run does to prepare the image tower `tower`. Threads share it."""

    def __init__(self, tower: TowerOnThisMachine, settings: Settings) -> None:
        self._tower = tower
        self._settings = settings
        self._every = 1 if settings.precision == "int8" else EVERY
        self._turn = threading.Lock()
        self._is_over = True
        self._seen = 0
        self._kept: list[Inputs] = []
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def begin(self) -> None:
        """An index run begins: keep some of its pictures if the tower was not prepared. Searches do not call this."""
        with self._turn:
            if self._is_over and self._process is None:
                self._is_over = not self._is_needed()

    def offer(self, inputs: Inputs) -> None:
        """Called with each batch that was encoded: keeps pictures, starts the process, or uses what it has made."""
        with self._turn:
            if self._is_over:
                return
            if self._process is not None:
                self._end_if_done(self._process)
                return
            count = len(next(iter(inputs.values())))
            for row in range(-self._seen % self._every, count, self._every):
                self._kept.append({key: values[row : row + 1].copy() for key, values in inputs.items()})
            self._seen += count
            if len(self._kept) >= SAMPLES:
                self._start()

    def _is_needed(self) -> bool:
        """Whether this tower could be computed by OpenVINO, and nothing was prepared for it on this machine."""
        settings = self._settings
        if settings.runtime == "torch" or settings.precision not in ("auto", "int8") or not precision.is_cpu(settings):
            return False
        if not (openvino_.is_installed() and quantising.is_installed()):
            return False
        return compiled.find_stored(self._tower.checkpoint, self._tower.part)[0] is None

    def _start(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="polyglance-", ignore_cleanup_errors=True)
        samples = Path(self._folder.name) / "samples.npz"
        stacked = {key: np.concatenate([each[key] for each in self._kept[:SAMPLES]]) for key in self._kept[0]}
        self._kept = []
        checkpoint = self._tower.checkpoint
        words = [str(checkpoint.path), checkpoint.name, self._settings.precision, str(samples)]
        try:
            np.savez(samples, allow_pickle=False, **stacked)
            with (samples.parent / "errors").open("wb") as errors:
                self._process = subprocess.Popen(
                    [sys.executable, "-P", "-m", "polyglance.encoders.transformers.preparing", *words],
                    stdin=subprocess.PIPE,  # it ends when this is closed, be it by a kill
                    stdout=subprocess.DEVNULL,
                    stderr=errors,
                )
        except OSError as error:
            log.warning(f"The image tower is not prepared: {error.strerror or error}.")
            self._close()
            return
        atexit.register(self._close)
        log.info(f"Preparing {checkpoint.name} for this machine beside the run, with {SAMPLES} of its pictures.")

    def _end_if_done(self, process: subprocess.Popen[bytes]) -> None:
        if (code := process.poll()) is None:
            return
        assert self._folder is not None
        lines = (Path(self._folder.name) / "errors").read_text(encoding="utf-8", errors="replace").strip().splitlines()
        self._close()
        if code == 0:
            self._tower.reconsider()
            log.info(f"{self._tower.checkpoint.name} is prepared: {self._tower.plan.dtype} from now on.")
        else:
            reason = lines[-1][:200] if lines else f"it ended with {code}; is memory short?"
            log.warning(f"{self._tower.checkpoint.name} was not prepared for this machine: {reason}")

    def _close(self) -> None:
        """End the process if it still runs, and remove what it was given."""
        self._is_over = True
        atexit.unregister(self._close)
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            if self._process.stdin is not None:
                self._process.stdin.close()
        if self._folder is not None:
            self._folder.cleanup()
