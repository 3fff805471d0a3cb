"""Values that are computed from the whole catalog, and computed again when it has changed, but not all the time."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

Value = TypeVar("Value")

IDLE_SHARE = 20
"""A value that may lag is used for this many times as long as it took to compute, even if the catalog has changed
meanwhile: an index run changes it every few seconds."""


@dataclass(frozen=True, slots=True)
class _Kept(Generic[Value]):
    basis: object
    value: Value
    fresh_until: float


class Cache:
    """Values by name; safe to use from several threads, which may compute one at the same time."""

    def __init__(self) -> None:
        self._kept: dict[str, _Kept[object]] = {}

    def get(self, name: str, basis: object, compute: Callable[[], Value], *, may_lag: bool = False) -> Value:
        """The value that was computed on this basis; if it `may_lag`, one of an earlier basis that is fresh enough."""
        kept = self._kept.get(name)
        if kept is None or (kept.basis != basis and time.monotonic() >= kept.fresh_until):
            start = time.monotonic()
            value = compute()
            end = time.monotonic()
            kept = self._kept[name] = _Kept(basis, value, end + IDLE_SHARE * (end - start) * may_lag)
        return kept.value  # type: ignore[return-value]
