"""What a run writes down: JSON lines, TensorBoard files, and the curve of the loss as a picture."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw

from .. import atomic
from .options import Point, Validation

WIDTH, HEIGHT, MARGIN = 960, 480, 60
INK, GRID, LINE = "#444444", "#dddddd", "#1f6feb"


class Log:
    """The log of a run. After a stop it goes on where the checkpoint was written."""

    def __init__(self, path: Path, size: int, step: int) -> None:
        """`size` bytes of the file belong to the checkpoint of `step`; what was logged after it is done again."""
        self._file = path.open("ab")
        self._file.truncate(size)
        self._board = _open_board(path.parent, step)
        self.points: list[Point] = []
        self.validations: list[Validation] = []
        for line in path.read_bytes().splitlines():
            self._keep(json.loads(line))

    @property
    def has_board(self) -> bool:
        """Whether TensorBoard files are written; they need the extra `train`."""
        return self._board is not None

    @property
    def size(self) -> int:
        """Bytes of the file."""
        return self._file.tell()

    def add_point(self, point: Point) -> None:
        """Write down a step."""
        self._add(asdict(point))
        if self._board is not None:
            for name in ("loss", "learning_rate", "gradient_norm"):
                self._board.add_scalar(name, getattr(point, name), point.step)

    def add_validation(self, validation: Validation) -> None:
        """Write down the scores of a validation."""
        self._add(asdict(validation))
        if self._board is not None:
            for name, value in validation.scores.items():
                self._board.add_scalar(f"validation/{name}", value, validation.step)

    def close(self) -> None:
        """Write the curve and close the files."""
        if self.points:
            draw_curve(self.points, self._file_path.with_name("loss.png"))
        self._file.close()
        if self._board is not None:
            self._board.close()

    @property
    def _file_path(self) -> Path:
        return Path(self._file.name)

    def _add(self, row: dict[str, Any]) -> None:
        self._file.write(json.dumps(row).encode() + b"\n")
        self._file.flush()
        self._keep(row)

    def _keep(self, row: dict[str, Any]) -> None:
        if "scores" in row:
            self.validations.append(Validation(**row))
        else:
            self.points.append(Point(**row))


class SilentLog:
    """The log of a process that is not the first: it writes nothing."""

    has_board = True
    size = 0

    def __init__(self) -> None:
        self.points: list[Point] = []
        self.validations: list[Validation] = []

    def add_point(self, point: Point) -> None:
        """Keep a step in memory."""
        self.points.append(point)

    def add_validation(self, validation: Validation) -> None:
        """Keep scores in memory."""
        self.validations.append(validation)

    def close(self) -> None:
        """Do nothing."""


def draw_curve(points: Sequence[Point], path: Path) -> None:
    """Draw the loss over the steps as a PNG."""
    image = Image.new("RGB", (WIDTH, HEIGHT), "white")
    draw = ImageDraw.Draw(image)
    losses = [point.loss for point in points]
    low, high = min(losses), max(losses)
    first, last = points[0].step, points[-1].step

    def place(step: float, loss: float) -> tuple[float, float]:
        x = MARGIN + (step - first) / max(1, last - first) * (WIDTH - 2 * MARGIN)
        y = HEIGHT - MARGIN - (loss - low) / max(high - low, 1e-12) * (HEIGHT - 2 * MARGIN)
        return x, y

    for part in range(5):
        loss = low + part / 4 * (high - low)
        step = first + part / 4 * (last - first)
        (_, y), (x, _) = place(first, loss), place(step, low)
        draw.line([(MARGIN, y), (WIDTH - MARGIN, y)], fill=GRID)
        draw.text((MARGIN - 6, y), f"{loss:.4g}", fill=INK, anchor="rm")
        draw.text((x, HEIGHT - MARGIN + 8), f"{step:.0f}", fill=INK, anchor="mt")
    draw.text((WIDTH / 2, HEIGHT - 16), "step", fill=INK, anchor="mm")
    draw.text((MARGIN, MARGIN / 2), "loss", fill=INK, anchor="lm")
    draw.line([place(point.step, point.loss) for point in points], fill=LINE, width=2, joint="curve")
    with atomic.whole_file(path, durable=False) as temporary:
        image.save(temporary, "PNG")


def _open_board(folder: Path, step: int) -> Any:
    """TensorBoard's writer, or None if TensorBoard is not installed."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        return None
    return SummaryWriter(str(folder), purge_step=step)
