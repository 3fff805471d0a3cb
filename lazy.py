"""Modules that are imported when they are first used, so that importing `Library` and short commands are quick."""

from __future__ import annotations

from importlib import import_module
from importlib.util import resolve_name
from typing import Any


class LazyModule:
    """Stands for a module; the first use of one of its names imports it. Safe in threads, as imports are."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> Any:
        return getattr(import_module(self._name), name)


def modules(package: str, *names: str) -> tuple[LazyModule, ...]:
    """The modules with these names, relative to `package`, none of them imported yet."""
    return tuple(LazyModule(resolve_name(name, package)) for name in names)
