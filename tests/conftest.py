"""Fixtures that tests of several rooms share: tiny checkpoints, a model hub on this machine, a user without rights."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import hypothesis
import pytest

# Threads of OpenMP wait for each other by spinning: on cores that others use as well, that costs minutes.
os.environ.setdefault("OMP_NUM_THREADS", "1")

from polyglance.encoders import registry

# How long an example takes says nothing, on a machine that is busy.
hypothesis.settings.register_profile("busy machine", deadline=None)
hypothesis.settings.load_profile("busy machine")

# With --import-mode=importlib no folder of tests is on the path, and plugins are found by name.
sys.path.insert(0, str(Path(__file__).parent))

pytest_plugins = [
    "checkpoints",
    "colour_encoder",
    "evaluation_sets",
    "hub_server",
    "libraries",
    "milvus_server",
    "postgresql_server",
    "search_places",
    "worker_traps",
]

NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", sys.executable, "-B", "-c"]


@pytest.fixture(autouse=True)
def own_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever encoder a test puts in place of the real ones goes with it."""
    monkeypatch.setattr(registry, "create", registry.create)


@pytest.fixture(scope="session")
def as_nobody() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run Python code as a user without rights: root, whom tests run as here and there, may read everything."""
    if not shutil.which("setpriv") or os.geteuid() != 0:
        pytest.skip("needs root and setpriv to become nobody")

    def run(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        home = {**os.environ, "HOME": "/nonexistent"}
        return subprocess.run([*NOBODY, code, *arguments], capture_output=True, text=True, env=home, check=False)

    if run("import polyglance").returncode:
        pytest.skip("this Python, or this clone, cannot be read by nobody")
    return run


@pytest.fixture
def opened_to_all() -> Callable[[Path], None]:
    """Let every user come to a folder below the temporary one."""

    def open_up(folder: Path) -> None:
        for each in (folder, *folder.parents):
            if each != Path("/tmp") and each.is_relative_to("/tmp"):
                each.chmod(0o755)

    return open_up
