"""What PostgreSQL's errors mean: damage, a full disk, or what to do next. See `dialect`."""

from __future__ import annotations

import psycopg
from sqlalchemy import exc

ERRORS: tuple[type[Exception], ...] = (exc.DatabaseError, exc.InterfaceError, psycopg.Error)

_TRY_AGAIN = "Nothing was changed. What it is about was changed or removed meanwhile: try again."
_HINTS = {
    "08": "Is the server running? Try again in a moment.",
    "23": _TRY_AGAIN,
    "25006": "The server only answers reads: name the primary server in POLYGLANCE_CATALOG.",
    "28": "Check user and password in POLYGLANCE_CATALOG, or ~/.pgpass.",
    "3D000": "Make it with 'createdb', or check its name in POLYGLANCE_CATALOG.",
    "3F000": "Make the schema that the address's search_path names.",
    "40": "Nothing was changed: another process changed the same. Try again.",
    "42501": "Let the user of POLYGLANCE_CATALOG own the database, or grant it all rights on its schema.",
    "53100": "Free some space on the server's disk, then run the same command to go on.",
    "53300": "Too many programs use the server: raise its max_connections, or end some, then try again.",
    "53": "The server is short of memory or other means; end other programs, then try again.",
    "55P03": "Another process holds it; try again.",
    "57P": "The server is being stopped or started. Try again in a moment; what was committed is kept.",
    "58": "The server's disk fails or was taken away; check its log.",
}
"""How an SQLSTATE begins -> the next step, where nothing is damaged."""
_REFUSED = {
    "password authentication failed": "28",
    "no password supplied": "28",
    "no pg_hba.conf entry": "28",
    "role ": "28",
    "database ": "3D000",
    "remaining connection slots": "53300",
    "too many clients": "53300",
    "starting up": "57P",
    "shutting down": "57P",
    "terminating connection": "57P",
    "consuming input failed": "08",
    "server closed the connection": "57P",
}
"""What a refused or broken connection says, for which the driver has no SQLSTATE -> how it would begin."""
_OTHER_HINT = "Run it again with --debug to see where; 'polyglance check' tells whether the catalog is whole."


def is_damage(error: BaseException) -> bool:
    """Whether the server says that its files are not what was written."""
    return _state(error).startswith("XX00")


def is_full(error: BaseException) -> bool:
    """Whether the server's disk has no space."""
    return _state(error) == "53100"


def is_unavailable(error: BaseException) -> bool:
    """Whether the server does not answer, is being stopped or started, or has no connection left."""
    return _state(error).startswith(("08", "57P", "53300"))


def reason(error: BaseException) -> str:
    """The first line of what the driver says."""
    lines = [line.strip() for line in str(_driver_error(error)).splitlines()]
    message = next((line for line in lines if line), type(error).__name__)
    return message.removeprefix("connection failed: ").rstrip(".")


def hint(error: BaseException) -> str:
    """What to do about an error that is no damage."""
    state = _state(error)
    return next((_HINTS[state[:length]] for length in (5, 3, 2) if state[:length] in _HINTS), _OTHER_HINT)


def _state(error: BaseException) -> str:
    driver = _driver_error(error)
    state = getattr(driver, "sqlstate", None)
    if state:
        return str(state)
    message = str(driver)
    known = next((state for text_, state in _REFUSED.items() if text_ in message), "")
    return known or ("08" if isinstance(driver, psycopg.OperationalError) else "")


def _driver_error(error: BaseException) -> BaseException:
    driver: BaseException = getattr(error, "orig", None) or error
    return driver
