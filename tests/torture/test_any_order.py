"""Whatever is done to the files, in whatever order: after an update of all roots the index equals the disk."""

import os
import shutil
import tempfile
import threading
from pathlib import Path

import children
import colour_encoder
import numpy as np
import pytest
from compare import assert_equals_disk, assert_sound, ids, in_catalog, on_disk, rows, thumbnails, until
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test
from PIL import Image
from polyglance.encoders import registry
from polyglance.errors import LibraryBusy
from polyglance.indexer.run.stop import Stop
from polyglance.indexer.watch.service import Timing

pytestmark = pytest.mark.torture

NAMES = st.sampled_from(["a.bmp", "A.bmp", "b.BMP", "c.bmp", "é.bmp", "skip.bmp", "x.tmp.bmp", "y.bmp.part"])
FOLDERS = st.sampled_from(["one", "One", "two", "skip", "three.bmp"])
PATTERNS = ["skip/", "*.tmp.bmp"]
QUICK = Timing(quiet=0.05, ceiling=0.5, rescan=3600, poll=0.5, tick=0.1, retry=0.1)


def is_excluded(path, patterns):
    parts = path.split(b"/")
    return ("skip/" in patterns and b"skip" in parts[:-1]) or (
        "*.tmp.bmp" in patterns and parts[-1].endswith(b".tmp.bmp")
    )


class Files(RuleBasedStateMachine):
    """Two roots and a library of them; `index` runs in this process, or in one that is killed."""

    def __init__(self):
        super().__init__()
        self.place = Path(tempfile.mkdtemp(prefix="any-order-"))
        self.roots = [self.place / "photos", self.place / "other"]
        self.number = 0
        self.was_killed = False
        self.real_create = registry.create
        for root in self.roots:
            root.mkdir()
            self.write(root / "first.bmp")
            (root / "notes.txt").write_text("a root that is never quite empty")
        self.library = children.opened(self.place / "library", batch_size=3)
        self.library.index(self.roots)

    def teardown(self):
        registry.create = self.real_create
        self.library.close()
        shutil.rmtree(self.place)

    # --- what is there ------------------------------------------------------------------------

    def write(self, path):
        self.number += 1
        colour_encoder.tiny(path, self.number * 7919 % 2**24)

    def files(self):
        """Pictures and what is called like no picture, but for the notes that keep a root from being empty."""
        found = (path for root in self.roots for path in root.rglob("*") if path.is_file() and not path.is_symlink())
        return sorted(path for path in found if path.suffix != ".txt")

    def pictures(self):
        return [file for file in self.files() if file.suffix.lower() == ".bmp"]

    def folders(self):
        return sorted(p for root in self.roots for p in root.rglob("*") if p.is_dir() and not p.is_symlink())

    def pick(self, data, among):
        return data.draw(st.sampled_from(among)) if among else None

    def target(self, data, name):
        path = self.pick(data, [*self.roots, *self.folders()]) / name
        return None if os.path.lexists(path) else path

    # --- what is done to files ----------------------------------------------------------------

    @rule(data=st.data(), name=NAMES)
    def create(self, data, name):
        if path := self.target(data, name):
            self.write(path)

    @precondition(files)
    @rule(data=st.data())
    def overwrite(self, data):
        self.write(self.pick(data, self.files()))

    @precondition(files)
    @rule(data=st.data())
    def append(self, data):
        with self.pick(data, self.files()).open("ab") as file:
            file.write(b"more")

    @precondition(files)
    @rule(data=st.data())
    def delete(self, data):
        self.pick(data, self.files()).unlink()

    @precondition(files)
    @rule(data=st.data(), name=NAMES)
    def rename(self, data, name):
        file = self.pick(data, self.files())
        if path := self.target(data, name):
            file.rename(path)

    @precondition(files)
    @rule(data=st.data())
    def rename_by_case(self, data):
        file = self.pick(data, self.files())
        path = file.with_name(file.name.swapcase())
        if not os.path.lexists(path):
            file.rename(path)

    @precondition(files)
    @rule(data=st.data(), name=NAMES)
    def copy(self, data, name):
        if path := self.target(data, name):
            shutil.copy2(self.pick(data, self.files()), path)

    @precondition(files)
    @rule(data=st.data(), name=NAMES)
    def symlink(self, data, name):
        if path := self.target(data, name):
            path.symlink_to(self.pick(data, [*self.files(), *self.folders()]))

    @precondition(files)
    @rule(data=st.data())
    def touch(self, data):
        os.utime(self.pick(data, self.files()))

    @precondition(files)
    @rule(data=st.data())
    def chmod(self, data):
        file = self.pick(data, self.files())
        file.chmod(0o600 if file.stat().st_mode & 0o077 else 0o644)

    @rule(data=st.data(), name=FOLDERS)
    def make_folder(self, data, name):
        if path := self.target(data, name):
            path.mkdir()
            self.write(path / "new.bmp")

    @precondition(lambda self: self.folders())
    @rule(data=st.data(), name=FOLDERS)
    def move_folder(self, data, name):
        folder, path = self.pick(data, self.folders()), self.target(data, name)
        if path and not path.is_relative_to(folder):
            folder.rename(path)

    @precondition(lambda self: self.folders())
    @rule(data=st.data())
    def remove_folder(self, data):
        shutil.rmtree(self.pick(data, self.folders()))

    @rule(patterns=st.lists(st.sampled_from(PATTERNS), unique=True))
    def exclude(self, patterns):
        until(lambda: self.try_to_exclude(patterns))

    def try_to_exclude(self, patterns):
        try:
            self.library.exclude(patterns)
        except LibraryBusy:  # the watcher is at work
            return False
        return True

    def check(self):
        patterns = self.library.excluded()
        folder = self.library.folder
        assert_equals_disk(folder, *self.roots, excluded=lambda path: is_excluded(path, patterns))
        encoder = colour_encoder.ColourEncoder()
        vectors = {key: vector for _, key, vector in rows(folder)["vectors"]}
        for (root, path), (key, *_) in in_catalog(folder).items():
            with Image.open(os.path.join(root, path)) as image:
                alone = encoder.encode_images([image.convert("RGB")])[0]
            assert np.array_equal(np.frombuffer(vectors[key], "<f2"), alone.astype("<f2"))
        assert {name[:64] for name in thumbnails(folder)} == {key.hex() for key in vectors}


