"""One opened library: every operation of command line, page and Python, wired from catalog, encoders, indexer, search.

`Library` is the façade. Its methods only call the functions of this package, which work on the `Parts` of an opened
library: `roots`, `runs`, `watching`, `searches`, `photos`, `status`, `checking`, `migrating`. Each is imported at its
first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .library import Library

if TYPE_CHECKING:
    from .checking import check
    from .migrating import migrate
    from .roots import Forgettable
    from .status import Status

__all__ = ["Forgettable", "Library", "Status", "check", "migrate"]

_MODULES = {"Forgettable": ".roots", "Status": ".status", "check": ".checking", "migrate": ".migrating"}


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return getattr(import_module(_MODULES[name], __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
