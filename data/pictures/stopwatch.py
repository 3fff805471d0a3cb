"""How long the stages of decoding a picture take."""

from __future__ import annotations

import time


class Stopwatch:
    """Adds up (wall, processor) seconds of this process by stage, for one picture at a time."""

    def __init__(self) -> None:
        self.seconds: dict[str, tuple[float, float]] = {}
        self.restart()

    def restart(self) -> None:
        """Count from now: what was since the last lap belongs to no stage."""
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    def lap(self, stage: str) -> None:
        """Count what was since the last lap as `stage`."""
        wall, cpu = self.seconds.get(stage, (0.0, 0.0))
        last_wall, last_cpu = self._wall, self._cpu
        self.restart()
        self.seconds[stage] = wall + self._wall - last_wall, cpu + self._cpu - last_cpu
