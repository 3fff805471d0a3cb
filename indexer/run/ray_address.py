"""Where the Ray workers of a run are: the setting `workers`, read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self
from urllib.parse import parse_qs, urlsplit

from ...errors import UsageError

PORT = 10001
LOCAL = "local"
CORES = 4
"""Processors of a worker without a GPU: more make one encoder little faster (docs/adr/0036)."""

OPTIONS = ("workers", "cpus", "gpus")


@dataclass(frozen=True, slots=True)
class Crew:
    """How many workers there are, and what each gets."""

    workers: int
    cpus: float
    gpus: float


@dataclass(frozen=True, slots=True)
class Address:
    """A Ray cluster, or `local` for one that is started on this machine for the run.

    0 workers stand for as many as the cluster has room for, None for a choice by what the machines have.
    """

    host: str
    port: int = PORT
    workers: int = 0
    cpus: float | None = None
    gpus: float | None = None

    @classmethod
    def from_url(cls, url: str) -> Self:
        """Read `ray://host:10001?workers=4&cpus=2&gpus=1`. Raises UsageError."""
        parts = urlsplit(url)
        options = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        if unknown := options.keys() - set(OPTIONS):
            raise UsageError(f"The setting workers has no option {min(unknown)}.", f"There are {', '.join(OPTIONS)}.")
        try:
            cpus, gpus = (float(options[name]) if name in options else None for name in ("cpus", "gpus"))
            return cls(parts.hostname or "", parts.port or PORT, int(options.get("workers", 0)), cpus, gpus)
        except ValueError as error:
            raise UsageError(
                "The setting workers cannot be used: its port and options are numbers.",
                "For example: ray://host:10001?workers=4&cpus=2",
            ) from error

    @property
    def is_local(self) -> bool:
        """Whether Ray is started on this machine."""
        return self.host == LOCAL

    def crew(self, machines: Sequence[tuple[float, float]]) -> Crew:
        """Return the workers for machines with so many processors and GPUs: one for each GPU, else for CORES cores."""
        machines = [machine for machine in machines if machine[0] >= 1] or [*machines]
        with_gpu = [machine for machine in machines if machine[1] >= 1]
        gpus = self.gpus if self.gpus is not None else float(bool(with_gpu))
        if self.cpus is not None:
            cpus = self.cpus
        elif gpus:
            cpus = min((max(1.0, cores // (cards / gpus)) for cores, cards in with_gpu), default=1.0)
        else:
            cpus = min([float(CORES), *(cores for cores, _ in machines)])
            if self.workers:
                cpus = max(1.0, min(cpus, sum(cores for cores, _ in machines) // self.workers))
        room = sum(_room(cores, cards, cpus, gpus) for cores, cards in machines)
        return Crew(self.workers or room, cpus, gpus)


def _room(cores: float, cards: float, cpus: float, gpus: float) -> int:
    """How many workers a machine has room for."""
    limits = [int(has // needs) for has, needs in ((cores, cpus), (cards, gpus)) if needs]
    return min(limits, default=1)
