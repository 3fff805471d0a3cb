"""What these tests need of the machine, asked for in one place: root with mounts, a namespace, and nobody."""

import contextlib
import multiprocessing
import os
import shutil
import subprocess

import children
import colour_encoder
import compare
import pytest
from polyglance.data import watch_state
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


class Watched:
    """A library that a process of its own watches; `log` counts its encodings, `troubles` is what watchdog said."""

    def __init__(self, place, roots, settings):
        self.library, self.log, self.troubles = place / "library", place / "log", place / "troubles"
        self.settings = settings
        self.environment = {"COLOUR_LOG": str(self.log)}
        self.index(*roots)
        self.start()

    def index(self, *roots):
        children.finish(children.index, self.library, roots, environment=self.environment, **self.settings)

    def start(self, work=children.watch, *arguments):
        self.process = children.start(
            work,
            self.library,
            children.QUICK,
            self.troubles,
            *arguments,
            environment=self.environment,
            **self.settings,
        )
        compare.until(lambda: self.state() is not None and "" not in self.state())

    def state(self):
        """How each root is watched, and the notes."""
        state = watch_state.read(self.library)
        return state and [root.how for root in state.roots]

    def notes(self):
        return " ".join(root.note for root in watch_state.read(self.library).roots)

    def encoded(self):
        return compare.count(self.log)

    def stop(self):
        self.process.terminate()
        self.process.join()
        assert self.process.exitcode == 0


@pytest.fixture
def watch(tmp_path):
    """Index folders and watch them in another process; ended well at the end."""
    started = []

    def start(*roots, **settings):
        started.append(Watched(tmp_path, roots, settings))
        return started[-1]

    yield start
    for watched in started:
        if watched.process.is_alive():
            watched.stop()


@pytest.fixture
def until_equal():
    """Wait until a watched library equals its folders."""

    def until_equal(watched, *roots, seconds=30):
        compare.until(lambda: compare.in_catalog(watched.library) == compare.on_disk(*roots), seconds)
        compare.assert_equals_disk(watched.library, *roots, pruned=False)

    return until_equal


@pytest.fixture(autouse=True)
def _no_child_left():
    yield
    for process in multiprocessing.active_children():
        process.kill()
        process.join()
