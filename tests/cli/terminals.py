"""Running a command line in a terminal of its own (a pty), as a user does."""

import fcntl
import os
import re
import select
import struct
import sys
import termios
import time

STYLES = re.compile(rb"\x1b\[[0-9;]*m|\x1b\]8;[^\x1b]*\x1b\\")


def run_in_terminal(arguments, *, columns=80, env=None, answers=None, seconds=120):
    """Run `python ARGUMENTS` in a pty and return (exit code, its output).

    `answers` maps what the program asks of the terminal to what the terminal says.
    """
    import pty

    process, terminal = pty.fork()
    if process == 0:
        os.environ.update({"TERM": "xterm-256color", "COLUMNS": str(columns)} | (env or {}))
        os.environ.pop("NO_COLOR", None) if "NO_COLOR" not in (env or {}) else None
        os.execv(sys.executable, [sys.executable, *map(str, arguments)])
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    output, end = b"", time.monotonic() + seconds
    while time.monotonic() < end:
        if not select.select([terminal], [], [], 0.2)[0]:
            continue
        try:
            data = os.read(terminal, 65536)
        except OSError:  # Linux: the program has ended
            data = b""
        if not data:
            break
        output += data
        for question, answer in (answers or {}).items():
            if question in data:
                os.write(terminal, answer)
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]), output


def plain(output):
    """The output as text without colours and links."""
    return STYLES.sub(b"", output).decode()
