"""What the worker processes of one server have in common beside the library: a private folder and a key."""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Sharing:
    """The worker processes of one server; `folder` is None if there is only one.

    Whoever knows `device_key` can make the cookies of `devices`.
    """

    processes: int = 1
    folder: Path | None = None
    device_key: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)

    @property
    def metrics_folder(self) -> Path | None:
        """Where each process keeps its counters, for all of them to add up."""
        return self.folder / "metrics" if self.folder else None


ALONE = Sharing()


@contextmanager
def shared_by(processes: int) -> Iterator[Sharing]:
    """Give what this number of processes share; its folder is private to this user, and goes with the block."""
    with tempfile.TemporaryDirectory(prefix="polyglance-serve-", ignore_cleanup_errors=True) as folder:
        sharing = Sharing(processes, Path(folder))
        if sharing.metrics_folder:
            sharing.metrics_folder.mkdir()
        yield sharing
