"""What stands before every request: who may ask, and what every answer carries."""

from __future__ import annotations

import ipaddress
import logging
from http import HTTPStatus

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .problems import INTERNAL, INTERNAL_HINT, problem

log = logging.getLogger("polyglance")

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'self'",
        # Gradio's own page starts from inline scripts and compiles its templates with `new Function`.
        "script-src 'self' 'unsafe-inline' 'unsafe-eval'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' blob: data:",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
"""No request of the page leaves this server, whatever is in it: the browser itself sees to that."""

HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}


def is_loopback(host: str) -> bool:
    """Tell if a host name or address, with or without the brackets of IPv6, can only mean this machine."""
    name = host.strip("[]").lower()
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def host_of(header: str) -> str:
    """Return a Host header, or what follows `//` in an Origin, without the port."""
    if header.startswith("["):
        return header.partition("]")[0] + "]"
    return header.partition(":")[0]


def refusal(headers: Headers) -> str | None:
    """Say why a request is refused; None if it is not.

    A name that resolves to 127.0.0.1 (DNS rebinding) shows in Host; a foreign site that makes the user's browser ask
    shows in Origin or, where there is no Origin, in Sec-Fetch-Site. Following a link to the page is allowed.
    """
    host = headers.get("host", "")
    if not is_loopback(host_of(host)):
        return "This server answers to 127.0.0.1 and localhost only."
    origin = headers.get("origin")
    if origin is not None and origin.partition("//")[2] != host:
        return "Requests from other sites are refused."
    foreign = headers.get("sec-fetch-site") in {"cross-site", "same-site"}
    if foreign and headers.get("sec-fetch-mode") != "navigate":
        return "Requests from other sites are refused."
    return None


class Gate:
    """ASGI middleware: refuses what `refusal` names, adds `HEADERS`, and turns a failure into a problem document."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def sending(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                carried = MutableHeaders(raw=message["headers"])
                for name, value in HEADERS.items():
                    carried.setdefault(name, value)
            await send(message)

        reason = refusal(Headers(scope=scope))
        if reason is not None:
            await problem(HTTPStatus.FORBIDDEN, reason)(scope, receive, sending)
            return
        try:
            await self._app(scope, receive, sending)
        except Exception as error:  # noqa: BLE001 - one bad request must not end in a traceback
            _log_failure(scope, error)
            if not started:
                await problem(HTTPStatus.INTERNAL_SERVER_ERROR, INTERNAL, INTERNAL_HINT)(scope, receive, sending)


def _log_failure(scope: Scope, error: Exception) -> None:
    log.error("%s %s failed: %s: %s", scope["method"], scope["path"], type(error).__name__, error)
    log.debug("The request's traceback:", exc_info=error)
