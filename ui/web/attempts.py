"""Delays after wrong passwords, which grow for clients that guess and not for others.

The password of a client that has to wait is not checked at all: if a right one passed, a client could guess many at
once. So attempts are counted by client, the most specific first:

- by *device*, a browser that has sent the right password before (`devices`);
- by *address*; an address from which the right password came before is known;
- for all unknown addresses together: the limit of the account, against guessing from many addresses.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .addresses import client_key

FORGOTTEN_AFTER = 900.0
CLIENTS = 1024
"""Most clients whose attempts are kept; a new one replaces the oldest."""


@dataclass(frozen=True)
class Delay:
    """The wait after wrong passwords: none up to `free` of them, then 1, 2, 4 … up to `longest` seconds."""

    free: int
    longest: float

    def seconds(self, wrong: int) -> float:
        """The wait after this number of wrong passwords."""
        return 0.0 if wrong <= self.free else min(self.longest, 2.0 ** min(wrong - self.free - 1, 32))


CLIENT = Delay(free=5, longest=300.0)
ACCOUNT = Delay(free=100, longest=10.0)
"""For all unknown addresses together. It is short, because the owner may come from one of them."""


class Attempts:
    """Counts wrong passwords by client, and keeps the addresses that sent the right one; `clock` gives seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._wrong: OrderedDict[str, tuple[int, float]] = OrderedDict()
        self._strangers = (0, 0.0)
        self._known: OrderedDict[str, None] = OrderedDict()

    def seconds_to_wait(self, address: str, device: str | None = None) -> float:
        """How long this client has to wait before its next attempt is checked."""
        if device is not None:
            return self._seconds_left(CLIENT, self._wrong.get(device))
        own = self._seconds_left(CLIENT, self._wrong.get(client_key(address)))
        return own if client_key(address) in self._known else max(own, self._seconds_left(ACCOUNT, self._strangers))

    def failed(self, address: str, device: str | None = None) -> None:
        """Note a wrong password."""
        client = device or client_key(address)
        self._wrong[client] = self._add_wrong(self._wrong.pop(client, None))
        _forget_oldest(self._wrong)
        if device is None and client not in self._known:
            self._strangers = self._add_wrong(self._strangers)

    def succeeded(self, address: str) -> None:
        """Note the right password: the address is known now. Wrong ones still count, because others may share it."""
        self._known[client_key(address)] = None
        self._known.move_to_end(client_key(address))
        _forget_oldest(self._known)

    def _seconds_left(self, delay: Delay, wrong: tuple[int, float] | None) -> float:
        count, last = wrong or (0, 0.0)
        return max(0.0, last + delay.seconds(count) - self._clock())

    def _add_wrong(self, wrong: tuple[int, float] | None) -> tuple[int, float]:
        now = self._clock()
        count, last = wrong or (0, now)
        return (1 if now - last > FORGOTTEN_AFTER else count + 1, now)


def _forget_oldest(table: OrderedDict[str, Any]) -> None:
    while len(table) > CLIENTS:
        table.popitem(last=False)
