"""The connection to a Ray cluster. Only this module imports Ray, when a run has workers there."""

from __future__ import annotations

import contextlib
import importlib
import logging
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

from ...errors import PolyglanceError
from .ray_address import Address, Crew
from .ray_worker import Task, Worker

log = logging.getLogger("polyglance")

CONNECT_SECONDS = 5.0
CONNECT_ATTEMPTS = 3
RETRY_SECONDS = 1.0
"""Between two attempts: Ray starts a process for each client, and one that ends while it starts fails the client."""

_CALLS_AT_ONCE = 8
"""Threads of a worker: two batches, questions, answers, and calls that were repeated."""


@contextlib.contextmanager
def connected(address: Address) -> Iterator[Any]:
    """Give the module `ray`, connected to the cluster. Raises PolyglanceError with the next step."""
    if address.is_local:
        # Else a Ray of one machine listens on all addresses. Ray reads it when it is imported.
        os.environ.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")
    ray = _import_ray()
    if ray.is_initialized():  # by the program that uses us
        yield ray
        return
    options: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
    if not address.is_local:
        _require_listener(address)
    with _signals_kept():
        try:
            if address.is_local:
                ray.init(include_dashboard=False, _node_ip_address="127.0.0.1", **options)
            else:
                _connect(ray, f"ray://{address.host}:{address.port}", options)
        except Exception as error:  # it raises what it likes: other versions, a busy machine
            raise _unreachable(address, first_line(error)) from error
    try:
        yield ray
    finally:
        with _signals_kept():
            ray.shutdown()


def _connect(ray: Any, url: str, options: dict[str, Any]) -> None:
    """Connect to a cluster; again if Ray could not start the process that serves this client."""
    for attempt in range(1, CONNECT_ATTEMPTS + 1):
        try:
            ray.init(url, **options)
        except ConnectionAbortedError as error:
            if attempt == CONNECT_ATTEMPTS:
                raise
            log.warning("Ray did not start a server for this process, trying again: %s.", first_line(error))
            time.sleep(RETRY_SECONDS)
        else:
            return


@contextlib.contextmanager
def readable_errors(ray: Any) -> Iterator[None]:
    """Raise what a worker raised, and a PolyglanceError of one line where the connection is lost."""
    try:
        yield
    except ray.exceptions.RayTaskError as error:
        cause = error.cause
        if isinstance(cause, PolyglanceError):
            raise cause from None
        raise PolyglanceError(
            f"A worker of Ray failed: {first_line(cause or error)}.", "What was committed is kept; --debug shows more."
        ) from error
    except (ray.exceptions.RayError, ConnectionError) as error:
        raise PolyglanceError(
            f"The connection to Ray was lost: {first_line(error)}.",
            "What was committed is kept; run the same command to go on.",
        ) from error


def machines(ray: Any) -> list[tuple[float, float]]:
    """Return (processors, GPUs) of each machine of the cluster."""
    resources = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    return [(each.get("CPU", 0.0), each.get("GPU", 0.0)) for each in resources]


def hire(ray: Any, crew: Crew, task: Task) -> list[Any]:
    """Start workers. They wait for processors that are not free yet. Raises PolyglanceError if there is no room."""
    if not crew.workers:
        raise PolyglanceError(
            f"No machine of Ray has the {crew.cpus:g} processors and {crew.gpus:g} GPUs of a worker.",
            "'ray status' shows what there is; 'cpus=' and 'gpus=' in the address of --workers ask for less.",
        )
    options = {"num_cpus": crew.cpus, "num_gpus": crew.gpus, "max_restarts": -1, "max_concurrency": _CALLS_AT_ONCE}
    actor = ray.remote(**options)(Worker)
    try:
        return [actor.remote(task) for _ in range(crew.workers)]
    except TypeError as error:
        raise PolyglanceError(
            f"The encoder {task.name} cannot be sent to the workers of Ray: {first_line(error)}.",
            "Register it by an entry point (docs/encoders.md) on every machine.",
        ) from error


def _import_ray() -> Any:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing leaves the machine
    logging.getLogger("ray").setLevel(logging.ERROR)
    try:
        with _signals_kept():
            return importlib.import_module("ray")
    except ImportError as error:
        raise PolyglanceError("Ray is not installed.", "Install it with: pip install 'polyglance[cluster]'") from error


@contextlib.contextmanager
def _signals_kept() -> Iterator[None]:
    """Undo what Ray does to the handlers of signals, with which a run is asked to stop."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    kept = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)


def _require_listener(address: Address) -> None:
    """Ray itself tries for half a minute."""
    try:
        socket.create_connection((address.host, address.port), CONNECT_SECONDS).close()
    except OSError as error:
        raise _unreachable(address, error.strerror or str(error)) from error


def _unreachable(address: Address, reason: str) -> PolyglanceError:
    if address.is_local:
        return PolyglanceError(f"Ray cannot be started on this machine: {reason}.", "Run it without --workers.")
    return PolyglanceError(
        f"Ray does not answer at {address.host}:{address.port}: {reason}.",
        "Is it running ('ray status'), and is this the port of Ray's client server, 10001 by default?",
    )


def first_line(error: BaseException) -> str:
    """Return what an error of Ray says, without the traceback below it."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
    text = f"{lines[0]} {lines[-1]}" if lines[0].endswith(":") and len(lines) > 1 else lines[0]
    return text[:200].rstrip(".:")
