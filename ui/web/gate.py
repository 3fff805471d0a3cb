"""What stands before every request: who may ask, and what every answer carries."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
from dataclasses import dataclass
from http import HTTPStatus

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .addresses import Network
from .admission import Admission
from .auth import Secret
from .bodies import Bounded, Memory
from .limits import LIMITS, BodyLimits
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


@dataclass(frozen=True)
class Policy:
    """Who is served: this machine alone, unless there is a `secret`; then (`is_open`) others too.

    `names` are host names, in lower case, that the server answers to besides those of loopback. `proxies` are believed
    when they say whom a request comes from (X-Forwarded-For), and nobody else is.
    """

    secret: Secret | None = None
    is_open: bool = False
    names: frozenset[str] = frozenset()
    proxies: tuple[Network, ...] = ()

    def answers_to(self, host: str) -> bool:
        """Whether a Host header, without its port, is one of this server's.

        Any address will do where others are served: only a *name* can be made to point here by a stranger.
        """
        return is_loopback(host) or host.lower() in self.names or (self.is_open and is_address(host))


THIS_MACHINE = Policy()


def is_address(host: str) -> bool:
    """Tell if this is an IP address, with or without the brackets of IPv6."""
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True


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


def refusal(headers: Headers, method: str = "GET", policy: Policy = THIS_MACHINE) -> str | None:
    """Say why a request is refused, whoever it is from; None if it is not.

    A name that resolves to 127.0.0.1 (DNS rebinding) shows in Host; a foreign site that makes the user's browser ask
    (and send the user's password along) shows in Origin or, where there is no Origin, in Sec-Fetch-Site. Following a
    link to the page is allowed.
    """
    host = headers.get("host", "")
    if len(headers.getlist("host")) != 1 or not policy.answers_to(host_of(host)):
        names = " and ".join(["127.0.0.1", "localhost", *sorted(policy.names)])
        return f"This server answers to {names} only."
    origin = headers.get("origin")
    if origin is not None and origin.partition("//")[2].lower() != host.lower():
        return "Requests from other sites are refused."
    foreign = headers.get("sec-fetch-site") in {"cross-site", "same-site"}
    follows_link = headers.get("sec-fetch-mode") == "navigate" and method in {"GET", "HEAD"}
    if foreign and not follows_link:
        return "Requests from other sites are refused."
    return None


class Gate:
    """ASGI middleware: asks for the password, refuses what `refusal` names, bounds bodies, adds `HEADERS`.

    A failure inside becomes a problem document.
    """

    def __init__(self, app: ASGIApp, policy: Policy = THIS_MACHINE, bounds: BodyLimits = LIMITS.body) -> None:
        self._app = app
        self._policy = policy
        self._admission = Admission(policy.secret) if policy.secret else None
        self._bounds = bounds
        self._memory = Memory(bounds.memory_bytes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":  # a WebSocket: nothing here speaks it
            await send({"type": "websocket.close", "code": 1000})
            return
        started, admitted = False, False
        body = Bounded(scope, receive, self._memory, self._bounds)

        async def sending(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                carried = MutableHeaders(raw=message["headers"])
                for name, value in HEADERS.items():
                    carried.setdefault(name, value)
                if admitted and self._admission:
                    self._admission.mark(scope, carried)
                if body.is_left:  # nobody will read the rest
                    carried["Connection"] = "close"
            await send(message)

        try:
            refused = await self._refused(scope)
            admitted = refused is None
            await (refused or self._app)(scope, body, sending)
        except ClientDisconnect:
            log.debug("%s %s: the client is gone.", scope["method"], scope["path"])
        except asyncio.CancelledError:
            # The server ends and has closed the connection: uvicorn would print a traceback for each.
            log.debug("%s %s was ended with the server.", scope["method"], scope["path"])
        except Exception as error:  # noqa: BLE001 - one bad request must not end in a traceback
            _log_failure(scope, error)
            if not started:
                await problem(HTTPStatus.INTERNAL_SERVER_ERROR, INTERNAL, INTERNAL_HINT)(scope, body, sending)
        finally:
            body.release()

    async def _refused(self, scope: Scope) -> ASGIApp | None:
        reason = refusal(Headers(scope=scope), scope["method"], self._policy)
        if reason is not None:
            return problem(HTTPStatus.FORBIDDEN, reason)
        return await self._admission.refusal(scope) if self._admission else None


def _log_failure(scope: Scope, error: Exception) -> None:
    log.error("%s %s failed: %s: %s", scope["method"], scope["path"], type(error).__name__, error)
    log.debug("The request's traceback:", exc_info=error)
