"""polyglance finds pictures by what they show, in nine languages.

The repository root *is* this package (`package-dir` in pyproject.toml), so that `search/`, `indexer/`, `ui/`
and `data/` stand at the top; docs/adr/0001 says why.

    from polyglance import Library

    with Library.open() as library:
        library.index(["~/Pictures"])
        for result in library.search("snowy mountains").results:
            print(result.rank, result.path)

Importing the package does not load torch or gradio: the public names are imported on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .config import Settings
    from .errors import PolyglanceError
    from .library import Library

__version__ = "0.1.0"
__all__ = ["Library", "PolyglanceError", "Settings", "__version__"]

_MODULES = {"Library": ".library", "PolyglanceError": ".errors", "Settings": ".config"}


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return getattr(import_module(_MODULES[name], __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
