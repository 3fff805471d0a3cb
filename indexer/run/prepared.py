"""Reading a file for the pipeline, in a process of this machine or elsewhere, and what is then known of it."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Protocol

from PIL import Image

from ...arrays import Floats
from ...data import paths
from ...data.catalog.records import Content, FileStat, RootRecord
from ...data.pictures.decoding import DecodeOptions, Decoders
from ...errors import PictureError
from .profile import Profile, Seconds
from .report import Failure
from .stop import Stop


@dataclass(frozen=True, slots=True)
class Job:
    """One file to read: where it is, what the scan saw, and the content hash it had before (None if new)."""

    root: RootRecord
    path: bytes
    stat: FileStat
    is_new: bool
    hash_before: bytes | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """What the library has of the bytes of a file: their facts, and whether it has their vector."""

    content: Content | None = None
    """None if the file has to be decoded."""
    has_vector: bool = False


Lookup = Callable[[bytes], Known]
"""What the library has of a content hash."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A file that was read: its content, or why it could not be read.

    `image` is the picture to encode; None if the file needs no encoding, or if it was encoded already: `vector`.
    `jpeg` is a thumbnail that is still to be written.
    """

    job: Job
    content: Content | None = None
    image: Image.Image | None = None
    failure: Failure | None = None
    vector: Floats | None = None
    jpeg: bytes = b""


class Workers(Protocol):
    """Processes elsewhere that read, decode and encode files."""

    def prepare(self, jobs: Sequence[Job], lookup: Lookup, stop: Stop, profile: Profile) -> Generator[list[Prepared]]:
        """Yield the files of all `jobs` in batches, in any order and each once; end early when `stop` was asked.

        `lookup` is called in the caller's thread. Raises PolyglanceError if the work cannot go on.
        """


def read(job: Job, decoders: Decoders, options: DecodeOptions, lookup: Lookup, seconds: Seconds) -> Prepared:
    """Read a file, and decode it unless the library knows its content. `seconds` gets what decoding took."""
    known = Known()

    def should_decode(content_hash: bytes) -> bool:
        nonlocal known
        known = lookup(content_hash)
        return known.content is None

    try:
        content_hash, picture = decoders.read(job.root.path, job.path, options, should_decode)
    except PictureError as error:
        path = paths.join(job.root.path, job.path)
        return Prepared(job, failure=Failure(path, error.message, error.hint, is_final=not error.may_pass))
    if picture is None:
        return Prepared(job, known.content)
    seconds.update(picture.seconds)
    content = Content(content_hash, picture.width, picture.height, picture.format, picture.facts)
    return Prepared(job, content, None if known.has_vector else picture.image, jpeg=picture.jpeg)
