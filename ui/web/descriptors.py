"""File descriptors: how many connections they allow beside those of the library, thumbnails and workers."""

from __future__ import annotations

import logging
import sys
from dataclasses import replace

from ...errors import UsageError
from .limits import Limits

log = logging.getLogger("polyglance")

RESERVED = 320
"""For SQLite (15 connections of three files), snapshots, watches, workers, and connections about to be refused."""
PER_CONNECTION = 2
"""Its socket, and the file that is sent through it."""
MIN_CONNECTIONS = 8


def connections_within(descriptors: int) -> int:
    """How many connections can be served with so many descriptors."""
    return (descriptors - RESERVED) // PER_CONNECTION


def within_descriptors(limits: Limits) -> Limits:
    """Raise this process's limit of descriptors, and return `limits` with the connections that it allows.

    Raises UsageError if there are too few to serve anybody.
    """
    if sys.platform == "win32":  # no such limit
        return limits
    import resource

    needed = RESERVED + PER_CONNECTION * limits.connections
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return limits
    allowed = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    except (OSError, ValueError):  # some systems allow less than their hard limit
        allowed = soft
    count = min(limits.connections, connections_within(allowed))
    if count < MIN_CONNECTIONS:
        raise UsageError(f"{allowed} open files are too few for a server.", f"Allow {needed}: ulimit -Hn {needed}.")
    if count < limits.connections:
        log.warning("At most %d connections are served: this process may open %d files only.", count, allowed)
    return replace(limits, connections=count)
