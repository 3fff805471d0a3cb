"""Encoding by workers of a Ray cluster: this process hands out files and commits what comes back.

Workers read the files themselves, from the same paths; vectors, thumbnails and facts come back, in batches. A batch
counts when it has come back: one whose worker died is read again by another. At most AHEAD batches a worker are on
their way, whatever the number of files.
"""

from __future__ import annotations

import contextlib
import math
import time
from collections import Counter, deque
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ...data import paths
from ...errors import PolyglanceError
from . import ray_connection
from .batches import Pace
from .prepared import Job, Lookup, Prepared
from .profile import Profile
from .ray_address import Address
from .ray_worker import Outcome, Task
from .report import Failure
from .stop import Stop

AHEAD = 2
"""Batches of each worker: one is decoded while the other is encoded."""
WAIT_SECONDS = 0.2
"""How often `stop` is looked at."""
STOP_SECONDS = 10.0
"""How long a run that was asked to stop waits for the batches that are on their way."""
PATIENCE_SECONDS = 180.0
"""How long a run waits for a worker when it has none."""
STARTS = 5
"""A worker that could not be started so many times is not tried again."""
DEATHS = 4
"""A file at which so many workers died is recorded as failed, and tried again at the next run."""
ALONE_AFTER = 2
"""A file at which so many workers died is read in a batch of its own."""


@dataclass(frozen=True)
class RayWorkers:
    """`prepared.Workers` on the Ray cluster at `address`."""

    address: Address
    task: Task

    def prepare(self, jobs: Sequence[Job], lookup: Lookup, stop: Stop, profile: Profile) -> Generator[list[Prepared]]:
        """Yield the files of all `jobs` in batches; see `prepared.Workers`."""
        with ray_connection.connected(self.address) as ray, ray_connection.readable_errors(ray):
            crew = self.address.crew(ray_connection.machines(ray))
            task = replace(self.task, threads=max(2, int(crew.cpus)))
            actors = ray_connection.hire(ray, crew, task)
            profile.lanes, profile.encoders = task.threads * len(actors), len(actors)
            lead = _Lead(ray, lookup, Pace(self.task.settings.batch_size), deque(jobs), len(actors))
            lead.starting = {actor.start.remote(): actor for actor in actors}
            try:
                yield from lead.work(stop, profile)
            finally:
                for actor in actors:
                    with contextlib.suppress(Exception):  # the connection may be lost
                        ray.kill(actor)


