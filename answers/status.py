"""Documents about the state of a library: photos, roots, watching, and files that could not be read."""

from __future__ import annotations

import os
from typing import Annotated, Self, TypeAlias

from pydantic import Field

from ..data import paths, watch_state
from ..data.catalog import failures
from ..data.catalog.records import NEVER_SEEN, PhotoRecord, RootRecord
from ..library import Status as LibraryStatus
from .base import Document, vocabulary

RETRY_HINT = "It is tried again at the next run: check its disk and permissions."
CHANGE_HINT = "Open it with another program: if that fails too, the file is damaged."

RootState: TypeAlias = Annotated[str, vocabulary("online", "offline", "partly offline")]
WatchMethod: TypeAlias = Annotated[str, vocabulary("native", "partly", "polling", "offline")]
FailureKind: TypeAlias = Annotated[str, vocabulary(*failures.KINDS, "other")]


class RootStatus(Document):
    """A root with its state and number of photos."""

    path: str = Field(description="Printable text.")
    state: RootState = Field(description="Whether its disk is there; partly: a disk inside it is missing.")
    photos: int = Field(description="Photos that can be found.")
    missing: int = Field(
        description="Photos that the last scan did not find and that are kept, because they are most of the folder."
    )


class Coverage(Document):
    """How a root is watched."""

    how: WatchMethod = Field(
        description="native: by the system's events; partly: some folders so; polling: by comparing now and then."
    )
    note: str = Field(description="Why, if not natively.")


class WatchedRoot(Document):
    """A root that is watched, and how."""

    path: str = Field(description="Printable text.")
    how: WatchMethod = Field(description="As in `Coverage`.")
    note: str = Field(description="Why, if not natively.")


class Watch(Document):
    """The process that watches the library."""

    process: int = Field(description="Its process id.")
    roots: list[WatchedRoot]


class Status(Document):
    """What a library holds."""

    photos: int = Field(description="Photos that can be found.")
    failed: int = Field(description="Files that could not be read.")
    roots: list[RootStatus]
    encoder: str | None = Field(description="The encoder that answers; null if nothing was indexed yet.")
    dimension: int | None = Field(description="Length of its vectors.")
    index: str = Field(
        description="How vectors are searched: exact, clustered in a large library, milvus, or pgvector."
    )
    generation: int = Field(description="Grows with every change.")
    watch: Watch | None = Field(description="Null if no process watches the library.")
    library: str = Field(description="The folder that holds the library. Printable text.")

    @classmethod
    def from_library(cls, status: LibraryStatus) -> Self:
        """Make the document from `Library.status`, with paths as printable text."""
        encoder = status.encoder
        return cls(
            photos=status.photos,
            failed=len(status.failures),
            roots=[
                RootStatus(path=paths.display(root.path), state=state, photos=root.photos, missing=root.missing)
                for root, state in status.roots
            ],
            encoder=encoder.name if encoder else None,
            dimension=encoder.dimension if encoder else None,
            index=status.index,
            generation=status.generation,
            watch=_watch(status),
            library=paths.display(os.fsencode(status.folder)),
        )


class UnreadableFile(Document):
    """A file that could not be read, as the command line lists it."""

    path: str = Field(description="Printable text.")
    reason: str = Field(description="What is wrong with it.")


class StatusWithFailures(Status):
    """The same, with the files that could not be read."""

    failures: list[UnreadableFile]

    @classmethod
    def from_library(cls, status: LibraryStatus) -> Self:
        """As `Status.from_library`, then the failures."""
        failures = [
            UnreadableFile(path=paths.display(photo.path), reason=photo.error or "") for photo in status.failures
        ]
        return cls(**dict(Status.from_library(status)), failures=failures)


class Root(Document):
    """A folder that the library indexes."""

    id: int
    path: str = Field(description="Printable text.")
    state: RootState = Field(description="Whether its disk is there; partly: a disk inside it is missing.")
    photos: int = Field(description="Photos that can be found.")
    failed: int = Field(description="Files that could not be read.")
    watch: Coverage | None = Field(description="Null if no process watches it.")
    missing: int = Field(
        description="Photos that the last scan did not find and that are kept, because they are most of the folder."
    )

    @classmethod
    def from_record(cls, root: RootRecord, state: str, coverage: watch_state.Coverage | None) -> Self:
        """A root with its state and how it is watched."""
        watch = Coverage(how=coverage.how, note=coverage.note) if coverage else None
        return cls(
            id=root.id,
            path=paths.display(root.path),
            state=state,
            photos=root.photos,
            failed=root.failed,
            watch=watch,
            missing=root.missing,
        )


class Roots(Document):
    """The folders that the library indexes."""

    roots: list[Root]

    @classmethod
    def from_library(cls, status: LibraryStatus) -> Self:
        """The roots of `Library.status`."""
        watched = {coverage.root_id: coverage for coverage in status.watch.roots} if status.watch else {}
        return cls(roots=[Root.from_record(root, state, watched.get(root.id)) for root, state in status.roots])


class Failure(Document):
    """A file that could not be read."""

    id: int = Field(description="For use as `cursor`.")
    path: str = Field(description="Printable text.")
    kind: FailureKind = Field(description="What is wrong, for saying it in any language.")
    reason: str = Field(description="What is wrong, in English.")
    hint: str = Field(description="What to do, in English.")

    @classmethod
    def from_record(cls, photo: PhotoRecord) -> Self:
        """A photo whose `error` is set."""
        return cls(
            id=photo.id,
            path=paths.display(photo.path),
            kind=failures.kind_of(photo.error or ""),
            reason=photo.error or "",
            hint=RETRY_HINT if photo.mtime_ns == NEVER_SEEN.mtime_ns else CHANGE_HINT,
        )


class Failures(Document):
    """A page of the files that could not be read."""

    failures: list[Failure]
    next: int | None = Field(description="`cursor` of the next page; null if this is the last.")
    total: int = Field(description="How many there are on all pages.")


def _watch(status: LibraryStatus) -> Watch | None:
    if status.watch is None:
        return None
    names = {root.id: paths.display(root.path) for root, _ in status.roots}
    roots = [
        WatchedRoot(path=names[coverage.root_id], how=coverage.how, note=coverage.note)
        for coverage in status.watch.roots
        if coverage.root_id in names
    ]
    return Watch(process=status.watch.process, roots=roots)
