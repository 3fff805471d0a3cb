"""A bucket in moto's S3 server, which runs in an environment of its own (`make test-cluster`). A pytest plugin."""

import contextlib
import http.client
import importlib.util
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pytest
from polyglance.data import objects

with contextlib.suppress(ImportError):
    import obstore

SERVER = Path(sys.prefix) / "moto" / "bin" / "moto_server"
"""Not beside the other packages: botocore wants older ones."""
AUTHORIZATION = "AWS4-HMAC-SHA256 Credential=tests/20260101/us-east-1/s3/aws4_request"
"""Without it moto takes a DELETE for that of a browser's form."""
SECRET = "a-key-that-nothing-may-show"


@dataclass
class Bucket:
    """A bucket of the server."""

    endpoint: str
    name: str
    process: subprocess.Popen

    @property
    def url(self):
        return f"s3://{self.name}"

    def put(self, key, data):
        obstore.put(self._store(), key, data)

    def put_as_it_is(self, key, data):
        """Write a key that obstore refuses."""
        self.ask("PUT", key, data)

    def remove_as_it_is(self, key):
        """Remove a key that obstore refuses."""
        self.ask("DELETE", key)

    def delete(self, key):
        obstore.delete(self._store(), key)

    def _store(self):
        return objects._locate(self.url.encode())[0]

    def stop(self):
        """Let the server answer nothing, as a network that is cut."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def ask(self, method, key, data=None):
        connection = http.client.HTTPConnection(self.endpoint.removeprefix("http://"), timeout=120)
        try:
            address = f"/{self.name}/{quote(key)}" if key else f"/{self.name}"
            connection.request(method, address, data, {"Authorization": AUTHORIZATION} if key else {})
            answer = connection.getresponse()
            assert answer.status < 300, (answer.status, answer.read())
        finally:
            connection.close()


@contextlib.contextmanager
def serving(name):
    """Run a server with an empty bucket of this name."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    command = [str(SERVER), "-H", "127.0.0.1", "-p", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        bucket = Bucket(f"http://127.0.0.1:{port}", name, process)
        try:
            end = time.monotonic() + 120
            while process.poll() is None and time.monotonic() < end:
                with contextlib.suppress(OSError):
                    socket.create_connection(("127.0.0.1", port), 1).close()
                    break
                time.sleep(0.1)
            bucket.ask("PUT", "", b"")
            yield bucket
        finally:
            process.kill()


@pytest.fixture(scope="module")
def storage():
    """The server with its bucket, and the environment that leads there."""
    if not SERVER.exists() or not importlib.util.find_spec("obstore"):
        pytest.skip("moto or obstore is not installed: make test-cluster")
    with serving("photos") as bucket, pytest.MonkeyPatch.context() as patch:
        lead_to(bucket, patch)
        yield bucket
    objects.forget_stores()


def lead_to(bucket, patch):
    """Set the environment to this server."""
    for name, value in {
        "AWS_ENDPOINT": bucket.endpoint,
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "tests",
        "AWS_SECRET_ACCESS_KEY": SECRET,
    }.items():
        patch.setenv(name, value)
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        patch.delenv(name)
    objects.forget_stores()
