"""Entry point of `polyglance` and `python -m polyglance`."""

from __future__ import annotations

import gc
import os
import sys

OBJECTS_BETWEEN_COLLECTIONS = 100_000
"""The imports of a search create some 300,000 objects that stay. With Python's default of 700 the collector spends a
tenth of the search's time on them."""


def main() -> None:
    """Run the command line and exit with its code."""
    gc.set_threshold(OBJECTS_BETWEEN_COLLECTIONS)
    # For plugins of its own, which we have none of, pydantic would read the metadata of every installed package.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    from . import priority
    from .cli import run

    priority.is_own_process = True
    code = run(sys.argv[1:])
    gc.freeze()  # the interpreter's last collection looks at what is left only
    sys.exit(code)


if __name__ == "__main__":
    main()
