"""Where the time of an index run goes: wall and processor seconds of each stage, and which stage limits the run."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeAlias

Seconds: TypeAlias = dict[str, tuple[float, float]]
"""Stage -> (wall, processor) seconds of one picture."""

DECODING = ("read", "decode", "resize", "thumbnail")
"""Stages of the decoding processes, which work side by side (`data.pictures.worker`)."""
STAGES = (*DECODING, "deliver", "load", "encode", "commit")
"""All stages in order. `deliver`: pixels come back from the decoding process, and the thumbnail is written.
`load`: the first picture of a run, which loads the encoder."""
BUSY = 0.8
"""If this share of the processors' time is used, the processors limit a run."""


@dataclass(slots=True)
class Stage:
    """What a stage took: `wall` seconds by the clock, added up over its lanes, and `cpu` seconds of a processor."""

    wall: float = 0.0
    cpu: float = 0.0
    pictures: int = 0


@dataclass(slots=True)
class Profile:
    """The stages of a run. Measuring costs some microseconds a picture, so every run fills one."""

    lanes: int = 1
    """How many pictures are decoded side by side; the catalog has one lane."""
    encoders: int = 1
    """How many encoders work side by side."""
    processors: int = field(default_factory=lambda: os.cpu_count() or 1)
    elapsed: float = 0.0
    """Seconds from the first file to the last commit; listing folders and comparing is not part of it."""
    stages: dict[str, Stage] = field(default_factory=lambda: {name: Stage() for name in STAGES})
    _own_delivery: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def delivering(self) -> Iterator[Seconds]:
        """Count this block, in which a thread waits for a decoding process, and what the block puts into the mapping.

        The mapping is for what the process measured. If it stays empty, the file was read and not decoded.
        """
        seconds: Seconds = {}
        start, start_cpu = time.perf_counter(), time.thread_time()
        yield seconds
        wall, cpu = time.perf_counter() - start, time.thread_time() - start_cpu
        decoded = {name: took for name, took in seconds.items() if name in DECODING}
        own_wall = max(0.0, wall - sum(took for took, _ in decoded.values()))
        in_process = seconds.get("deliver", (0.0, 0.0))[1]
        with self._lock:
            for name, took in decoded.items():
                self._add(name, *took, 1)
            self._add("deliver" if decoded else "read", own_wall, cpu + in_process, 1)
            self._own_delivery += cpu

    @contextmanager
    def measured(self, name: str, pictures: int = 1) -> Iterator[None]:
        """Count this block, which computes in this thread only, as stage `name`."""
        wall, cpu = time.perf_counter(), time.thread_time()
        yield
        with self._lock:
            self._add(name, time.perf_counter() - wall, time.thread_time() - cpu, pictures)

    @contextmanager
    def encoding(self, name: str, pictures: int) -> Iterator[None]:
        """Count this block as stage `name`; processor time is that of all threads but those that deliver pictures."""
        wall, cpu, delivered = time.perf_counter(), time.process_time(), self._own_delivery
        yield
        others = self._own_delivery - delivered
        with self._lock:
            cpu = max(0.0, time.process_time() - cpu - others)
            self._add(name, time.perf_counter() - wall, cpu, pictures)

    def add(self, stages: Mapping[str, Stage]) -> None:
        """Count what was measured elsewhere."""
        for name, stage in stages.items():
            self._add(name, stage.wall, stage.cpu, stage.pictures)

    def _add(self, name: str, wall: float, cpu: float, pictures: int) -> None:
        stage = self.stages[name]
        stage.wall += wall
        stage.cpu += cpu
        stage.pictures += pictures

    @property
    def cpu(self) -> float:
        """Processor seconds of all stages."""
        return sum(stage.cpu for stage in self.stages.values())

    def lanes_of(self, name: str) -> int:
        """How many pictures may be in stage `name` at a time."""
        return self.lanes if name in DECODING or name == "deliver" else self.encoders if name == "encode" else 1

    def rate(self, name: str) -> float | None:
        """Pictures a second that stage `name` did while it worked, all lanes together; None if it did nothing."""
        stage = self.stages[name]
        return stage.pictures * self.lanes_of(name) / stage.wall if stage.pictures and stage.wall else None

    def limit(self) -> str | None:
        """The stage that limits the run; None if nothing was done.

        If the processors were busy, that is the stage with most processor time, because all share them. Else it is the
        stage whose lanes were busy longest.
        """
        if not any(stage.wall for stage in self.stages.values()):
            return None
        if self.cpu >= BUSY * self.elapsed * self.processors:
            return max(self.stages, key=lambda name: self.stages[name].cpu)
        return max(self.stages, key=lambda name: self.stages[name].wall / self.lanes_of(name))
