"""Where uploaded pictures wait until they are searched by: Gradio stores each as a file before it says so."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from functools import cache
from pathlib import Path

from ..web.limits import MAX_UPLOAD_BYTES

MAX_WAITING_BYTES = 4 * MAX_UPLOAD_BYTES


@cache
def folder() -> Path:
    """The folder of this process for uploads, which other users cannot read; it goes with the process."""
    path = Path(tempfile.mkdtemp(prefix="polyglance-uploads-"))
    os.environ["GRADIO_TEMP_DIR"] = str(path)
    atexit.register(shutil.rmtree, path, ignore_errors=True)
    return path


def has_room() -> bool:
    """Whether another upload may be stored; false while too many wait to be searched by."""
    return sum(file.stat().st_size for file in folder().rglob("*") if file.is_file()) < MAX_WAITING_BYTES
