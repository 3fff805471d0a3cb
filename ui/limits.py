"""What one request may ask for and send, the same everywhere."""

from __future__ import annotations

MAX_COUNT = 1000
"""Most results one request may ask for."""

MAX_ID = 2**63 - 1  # of SQLite

MAX_UPLOAD_BYTES = 64 * 1024 * 1024
"""Largest picture that can be sent to search by; it is held in memory and never stored."""

MAX_UPLOAD_PIXELS = 100_000_000
"""Most pixels of such a picture."""

MAX_BODY_BYTES = 64 * 1024
"""Longest body that is no picture."""

TAKE_PICTURES = frozenset({"/api/v1/search", "/api/v1/similar"})
"""Where a picture can be sent to."""

BODY_SECONDS = 30.0
"""How long the next piece of a body may take."""

MAX_CONNECTIONS = 1000
"""More at one time are refused."""

MAX_TEXT = 4096
"""Longest text in a parameter or field, in characters; the query has a limit of its own, in the settings."""

MAX_VALUES = 16
"""How often one filter may be given."""

MAX_FOLDERS = 1000
"""Most folders listed of one folder."""