@dataclass
class _Lead:
    """Hands out the files of one run. Calls to workers are references; each is in one of three tables."""

    ray: Any
    lookup: Lookup
    pace: Pace
    queue: deque[Job]
    workers: int
    starting: dict[Any, Any] = field(default_factory=dict)
    """Calls of `start`, by workers that have no encoder yet."""
    asking: dict[Any, Any] = field(default_factory=dict)
    """Calls of `questions`: each worker that can work has one."""
    reading: dict[Any, tuple[Any, list[Job]]] = field(default_factory=dict)
    """Calls of `prepare`, with their files."""
    deaths: Counter[tuple[int, bytes]] = field(default_factory=Counter)
    """How many workers died at a file."""
    failed_starts: Counter[Any] = field(default_factory=Counter)
    reason: str = ""
    """Why the last one did not start, as the end of a sentence."""

    def work(self, stop: Stop, profile: Profile) -> Generator[list[Prepared]]:
        """Yield batches until all files were read, or `stop` was asked and what is on its way has come back."""
        end = math.inf
        last_sign = time.monotonic()
        while (self.queue or self.reading) and time.monotonic() < end:
            if stop.asked and end == math.inf:
                end = time.monotonic() + STOP_SECONDS
                self.queue.clear()
            self._hand_out()
            for call in self._returned():
                if batch := self._receive(call, profile):
                    yield batch
            if self.asking:
                last_sign = time.monotonic()
            elif not self.starting or time.monotonic() - last_sign > PATIENCE_SECONDS:
                raise PolyglanceError(
                    f"No worker of Ray answers{self.reason}. What was committed is kept.",
                    "'ray status' shows what is there and free; then run the same command to go on.",
                )

    def _returned(self) -> list[Any]:
        """Wait a moment for calls; return those that have come back."""
        calls = [*self.reading, *self.asking, *self.starting]
        if not self.ray.wait(calls, num_returns=1, timeout=WAIT_SECONDS)[0]:
            return []
        returned: list[Any] = self.ray.wait(calls, num_returns=len(calls), timeout=0)[0]
        return returned

    def _hand_out(self) -> None:
        """Give batches to the workers that have fewest, so that none is idle."""
        load = Counter(dict.fromkeys(self.asking.values(), 0))
        load.update(actor for actor, _ in self.reading.values() if actor in load)
        while self.queue and load:
            actor, batches = min(load.items(), key=lambda item: item[1])
            if batches >= AHEAD:
                return
            jobs = self._next_batch()
            self.reading[actor.prepare.remote(jobs)] = (actor, jobs)
            load[actor] += 1

    def _next_batch(self) -> list[Job]:
        """Take the next files: fewer at the end, so that all workers end at about the same time."""
        share = math.ceil(len(self.queue) / (AHEAD * self.workers))
        jobs = [self.queue.popleft()]
        if self.deaths[_key(jobs[0])] < ALONE_AFTER:
            while len(jobs) < min(self.pace.size, share) and self.queue:
                if self.deaths[_key(self.queue[0])] >= ALONE_AFTER:
                    break
                jobs.append(self.queue.popleft())
        return jobs

    def _receive(self, call: Any, profile: Profile) -> list[Prepared]:
        """Take what a call gave; return the files that were read."""
        if call in self.starting:
            self._begin(self.starting.pop(call), call)
        elif call in self.asking:
            self._answer(self.asking.pop(call), call)
        elif call in self.reading:
            return self._read(*self.reading.pop(call), call, profile)
        return []  # a call of a worker that has died

    def _begin(self, actor: Any, call: Any) -> None:
        try:
            self.ray.get(call)
        except self.ray.exceptions.RayActorError as error:
            self.reason = f": {ray_connection.first_line(error)}"
            self.failed_starts[actor] += 1
            if self.failed_starts[actor] < STARTS:
                self.starting[actor.start.remote()] = actor
        else:
            self.asking[actor.questions.remote()] = actor

    def _answer(self, actor: Any, call: Any) -> None:
        try:
            questions = self.ray.get(call)
        except self.ray.exceptions.RayActorError:
            self.starting[actor.start.remote()] = actor
            return
        if questions:
            actor.answer.remote([(number, self.lookup(content_hash)) for number, content_hash in questions])
        self.asking[actor.questions.remote()] = actor

    def _read(self, actor: Any, jobs: list[Job], call: Any, profile: Profile) -> list[Prepared]:
        try:
            outcome: Outcome = self.ray.get(call)
        except self.ray.exceptions.RayActorError:
            return self._repeat(actor, jobs)
        self.pace.adapt(len(jobs), outcome.seconds)
        profile.add(outcome.stages)
        return outcome.files

    def _repeat(self, actor: Any, jobs: list[Job]) -> list[Prepared]:
        """Put the files of a worker that has died back; return those at which too many have died, as failed."""
        for call in [call for call, other in self.asking.items() if other == actor]:
            del self.asking[call]
            self.starting[actor.start.remote()] = actor
        self.deaths.update(map(_key, jobs))
        if len(jobs) == 1 and self.deaths[_key(jobs[0])] >= DEATHS:
            path = paths.join(jobs[0].root.path, jobs[0].path)
            reason = f"was not read: {DEATHS} workers of Ray died at it"
            return [Prepared(jobs[0], failure=Failure(path, reason, "The logs of Ray say why.", is_final=False))]
        self.queue.extendleft(reversed(jobs))
        return []


def _key(job: Job) -> tuple[int, bytes]:
    return job.root.id, job.path
