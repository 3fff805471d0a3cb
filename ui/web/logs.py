"""The log of `serve --log-format json`: one JSON object a line, for programs that collect logs."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime

from . import observing


class JsonFormatter(logging.Formatter):
    """Formats a record as `{time, level, logger, message, process, …}`, with the fields that it carries."""

    def format(self, record: logging.LogRecord) -> str:
        """Return one line. What was searched for is in none, unless an unexpected error repeats it."""
        document = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "process": record.process,
            "message": record.getMessage(),
        }
        if identifier := observing.request_id():
            document["request_id"] = identifier
        document |= getattr(record, "fields", {})
        if record.exc_info:
            document["exception"] = self.formatException(record.exc_info)
        return json.dumps(document, ensure_ascii=False)


def use_json() -> None:
    """Log in JSON from now on, and each request as well."""
    for handler in logging.getLogger().handlers:
        handler.setFormatter(JsonFormatter())
    observing.requests.setLevel(logging.INFO)


def is_json() -> bool:
    """Whether `use_json` was called."""
    return observing.requests.isEnabledFor(logging.INFO)
