"""Photos in object storage: a root such as `s3://bucket/prefix`, through obstore.

Credentials come from the environment or from the machine's role; none is part of an address. Errors name the kind of a
failure and nothing of what a server answered, because answers and addresses may have keys in them.
"""

from __future__ import annotations

import hashlib
import importlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import IO, Any

from ..errors import FolderError, PictureError, PictureUnreachable
from . import paths
from .addresses import is_path, is_url
from .storage_errors import NO_BUCKET, explain

CHUNK_BYTES = 1 << 20
LISTED_AT_ONCE = 1000
KEY_REFUSED = "InvalidPathError"
"""What obstore raises at a key that is no path."""
RETRIES: dict[str, Any] = {"max_retries": 3, "retry_timeout": timedelta(seconds=30)}
CLIENT: dict[str, Any] = {"connect_timeout": "5s", "read_timeout": "20s", "timeout": "600s", "allow_http": True}
"""`read_timeout` is the longest wait for the next bytes, `timeout` that for a whole object. Plain HTTP is used only
where the environment names such an endpoint."""


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object: its path below the root, size in bytes, when it was written (ns since 1970), and its version.

    `version` is a number of 63 bits made from the ETag: other bytes have another one. An object whose key is no path
    (it has an empty part, `.`, `..`, or a control character) cannot be read.
    """

    path: bytes
    size: int
    modified_ns: int
    version: int
    is_readable: bool = True


def check(root: bytes) -> None:
    """Raise FolderError with what to do unless there is an object below the address."""
    if next(listing(root), None) is None:
        raise FolderError(
            f"There is nothing at {paths.display(root)}.", "Check the names of the bucket and the prefix."
        ).with_code("folder_missing", folder=paths.display(root))


def listing(root: bytes) -> Iterator[StoredObject]:
    """Yield all objects below `root`, as they are now. Raises FolderError if they cannot be listed, at any of them.

    If keys among them are no paths, and the storage is S3's, objects may come twice.
    """
    with _folder_errors(root):
        store, prefix = _locate(root)
        start = len(prefix) + 1 if prefix else 0
        try:
            for batch in _obstore().list(store, prefix or None, chunk_size=LISTED_AT_ONCE):
                for entry in batch:
                    version = entry.get("e_tag") or entry.get("version") or str(entry["last_modified"])
                    yield _stored(entry["path"][start:], entry["size"], entry["last_modified"], version)
        except Exception as error:
            if type(error).__name__ != KEY_REFUSED or not root.startswith(b"s3:"):
                raise
            from . import s3_pages  # imports what is not needed otherwise

            for page in s3_pages.pages(store, CLIENT, prefix and prefix + "/"):
                for each in page:
                    yield _stored(each.key[start:], each.size, each.modified, each.etag or str(each.modified))


def _stored(key: str, size: int, modified: datetime, version: str) -> StoredObject:
    return StoredObject(
        key.encode(),
        int(size),
        int(modified.timestamp() * 1e9),
        int.from_bytes(hashlib.blake2b(version.encode(), digest_size=8).digest(), "big") >> 1,
        is_readable=is_path(key),
    )


def exists(url: bytes) -> bool:
    """Whether there is an object, or are objects below the address; True if the storage cannot be asked.

    Then nothing is proved.
    """
    try:
        store, path = _locate(url)
        _obstore().head(store, path)
    except FileNotFoundError:
        return next(listing(url), None) is not None
    except Exception:  # noqa: BLE001 - a network, credentials, a bucket that is gone
        return True
    return True


def is_there(path: bytes) -> bool:
    """Whether there is a file or folder at an absolute path, or anything at an address."""
    return exists(path) if is_url(path) else os.path.lexists(path)


def is_folder(path: bytes) -> bool:
    """Whether there is a folder at an absolute path, or anything at an address."""
    return exists(path) if is_url(path) else os.path.isdir(path)


def read(url: bytes, *, max_bytes: int) -> bytes:
    """Return the bytes of an object. Raises PictureError if it is missing, empty, over `max_bytes`, or unreadable."""
    with _picture_errors(url):
        store, path = _locate(url)
        answer = _obstore().get(store, path)
        if answer.meta["size"] > max_bytes:
            raise PictureError(
                f"is {answer.meta['size'] / 1e6:.6g} MB, over the limit of {max_bytes / 1e6:.6g} MB",
                hint="Raise POLYGLANCE_MAX_FILE_BYTES to read it.",
            )
        data = bytes(answer.bytes())
    if not data:
        raise PictureError("is empty (0 bytes)")
    return data


def fetch(url: bytes, target: IO[bytes], *, size: int) -> bytes | None:
    """Write the bytes of an object to a file; return their content hash, None if it has not `size` bytes.

    Raises PictureError, PictureUnreachable.
    """
    digest = hashlib.sha256()
    with _picture_errors(url):
        store, path = _locate(url)
        answer = _obstore().get(store, path)
        if answer.meta["size"] != size:
            return None
        for chunk in answer.stream(min_chunk_size=CHUNK_BYTES):
            data = bytes(chunk)
            digest.update(data)
            target.write(data)
    return digest.digest()


@contextmanager
def _folder_errors(root: bytes) -> Iterator[None]:
    name = paths.display(root)
    try:
        yield
    except FolderError:
        raise
    except FileNotFoundError as error:
        raise FolderError(f"There is no bucket at {name}.", "Check its name.").with_code(
            "folder_missing", folder=name
        ) from error
    except Exception as error:
        if type(error).__name__ == KEY_REFUSED:
            raise FolderError(
                f"{name} cannot be listed: a key in it has an empty part, '.', '..' or a control character.",
                "Give that object another key, or index prefixes that it is not in.",
            ) from error
        known = explain(name.partition(":")[0], error)
        failure = FolderError(f"{name} cannot be listed: {known.kind}.", known.hint)
        if known == NO_BUCKET:
            raise failure.with_code("folder_missing", folder=name) from error
        raise failure.with_code("folder_unreachable", folder=name) from error


@contextmanager
def _picture_errors(url: bytes) -> Iterator[None]:
    try:
        yield
    except PictureError:
        raise
    except FolderError as error:
        raise PictureError(f"cannot be read: {error.message}", error.hint, may_pass=True) from error
    except FileNotFoundError as error:
        raise PictureError("is no longer there", may_pass=True) from error
    except OSError as error:  # of the temporary file
        raise PictureError(f"cannot be read: {error.strerror or type(error).__name__}", may_pass=True) from error
    except Exception as error:
        known = explain(url.partition(b":")[0].decode(), error)
        raise PictureUnreachable(f"cannot be read: {known.kind}", known.hint, may_pass=True) from error


def _obstore() -> Any:
    try:
        return importlib.import_module("obstore")
    except ImportError as error:
        raise FolderError(
            "Reading from object storage needs the package obstore.", "pip install 'polyglance[cluster]'"
        ) from error


def _locate(url: bytes) -> tuple[Any, str]:
    """Return the store of a bucket and the path in it. Only the bucket is read as an address, the rest is a key."""
    scheme, _, rest = url.decode().partition("://")
    bucket, _, key = rest.partition("/")
    return _store(f"{scheme}://{bucket}", os.getpid()), key


def forget_stores() -> None:
    """Forget the environment that was read, so that a change of it counts."""
    _store.cache_clear()


@lru_cache(maxsize=32)
def _store(bucket: str, _process: int) -> Any:
    _obstore()
    stores = importlib.import_module("obstore.store")
    return stores.from_url(bucket, client_options=CLIENT, retry_config=RETRIES)
