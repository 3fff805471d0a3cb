"""Many photos as one zip that is made while it is sent: one file is open at a time, and none is held in memory."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from zipstream import ZIP_STORED, ZipStream

from ...data import paths
from ...data.catalog.records import PhotoRecord
from ...errors import PictureError, PictureUnreachable
from ...library import Library
from . import originals
from .file_names import UniqueNames, safe_name
from .originals import Original

LEFT_OUT = "left-out.txt"

_HEADING = "These photos are not in this file, or not whole. Each line: id, path, reason.\n"


@dataclass
class PhotoArchive:
    """The zip of `photos`. Files are stored as they are: pictures are compressed already.

    What cannot be read, has changed since it was indexed, or changes while it is read, is listed in `LEFT_OUT`, as are
    the `unknown` ids.
    """

    library: Library
    photos: Sequence[PhotoRecord]
    unknown: Sequence[int] = ()
    _left_out: list[str] = field(default_factory=list)

    def chunks(self) -> Iterator[bytes]:
        """Yield the bytes of the zip."""
        archive, names = ZipStream(compress_type=ZIP_STORED), UniqueNames([LEFT_OUT])
        unreachable: dict[bytes, str] = {}
        for photo in self.photos:
            root = b""
            try:
                root, path = self.library.place_of(photo)
                if root in unreachable:  # it was waited for once
                    raise PictureUnreachable(unreachable[root])
                original = originals.open_original(photo, root, path)
            except (PictureError, OSError) as error:
                reason = getattr(error, "message", None) or f"cannot be read: {error}"
                if isinstance(error, PictureUnreachable):
                    unreachable[root] = reason
                self._leave_out(photo, reason)
                continue
            with original.file:
                data = self._checked(photo, original)
                archive.add(data, names.add(safe_name(photo.path)), size=original.size)
                yield from archive.all_files()
        self._left_out += [f"{photo_id}\t\tno photo has this id" for photo_id in self.unknown]
        if self._left_out:
            archive.add(_HEADING + "\n".join(self._left_out) + "\n", LEFT_OUT)
        yield from archive.finalize()

    def _checked(self, photo: PhotoRecord, original: Original) -> Iterator[bytes]:
        """Yield the bytes of an open file, and see whether they are still those that were indexed."""
        digest = hashlib.sha256()
        try:
            for chunk in original.chunks():
                digest.update(chunk)
                yield chunk
        except OSError as error:  # an exception would end the whole zip
            self._leave_out(photo, f"is not whole here: {error.strerror or error}")
            return
        if digest.digest() != photo.content_hash:
            self._leave_out(photo, "is not whole here: it was changed while it was read")

    def _leave_out(self, photo: PhotoRecord, reason: str) -> None:
        self._left_out.append(f"{photo.id}\t{paths.display(photo.path)}\t{reason}")
