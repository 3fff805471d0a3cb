"""Processes that tests start, and kill: the library's own work, with the tiny encoder in place of a large one.

Forked from a server that has everything imported, so that a hundred of them cost seconds. They can be killed before
any step: a commit of a catalog, or a file of the library that is written, renamed or removed.
"""

import contextlib
import functools
import importlib
import logging
import multiprocessing
import os
import re
import resource
import signal
import sqlite3
import sys
import threading
import time
from collections import Counter
from multiprocessing import forkserver
from pathlib import Path

import colour_encoder
from polyglance import cli
from polyglance.config import Settings
from polyglance.data.catalog import vectors as rows
from polyglance.data.catalog.catalog import Catalog
from polyglance.data.catalog.labels import Labels
from polyglance.encoders import registry
from polyglance.errors import LibraryBusy
from polyglance.indexer.run.stop import Stop
from polyglance.indexer.watch.service import Timing
from polyglance.library import Library, labelling
from sqlalchemy import Engine, event, text

context = multiprocessing.get_context("forkserver")
PRELOADED = ["children", "faiss", "alembic.command", "sqlalchemy.dialects.sqlite"]
THE_WEB = "polyglance.ui.web.server"
"""It takes seconds to import: preloaded where this process has it as well."""

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


def index_by_another_clock(folder, roots, seconds, **more):
    """The same, in a process whose wall clock is off by so many seconds."""
    set_clock(seconds)
    index(folder, roots, **more)


def reencode(folder, encoder):
    with opened(folder) as library:
        library.reencode(encoder)


def label_in_small_batches(folder, count, seconds):
    """Make the labels of places and things that are missing, so many at a time, with a pause after each batch."""
    write = Labels.add

    def add(self, *arguments):
        write(self, *arguments)
        time.sleep(seconds)

    labelling.PLACES_AT_ONCE, Labels.add = count, add
    rows._AFTER = text(str(rows._AFTER).replace(f"LIMIT {rows.AT_ONCE}", f"LIMIT {count}"))
    with opened(folder) as library:
        library.label()


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
    set_clock(years * 365 * 24 * 3600)
    watch(folder, timing, troubles)


def set_clock(off):
    """Let the wall clock of this process be off by so many seconds."""
    real, real_ns = time.time, time.time_ns
    time.time, time.time_ns = lambda: real() + off, lambda: real_ns() + off * 10**9


def open_catalog(path, said, together=None):
    """Open a catalog, upgrading it, at the same moment as others if `together` is their barrier; print its vectors."""
    print_into(said)
    if together:
        together.wait()
    Catalog(path, create=True).close()
    with contextlib.closing(sqlite3.connect(path)) as database:
        print(database.execute("SELECT count(*) FROM vector").fetchone()[0], flush=True)


def print_into(said, errors=None):
    """What this process prints goes to the file `said` from now on, what it says on stderr to `errors` if given."""
    for number, path in ((1, said), (2, errors or said)):
        with open(path, "ab", buffering=0) as file:
            os.dup2(file.fileno(), number)


def command_line(arguments, said, errors=None):
    """Run `polyglance ARGUMENTS` as a command, with what it prints going to the file `said`, or to two files."""
    print_into(said, errors)
    registry.create = colour_encoder.create
    sys.exit(cli.run([str(argument) for argument in arguments]))


def serve(folder, said, errors, files=None, **limits):
    """Serve a library; the file `said` gets its address and, at a good end, `closed`.

    `files` is how many the process may have open, `limits` are those of connections.
    """
    print_into(said, errors)
    if files:
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
    web = importlib.import_module(THE_WEB)
    limits = web.Limits(**limits)
    with Library.open(folder, create=False) as library, web.listen("127.0.0.1", 0) as listener:
        application, address = web.build(library, limits=limits), web.address_of(listener)
        web.Server(application, address, lambda _: print(address, flush=True), limits=limits).run(sockets=[listener])
    print("closed", flush=True)


def start(work, *arguments, environment=None, crash=None, **named):
    """Run `work(*arguments)` in a process of its own.

    With `crash`, (folder, name of a step, number), it is killed before it does that step for the nth time: see
    `follow_steps`.
    """
    with _SERVING:  # threads may start the first children at once
        _serve()
    process = context.Process(target=_run, args=(work, arguments, named, environment or {}, crash))
    process.start()
    return process


def finish(work, *arguments, **more):
    """The same, and wait for its end, which must be a good one."""
    process = start(work, *arguments, **more)
    process.join()
    assert process.exitcode == 0, f"{work.__name__} ended with {process.exitcode}"


_SERVING = threading.Lock()


@functools.cache
def _serve():
    """Start the server; Python before 3.13 does not give it our path, and then it imports nothing, silently."""
    context.set_forkserver_preload(PRELOADED + [THE_WEB] * (THE_WEB in sys.modules))
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
        die_before(*crash)
    work(*arguments, **named)


STEPS = {"os.rename": "rename", "os.remove": "remove", "os.mkdir": "mkdir", "os.rmdir": "rmdir", "os.truncate": "write"}
"""Audit events of Python, and what we call them; the file is their first argument."""

ANY_NAME = re.compile(r"[0-9a-f]{8,}|[0-9]+")


def follow_steps(folder, on_step):
    """Call `on_step(name)` before each step by which this process changes what is on disk of the library in `folder`.

    A step is `commit`, a transaction of a catalog that ends, or what is done to a kind of file: `rename thumbnails/*`,
    `write writer.txt`. After a step and before the next one nothing on disk changes: all moments at which a process can
    be killed are those before a step, but for those in which SQLite or the system is writing.
    """
    inside = os.path.join(folder, "")

    def audit(happening, arguments):
        if happening == "open":
            path, _, flags = arguments
            kind = "write" if isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR) else None
        else:
            kind, path = STEPS.get(happening), arguments[0] if arguments else None
        if kind is None or isinstance(path, int) or path is None:
            return
        name = os.fsdecode(path)
        if name.startswith(inside):
            top, _, rest = name.removeprefix(inside).partition("/")
            on_step(f"{kind} {top}/*" if rest else f"{kind} {ANY_NAME.sub('*', top)}")

    event.listen(Engine, "commit", lambda _: on_step("commit"))
    sys.addaudithook(audit)


def die_before(folder, name, number):
    """Kill this process before it does a step for the nth time."""
    lock, done = threading.Lock(), 0

    def count(step):
        nonlocal done
        with lock:
            done += step == name
            is_due = step == name and done == number
        if is_due:
            os.kill(os.getpid(), signal.SIGKILL)

    follow_steps(folder, count)


def write_steps(folder, log, work, *arguments):
    """Run `work(*arguments)`, and write the name of each step that it does into the file `log`."""
    with open(log, "a", buffering=1) as file:
        follow_steps(folder, lambda step: file.write(f"{step}\n"))
        work(*arguments)


def moments(steps, *, all_of_them=False):
    """Crash points, (name of a step, number), of a run that does these steps.

    Every commit; of the steps of each other kind the first and the last, or all of them.
    """
    points = []
    for step, count in Counter(steps).items():
        every = all_of_them or step == "commit"
        points += [(step, number) for number in range(1, count + 1) if every or number in {1, count}]
    return points
