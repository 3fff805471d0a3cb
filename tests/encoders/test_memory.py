import subprocess
import sys

import pytest

KEPT_AND_LEFT = """
from pathlib import Path

from polyglance.encoders.runtimes import memory


def resident():
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon:")) / 1024


before = resident()
blocks = [b"x" * 65_536 for _ in range(3200)]
last = b"x" * 65_536  # above all others, so that glibc cannot shorten its heap
del blocks
kept = resident() - before
memory.give_back()
print(kept, resident() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only glibc keeps freed memory in this way")
def test_freed_memory_is_given_back_to_the_system() -> None:
    done = subprocess.run([sys.executable, "-P", "-c", KEPT_AND_LEFT], capture_output=True, text=True, check=True)
    kept, left = map(float, done.stdout.split())  # MiB

    assert kept > 150, "glibc kept nothing, so this test shows nothing"
    assert left < 20
