"""From facts to advice: pure functions, one for each subject."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from . import computing, keeping
from .facts import Facts
from .texts import Advice

SUBJECTS = {
    "processor": computing.processor,
    "memory": computing.memory,
    "graphics": computing.graphics,
    "runtimes": computing.runtimes,
    "search": computing.search,
    "pictures": keeping.pictures,
    "encoders": keeping.encoders,
    "library": keeping.library,
    "disk": keeping.disk,
    "watching": keeping.watching,
}
KINDS = ("broken", "safer", "faster", "more", "next")
"""What following an advice does, the most urgent first. `broken`: something does not work without it. `more`: more
pictures or queries are understood. `next`: the next step of somebody who begins."""


@dataclass(frozen=True, slots=True)
class Check:
    """One subject: what it is on this machine, and what to do about it."""

    subject: str
    text: str
    advice: tuple[Advice, ...]

    @property
    def state(self) -> str:
        """`ok`, or the most urgent kind of its advice."""
        kinds = {each.kind for each in self.advice}
        return next((kind for kind in KINDS if kind in kinds), "ok")


def checks(facts: Facts) -> tuple[Check, ...]:
    """All subjects, in the order in which they are shown."""
    made = []
    for subject, examine in SUBJECTS.items():
        text, advice = examine(facts)
        made.append(Check(subject, text, tuple(advice)))
    return tuple(made)


def to_do(checked: tuple[Check, ...]) -> Iterator[Advice]:
    """All advice, the most urgent first."""
    for kind in KINDS:
        for check in checked:
            yield from (each for each in check.advice if each.kind == kind)
