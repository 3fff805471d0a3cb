"""Processes that tests start, and kill: the library's own work, with the tiny encoder in place of a large one.

Forked from a server that has everything imported, so that a hundred of them cost seconds.
"""

import functools
import importlib
import logging
import multiprocessing
import os
import signal
import sys
import threading
import time
from multiprocessing import forkserver
from pathlib import Path

import colour_encoder
from polyglance import cli
from polyglance.config import Settings
from polyglance.encoders import registry
from polyglance.errors import LibraryBusy
from polyglance.indexer.run.stop import Stop
from polyglance.indexer.watch.service import Timing
from polyglance.library import Library

context = multiprocessing.get_context("forkserver")
context.set_forkserver_preload(["children", "faiss", "alembic.command", "sqlalchemy.dialects.sqlite"])

QUICK = Timing(quiet=0.2, ceiling=2.0, rescan=3600, poll=1.0, tick=0.3, retry=0.3)
"""As the service does it, a few times faster."""


def settings(folder, **more):
    return Settings(
        library=folder, encoder="colour", **{"batch_size": 4, "decode_workers": 2, "thumbnail_side": 64, **more}
    )


def opened(folder, **more):
    """Open a library of the tiny encoder in this process."""
    registry.create = colour_encoder.create
    return Library.open(folder, settings=settings(folder, **more))


def patiently(work):
    """Do it as soon as no other process writes, a watcher for example."""
    for _ in range(200):
        try:
            return work()
        except LibraryBusy:
            time.sleep(0.05)
    return work()


def index(folder, roots, **more):
    with opened(folder, **more) as library:
        patiently(lambda: library.index(roots))


def reencode(folder, encoder):
    with opened(folder) as library:
        library.reencode(encoder)


def forget(folder, root):
    with opened(folder) as library:
        patiently(lambda: library.forget(root))


def exclude(folder, patterns):
    with opened(folder) as library:
        library.exclude(patterns)


def watch(folder, timing=QUICK, troubles=None, **more):
    """Watch until SIGTERM; what watchdog complains of goes into the file `troubles`."""
    stop = Stop()
    if troubles:
        logging.getLogger("watchdog").addHandler(logging.FileHandler(troubles))
    signal.signal(signal.SIGTERM, lambda *_: stop.ask())
    with opened(folder, **more) as library:
        library.watch(stop=stop, timing=timing)


def watch_by_another_clock(folder, timing, troubles, years):
    """The same, in a process whose wall clock is years off."""
    real, real_ns, off = time.time, time.time_ns, years * 365 * 24 * 3600
    time.time, time.time_ns = lambda: real() + off, lambda: real_ns() + off * 10**9
    watch(folder, timing, troubles)


def command_line(arguments, said):
    """Run `polyglance ARGUMENTS` as a command, with what it prints going to the file `said`."""
    with open(said, "ab", buffering=0) as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    registry.create = colour_encoder.create
    sys.exit(cli.run([str(argument) for argument in arguments]))


def start(work, *arguments, environment=None, crash=None, **named):
    """Run `work(*arguments)` in a process of its own; `crash` is a crash point: see `arm`."""
    _serve()
    process = context.Process(target=_run, args=(work, arguments, named, environment or {}, crash))
    process.start()
    return process


def finish(work, *arguments, **more):
    """The same, and wait for its end, which must be a good one."""
    process = start(work, *arguments, **more)
    process.join()
    assert process.exitcode == 0, f"{work.__name__} ended with {process.exitcode}"


@functools.cache
def _serve():
    """Start the server; Python before 3.13 does not give it our path, and then it imports nothing, silently."""
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join([str(Path(__file__).parent), *([before] if before else [])])
    try:
        forkserver.ensure_running()
    finally:
        del os.environ["PYTHONPATH"]
        if before:
            os.environ["PYTHONPATH"] = before


def _run(work, arguments, named, environment, crash):
    os.environ.update(environment)
    if crash:
        arm(*crash)
    work(*arguments, **named)


def arm(place, when, number):
    """Kill this process `when` ("before" or "after") the function at `place` ("module:name") runs for the nth time."""
    module, name = place.split(":")
    owner = importlib.import_module(module)
    *path, name = name.split(".")
    for step in path:
        owner = getattr(owner, step)
    function = getattr(owner, name)
    calls, lock = [], threading.Lock()

    def die_at(moment, call):
        if when == moment and call == number:
            os.kill(os.getpid(), signal.SIGKILL)

    @functools.wraps(function)
    def armed(*arguments, **named):
        with lock:
            calls.append(1)
            call = len(calls)
        die_at("before", call)
        result = function(*arguments, **named)
        die_at("after", call)
        return result

    setattr(owner, name, armed)
