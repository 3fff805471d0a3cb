"""Figures in the format of Prometheus: `GET /metrics` of `serve --metrics`, behind the password as everything else.

Counters of several worker processes are kept in files that whichever process is asked adds up; what the library holds
is read from the catalog when it is asked for, and is the same whichever process answers.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter
from starlette.responses import Response

from ...errors import UsageError
from ...library import Library
from .sharing import ALONE, Sharing

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry
    from prometheus_client.core import GaugeMetricFamily

PATH = "/metrics"
STATES = ("none", "running", "done", "failed", "stopped")
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper ends of the classes of the latency histogram."""

FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
"""prometheus-client reads it when it is imported."""


class Metrics:
    """The figures of a server. Raises UsageError if the package `prometheus-client` is missing."""

    def __init__(self, library: Library, job_state: Callable[[], str], sharing: Sharing = ALONE) -> None:
        if sharing.metrics_folder:
            os.environ[FOLDER_VARIABLE] = str(sharing.metrics_folder)
        try:
            import prometheus_client as prometheus
            from prometheus_client.core import GaugeMetricFamily
        except ModuleNotFoundError as error:
            raise UsageError(
                "--metrics needs the package prometheus-client.", "Run: pip install 'polyglance[cluster]'"
            ) from error
        self._prometheus = prometheus
        self._gauge: type[GaugeMetricFamily] = GaugeMetricFamily
        self._library = library
        self._job_state = job_state
        self._folder = sharing.metrics_folder
        self._own = prometheus.CollectorRegistry()
        own: Any = {"registry": self._own}
        self._requests = prometheus.Counter(
            "polyglance_requests", "Requests answered.", ("method", "route", "status"), **own
        )
        self._seconds = prometheus.Histogram(
            "polyglance_request_seconds", "From a request to the end of its answer.", ("route",), buckets=SECONDS, **own
        )
        self._searches = prometheus.Counter("polyglance_searches", "Searches answered over the HTTP API.", **own)
        self._encoding = prometheus.Counter("polyglance_encode_seconds", "Spent on encoding their queries.", **own)

    def add_request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request; status 0 means that the client was gone before the answer."""
        self._requests.labels(method, route, str(status or "none")).inc()
        self._seconds.labels(route).observe(seconds)

    def add_searches(self, count: int, encode_seconds: float) -> None:
        """Count searches, and how long their queries took to encode."""
        self._searches.inc(count)
        self._encoding.inc(encode_seconds)

    def document(self) -> bytes:
        """All figures as Prometheus reads them."""
        registry: CollectorRegistry = self._own
        if self._folder:
            from prometheus_client import multiprocess

            registry = self._prometheus.CollectorRegistry()
            multiprocess.MultiProcessCollector(registry, path=str(self._folder))
        held = self._prometheus.CollectorRegistry()
        held.register(self)
        document: bytes = self._prometheus.generate_latest(registry) + self._prometheus.generate_latest(held)
        return document

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """What the library holds now; prometheus-client calls it."""
        photos = sum(root.photos for root, _ in self._library.status().roots)
        yield self._gauge("polyglance_photos", "Photos that can be found.", value=photos)
        generation = self._library.generation()
        yield self._gauge("polyglance_generation", "Counts changes of the catalog.", value=generation)
        job = self._gauge("polyglance_job", "1 for the state of the last index job.", labels=("state",))
        now = self._job_state()
        for state in STATES:
            job.add_metric((state,), float(state == now))
        yield job


def router(metrics: Metrics) -> APIRouter:
    """Return the route."""
    routes = APIRouter(include_in_schema=False)

    @routes.get(PATH)
    def figures() -> Response:
        """The figures of the server."""
        kind = "text/plain; version=0.0.4; charset=utf-8"
        return Response(metrics.document(), headers={"Content-Type": kind, "Cache-Control": "no-store"})

    return routes
