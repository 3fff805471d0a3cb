"""Addresses of places in object storage, as they are written and kept: pure functions, no network."""

from __future__ import annotations

import re

from ..errors import FolderError

SCHEMES = ("s3", "gs", "az")
"""Kinds of storage: Amazon S3 and what speaks its protocol, Google Cloud Storage, Azure Blob Storage."""

_URL = re.compile(rb"[A-Za-z][A-Za-z0-9+.-]+://")
_UNSAFE = re.compile("[\x00-\x1f\x7f?#]|::")
_CONTROL = re.compile("[\x00-\x1f\x7f]")
_NO_NAMES = {"", ".", ".."}


def is_url(path: bytes) -> bool:
    """Whether this is an address such as `s3://bucket/prefix`, and no path of a disk."""
    return bool(_URL.match(path))


def is_path(key: str) -> bool:
    """Whether the parts of a key are names as a folder has them: not empty, not `.` or `..`, no control characters."""
    return _NO_NAMES.isdisjoint(key.split("/")) and not _CONTROL.search(key)


def without_odd_parts(path: bytes) -> bytes:
    """Return a path without its parts that are no names."""
    return b"/".join(part for part in path.split(b"/") if part.decode() not in _NO_NAMES)


def normalise(url: bytes) -> bytes:
    """Return the address of a root in the one form that the catalog has. Raises FolderError if it cannot be one."""
    text = url.decode("utf-8", "replace")
    scheme, _, rest = text.partition("://")
    scheme = scheme.lower()
    if scheme not in SCHEMES:
        known = ", ".join(f"{each}://" for each in SCHEMES)
        raise FolderError(f"polyglance reads no photos from {scheme}://.", f"It reads folders, and {known}.")
    bucket, slash, prefix = rest.removesuffix("/").partition("/")
    example = f"Write it as {scheme}://bucket/prefix."
    if ":" in bucket:  # the message does not repeat the password
        raise FolderError("The address of a bucket must not have a password or port.", example)
    if _UNSAFE.search(text) or "\ufffd" in text:
        raise FolderError("The address has '?', '#', '::', a control character or no UTF-8.", example)
    parts = prefix.split("/") if slash else []
    if not bucket or not _NO_NAMES.isdisjoint(parts):
        raise FolderError(f"The address {text} has an empty part, '.' or '..'.", example)
    return "/".join([f"{scheme}:/", bucket, *parts]).encode()