class Indexed(Files):
    """With index runs at any time, some of them of a part, some killed."""

    @precondition(Files.files)
    @rule(data=st.data(), name=NAMES)
    def link(self, data, name):
        if path := self.target(data, name):
            path.hardlink_to(self.pick(data, self.files()))

    @rule(data=st.data())
    def index_a_part(self, data):
        """Not of one that is excluded: that would become a root of its own."""
        folder = self.pick(data, [*self.roots, *self.folders()])
        if not is_excluded(os.fsencode(folder.relative_to(self.place) / "any"), self.library.excluded()):
            self.library.index([folder])

    @rule(number=st.integers(1, 6))
    def kill_an_index_run(self, number):
        """Before one of its commits, if it does so many."""
        folder = self.library.folder
        process = children.start(children.index, folder, self.roots, crash=(folder, "commit", number))
        process.join()
        assert process.exitcode in {0, -9}

    @rule()
    def index(self):
        self.library.index(self.roots)
        self.check()

    @rule(data=st.data(), name=FOLDERS, of_a_folder=st.booleans())
    def move_and_nothing_else(self, data, name, of_a_folder):
        """It keeps ids and costs no encoding."""
        self.library.index(self.roots)
        source = self.pick(data, self.folders() if of_a_folder else self.pictures())
        target = self.target(data, name if of_a_folder else f"moved {name}.bmp")
        if not source or not target or target.is_relative_to(source):
            return
        before = self.by_file()
        source.rename(target)
        report = self.library.index(self.roots)
        after = self.by_file()
        assert all(after[file] == before[file] for file in after.keys() & before.keys())
        if not self.library.excluded():
            assert after.keys() == before.keys()
            assert (report.tally.encoded, report.tally.added, report.tally.removed) == (0, 0, 0)
        self.check()

    def by_file(self):
        """Photo id by file, told apart by inode; not of files with several names, of which any may be the one moved."""
        known, catalog = ids(self.library.folder), in_catalog(self.library.folder)
        inodes = [entry[3] for entry in on_disk(*self.roots).values()]
        return {entry[3]: known[place] for place, entry in catalog.items() if inodes.count(entry[3]) == 1}

    def teardown(self):
        try:
            self.index()
            assert_sound(self.library.folder)
        finally:
            super().teardown()


class Watched(Files):
    """With a watcher that is waited for now and then.

    No hard links: what is written through one name is reported for that name only, and the other one is made good by
    the next rescan. Times may differ: what only touches a file is no news.
    """

    def __init__(self):
        super().__init__()
        self.stop = Stop()
        self.failure = []
        self.thread = threading.Thread(target=self.follow)
        self.thread.start()

    def follow(self):
        try:
            self.library.watch(stop=self.stop, timing=QUICK)
        except BaseException as error:
            self.failure.append(error)
            raise

    @rule()
    def settle(self):
        patterns = self.library.excluded()
        until(lambda: self.failure or self.contents() == self.contents_on_disk(patterns))
        assert not self.failure

    def contents(self):
        return {place: entry[0] for place, entry in in_catalog(self.library.folder).items()}

    def contents_on_disk(self, patterns):
        found = on_disk(*self.roots, excluded=lambda path: is_excluded(path, patterns))
        return {place: entry[0] for place, entry in found.items()}

    def teardown(self):
        try:
            self.settle()
            self.stop.ask()
            self.thread.join()
            self.library.index(self.roots)
            self.check()
        finally:
            self.stop.ask()
            self.thread.join()
            super().teardown()


def run(machine, examples, steps):
    quietly = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            suppress_health_check=quietly,
            print_blob=True,
            phases=(Phase.explicit, Phase.reuse, Phase.generate),
        ),
    )


@pytest.mark.timeout(1800)  # dozens of runs in one test
@pytest.mark.parametrize(
    "examples",
    [8, pytest.param(600, marks=pytest.mark.full)],
)
def test_index_equals_disk_whatever_was_done(examples):
    run(Indexed, examples, 30)


@pytest.mark.parametrize(
    "examples",
    [3, pytest.param(150, marks=pytest.mark.full)],
)
def test_index_equals_disk_under_watch_whatever_was_done(examples):
    run(Watched, examples, 20)
