"""One opened library: every operation of command line, page and Python, wired from catalog, encoders, indexer, search.

`Library` is the façade. Its methods only call the functions of this package, which work on the `Parts` of an opened
library: `roots`, `runs`, `watching`, `searches`, `photos`, `status`, `checking`.
"""

from .checking import check
from .library import Library
from .roots import Forgettable
from .status import Status

__all__ = ["Forgettable", "Library", "Status", "check"]
