"""File descriptors: how many connections they allow. Every library, thumbnail and worker needs some as well."""

from __future__ import annotations

import logging
import sys
from dataclasses import replace

from ...errors import UsageError
from .limits import Limits

log = logging.getLogger("polyglance")

RESERVED = 320
"""For SQLite (15 connections of three files), snapshots, watches, workers, and connections about to be refused."""
EACH = 2
"""For a connection: its socket, and the file that is sent through it."""
FEWEST = 8


def connections_within(descriptors: int) -> int:
    """How many connections can be served with so many descriptors."""
    return (descriptors - RESERVED) // EACH


def within_descriptors(limits: Limits) -> Limits:
    """Return `limits` that this process has descriptors for, after raising the number it may have.

    Raises UsageError if there are too few to serve anybody.
    """
    if sys.platform == "win32":  # no such limit
        return limits
    import resource

    wanted = RESERVED + EACH * limits.connections
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return limits
    allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    except (OSError, ValueError):  # a system that allows less than it says
        allowed = soft
    most = min(limits.connections, connections_within(allowed))
    if most < FEWEST:
        raise UsageError(f"{allowed} open files are too few for a server.", f"Allow {wanted}: ulimit -Hn {wanted}.")
    if most < limits.connections:
        log.warning("At most %d connections are served: this process may open %d files only.", most, allowed)
    return replace(limits, connections=most)
