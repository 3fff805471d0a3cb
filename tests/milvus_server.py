"""A real server of Milvus's API, milvus-lite, in a process of its own that tests start, kill and bring back."""

import contextlib
import importlib.util
import shutil
import socket
import subprocess
import sys
import time

import pytest

INSTALLED = all(importlib.util.find_spec(name) for name in ("pymilvus", "milvus_lite"))


class Server:
    """One server over `folder`, on a port of 127.0.0.1 that stays the same when it is started again."""

    def __init__(self, folder):
        self.folder = folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.process = None

    def url(self, collection="photos", options=""):
        return f"milvus://127.0.0.1:{self.port}/{collection}{options}"

    def start(self):
        command = [sys.executable, "-m", "milvus_lite", "server", "--data-dir", str(self.folder)]
        command += ["--host", "127.0.0.1", "--port", str(self.port)]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        end = time.monotonic() + 60
        while time.monotonic() < end and self.process.poll() is None:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 0.5):
                return self
            time.sleep(0.05)
        raise AssertionError("milvus-lite did not start")

    def kill(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def wipe(self):
        self.kill()
        shutil.rmtree(self.folder)


@pytest.fixture(scope="session")
def milvus(tmp_path_factory):
    """One server for all tests that do it no harm."""
    if not INSTALLED:
        pytest.skip("milvus-lite and pymilvus are not installed")
    server = Server(tmp_path_factory.mktemp("milvus"))
    yield server.start()
    server.kill()


@pytest.fixture
def own_milvus(tmp_path):
    """A server that a test may kill and wipe."""
    if not INSTALLED:
        pytest.skip("milvus-lite and pymilvus are not installed")
    server = Server(tmp_path / "milvus")
    yield server.start()
    server.kill()
