"""Every error that polyglance raises on purpose, and the exit code of each.

    PolyglanceError                  1  failed
    ├── UsageError                   2  wrong use
    │   ├── QueryError                  the query is empty, too long, not text, or has an invalid part
    │   ├── UnknownEncoder              no encoder of that name
    │   ├── FolderError                 the folder to index is missing or is no folder
    │   └── DataMissing                 a file of an evaluation set is not where it should be
    ├── LibraryError                 1  the library cannot be opened or used
    │   ├── LibraryMissing           2  nothing was indexed there yet
    │   ├── LibraryBusy              4  another process is writing to it
    │   ├── DiskFull                    there is no space left for what is to be written
    │   ├── CatalogUnavailable          the server that the catalog is in does not answer
    │   └── VectorsUnavailable          the engine that holds the vectors does not answer
    ├── EncoderError                 1  the encoder cannot do its work
    │   ├── EncoderUnavailable          its files are not here and cannot be fetched
    │   ├── NotADualEncoder             the checkpoint does not map pictures and texts into one space
    │   └── EncoderOutputError          it returned vectors that are no unit vectors
    ├── DataError                    1  a file of an evaluation set is damaged or does not add up
    ├── TrainingError                1  training cannot go on; the last good checkpoint is kept
    ├── PictureError                 1  one file cannot be read as a picture
    │   └── PictureUnreachable          the object storage that has it cannot be asked
    ├── DecodersBusy                 1  more pictures wait to be decoded than may wait
    ├── PhotoNotFound                2  no photo with that id
    ├── RootNotFound                 2  no folder of the library with that id
    ├── JobRunning                   1  the server runs an index job already
    └── Stopped                      1  ended by Ctrl-C or SIGTERM, with the work in hand kept

Exit code 3 ("done, but some files failed") is no error: the command did its work.
`message` says in one line what is wrong, `hint` is the next step.
"""

from __future__ import annotations

from typing import Self


class PolyglanceError(Exception):
    """Base of the tree above: `message` is one line, `hint` the next step (may be empty).

    >>> from polyglance import PolyglanceError
    >>> try:
    ...     library.photo(4711)
    ... except PolyglanceError as error:
    ...     print(type(error).__name__, error.exit_code, error.message)
    PhotoNotFound 2 No photo has the id 4711.
    """

    exit_code = 1
    code = ""
    """Name of what is wrong, for programs that say it in another language; empty if it has none."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.values: dict[str, str] = {}
        """The parts of the message that vary, by name."""

    def with_code(self, code: str, **values: str) -> Self:
        """Return the error itself with a code and the values that its message has.

        >>> from polyglance.errors import QueryError
        >>> QueryError("There is no filter colour:.").with_code("filter_unknown", name="colour").values
        {'name': 'colour'}
        """
        self.code, self.values = code, values
        return self

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class UsageError(PolyglanceError):
    """The command or call was used wrongly."""

    exit_code = 2


class QueryError(UsageError):
    """The query is empty, too long, not text, or has an invalid part: an unknown filter, an impossible date."""


class UnknownEncoder(UsageError):
    """No encoder has that name."""


class FolderError(UsageError):
    """A folder to index is missing, is no folder, or cannot be listed."""


class DataMissing(UsageError):
    """A file of an evaluation set does not exist where it is expected."""


class LibraryError(PolyglanceError):
    """The library cannot be opened or used."""


class LibraryMissing(LibraryError):
    """There is no library at that place yet."""

    exit_code = 2


class LibraryBusy(LibraryError):
    """Another process holds the writer lock."""

    exit_code = 4


class DiskFull(LibraryError):
    """The disk of the library has no space left for what is to be written."""


class CatalogUnavailable(LibraryError):
    """The server that the catalog is in does not answer; what was committed is kept."""


class VectorsUnavailable(LibraryError):
    """The engine that holds the vectors does not answer, or does not have them yet; the catalog has them all."""


class EncoderError(PolyglanceError):
    """The encoder cannot do its work."""


class EncoderUnavailable(EncoderError):
    """The encoder's files are not on this machine and cannot be fetched."""


class NotADualEncoder(EncoderError):
    """The checkpoint does not map pictures and texts into one vector space."""


class EncoderOutputError(EncoderError):
    """An encoder returned something that is not finite unit vectors of its dimension."""


class DataError(PolyglanceError):
    """A file of an evaluation set is damaged or does not add up; the message has file and line number."""


class TrainingError(PolyglanceError):
    """Training cannot go on: its loss is not finite, or its checkpoint is damaged. The last good checkpoint is kept."""


class PictureError(PolyglanceError):
    """A file cannot be read as a picture; the message is the reason, without the path.

    `may_pass` tells whether the unchanged file may be readable later: after a disk error, or if a limit is raised.
    """

    def __init__(self, message: str, hint: str = "", *, may_pass: bool = False) -> None:
        super().__init__(message, hint)
        self.may_pass = may_pass or bool(hint)


class PictureUnreachable(PictureError):
    """The object storage that has the file does not answer, or not to us: nothing is known about the file."""


class DecodersBusy(PolyglanceError):
    """More pictures wait to be decoded than may wait."""

    def __init__(self) -> None:
        super().__init__("Too many pictures are being opened at once.", "Try again in a moment.")


class PhotoNotFound(PolyglanceError):
    """No photo of the library has that id."""

    exit_code = 2


class RootNotFound(PolyglanceError):
    """No folder of the library has that id."""

    exit_code = 2


class JobRunning(PolyglanceError):
    """An index job was asked for while the server runs one."""


class Stopped(PolyglanceError):
    """The work was ended by Ctrl-C or SIGTERM before it was done; what was done is kept."""

    def __init__(self) -> None:
        super().__init__("Stopped. What was done is kept; run the same command to go on.")
