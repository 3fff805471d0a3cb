"""One of the processes of `serve --processes N`."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from socket import socket

from ..config import Settings
from ..errors import PolyglanceError
from ..library import Library
from ..ui.web import logs
from ..ui.web.policy import Policy
from ..ui.web.server import Offers, serve_on
from ..ui.web.sharing import Sharing
from .output import NoteHandler
from .serve import watching


@dataclass(frozen=True)
class Plan:
    """What every process of a server serves, and to whom."""

    folder: Path
    settings: Settings
    policy: Policy
    offers: Offers
    sharing: Sharing
    watch: bool = False
    log_json: bool = False


def work(plan: Plan, listener: socket, on_ready: Callable[[], None]) -> None:
    """Serve connections to `listener` until SIGTERM. An error is one line on stderr and exit code 1."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s", handlers=[NoteHandler()])
    log = logging.getLogger("polyglance")
    log.setLevel(logging.INFO)
    if plan.log_json:
        logs.use_json()
    try:
        with (
            listener,
            Library.open(plan.folder, settings=plan.settings, create=False) as library,
            watching(library, waits=True) if plan.watch else nullcontext(),
        ):
            serve_on(listener, library, plan.policy, plan.offers, lambda _: on_ready(), plan.sharing)
    except PolyglanceError as error:
        log.error("Error: %s", error)
        sys.exit(error.exit_code)
