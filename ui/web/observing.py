"""What is told about each request: its id, a line of the log, figures for `/metrics`, a span of OpenTelemetry.

None of them has names of files, addresses of photos or what was searched for: routes are templates, as
`/api/v1/photos/{photo_id}/original`.
"""

from __future__ import annotations

import logging
import re
import secrets
import time
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .metrics import Metrics
from .tracing import Tracing

requests = logging.getLogger("polyglance.requests")
"""One line for each request; only `logs.use_json` turns it on."""
requests.setLevel(logging.WARNING)

HEADER = "X-Request-ID"
_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
OTHER = "other"
"""In place of a method or route that no template names: clients can make up as many as they like."""


@dataclass(slots=True)
class Observation:
    """What is known of the request that is being answered."""

    id: str
    searches: int = 0
    encode_ms: float = 0.0


_current: ContextVar[Observation | None] = ContextVar("polyglance_request", default=None)


def request_id() -> str | None:
    """The id of the request that this thread or task answers; None outside of requests."""
    observation = _current.get()
    return observation.id if observation else None


def note_search(encode_ms: float) -> None:
    """Count a search of this request; encoding its query took so many milliseconds."""
    if observation := _current.get():
        observation.searches += 1
        observation.encode_ms += encode_ms


def id_for(sent: str | None) -> str:
    """The id that a client or proxy has `sent`, if it is harmless in headers and logs; else a new one."""
    return sent if sent and _ID.fullmatch(sent) else secrets.token_hex(8)


def template_of(scope: Scope) -> str:
    """The route of a request that was answered, with names in place of the values in its address.

    Its values are replaced from the end of the address, where they stand; whatever a client writes into them, the
    result is made of the words of routes alone.
    """
    if "route" not in scope:
        return OTHER
    head, tail = str(scope["path"]), ""
    for name, value in reversed(scope.get("path_params", {}).items()):
        before, found, after = head.rpartition(str(value))
        if not found:
            return OTHER
        head, tail = before, f"{{{name}}}{after}{tail}"
    return head + tail


class Observer:
    """ASGI middleware around everything else, also around refusals."""

    def __init__(self, app: ASGIApp, metrics: Metrics | None = None, tracing: Tracing | None = None) -> None:
        self._app = app
        self._metrics = metrics
        self._tracing = tracing or Tracing()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request and tell about it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        observation = Observation(id_for(headers.get(HEADER)))
        method = scope["method"] if scope["method"] in METHODS else OTHER
        token, start, status = _current.set(observation), time.perf_counter(), 0

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(raw=message["headers"])[HEADER] = observation.id
            await send(message)

        with self._tracing.request(method, headers) as span:
            try:
                await self._app(scope, receive, send_with_id)
            finally:
                _current.reset(token)
                seconds, route = time.perf_counter() - start, template_of(scope)
                span.finish(method, route, status, observation.id, observation.encode_ms)
                self._tell(observation, method, route, status, seconds)

    def _tell(self, observation: Observation, method: str, route: str, status: int, seconds: float) -> None:
        if self._metrics:
            self._metrics.add_request(method, route, status, seconds)
            if observation.searches:
                self._metrics.add_searches(observation.searches, observation.encode_ms / 1000)
        if requests.isEnabledFor(logging.INFO):
            fields: dict[str, Any] = {"request_id": observation.id, "method": method, "route": route}
            fields |= {"status": status or None, "milliseconds": round(1000 * seconds, 3)}
            if observation.searches:
                fields["encode_milliseconds"] = round(observation.encode_ms, 3)
            requests.info("request", extra={"fields": fields})
