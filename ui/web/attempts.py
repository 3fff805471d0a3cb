"""Wrong passwords: who guesses waits longer and longer, and nobody else does.

An attempt that has to wait is not looked at: a right password that passed all the same would tell a guesser, who asks
many times at once, everything. So the waiting is told apart by client, most certain first:

- a *device*, which is a browser that has sent the right password before (`devices`);
- the *address*; one that the right password has come from before is known;
- all addresses that are not known, together: the account's own limit, against guessing from many addresses.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .addresses import group

FORGOTTEN_AFTER = 900.0
CLIENTS = 1024
"""Clients whose attempts are remembered; the oldest is forgotten for a new one."""


@dataclass(frozen=True)
class Delay:
    """How long to wait after wrong passwords: not at all after `free` ones, then 1, 2, 4 … up to `longest` seconds."""

    free: int
    longest: float

    def seconds(self, wrong: int) -> float:
        """The wait after so many wrong ones."""
        return 0.0 if wrong <= self.free else min(self.longest, 2.0 ** min(wrong - self.free - 1, 32))


CLIENT = Delay(free=5, longest=300.0)
ACCOUNT = Delay(free=100, longest=10.0)
"""Of all unknown addresses together. Short, because their owner may be among them."""


class Attempts:
    """Wrong passwords by client, and the addresses that the right one came from; `clock` gives seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._wrong: OrderedDict[str, tuple[int, float]] = OrderedDict()
        self._strangers = (0, 0.0)
        self._known: OrderedDict[str, None] = OrderedDict()

    def seconds_to_wait(self, address: str, device: str | None = None) -> float:
        """How long this client has to wait before its next attempt is looked at."""
        if device is not None:
            return self._left(CLIENT, self._wrong.get(device))
        own = self._left(CLIENT, self._wrong.get(group(address)))
        return own if group(address) in self._known else max(own, self._left(ACCOUNT, self._strangers))

    def failed(self, address: str, device: str | None = None) -> None:
        """Note a wrong password."""
        client = device or group(address)
        self._wrong[client] = self._one_more(self._wrong.pop(client, None))
        _forget_oldest(self._wrong)
        if device is None and client not in self._known:
            self._strangers = self._one_more(self._strangers)

    def succeeded(self, address: str) -> None:
        """Note the right password: the address is known. Its wrong ones stay, for others may share it."""
        self._known[group(address)] = None
        self._known.move_to_end(group(address))
        _forget_oldest(self._known)

    def _left(self, delay: Delay, wrong: tuple[int, float] | None) -> float:
        count, last = wrong or (0, 0.0)
        return max(0.0, last + delay.seconds(count) - self._clock())

    def _one_more(self, wrong: tuple[int, float] | None) -> tuple[int, float]:
        now = self._clock()
        count, last = wrong or (0, now)
        return (1 if now - last > FORGOTTEN_AFTER else count + 1, now)


def _forget_oldest(table: OrderedDict[str, Any]) -> None:
    while len(table) > CLIENTS:
        table.popitem(last=False)
