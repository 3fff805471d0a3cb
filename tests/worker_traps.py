"""Pictures that crash, hang or eat memory when they are decoded, for the real decoding processes. A pytest plugin."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from polyglance.data.pictures import decoding

# As the beginning of a JPEG file, so that they are taken for pictures; what makes them traps is planted below.
CRASHES = b"\xff\xd8\xffcrashes"
HANGS = b"\xff\xd8\xffhangs"
EATS = b"\xff\xd8\xffeats"
PRINTS = b"\xff\xd8\xffprints"

_PLANTED = f"""
import os, sys
if "-m" in sys.orig_argv and "polyglance.data.pictures.worker" in sys.orig_argv:
    import ctypes
    from polyglance.data.pictures import formats
    open_picture, eaten = formats.open_picture, []

    def trapped(name, data, max_pixels):
        if data == {CRASHES!r}:
            ctypes.string_at(0)
        while data == {HANGS!r}:
            pass
        while data == {EATS!r}:
            eaten.append(bytearray(b"x") * 50_000_000)
        if data.startswith({PRINTS!r}):
            os.write(1, b"a warning" * 1000)
            print("another", flush=True)
            data = data[{len(PRINTS)}:]
        return open_picture(name, data, max_pixels)

    formats.open_picture = trapped
    import psutil, resource  # as on this system
    sys.platform = os.environ.get("POLYGLANCE_TEST_PLATFORM", sys.platform)
"""


@pytest.fixture
def traps(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every decoding process that starts meanwhile falls into the traps above."""
    folder: Path = tmp_path_factory.mktemp("planted")
    (folder / "sitecustomize.py").write_text(_PLANTED)
    monkeypatch.syspath_prepend(folder)
    decoding.end_idle()
    yield
    decoding.end_idle()
