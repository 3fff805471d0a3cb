"""How a server that does not answer is noticed: after seconds, and not by each request anew. See `postgresql`."""

from __future__ import annotations

import time
from typing import Any

import psycopg
from sqlalchemy import Engine, event
from sqlalchemy.engine.interfaces import Dialect
from sqlalchemy.pool import ConnectionPoolEntry

CONNECT_SECONDS = 5
CUT_OFF: dict[str, Any] = {
    "keepalives_idle": 3,
    "keepalives_interval": 1,
    "keepalives_count": 3,
    "tcp_user_timeout": 5000,
}
"""After 5 seconds without the network a query fails; without this it may wait for hours."""
PAUSE_SECONDS = 2.0
"""After an attempt to connect that nobody answered, other attempts fail at once for so long."""


def fail_together(engine: Engine) -> None:
    """Let one request wait for a server that does not answer, and all others fail with it.

    A pool gives a connection at a time to each of many requests: each would wait by itself, one after the other.
    """
    failed: list[tuple[float, str]] = []

    def connect(dialect: Dialect, _record: ConnectionPoolEntry, arguments: Any, options: Any) -> Any:
        if failed and time.monotonic() < failed[-1][0] + PAUSE_SECONDS:
            raise psycopg.OperationalError(failed[-1][1])
        try:
            return dialect.connect(*arguments, **options)
        except psycopg.OperationalError as error:
            if isinstance(error, psycopg.errors.ConnectionTimeout) or "timed out" in str(error):
                failed[:] = [(time.monotonic(), str(error))]
            raise  # a server that refuses may be asked again at once

    event.listen(engine, "do_connect", connect)
