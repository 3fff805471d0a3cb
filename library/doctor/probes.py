"""Processes that find something out: libraries that may crash when they are loaded, and tools of the system."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from typing import Any

LOADING_SECONDS = 60.0
"""Loading torch from a cold network disk takes this long."""
TOOL_SECONDS = 5.0


def load(module: str, *arguments: str) -> dict[str, Any]:
    """Run a module of polyglance that prints a JSON object, and return it; `{"error": reason}` if that fails."""
    # -P: modules must not be imported from the working directory.
    command = [sys.executable, "-P", "-m", module, *arguments]
    path = os.pathsep.join(filter(None, sys.path))
    try:
        done = subprocess.run(
            command, capture_output=True, timeout=LOADING_SECONDS, env={**os.environ, "PYTHONPATH": path}, check=False
        )
    except subprocess.TimeoutExpired:
        return {"error": f"it did not load within {LOADING_SECONDS:.0f} s"}
    except OSError as error:
        return {"error": error.strerror or str(error)}
    if done.returncode == 0:
        try:
            return dict(json.loads(done.stdout.splitlines()[-1]))
        except (IndexError, ValueError):
            return {"error": "it printed something else than was expected"}
    return {"error": reason_of(done.returncode, done.stderr.decode(errors="replace"))}


def reason_of(status: int, stderr: str) -> str:
    """Why a process ended with `status`: the last line that it printed, or the signal that ended it."""
    if status == -4 or status == 0xC000001D:
        return "this processor lacks instructions that it was built with"
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    if status < 0 or not lines:
        return f"loading it ended the process (status {status})"
    return lines[-1][:200]


def output_of(*command: str) -> str:
    """What a tool prints, without spaces around it; empty if there is no such tool or it fails."""
    program = shutil.which(command[0])
    if program is None:
        return ""
    try:
        done = subprocess.run(
            [program, *command[1:]], capture_output=True, text=True, errors="replace", timeout=TOOL_SECONDS, check=False
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
