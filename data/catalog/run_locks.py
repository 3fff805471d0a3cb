"""What an index run locks: the whole library, or, with a catalog that other machines see, its own roots alone.

A run of some roots holds the writer lock together with other runs, and each of its roots alone: photos and scans of a
root are changed by the holder of the root only. What belongs to the whole library has locks of its own: adding roots
and choosing the encoder ("setup"), and making labels ("labels"). What drops contents that no photo has needs a run that
is alone, because another one may be about to use them. See docs/adr/0047.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator

from ...errors import LibraryBusy
from .. import paths
from . import locks
from .database import Database, plain_errors
from .dialect import LockHeld, LockSession
from .records import RootRecord

SETUP_SECONDS = 120.0
"""How long a run waits while another one adds its roots, or makes the encoder of a new library."""
LABELS_SECONDS = 1.0
"""How long a run waits for another one's labels before it looks whether it was asked to stop."""


class RunLocks:
    """The locks of this process's run. A run that has the whole library needs no others: every answer is yes."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._session: LockSession | None = None
        self._borrowed: list[int] = []

    @contextlib.contextmanager
    def sharing(self) -> Iterator[None]:
        """Let other runs index other roots meanwhile. Raises LibraryBusy."""
        with self._database.sharing() as session:
            self._session = session
            try:
                yield
            finally:
                self._session = None
                self._borrowed.clear()

    @contextlib.contextmanager
    def setup(self) -> Iterator[None]:
        """Hold what adds roots and makes the encoder of a new library. Raises LibraryBusy."""
        if (session := self._session) is None:
            yield
            return
        self._database.acquire(session, "setup", locks.WRITTEN, patience=SETUP_SECONDS)
        try:
            yield
        finally:
            self._release(session, "setup")

    def hold(self, roots: Iterable[RootRecord]) -> None:
        """Hold roots until the run ends. Raises LibraryBusy, naming the root and who indexes it."""
        for root in roots:
            self._hold(root, locks.PATIENCE_SECONDS)

    def hold_free(self, roots: Iterable[RootRecord]) -> dict[int, LibraryBusy]:
        """Hold those roots that no other process indexes; return who indexes the others, by the id of the root."""
        busy: dict[int, LibraryBusy] = {}
        for root in roots:
            try:
                self._hold(root, 0.0 if busy else locks.PATIENCE_SECONDS)
            except LibraryBusy as error:
                busy[root.id] = error
        return busy

    def _hold(self, root: RootRecord, patience: float) -> None:
        if (session := self._session) is None:
            return
        try:
            with plain_errors(self._database.dialect):
                session.acquire("root", root.id, patience=patience)
        except LockHeld as held:
            raise locks.root_busy(paths.display(root.path), str(held)) from None

    @contextlib.contextmanager
    def alone(self) -> Iterator[bool]:
        """Whether no other process writes to the library; inside, none can begin to."""
        if (session := self._session) is None:
            yield True
            return
        try:
            with plain_errors(self._database.dialect):
                session.acquire("writer")
        except LockHeld:
            yield False
            return
        try:
            yield True
        finally:
            self._release(session, "writer")

    @contextlib.contextmanager
    def labels(self, is_over: Callable[[], bool]) -> Iterator[bool]:
        """Hold the labels, whoever makes them now; gives False if it was `is_over` before."""
        if (session := self._session) is None:
            yield True
            return
        while True:
            try:
                with plain_errors(self._database.dialect):
                    session.acquire("labels", patience=LABELS_SECONDS)
                break
            except LockHeld:
                if is_over():
                    yield False
                    return
        try:
            yield True
        finally:
            self._release(session, "labels")

    def borrow(self, root_id: int) -> bool:
        """Hold another root until the end of `borrowing`; False if another process indexes it."""
        if self._session is None:
            return True
        try:
            with plain_errors(self._database.dialect):
                self._session.acquire("root", root_id)
        except LockHeld:
            return False
        self._borrowed.append(root_id)
        return True

    @contextlib.contextmanager
    def borrowing(self) -> Iterator[None]:
        """Give back at the end what was borrowed inside: who holds a root next sees what was committed there."""
        try:
            yield
        finally:
            while self._borrowed:
                if self._session is not None:
                    self._release(self._session, "root", self._borrowed[-1])
                self._borrowed.pop()

    def _release(self, session: LockSession, name: str, number: int = 0) -> None:
        """Free a lock. A connection that has ended has freed it, and the next transaction says so."""
        with contextlib.suppress(*self._database.dialect.ERRORS):
            session.release(name, number)
