"""The checks before every request, and the headers of every answer."""

from __future__ import annotations

import asyncio
import logging
from http import HTTPStatus

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .admission import Admission
from .bodies import BoundedBody, UploadMemory
from .health import OPEN_PATHS
from .limits import LIMITS, BodyLimits
from .policy import THIS_MACHINE, Policy, find_refusal
from .problems import INTERNAL, INTERNAL_HINT, problem
from .sharing import ALONE, Sharing

log = logging.getLogger("polyglance")

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'self'",
        # Gradio's document starts from inline scripts.
        "script-src 'self' 'unsafe-inline'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' blob: data:",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",  # a form is how a page saves a zip without holding it in memory
        "frame-ancestors 'none'",
    )
)
"""It makes the browser itself refuse requests of the page to any other server."""

HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    # Not no-referrer: forms would be sent with "Origin: null", like those of other sites.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}


class Gate:
    """ASGI middleware: refuses what `policy` refuses, asks for the password, bounds bodies, and adds `HEADERS`.

    An exception of the application becomes a problem document.
    """

    def __init__(
        self,
        app: ASGIApp,
        policy: Policy = THIS_MACHINE,
        bounds: BodyLimits = LIMITS.body,
        pictures_of: str | None = None,
        sharing: Sharing = ALONE,
    ) -> None:
        """`pictures_of` is the origin of another server whose pictures the page may show: a map's tiles."""
        self._app = app
        self._headers = dict(HEADERS)
        if pictures_of:
            self._headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY.replace("blob:", f"blob: {pictures_of}")
        self._policy = policy
        self._admission = Admission(policy.secret, sharing) if policy.secret else None
        self._bounds = bounds
        self._memory = UploadMemory(bounds.memory_bytes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":  # a WebSocket: nothing here speaks it
            await send({"type": "websocket.close", "code": 1000})
            return
        started, admitted = False, False
        body = BoundedBody(scope, receive, self._memory, self._bounds)

        async def send_with_headers(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                headers = MutableHeaders(raw=message["headers"])
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
                if admitted and self._admission:
                    self._admission.set_cookie(scope, headers)
                if body.is_left:  # nobody will read the rest
                    headers["Connection"] = "close"
            await send(message)

        try:
            refusal = await self._refuse(scope)
            admitted = refusal is None and scope["path"] not in OPEN_PATHS  # who probes has sent no password
            await (refusal or self._app)(scope, body, send_with_headers)
        except ClientDisconnect:
            log.debug("%s %s: the client is gone.", scope["method"], scope["path"])
        except asyncio.CancelledError:
            # The server ends and has closed the connection: uvicorn would print a traceback for each.
            log.debug("%s %s was ended with the server.", scope["method"], scope["path"])
        except Exception as error:  # noqa: BLE001 - one bad request must not end in a traceback
            _log_failure(scope, error)
            if not started:
                await problem(HTTPStatus.INTERNAL_SERVER_ERROR, INTERNAL, INTERNAL_HINT)(scope, body, send_with_headers)
        finally:
            body.release()

    async def _refuse(self, scope: Scope) -> ASGIApp | None:
        reason = find_refusal(Headers(scope=scope), scope["method"], self._policy)
        if reason is not None:
            return problem(HTTPStatus.FORBIDDEN, reason)
        if scope["path"] in OPEN_PATHS:
            return None
        return await self._admission.refuse(scope) if self._admission else None


def _log_failure(scope: Scope, error: Exception) -> None:
    log.error("%s %s failed: %s: %s", scope["method"], scope["path"], type(error).__name__, error)
    log.debug("The request's traceback:", exc_info=error)
