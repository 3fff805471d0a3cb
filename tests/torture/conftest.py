"""What these tests need of the machine, asked for in one place: root with mounts, a namespace, and nobody."""

import contextlib
import multiprocessing
import os
import shutil
import subprocess

import children
import colour_encoder
import pytest
from polyglance.encoders import registry


def _can(*command):
    return bool(shutil.which(command[0])) and subprocess.run(command, capture_output=True).returncode == 0


class Machine:
    """What can be done here; asked once."""

    def __init__(self):
        self.is_root = hasattr(os, "geteuid") and os.geteuid() == 0
        self.mounts = self.is_root and _can("unshare", "-m", "mount", "-t", "tmpfs", "none", "/tmp")
        self.namespaces = _can("unshare", "-Ur", "sh", "-c", "echo 8 > /proc/sys/user/max_inotify_watches")


@pytest.fixture(scope="session")
def machine():
    return Machine()


@pytest.fixture
def needs_mounts(machine):
    if not machine.mounts:
        pytest.skip("needs root and the right to mount")


@pytest.fixture
def needs_namespaces(machine):
    if not machine.namespaces:
        pytest.skip("needs user namespaces with limits of their own (unshare -Ur)")


@pytest.fixture
def needs_root(machine):
    if not machine.is_root:
        pytest.skip("needs root")


@pytest.fixture
def disk(needs_mounts):
    """Mount a file system in memory of so many bytes; `disk.unplug`, `disk.grow`. All are gone at the end."""

    class Disk:
        def __init__(self):
            self.mounted = []

        def plug(self, folder, size="64m"):
            folder.mkdir(parents=True, exist_ok=True)
            subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "none", folder], check=True)
            self.mounted.append(folder)
            return folder

        def bind(self, source, folder):
            folder.mkdir(parents=True, exist_ok=True)
            subprocess.run(["mount", "--bind", source, folder], check=True)
            self.mounted.append(folder)
            return folder

        def unplug(self, folder):
            subprocess.run(["umount", "-l", folder], check=True)  # lazily: pulled out, whoever has files open
            self.mounted.remove(folder)

        def grow(self, folder, size):
            subprocess.run(["mount", "-o", f"remount,size={size}", folder], check=True)

    disk = Disk()
    yield disk
    for folder in reversed(disk.mounted):
        subprocess.run(["umount", "-l", folder], check=False)


@pytest.fixture
def opened(monkeypatch):
    """Open a library of the tiny encoder in this process; closed at the end."""
    monkeypatch.setattr(registry, "create", colour_encoder.create)
    with contextlib.ExitStack() as stack:
        yield lambda folder, **more: stack.enter_context(children.opened(folder, **more))


@pytest.fixture
def many(draw):
    """Fill a folder with `count` different pictures, 20 in each subfolder, numbered from `first`."""

    def many(folder, count, first=0):
        return [draw(folder / f"{n // 20:02}" / f"{n:04}.png", n) for n in range(first, first + count)]

    return many


@pytest.fixture(autouse=True)
def _no_child_left():
    yield
    for process in multiprocessing.active_children():
        process.kill()
        process.join()
