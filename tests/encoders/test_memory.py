import sys
from pathlib import Path

import pytest
from polyglance.encoders.runtimes import memory

MIB = 1 << 20


def resident() -> int:
    """Bytes of this process's memory that no file backs."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith("RssAnon:"))


@pytest.mark.skipif(sys.platform != "linux", reason="only glibc keeps freed memory in this way")
def test_freed_memory_is_given_back_to_the_system() -> None:
    before = resident()
    blocks = [b"x" * 65_536 for _ in range(3200)]
    last = b"x" * 65_536  # above all others, so that glibc cannot shorten its heap
    del blocks
    kept = resident() - before

    memory.give_back()

    assert last
    assert kept > 150 * MIB, "glibc kept nothing, so this test shows nothing"
    assert resident() - before < 20 * MIB
