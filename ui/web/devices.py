"""A cookie for browsers that have sent the right password, so that guesses of others do not slow them down.

This is OWASP's device cookie. It replaces no password: it only tells whose wrong passwords are counted together.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from http.cookies import CookieError, SimpleCookie

NAME = "polyglance_device"
SECONDS = 365 * 24 * 3600


class Devices:
    """Makes and recognises the cookies, for as long as the server lives, whose processes share the `key`."""

    def __init__(self, key: bytes | None = None) -> None:
        self._key = key or secrets.token_bytes(32)

    def cookie(self, *, is_encrypted: bool) -> str:
        """Return a Set-Cookie header for a device that has none."""
        name = secrets.token_hex(16)
        flags = "; Secure" if is_encrypted else ""
        return f"{NAME}={name}.{self._sign(name)}; Path=/; Max-Age={SECONDS}; HttpOnly; SameSite=Lax{flags}"

    def name(self, cookies: str) -> str | None:
        """Return the name of the device that sends this Cookie header; None if this server did not make its cookie."""
        try:
            morsel = SimpleCookie(cookies).get(NAME)
        except CookieError:
            return None
        name, _, signature = (morsel.value if morsel else "").partition(".")
        is_ours = name.isascii() and signature.isascii() and hmac.compare_digest(signature, self._sign(name))
        return name if is_ours else None

    def _sign(self, name: str) -> str:
        return hmac.new(self._key, name.encode(), hashlib.sha256).hexdigest()
