"""The state of a run on disk: it appears complete or not at all, and a continued run is the same run.

OUTPUT/training/
    run.json            kind and options
    log.jsonl           a line for each logged step and validation
    checkpoints/        step-00000500.pt: trained weights, optimiser, position; best.pt
    loss.png            the curve
    events.out…         TensorBoard
"""

from __future__ import annotations

import errno
import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, BinaryIO, cast

import torch

from .. import atomic
from ..errors import DiskFull, TrainingError, UsageError
from .options import Options
from .processes import Processes

FOLDER = "training"
RUN = "run.json"
CHECKPOINTS = "checkpoints"
BEST = "best.pt"
KEPT = 2
"""Checkpoints by step that are kept, the newest."""


class RunFolder:
    """The folder of a run in its output folder."""

    def __init__(self, output: Path) -> None:
        self.output = output
        self.path = output / FOLDER
        self.log = self.path / "log.jsonl"

    def check(self, run: Mapping[str, Any], *, resume: bool) -> None:
        """Raise UsageError if the output folder holds something else, or a run that this one may not continue.

        A run that has no checkpoint yet may be started again.
        """
        if self.output.exists() and not self.output.is_dir():
            raise UsageError(f"{self.output} is a file.", "Name another --output.")
        if not (self.path / RUN).is_file():
            if self.output.is_dir() and any(self.output.iterdir()):
                raise UsageError(f"{self.output} holds something else.", "Name an empty or a new folder with --output.")
            return
        if not self._steps():
            return
        if not resume:
            raise UsageError(f"{self.output} holds a run.", "Go on with it by --resume, or name another --output.")
        stored, current = _read_json(self.path / RUN), json.loads(json.dumps(run))
        for key in sorted({**stored, **current}):
            if stored.get(key) != current.get(key):
                raise UsageError(
                    f"The run in {self.output} has {key} {stored.get(key)!r}, not {current.get(key)!r}.",
                    "Continue it with its own settings, or name another --output.",
                )

    def create(self, run: Mapping[str, Any]) -> None:
        """Create the folder, and write down what the run is; what a run without a checkpoint left is removed.

        Raises DiskFull, TrainingError.
        """
        with reporting_full_disk(self.output):
            if not self._steps():
                shutil.rmtree(self.path, ignore_errors=True)
            (self.path / CHECKPOINTS).mkdir(parents=True, exist_ok=True)
            _write_json(self.path / RUN, run)

    def save(self, step: int, state: Mapping[str, Any]) -> None:
        """Write the checkpoint of a step, then remove the oldest. Raises DiskFull, with the older ones kept."""
        self._write(f"step-{step:08}.pt", state)
        for old in self._steps()[:-KEPT]:
            old.unlink(missing_ok=True)

    def save_best(self, state: Mapping[str, Any]) -> None:
        """Write the weights with the best score. Raises DiskFull, with the earlier ones kept."""
        self._write(BEST, state)

    def newest(self) -> dict[str, Any] | None:
        """The newest checkpoint, or None. Raises TrainingError if it is damaged."""
        steps = self._steps()
        return self._read(steps[-1]) if steps else None

    def best(self) -> dict[str, Any] | None:
        """The weights with the best score, or None. Raises TrainingError if they are damaged."""
        path = self.path / CHECKPOINTS / BEST
        return self._read(path) if path.is_file() else None

    def _write(self, name: str, state: Mapping[str, Any]) -> None:
        target = self.path / CHECKPOINTS / name
        with reporting_full_disk(self.output), atomic.whole_file(target) as temporary:
            _save(dict(state), temporary)

    def _read(self, path: Path) -> dict[str, Any]:
        try:
            state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        except Exception as error:
            raise TrainingError(
                f"{path} is damaged ({type(error).__name__}).", "Remove it: the run goes on from the one before."
            ) from error
        return state

    def _steps(self) -> list[Path]:
        return sorted((self.path / CHECKPOINTS).glob("step-*.pt"))


def check_alone(folder: RunFolder, run: Mapping[str, Any], options: Options, processes: Processes) -> None:
    """Let the first process check the folder, before it creates files that another would take for something else."""
    if processes.rank == 0:
        folder.check(run, resume=options.resume)
    processes.agree(None)


@contextmanager
def reporting_full_disk(output: Path) -> Iterator[None]:
    """Turn errors of writing into one line. Raises DiskFull, TrainingError."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFull(
                f"The disk of {output} is full; the checkpoints that were there are kept.",
                "Free space, then run the same command with --resume.",
            ) from error
        raise TrainingError(
            f"{output} cannot be written ({error.strerror}).", "Mend that, then run the same command with --resume."
        ) from error


def _save(state: dict[str, Any], path: Path) -> None:
    """Write a state. Raises OSError, which torch by itself hides behind a RuntimeError about positions in the file."""
    with path.open("wb") as file:
        writer = _Writer(file)
        try:
            torch.save(state, cast("IO[bytes]", writer))
        except RuntimeError:
            if writer.error is not None:
                raise writer.error from None
            raise


class _Writer:
    """A file that remembers why it could not be written."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.error: OSError | None = None
        self.flush = file.flush

    def write(self, data: bytes) -> int:
        try:
            return self._file.write(data)
        except OSError as error:
            self.error = self.error or error
            raise


def _write_json(path: Path, value: Mapping[str, Any]) -> None:
    with atomic.whole_file(path) as temporary:
        temporary.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _read_json(path: Path) -> dict[str, Any]:
    try:
        value: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise TrainingError(f"{path} is damaged.", "Name another --output.") from error
    return value
