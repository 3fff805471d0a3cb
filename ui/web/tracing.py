"""Spans of OpenTelemetry, one for each request, where its API is installed; without an SDK they cost nothing.

polyglance sets nothing up and sends nothing: whoever wants the spans starts it by `opentelemetry-instrument`, or sets
up an SDK before it calls `build`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

NAME = "polyglance"


class Span:
    """A span, or nothing where there is no OpenTelemetry."""

    def __init__(self, span: Any = None) -> None:
        self._span = span

    def finish(self, method: str, route: str, status: int, request_id: str, encode_ms: float) -> None:
        """Name the span by its route, and note how the request was answered; status 0 means not at all."""
        if self._span is None or not self._span.is_recording():
            return
        self._span.update_name(f"{method} {route}")
        attributes = {"http.request.method": method, "http.route": route, "polyglance.request_id": request_id}
        self._span.set_attributes(attributes)
        if encode_ms:
            self._span.set_attribute("polyglance.encode_ms", encode_ms)
        if status:
            self._span.set_attribute("http.response.status_code", status)
        if status >= 500:
            from opentelemetry.trace import StatusCode

            self._span.set_status(StatusCode.ERROR)


class Tracing:
    """Makes spans; `provider` is an SDK's, None the one that the process was set up with."""

    def __init__(self, provider: Any = None) -> None:
        try:
            from opentelemetry import propagate, trace
        except ModuleNotFoundError:
            self._tracer = None
            return
        self._propagate = propagate
        self._kind = trace.SpanKind.SERVER
        self._tracer = trace.get_tracer(NAME, tracer_provider=provider)

    @contextmanager
    def request(self, method: str, headers: Mapping[str, str]) -> Iterator[Span]:
        """A span around a request, below that of the client or proxy which sent its `traceparent`."""
        if self._tracer is None:
            yield Span()
            return
        context = self._propagate.extract(dict(headers))
        with self._tracer.start_as_current_span(method, context, self._kind) as span:
            yield Span(span)
