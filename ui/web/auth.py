"""The password or token of a server that others can reach, compared in constant time."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import secrets
import stat
from dataclasses import dataclass
from pathlib import Path

from ...errors import UsageError

MIN_LENGTH = 8
MAX_FILE_BYTES = 4096

CHALLENGE = 'Basic realm="polyglance", charset="UTF-8"'

_EXAMPLE = "It holds one line, user:password or a token, for example from: openssl rand -hex 16"


@dataclass(frozen=True)
class Secret:
    """The password or token that a client must send, kept only as keyed hashes. `_user` is None for a token."""

    _key: bytes
    _user: bytes | None
    _word: bytes

    @classmethod
    def from_text(cls, text: str) -> Secret:
        """Read `user:password`, or a token. Raises UsageError; its message does not contain the text."""
        line = text.strip("\r\n")
        user, colon, word = line.partition(":")
        if not colon:
            user, word = "", line
        if "\n" in line or len(word) < MIN_LENGTH or (colon and not user) or not line.isprintable():
            raise UsageError(f"The password or token must be one line of at least {MIN_LENGTH} characters.", _EXAMPLE)
        key = secrets.token_bytes(32)
        return cls(key, _hash(key, user) if colon else None, _hash(key, word))

    def accepts(self, authorization: str) -> bool:
        """Whether a request with this Authorization header may pass."""
        scheme, _, rest = authorization.partition(" ")
        if scheme.lower() == "bearer":
            return self._user is None and self._is_word(rest.strip())
        if scheme.lower() != "basic":
            return False
        try:
            user, _, word = base64.b64decode(rest.strip(), validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError, ValueError):
            return False
        is_user = self._user is None or hmac.compare_digest(_hash(self._key, user), self._user)
        return self._is_word(word) and is_user

    def _is_word(self, word: str) -> bool:
        return hmac.compare_digest(_hash(self._key, word), self._word)


def _hash(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode("utf-8", "surrogatepass"), hashlib.sha256)


def read(path: Path) -> Secret:
    """Read the secret in a file that nobody else may read. Raises UsageError."""
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            data = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise UsageError(f"The file {path} cannot be read: {error.strerror}.", _EXAMPLE) from error
    if os.name != "nt" and mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise UsageError(f"The file {path} can be read by others.", f"Run: chmod 600 {path}")
    try:
        text = data.decode()
    except UnicodeDecodeError:
        text = ""
    return Secret.from_text(text if len(data) <= MAX_FILE_BYTES else "")
