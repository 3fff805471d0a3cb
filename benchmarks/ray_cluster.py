"""A Ray cluster of several raylets on this machine, for tests and measurements.

    python -m polyglance.benchmarks.ray_cluster RAYLETS CPUS

It prints the address `ray://127.0.0.1:PORT` when workers can be hired, and ends when its input does. Nothing of it
listens on another address.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

import psutil

LOOPBACK = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0", "RAY_USAGE_STATS_ENABLED": "0"}
"""The first makes Ray listen on 127.0.0.1 alone."""
LOCK = os.path.join(tempfile.gettempdir(), "polyglance-ray.lock")
MEMORY = 80_000_000
STARTS = 3
"""Ray gives a machine of the cluster 30 seconds to begin, which is not always enough where much else runs."""


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@dataclass(frozen=True)
class RayCluster:
    """The running cluster."""

    process: psutil.Process
    url: str

    def workers(self) -> list[psutil.Process]:
        """The processes of polyglance's workers, oldest first."""
        return [each for each in self._family() if "ray::Worker" in _command(each)]

    def raylets(self) -> list[psutil.Process]:
        """The machines of the cluster, oldest first; the first one has no processors."""
        return [each for each in self._family() if os.path.basename(_command(each).split(" ")[0]) == "raylet"]

    def kill_worker(self) -> int:
        """Kill one worker, as the system does when memory is short; return its process id."""
        worker = self.workers()[0]
        worker.send_signal(signal.SIGKILL)
        return int(worker.pid)

    def kill_client_servers(self, count: int, is_over: threading.Event) -> None:
        """Kill the next so many processes that Ray starts to serve a client, each as soon as it is there."""
        seen = {each.pid for each in self._family() if _is_client_server(each)}
        while count > 0 and not is_over.is_set():
            for each in self._family():
                if each.pid not in seen and _is_client_server(each):
                    seen.add(each.pid)
                    count -= 1
                    _kill([each])
            time.sleep(0.02)

    def kill_machine(self) -> None:
        """Kill the newest raylet with all that runs below it."""
        _kill([*(raylet := self.raylets()[-1]).children(recursive=True), raylet])

    def _family(self) -> list[psutil.Process]:
        return sorted(self.process.children(recursive=True), key=lambda each: float(each.create_time()))


@contextlib.contextmanager
def running(raylets: int = 2, cpus: int = 1, **environment: str) -> Iterator[RayCluster]:
    """Run a cluster of so many raylets with so many processors each, beside a first one that has none."""
    command = [sys.executable, "-m", "polyglance.benchmarks.ray_cluster", str(raylets), str(cpus)]
    with _only_cluster(), tempfile.TemporaryFile() as log:
        for _ in range(STARTS):
            with _running(command, {**os.environ, **LOOPBACK, **environment}, log) as cluster:
                if cluster.url:
                    yield cluster
                    return
        log.seek(0)
        raise RuntimeError(log.read().decode()[-2000:])


@contextlib.contextmanager
def _running(command: list[str], environment: dict[str, str], log: IO[bytes]) -> Iterator[RayCluster]:
    """Run the cluster in a process of its own; the address is empty if it ended before it was ready."""
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, env=environment)
    assert process.stdin is not None and process.stdout is not None
    family = psutil.Process(process.pid)
    try:
        yield RayCluster(family, process.stdout.readline().decode().strip())
    finally:
        children = family.children(recursive=True) if process.poll() is None else []
        process.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(20)
        _kill([*children, family])
        process.wait()
        process.stdout.close()


@contextlib.contextmanager
def _only_cluster() -> Iterator[None]:
    """Wait until no other cluster of ours runs here: two would take each other's ports, which Ray counts from 23000."""
    import fcntl

    with open(LOCK, "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _is_client_server(process: psutil.Process) -> bool:
    return "--mode=specific-server" in _command(process)


def _kill(processes: list[psutil.Process]) -> None:
    for each in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            each.kill()


def _command(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def main(raylets: int, cpus: int) -> None:
    """Run until the input ends."""
    from ray.cluster_utils import Cluster

    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # Ray prints a lot
    common = {"include_dashboard": False, "object_store_memory": MEMORY, "node_ip_address": "127.0.0.1"}
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, **common})
    with contextlib.ExitStack() as stack:
        stack.callback(cluster.shutdown)
        for _ in range(raylets):
            cluster.add_node(num_cpus=cpus, **common)
        port = free_port()
        server = [sys.executable, "-m", "ray.util.client.server", "--address", cluster.address, "--host", "127.0.0.1"]
        client_server = stack.enter_context(subprocess.Popen([*server, "--port", str(port)]))
        stack.callback(client_server.terminate)
        while client_server.poll() is None:
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            time.sleep(0.1)
        assert client_server.poll() is None, "Ray's client server has ended"
        print(f"ray://127.0.0.1:{port}", file=answers, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
